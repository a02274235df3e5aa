// SPDX-License-Identifier: GPL-2.0-or-later
// The path as the program gave it, whatever it holds and wherever it lies.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "opensnoop.h"

namespace sonde::test {
namespace {

constexpr std::size_t longest = 4095;  // and the NUL

// "/tmp/…/./././file" of exactly this length, which names the file.
std::string padded(const Folder& folder, const std::string& name, std::size_t length) {
  std::string path = folder / "";
  while (path.size() + name.size() + 1 < length) path += "./";
  if (path.size() + name.size() < length) path += "/";
  return path + name;
}

// Whole up to the longest that a call takes; of a longer one its beginning, marked.
TEST_P(Opensnoop, ShowsPathsOfEveryLength) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  struct Case {
    std::string path;
    const char* error = "";
  };
  const Folder folder;
  folder.file("file");
  const Case cases[] = {
      {"", "ENOENT"},
      {"f", "ENOENT"},
      {padded(folder, "file", 255)},
      {padded(folder, "file", longest)},
      {std::string(longest, 'x'), "ENAMETOOLONG"},
      {std::string(longest + 1, 'x'), "ENAMETOOLONG"},
      {std::string(longest, 'x') + "yz", "ENAMETOOLONG"},
  };
  constexpr Via calls[] = {Via::open, Via::openat, Via::openat2};
  const auto report = watch(own({"-C", "path,errno,fd"}), [&] {
    for (const auto& c : cases)
      for (const Via via : calls) close(static_cast<int>(call({via, c.path})));
  });
  ASSERT_EQ(report.events.size(), std::size(cases) * std::size(calls));
  for (std::size_t i = 0; i < report.events.size(); ++i) {
    const auto& event = report.events[i];
    const auto& c = cases[i / std::size(calls)];
    SCOPED_TRACE(testing::Message() << c.path.size() << " bytes");
    EXPECT_TRUE(event["path"].is_text()) << event;
    EXPECT_EQ(event["path"].text(), c.path.substr(0, longest + 1));
    EXPECT_EQ(event["path_cut"].is_true(), c.path.size() > longest);
    EXPECT_EQ(event["errno"].text(), c.error);
    EXPECT_EQ(event["fd"].null(), *c.error != 0);
  }
}

TEST_P(Opensnoop, HasNoPathWhereNoneCanBeRead) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  auto* pages = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  munmap(pages + 4096, 4096);
  std::memset(pages, 'x', 4096);  // no NUL before the end
  const auto report = watch(own({"-C", "path,errno,fd"}), [&] {
    call_at(Via::open, nullptr);
    call_at(Via::openat, reinterpret_cast<void*>(8));
    call_at(Via::openat2, pages + 4090);
    call_at(Via::openat, reinterpret_cast<void*>(-1L));
  });
  munmap(pages, 4096);
  ASSERT_EQ(report.events.size(), 4U);
  for (const auto& event : report.events) {
    EXPECT_TRUE(event["path"].null()) << event;
    EXPECT_TRUE(event["fd"].null());
    EXPECT_EQ(event["errno"].text(), "EFAULT");
  }
}

// The page is not in memory when the call begins: the call itself brings it in.
TEST_P(Opensnoop, ReadsAPathThatWasNotResident) {
  const Folder folder;
  const auto file = folder.file("path", "/not-resident");
  const Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  void* path = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  ASSERT_NE(path, MAP_FAILED);
  const auto report = watch(own({"-C", "path"}), [&] {
    for (const Via via : {Via::open, Via::openat, Via::openat2}) {
      madvise(path, 4096, MADV_DONTNEED);
      call_at(via, path);
    }
  });
  munmap(path, 4096);
  EXPECT_EQ(paths(report.events), Words(3, "/not-resident"));
}

TEST_P(Opensnoop, ReadsAPathAcrossPages) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  auto* pages = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  const std::string path = "/across/two/pages";
  const auto report = watch(own({"-C", "path"}), [&] {
    for (std::size_t before = 1; before <= path.size() + 1; ++before)
      call_at(Via::openat, std::strcpy(pages + 4096 - before, path.c_str()));
  });
  munmap(pages, 8192);
  EXPECT_EQ(paths(report.events), Words(path.size() + 1, path));
}

TEST_P(Opensnoop, ShowsAnyBytes) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  struct Case {
    std::string given, shown, hex;
  };
  const std::string replacement = "\xEF\xBF\xBD";
  const Case cases[] = {
      {"/a\nb\tc\rd", "/a\nb\tc\rd", ""},
      {"/\x1B[31mred\x7F", "/\x1B[31mred\x7F", ""},
      {R"(/"quotes" and \back\slash)", R"(/"quotes" and \back\slash)", ""},
      {"/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\x9F", "/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\x9F", ""},
      {"/\xE2\x80\xAE"
       "bidi\xC2\x85",
       "/\xE2\x80\xAE"
       "bidi\xC2\x85",
       ""},
      {"/latin \xE9", "/latin " + replacement, "2f6c6174696e20e9"},
      {"/\xFF\xFE", "/" + replacement + replacement, "2ffffe"},
  };
  const auto report = watch(own({"-C", "path"}), [&] {
    for (const auto& c : cases) call({Via::openat, c.given});
  });
  ASSERT_EQ(report.events.size(), std::size(cases));
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    EXPECT_EQ(report.events[i]["path"].text(), cases[i].shown);
    EXPECT_EQ(report.events[i]["path_hex"].text(), cases[i].hex);
  }
  // What could drive a terminal is not there as it is.
  for (const char* raw : {"\x1B", "\x7F", "\xE2\x80\xAE", "\xC2\x85"})
    EXPECT_EQ(report.out.find(raw), std::string::npos);
}

TEST_F(OpensnoopOutput, EscapesBytesInTheTable) {
  Sonde sonde({"opensnoop", "-C", "path,pid", "--pid", std::to_string(getpid())});
  ASSERT_TRUE(sonde.ready());
  call({Via::openat, "/\x1B[31m\n\\\xE2\x80\xAE\xFF"});
  const auto report = sonde.end(SIGINT);
  EXPECT_NE(report.out.find(R"(/\x1b[31m\n\\\u{202e}\xff )"), std::string::npos) << report.out;
}

}  // namespace
}  // namespace sonde::test
