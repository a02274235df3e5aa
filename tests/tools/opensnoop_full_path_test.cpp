// SPDX-License-Identifier: GPL-2.0-or-later
// --full-path: where an open really led.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "opensnoop.h"

namespace sonde::test {
namespace {

// What the kernel itself says of a descriptor.
std::string link_of(long fd) {
  std::string text(8192, 0);
  const auto length = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), text.data(), text.size());
  return length < 0 ? "" : text.substr(0, static_cast<std::size_t>(length));
}

Words full(Words words = {}) {
  words.insert(words.begin(), {"-C", "path,path_from,full_path,errno"});
  return own(words);
}

// Each request once; what is expected is asked of /proc while the file is open.
class FullPath : public Opensnoop {
 protected:
  void open_and_expect(const std::vector<Request>& requests) {
    std::vector<long> results;
    Words links;
    const auto report = watch(full(), [&] {
      for (const auto& request : requests) results.push_back(call(request));
    });
    ASSERT_EQ(report.events.size(), requests.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto& event = report.events[i];
      ASSERT_GE(results[i], 0) << requests[i].path;
      EXPECT_EQ(event["full_path"].text(), link_of(results[i]));
      EXPECT_EQ(event["path_from"].text(), "resolved");
      EXPECT_EQ(event["path"].text(), requests[i].path);
      EXPECT_FALSE(event.has("full_path_cut"));
      close(static_cast<int>(results[i]));
    }
  }
};

TEST_P(FullPath, IsWhatTheKernelResolved) {
  const Folder folder;
  mkdir((folder / "inner").c_str(), 0755);
  folder.file("inner/file");
  ASSERT_EQ(symlink("inner", (folder / "link").c_str()), 0);
  ASSERT_EQ(symlink((folder / "link/file").c_str(), (folder / "further").c_str()), 0);
  const Fd directory(open((folder / "inner").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string before = link_of(open(".", O_PATH | O_CLOEXEC));
  ASSERT_EQ(chdir((folder / "inner").c_str()), 0);
  open_and_expect({{Via::open, folder / "inner/file"},
                   {Via::openat, "file"},
                   {Via::openat, "./../inner/.././inner//file"},
                   {Via::openat2, "file", O_RDONLY, 0, directory.get()},
                   {Via::openat, "../link/file", O_RDONLY, 0, directory.get()},
                   {Via::open, folder / "further"},
                   {Via::creat, "new", O_CREAT | O_WRONLY | O_TRUNC, 0600},
                   {Via::open, ".", O_RDONLY | O_DIRECTORY},
                   {Via::open, "/"},
                   {Via::open, "/proc/self/status"},
                   {Via::openat, ".", O_RDWR | O_TMPFILE, 0600}});
  ASSERT_EQ(chdir(before.c_str()), 0);
}

TEST_P(FullPath, CrossesMounts) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  mkdir((folder / "mount").c_str(), 0755);
  const Gate go, done;
  Shared<std::array<char, 4096>> expected;
  const Child child([&] {
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", (folder / "mount").c_str(), "tmpfs", 0, nullptr) != 0 ||
        mkdir((folder / "mount/below").c_str(), 0755) != 0 ||
        mount("none", (folder / "mount/below").c_str(), "tmpfs", 0, nullptr) != 0)
      return 1;
    go.pass();
    const long fd = call({Via::open, folder / "mount/below/file", O_CREAT | O_RDWR, 0600});
    link_of(fd).copy(expected->data(), expected->size() - 1);
    done.open();
    return fd < 0 ? 1 : 0;
  });
  const auto report = watch({"-C", "full_path,path_from", "-p", std::to_string(child.pid())}, [&] {
    go.open();
    done.pass();
  });
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_EQ(report.events[0]["full_path"].text(), folder / "mount/below/file");
  EXPECT_EQ(report.events[0]["full_path"].text(), expected->data());
  EXPECT_EQ(report.events[0]["path_from"].text(), "resolved");
}

// Seen from outside: the path leads there for whoever reads it.
TEST_P(FullPath, IsNotFooledByAChroot) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  folder.file("file");
  const Gate go, done;
  const Child child([&] {
    if (chroot((folder / "").c_str()) != 0 || chdir("/") != 0) return 1;
    go.pass();
    call({Via::open, "/file"});
    call({Via::open, "../../file"});
    call({Via::open, "/none"});
    call({Via::open, "none"});
    done.open();
    return 0;
  });
  const auto report = watch({"-C", "full_path,path_from", "-p", std::to_string(child.pid())}, [&] {
    go.open();
    done.pass();
  });
  ASSERT_EQ(report.events.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(report.events[i]["full_path"].text(), folder / (i < 2 ? "file" : "none"));
    EXPECT_EQ(report.events[i]["path_from"].text(), i < 2 ? "resolved" : "joined");
  }
}

TEST_P(FullPath, OfAFailedOpenIsJoined) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  mkdir((folder / "inner").c_str(), 0755);
  const Fd directory(open((folder / "inner").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Fd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string cwd = link_of(open(".", O_PATH | O_CLOEXEC));
  const auto report = watch(full(), [&] {
    call({Via::open, "none"});
    call({Via::openat, "../none", O_RDONLY, 0, directory.get()});
    call({Via::openat2, "/none/at/all", O_RDONLY, 0, directory.get()});
    call({Via::openat, "none", O_RDONLY, 0, root.get()});
    call({Via::openat, "none", O_RDONLY, 0, 987654});
    call_at(Via::open, nullptr);
  });
  const Words expected = {cwd + "/none", folder / "inner/../none", "/none/at/all", "/none"};
  ASSERT_EQ(report.events.size(), 6U);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(report.events[i]["full_path"].text(), expected[i]);
    EXPECT_EQ(report.events[i]["path_from"].text(), "joined");
  }
  EXPECT_EQ(report.events[4]["errno"].text(), "EBADF");
  for (std::size_t i = 4; i < 6; ++i)
    for (const char* key : {"full_path", "path_from"}) EXPECT_TRUE(report.events[i][key].null()) << report.events[i];
}

// By way of /proc one opens what has no place in the file tree.
TEST_P(FullPath, OfWhatLiesOutsideTheFileTreeIsMarked) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Fd memory = memory_file("full-path");
  const Pipe pipe;
  const auto report = watch(full(), [&] {
    call({Via::open, "/proc/self/fd/" + std::to_string(memory.get())});
    call({Via::open, "/proc/self/fd/" + std::to_string(pipe.out.get())});
  });
  ASSERT_EQ(report.events.size(), 2U);
  EXPECT_EQ(report.events[1]["path_from"].text(), "detached");
  EXPECT_TRUE(report.events[1]["full_path"].null());
  EXPECT_EQ(report.events[0]["path_from"].text(), "detached");
  EXPECT_NE(report.events[0]["full_path"].text().find("memfd:full-path"), std::string::npos) << report.events[0];
}

// As deep as one argument can name, and deeper by way of the working directory.
TEST_P(FullPath, IsWholeUpToTheLongestOrMarked) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  const std::string name(250, 'n');
  std::string path = folder / "";
  ASSERT_EQ(chdir(path.c_str()), 0);
  std::vector<long> opened;
  const auto report = watch(full(), [&] {
    for (int i = 0; i < 20; ++i) {
      if (mkdir(name.c_str(), 0755) != 0 || chdir(name.c_str()) != 0) break;
      opened.push_back(call({Via::open, ".", O_RDONLY | O_DIRECTORY}));
    }
  });
  for (const auto fd : opened) close(static_cast<int>(fd));
  ASSERT_EQ(opened.size(), 20U);
  ASSERT_EQ(report.events.size(), 20U);
  path.pop_back();
  for (const auto& event : report.events) {
    path += "/" + name;
    if (path.size() <= 4095) {
      EXPECT_EQ(event["full_path"].text(), path);
      EXPECT_FALSE(event.has("full_path_cut"));
    } else {
      const auto& shown = event["full_path"].text();
      EXPECT_TRUE(event["full_path_cut"].is_true()) << path.size();
      EXPECT_TRUE(path.ends_with(shown)) << shown;
      EXPECT_GT(shown.size(), 3800U);
    }
  }
  for (int i = 0; i < 20; ++i) {
    if (chdir("..") != 0 || rmdir(name.c_str()) != 0) break;
  }
  ASSERT_EQ(chdir("/"), 0);
}

TEST_F(OpensnoopOutput, ShowsFullPathsInPlaceOfArguments) {
  Sonde sonde({"opensnoop", "--full-path", "--pid", std::to_string(getpid())});
  ASSERT_TRUE(sonde.ready());
  call({Via::open, "/usr/../etc/passwd"});
  const auto report = sonde.end(SIGINT);
  EXPECT_NE(report.out.find("resolved   /etc/passwd\n"), std::string::npos) << report.out;
  EXPECT_EQ(report.out.find(".."), std::string::npos) << report.out;
}

INSTANTIATE_TEST_SUITE_P(Opensnoop, FullPath, testing::Values("fexit", "tracepoint", "tp_btf", "kprobe"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace sonde::test
