// SPDX-License-Identifier: GPL-2.0-or-later
// The process that looks up names, given files that are not what they should be.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/kernel_text.h"
#include "kernel/file.h"
#include "kernel/symbol_process.h"

namespace sonde::test {
namespace {

using kernel::NamedAddress;
using kernel::SymbolProcess;
using Answer = SymbolProcess::Answer;

using Words = std::vector<std::string>;

constexpr std::uint64_t second = 1'000'000'000;

class Symbols : public testing::Test {
 protected:
  Symbols() : folder_(make_folder()) {}
  ~Symbols() override { std::filesystem::remove_all(folder_); }

  static std::string make_folder() {
    std::string name = "/tmp/sonde-test-XXXXXX";
    return mkdtemp(name.data()) ? name : "";
  }
  static std::string chain() {
    const auto file = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "chain";
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::string put(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << bytes;
    return folder_ + "/" + name;
  }
  // As if it were mapped from now on, and long enough ago for its file to be older.
  static Mapping mapping_of(const std::string& path) {
    struct stat status {};
    stat(path.c_str(), &status);
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    Mapping mapping{0x400000, 0x500000, 0, static_cast<std::uint64_t>(now.tv_sec) * second + 2 * second, {}, path};
    mapping.file = {major(status.st_dev), minor(status.st_dev), status.st_ino};
    return mapping;
  }
  Words names(const Mapping& mapping, Answer expected = Answer::names) {
    std::vector<kernel::WantedName> wanted;
    for (std::uint64_t at = 0x1000; at < 0x1400; at += 4) wanted.push_back({at, 1});
    std::vector<NamedAddress> found;
    Answer answer{};
    // An emulated guest may stand still for longer than it may take.
    for (int turn = 0; turn < 3; ++turn) {
      answer = process_.name(static_cast<std::uint32_t>(getpid()), mapping, wanted, found);
      if (answer != Answer::none || expected == Answer::none) break;
    }
    EXPECT_EQ(answer, expected);
    Words all;
    for (const auto& one : found)
      if (!one.name.empty() && (all.empty() || all.back() != one.name)) all.push_back(one.name);
    return all;
  }
  std::string folder_;
  SymbolProcess process_{nullptr};
};

TEST_F(Symbols, AreReadFromAFile) {
  const auto all = names(mapping_of(put("chain", chain())));
  for (const char* name : {"_start", "third", "second", "first", "begin"})
    EXPECT_NE(std::find(all.begin(), all.end(), name), all.end()) << name;
}

TEST_F(Symbols, AreReadFromTheVdso) {
  std::optional<Mapping> vdso;
  each_line(kernel::read_file("/proc/self/maps").value_or(""), [&](std::string_view line) {
    const auto mapping = mapping_of_line(line);
    if (mapping && mapping->path == "[vdso]") vdso = mapping;
  });
  if (!vdso) GTEST_SKIP() << "this kernel maps none";
  std::vector<kernel::WantedName> wanted;
  for (std::uint64_t at = 0; at < vdso->end - vdso->start; at += 32) wanted.push_back({at, 0});
  std::vector<NamedAddress> found;
  EXPECT_EQ(process_.name(1, *vdso, wanted, found), Answer::names);
  EXPECT_TRUE(std::any_of(found.begin(), found.end(),
                          [](const auto& one) { return one.name.find("clock_gettime") != std::string::npos; }));
}

TEST_F(Symbols, AreNotReadFromWhatIsNoRegularFile) {
  const std::string path = folder_ + "/fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_TRUE(names(mapping_of(path), Answer::no_file).empty());
  EXPECT_TRUE(names(mapping_of("/dev/zero"), Answer::no_file).empty());
  EXPECT_EQ(process_.ended(), 0U);
}

TEST_F(Symbols, AreNotReadFromAFileThatChanged) {
  Mapping mapping = mapping_of(put("chain", chain()));
  mapping.since -= 4 * second;
  EXPECT_TRUE(names(mapping, Answer::no_file).empty());
  mapping.since += 4 * second;
  mapping.file.inode += 1;
  EXPECT_TRUE(names(mapping, Answer::no_file).empty());
}

TEST_F(Symbols, SurviveFilesThatAreCut) {
  const std::string whole = chain();
  ASSERT_GT(whole.size(), 1000U);
  std::vector<NamedAddress> found;
  const kernel::WantedName wanted{0x1010, 1};
  for (std::size_t size = 0; size < whole.size(); size += whole.size() / 60)
    process_.name(1, mapping_of(put(std::to_string(size), whole.substr(0, size))), {&wanted, 1}, found);
  EXPECT_EQ(process_.ended(), 0U);
}

TEST_F(Symbols, SurviveFilesThatLie) {
  const std::string whole = chain();
  std::vector<NamedAddress> found;
  const kernel::WantedName wanted{0x1010, 1};
  unsigned number = 1;
  for (int i = 0; i < 100; ++i) {
    std::string lies = whole;
    for (int j = 0; j < 20; ++j) {
      number = number * 1103515245 + 12345;
      lies[(number >> 8) % lies.size()] = static_cast<char>(number >> 4);
    }
    process_.name(1, mapping_of(put("lies" + std::to_string(i), lies)), {&wanted, 1}, found);
  }
  EXPECT_EQ(process_.ended(), 0U);  // where libelf does crash, one more takes its place
}

TEST_F(Symbols, ComeFromAnotherProcessWhenOneDoesNotAnswer) {
  const Mapping mapping = mapping_of(put("chain", chain()));
  const int before = process_.pid();
  kill(before, SIGSTOP);
  EXPECT_TRUE(names(mapping, Answer::none).empty());
  EXPECT_NE(process_.pid(), before);
  EXPECT_FALSE(names(mapping).empty());
  kill(process_.pid(), SIGKILL);
  EXPECT_TRUE(names(mapping, Answer::none).empty());
  EXPECT_FALSE(names(mapping).empty());
  EXPECT_EQ(process_.ended(), 2U);
}

TEST_F(Symbols, OfNoProcessAreNoMappings) {
  const auto own = process_.mappings(static_cast<std::uint32_t>(getpid()));
  ASSERT_TRUE(own);
  EXPECT_FALSE(own->empty());
  const auto none = process_.mappings(0x7ffffff0);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  EXPECT_EQ(process_.ended(), 0U);
}

}  // namespace
}  // namespace sonde::test
