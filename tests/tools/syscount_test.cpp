// SPDX-License-Identifier: GPL-2.0-or-later
// Every call is counted once, under every kind of key.
#include "syscount.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include <filesystem>
#include <memory>
#include <thread>

namespace sonde::test {
namespace {

void call_often(long number, int times) {
  for (int i = 0; i < times; ++i) syscall(number);
}

void two_kinds() {
  call_often(SYS_getppid, 1000);
  call_often(SYS_getuid, 500);
}

using Sums = std::map<std::string, long long>;

TEST_P(Syscount, CountsByEachKey) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Words calls{"--syscall", "getppid,getuid"};
  const auto by = [&](const std::string& keys) {
    Words words = calls;
    if (!keys.empty()) words.insert(words.end(), {"--by", keys});
    return watch(words, two_kinds);
  };
  for (const char* keys : {"", "process"}) {
    const auto report = by(keys);
    ASSERT_EQ(report.rows.size(), 1U);
    EXPECT_EQ(report.rows[0]["pid"].number(), child_);
    EXPECT_EQ(report.rows[0]["comm"].text(), "the counted one");
    EXPECT_EQ(report.rows[0]["count"].number(), 1500);
    EXPECT_EQ(report.rows[0]["interval"].number(), 1);
    EXPECT_LT(wall_ns(report.rows[0]["start"].text()), wall_ns(report.rows[0]["end"].text()));
  }
  const auto threads = by("thread");
  EXPECT_EQ(sums(threads, "tid"), (Sums{{std::to_string(child_), 1500}}));
  EXPECT_EQ(sums(by("comm"), "comm"), (Sums{{"the counted one", 1500}}));
  EXPECT_EQ(sums(by("syscall"), "syscall"), (Sums{{"getppid", 1000}, {"getuid", 500}}));
  const auto both = by("process,syscall");
  EXPECT_EQ(sums(both, "syscall"), (Sums{{"getppid", 1000}, {"getuid", 500}}));
  EXPECT_EQ(sums(both, "pid"), (Sums{{std::to_string(child_), 1500}}));
  const auto users = by("user");
  EXPECT_EQ(sums(users, "uid"), (Sums{{std::to_string(getuid()), 1500}}));
  EXPECT_EQ(sums(users, "user"), (Sums{{user_name(getuid()), 1500}}));
  const auto cgroups = by("cgroup");
  ASSERT_EQ(cgroups.rows.size(), 1U);
  EXPECT_EQ(cgroups.rows[0]["count"].number(), 1500);
}

// What rows are not counted by has no value, not one of somebody.
TEST_P(Syscount, KnowsOnlyWhatItCountsBy) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const auto report = watch({"--by", "syscall", "--syscall", "getuid", "-C", "pid,tid,uid,user,comm,cgroup,count"},
                            [] { call_often(SYS_getuid, 3); });
  ASSERT_EQ(report.rows.size(), 1U);
  for (const char* key : {"pid", "tid", "uid", "user", "comm", "cgroup"})
    EXPECT_TRUE(report.rows[0][key].null()) << key;
}

TEST_P(Syscount, CountsThreadsApart) {
  const auto report = watch({"--syscall", "getppid", "--by", "thread"}, [] {
    std::thread([] { call_often(SYS_getppid, 7); }).join();
    call_often(SYS_getppid, 11);
  });
  ASSERT_EQ(report.rows.size(), 2U);
  EXPECT_EQ(report.rows[0]["tid"].number(), child_);  // the larger count is first
  EXPECT_EQ(report.rows[0]["count"].number(), 11);
  EXPECT_EQ(report.rows[1]["count"].number(), 7);
}

TEST_P(Syscount, NamesWhatHasNoName) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const auto report = watch({"--by", "syscall"}, [] { call_often(999, 3), call_often(5000, 4); });
  const auto counts = sums(report, "syscall");
  EXPECT_EQ(counts.at("syscall_999"), 3);
  EXPECT_EQ(counts.at("syscall_5000"), 4);
}

TEST_P(Syscount, MarksCallsOfThe32BitTable) {
  if (!has_compat()) GTEST_SKIP() << "this machine or kernel has no 32-bit calls";
  const auto report = watch({"--by", "process,syscall", "--syscall", "openat,mkdir*"}, [] {
    for (int i = 0; i < 6; ++i) call({Via::openat, "/not/there", O_RDONLY, 0, AT_FDCWD, true});
    for (int i = 0; i < 2; ++i) call({Via::openat, "/not/there"});
  });
  ASSERT_EQ(report.rows.size(), 2U);
  EXPECT_EQ(report.rows[0]["syscall"].text(), "openat");
  EXPECT_EQ(report.rows[0]["syscall_raw"].number(), 295);
  EXPECT_EQ(report.rows[0]["abi"].text(), "32-bit");
  EXPECT_EQ(report.rows[0]["count"].number(), 6);
  EXPECT_EQ(report.rows[1]["syscall"].text(), "openat");
  EXPECT_EQ(report.rows[1]["abi"].text(), "native");
  EXPECT_EQ(report.rows[1]["count"].number(), 2);
}

TEST_P(Syscount, CountsFailures) {
  const auto work = [] {
    call_often(SYS_getppid, 10);
    for (int i = 0; i < 5; ++i) close(-1);
    make_load("/not/there", 8);
  };
  const Words by{"--by", "syscall", "--syscall", "close,openat,getppid"};
  const auto with = [&](Words more) {
    more.insert(more.begin(), by.begin(), by.end());
    return watch(more, work);
  };
  EXPECT_EQ(sums(with({"-x"}), "syscall"), (Sums{{"close", 5}, {"openat", 8}}));
  EXPECT_EQ(sums(with({"--errno", "EBADF"}), "syscall"), (Sums{{"close", 5}}));
  EXPECT_EQ(sums(with({"--errno", "^EBADF"}), "syscall"), (Sums{{"openat", 8}}));
  EXPECT_EQ(sums(with({"-x", "-L"}), "syscall"), (Sums{{"close", 5}, {"openat", 8}}));
  for (const Words& more : {Words{"-C", "+failed"}, Words{"-L", "-C", "+failed"}}) {
    const auto report = with(more);
    EXPECT_EQ(sums(report, "syscall"), (Sums{{"close", 5}, {"openat", 8}, {"getppid", 10}}));
    EXPECT_EQ(sums(report, "syscall", "failed"), (Sums{{"close", 5}, {"openat", 8}, {"getppid", 0}}));
  }
}

// What each interval counted, added up, is what there was.
TEST_P(Syscount, LosesNothingBetweenIntervals) {
  const int each = scaled(400'000);
  const auto load = [each] { return call_often(SYS_getppid, each), 0; };
  std::vector<std::unique_ptr<Child>> children;
  const Gate go;
  std::string pids;
  for (int i = 0; i < 3; ++i) {
    children.push_back(std::make_unique<Child>([&] { return go.pass(), load(); }));
    pids += (i ? "," : "") + std::to_string(children.back()->pid());
  }
  Sonde sonde(forced({"-p", pids, "--syscall", "getppid", "-i", "20ms"}));
  ASSERT_TRUE(sonde.ready());
  go.open(3);
  for (const auto& child : children) child->wait();
  const auto report = sonde.end();  // with its processes
  EXPECT_EQ(report.code, 0) << report.err;
  const auto counts = sums(report, "pid");
  for (const auto& child : children) {
    EXPECT_LE(counts.at(std::to_string(child->pid())), each);
    EXPECT_GE(counts.at(std::to_string(child->pid())), each - report.skipped());
  }
  EXPECT_GT(report.rows.back()["interval"].number(), 1);
}

TEST_P(Syscount, ShowsTwentyThousandKeys) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const int threads = scaled(20'000);
  const auto work = [threads] {
    for (int i = 0; i < threads; ++i) std::thread([] { syscall(SYS_getppid); }).join();
  };
  const auto report = watch({"--by", "thread", "--syscall", "getppid"}, work);
  EXPECT_EQ(report.rows.size(), static_cast<std::size_t>(threads));
}

TEST_P(Syscount, SaysWhatHasNoRoom) {
  const Gate go;
  Child child([&] {
    go.pass();
    for (int i = 0; i < 1000; ++i) std::thread([] { syscall(SYS_getppid); }).join();
    return 0;
  });
  Sonde sonde(forced({"-p", std::to_string(child.pid()), "--by", "thread", "--syscall", "getppid", "--max-entries",
                      "100", "--strict"}));
  ASSERT_TRUE(sonde.ready());
  go.open();
  child.wait();
  const auto report = sonde.end();  // with its process
  EXPECT_EQ(report.code, 5) << report.err;
  EXPECT_GT(report.lost(), 0);
  EXPECT_EQ(static_cast<long long>(report.rows.size()) + report.lost(), 1000) << report.summary;
  EXPECT_TRUE(report.noted("--max-entries"));
}

TEST_P(Syscount, EndsAfterSomeIntervals) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  Child busy([] {
    while (true) syscall(SYS_getppid);
    return 0;
  });
  const auto report = run(forced({"-i", "30ms", "-n", "3"}));
  EXPECT_EQ(report.code, 0) << report.err;
  ASSERT_FALSE(report.rows.empty());
  EXPECT_LE(report.rows.back()["interval"].number(), 3);
  const auto window = report.summary["window_ns"].number();
  EXPECT_GE(window, 90'000'000);
}

TEST_P(Syscount, CountsACommand) {
  Words words = forced({"--by", "process,syscall", "-L", "--", std::filesystem::read_symlink("/proc/self/exe"), "--act",
                        "children", "/command"});
  const auto report = run(words);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.summary["command_status"].text(), "exit 3");
  const auto calls = sums(report, "syscall");
  EXPECT_GE(calls.at("openat"), 2);
  EXPECT_EQ(calls.at("exit_group"), 3);
  EXPECT_EQ(calls.count("syscall_-1"), 0U);
}

}  // namespace
}  // namespace sonde::test
