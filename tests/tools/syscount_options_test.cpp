// SPDX-License-Identifier: GPL-2.0-or-later
// What is selected, how rows are sorted, and what makes no sense.
#include <sys/syscall.h>

#include "syscount.h"

namespace sonde::test {
namespace {

void three_kinds() {
  for (int i = 0; i < 30; ++i) syscall(SYS_getppid);
  for (int i = 0; i < 20; ++i) syscall(SYS_getuid);
  for (int i = 0; i < 10; ++i) syscall(SYS_geteuid);
}

using Sums = std::map<std::string, long long>;

TEST_P(Syscount, SelectsCallsByName) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const auto shown = [&](const std::string& list) {
    return sums(watch({"--by", "syscall", "--syscall", list}, three_kinds), "syscall");
  };
  EXPECT_EQ(shown("get*uid"), (Sums{{"getuid", 20}, {"geteuid", 10}}));
  EXPECT_EQ(shown("getppid,getuid"), (Sums{{"getppid", 30}, {"getuid", 20}}));
  const auto others = shown("^get*uid");
  EXPECT_EQ(others.at("getppid"), 30);
  EXPECT_EQ(others.count("getuid") + others.count("geteuid"), 0U);
}

TEST_P(Syscount, SelectsTasks) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const auto shown = [&](const Words& filter) {
    Words words{"--by", "syscall", "--syscall", "getppid"};
    words.insert(words.end(), filter.begin(), filter.end());
    return sums(watch(words, three_kinds), "syscall");
  };
  EXPECT_EQ(shown({"-c", "the counted*"}), (Sums{{"getppid", 30}}));
  EXPECT_EQ(shown({"-c", "^the counted*"}), Sums{});
  EXPECT_EQ(shown({"--ppid", std::to_string(getpid())}), (Sums{{"getppid", 30}}));
  EXPECT_EQ(shown({"-u", "^" + std::to_string(getuid())}), Sums{});
}

// By call and of everybody, the programs do not ask who calls: see needs_no_task().
TEST_P(Syscount, CountsCallsOfEverybody) {
  const bool compat = has_compat();
  const auto report = watch_all({"--by", "syscall"}, [compat] {
    for (int i = 0; i < 777; ++i) syscall(SYS_sched_get_priority_max, -1);
    for (int i = 0; i < 6 && compat; ++i) call({Via::creat, "/not/there/at/all", O_RDONLY, 0, AT_FDCWD, true});
  });
  long long native = 0, foreign = 0;
  for (const auto& row : report.rows) {
    if (row["syscall"].text() == "sched_get_priority_max") native += row["count"].number();
    if (row["abi"].text() == "32-bit" && row["syscall"].text() == "creat") foreign += row["count"].number();
  }
  EXPECT_GE(native, 777 - report.skipped());
  EXPECT_LE(native, 777);
  EXPECT_EQ(foreign, compat ? 6 : 0);
  EXPECT_EQ(sums(report, "syscall").count("syscall_-1"), 0U);
}

TEST_P(Syscount, SortsAndCutsOnRequest) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Words by{"--by", "syscall", "--syscall", "getppid,get*uid"};
  const auto names = [&](Words more) {
    more.insert(more.begin(), by.begin(), by.end());
    const auto report = watch(more, three_kinds);
    std::string all;
    for (const auto& row : report.rows) all += row["syscall"].text() + " ";
    return all + (report.noted("more rows") ? "and more" : "");
  };
  EXPECT_EQ(names({}), "getppid getuid geteuid ");
  EXPECT_EQ(names({"--sort", "syscall"}), "geteuid getppid getuid ");
  EXPECT_EQ(names({"--top", "2"}), "getppid getuid and more");
}

TEST_P(Syscount, RefusesWhatMakesNoSense) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const struct {
    Words words;
    const char* says;
  } cases[] = {
      {{"--by", "colour"}, "cannot be counted by 'colour'"},
      {{"--syscall", "no_such_call"}, "no system call 'no_such_call'"},
      {{"-n", "3"}, "-n counts intervals"},
      {{"-i", "1ms"}, "too short"},
      {{"--sort", "colour"}, "no column 'colour'"},
      {{"--sort", "count,comm"}, "sorted by one column"},
      {{"--top", "0"}, "0 rows"},
      {{"--errno", "ENONSENSE"}, "no error 'ENONSENSE'"},
  };
  for (const auto& c : cases) {
    const auto report = run(forced(c.words));
    EXPECT_EQ(report.code, 2) << c.says;
    EXPECT_NE(report.err.find(c.says), std::string::npos) << report.err;
  }
}

}  // namespace
}  // namespace sonde::test
