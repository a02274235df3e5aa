// SPDX-License-Identifier: GPL-2.0-or-later
// Who waits is found where it does, for as long as it does.
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "cswitch.h"
#include "support/calls.h"
#include "support/sonde.h"
#include "traced.h"

namespace sonde::test {
namespace {

constexpr long long ms = 1'000'000;

std::string number(long long n) { return std::to_string(n); }

/// The time that is measured: until so much of it has passed.
void let_pass(long long ns) {
  timespec left{ns / 1'000'000'000, ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

/// A process that sleeps at the end of a chain of calls, until it is killed.
Child sleeper(const Gate* go = nullptr) {
  return Child([go] {
    if (go) go->pass();
    execl(program("chain").c_str(), "chain", "~", "1", "0", nullptr);
    return 1;
  });
}

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool ends_with(const Words& words, const Words& end) {
  return words.size() >= end.size() && std::equal(end.rbegin(), end.rend(), words.rbegin());
}

long long sum(const Report& report, const std::string& key, const std::function<bool(const Json&)>& of) {
  long long all = 0;
  for (const auto& row : report.rows)
    if (of(row)) all += row[key].number();
  return all;
}

std::function<bool(const Json&)> of_pid(pid_t pid) {
  return [pid](const Json& row) { return row["pid"].number() == pid; };
}

Words words_of(const Words& more) {
  Words all{"offcputime", "--format", "json"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

class Offcputime : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = refusal("offcputime", "")) GTEST_SKIP() << *why;
  }

  /// A run around `work`; nothing may be lost but switches that a system hides.
  static Report watch(const Words& words, const std::function<void()>& work) {
    Sonde sonde(words_of(words));
    if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
    work();
    const auto report = sonde.end(SIGINT);
    EXPECT_EQ(report.code, 0) << report.err;
    tell_rung(report);
    for (const auto& row : report.rows) {
      EXPECT_LE(row["total_ns"].number(), report.summary["window_ns"].number() * row["count"].number()) << row;
      EXPECT_EQ(row["avg_ns"].number(), row["total_ns"].number() / row["count"].number()) << row;
    }
    return report;
  }
};

TEST_F(Offcputime, FindsASleeperWhereItSleeps) {
  const Gate go;
  const Child child = sleeper(&go);
  wait_for_state(child.pid(), 'S');
  const auto report = watch({"-p", number(child.pid())}, [&] {
    go.open();
    wait_until("it sleeps there", [&] { return TaskView(child.pid()).blocked_in() == SYS_nanosleep; });
    let_pass(20 * ms);
  });
  EXPECT_EQ(report.lost(), 0) << report.err;
  const auto& rows = report.rows;
  const auto found =
      std::find_if(rows.begin(), rows.end(), [](const Json& row) { return has(names(row["stack"]), "third"); });
  ASSERT_NE(found, rows.end()) << report.out;
  EXPECT_EQ((*found)["pid"].number(), child.pid());
  EXPECT_EQ((*found)["comm"].text(), "chain");
  EXPECT_EQ((*found)["state"].text(), "S");
  EXPECT_EQ((*found)["state_raw"].number(), 0);
  EXPECT_EQ((*found)["count"].number(), 1);  // it goes on
  EXPECT_GE((*found)["total_ns"].number(), 20 * ms);
  EXPECT_LE((*found)["total_ns"].number(), report.summary["window_ns"].number());
  const Words stack = names((*found)["stack"]);
  EXPECT_TRUE(has(stack, "hrtimer_nanosleep")) << *found;
#ifdef __x86_64__
  EXPECT_TRUE(ends_with(stack, {"third", "second", "first", "first", "begin", "_start"})) << *found;
#endif
}

TEST_F(Offcputime, CountsWhoWasAwayAlready) {
  const Child child = sleeper();
  wait_until("it sleeps", [&] { return TaskView(child.pid()).blocked_in() == SYS_nanosleep; });
  const auto report = watch({"-p", number(child.pid())}, [] { let_pass(5 * ms); });
  EXPECT_EQ(report.lost(), 0) << report.err;
  ASSERT_EQ(report.rows.size(), 1U) << report.out;
  const auto& row = report.rows[0];
  // All the time, and not a ns more.
  EXPECT_EQ(row["total_ns"].number(), report.summary["window_ns"].number());
  EXPECT_EQ(row["count"].number(), 1);
  const Words stack = names(row["stack"]);
  EXPECT_TRUE(has(stack, "hrtimer_nanosleep")) << row;
  EXPECT_EQ(stack.back(), "[unknown]") << row;
}

// The kernel tells of who was away already without the scheduler's own functions: neither have the others them.
TEST_F(Offcputime, HasOneRowForOnePlaceOfSleep) {
  const Child child([] {
    for (;;) let_pass(20 * ms);
    return 0;
  });
  wait_until("it sleeps", [&] { return TaskView(child.pid()).blocked_in() == SYS_clock_nanosleep; });
  const auto report = watch({"-K", "-p", number(child.pid())}, [] { let_pass(100 * ms); });
  ASSERT_EQ(report.rows.size(), 1U) << report.out;
  EXPECT_GT(report.rows[0]["count"].number(), 1) << report.out;
  EXPECT_EQ(names(report.rows[0]["stack"]).front(), "hrtimer_nanosleep") << report.out;
}

TEST_F(Offcputime, SharesASleepAmongIntervals) {
  const Child child = sleeper();
  wait_until("it sleeps", [&] { return TaskView(child.pid()).blocked_in() == SYS_nanosleep; });
  const auto report = run(words_of({"-p", number(child.pid()), "-i", "50ms", "-n", "4"}));
  EXPECT_EQ(report.code, 0) << report.err;
  ASSERT_EQ(report.rows.size(), 4U) << report.out;
  long long all = 0;
  for (const auto& row : report.rows) {
    const auto length = wall_ns(row["end"].text()) - wall_ns(row["start"].text());
    EXPECT_NEAR(static_cast<double>(row["total_ns"].number()), static_cast<double>(length), ms) << row;
    EXPECT_EQ(row["count"].number(), 1) << row;
    all += row["total_ns"].number();
  }
  EXPECT_EQ(all, report.summary["window_ns"].number());
}

// What the switches themselves say, by another program.
TEST_F(Offcputime, AddsUpToWhatSwitchesTell) {
  const int turns = scaled(2000);
  const Gate go;
  const Shared<pid_t> partner;
  Child child([&] {
    go.pass();
    const timespec moment{0, 50'000};
    const Pipe there, back;
    const pid_t other = fork();
    char ball = 'o';
    if (other == 0) {
      for (int i = 0; i < turns; ++i)
        if (read(there.out.get(), &ball, 1) != 1 || write(back.in.get(), &ball, 1) != 1) _exit(1);
      _exit(0);
    }
    *partner = other;
    for (int i = 0; i < turns; ++i) {
      if (i % 4 == 0) nanosleep(&moment, nullptr);
      if (write(there.in.get(), &ball, 1) != 1 || read(back.out.get(), &ball, 1) != 1) return 1;
    }
    waitpid(other, nullptr, 0);
    return 0;
  });
  wait_for_state(child.pid(), 'S');
  const Words who{"--ppid", number(getpid()) + "," + number(child.pid()), "-f", "json"};
  Words switches{"cswitch", "--events", "-C", "time,prev_tid,next_tid,state"};
  switches.insert(switches.end(), who.begin(), who.end());
  Sonde raw(switches);
  ASSERT_TRUE(raw.ready());
  Words counts{"offcputime", "--by", "thread"};
  counts.insert(counts.end(), who.begin(), who.end());
  // The window of the counts begins when the child sleeps, and ends when all are gone: it lies in the other one.
  Sonde sonde(counts);
  ASSERT_TRUE(sonde.ready());
  go.open();
  EXPECT_EQ(child.wait(), 0);
  let_cpus_switch();
  const auto report = sonde.end(SIGINT);
  const auto events = raw.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  // By thread: how often and how long it was away of its own accord.
  std::map<long long, long long> left, number_of, time_of;
  for (const auto& event : events.events) {
    const long long prev = event["prev_tid"].number(), next = event["next_tid"].number();
    const long long at = wall_ns(event["time"].text());
    if (prev && event["state"].text() != "R+" && event["state"].text() != "X") left[prev] = at;
    if (!next || !left.contains(next)) continue;
    ++number_of[next];
    time_of[next] += at - left[next];
    left.erase(next);
  }
  if (events.lost() || report.lost()) GTEST_SKIP() << "this system hid a task meanwhile";
  for (const pid_t tid : {child.pid(), *partner}) {
    const auto of = [tid](const Json& row) { return row["tid"].number() == tid; };
    const long long count = number_of[tid];
    EXPECT_GE(count, turns / 10);  // not each turn has to wait for the other's: they have two CPUs
    // The child was away as the window opened: that one began before it and is not among the events.
    const long long also = tid == child.pid() ? 1 : 0;
    EXPECT_EQ(sum(report, "count", of), count + also) << report.out;
    if (also) continue;
    // Two programs, one after the other, at each end.
    EXPECT_NEAR(static_cast<double>(sum(report, "total_ns", of)), static_cast<double>(time_of[tid]),
                clock_slack(static_cast<double>(count)) + 0.01 * static_cast<double>(time_of[tid]));
  }
}

TEST_F(Offcputime, TellsStatesApart) {
  const Gate go;
  Child child([&] {
    go.pass();
    const pid_t grandchild = vfork();
    if (grandchild == 0) {
      let_pass(10 * ms);
      _exit(0);
    }
    raise(SIGSTOP);
    return 0;
  });
  wait_for_state(child.pid(), 'S');
  const auto report = watch({"-p", number(child.pid())}, [&] {
    go.open();
    wait_for_state(child.pid(), 'T');
    let_pass(5 * ms);
    child.signal(SIGCONT);
    child.wait();
  });
  std::map<std::string, long long> times;
  for (const auto& row : report.rows) times[row["state"].text()] += row["total_ns"].number();
  EXPECT_GE(times["D"], 10 * ms) << report.out;
  EXPECT_GE(times["T"], 5 * ms) << report.out;
  EXPECT_TRUE(times.contains("S")) << report.out;
}

TEST_F(Offcputime, ShowsOnlyTheStatesAskedFor) {
  const Child child = sleeper();
  wait_until("it sleeps", [&] { return TaskView(child.pid()).blocked_in() == SYS_nanosleep; });
  EXPECT_TRUE(watch({"-p", number(child.pid()), "--state", "D,T"}, [] {}).rows.empty());
  EXPECT_TRUE(watch({"-p", number(child.pid()), "--state", "^S"}, [] {}).rows.empty());
  EXPECT_EQ(watch({"-p", number(child.pid()), "--state", "S"}, [] {}).rows.size(), 1U);
}

TEST_F(Offcputime, CountsOnlyWhatLastsSoLong) {
  const auto nap = [](long long ns, int times) {
    const timespec length{0, ns};
    for (int i = 0; i < times; ++i) nanosleep(&length, nullptr);
  };
  const auto counted = [&](const Words& bounds) {
    const Gate go;
    Child child([&] {
      go.pass();
      nap(5 * ms, 5);  // long enough that the timer does not come before the switch
      nap(800 * ms, 2);
      return 0;
    });
    wait_for_state(child.pid(), 'S');
    Words words{"-p", number(child.pid())};
    words.insert(words.end(), bounds.begin(), bounds.end());
    const auto report = watch(words, [&] {
      go.open();
      child.wait();
    });
    EXPECT_EQ(report.lost(), 0) << report.err;
    return sum(report, "count", [](const Json& row) { return has(names(row["stack"]), "hrtimer_nanosleep"); });
  };
  EXPECT_EQ(counted({}), 7);
  EXPECT_EQ(counted({"--min", "400ms"}), 2);
  EXPECT_EQ(counted({"--max", "400ms"}), 5);
}

TEST_F(Offcputime, FindsWhoWaitsForALock) {
  const Gate go;
  const Shared<int> lock;
  *lock = 1;
  Child child([&] {
    go.pass();
    while (__atomic_load_n(&*lock, __ATOMIC_SEQ_CST)) syscall(SYS_futex, &*lock, FUTEX_WAIT, 1, nullptr, nullptr, 0);
    return 0;
  });
  wait_for_state(child.pid(), 'S');
  const auto report = watch({"-p", number(child.pid()), "--wakers"}, [&] {
    go.open();
    wait_until("it waits for the lock", [&] { return TaskView(child.pid()).blocked_in() == SYS_futex; });
    set_comm("unlocker");
    __atomic_store_n(&*lock, 0, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &*lock, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    child.wait();
  });
  EXPECT_EQ(report.lost(), 0) << report.err;
  bool found = false;
  for (const auto& row : report.rows) {
    const Words stack = names(row["stack"]);
    if (!has(stack, "futex_wait") && !has(stack, "__futex_wait")) continue;
    const auto mark = std::find(stack.begin(), stack.end(), "[woken by unlocker]");
    if (mark == stack.end()) continue;
    found = true;
    EXPECT_TRUE(std::find(mark, stack.end(), "futex_wake") != stack.end()) << row;
    EXPECT_TRUE(std::find(stack.begin(), mark, "futex_wake") == mark) << row;
  }
  EXPECT_TRUE(found) << report.out;
}

// One wakes the next, who wakes the last.
TEST_F(Offcputime, FollowsWhoWokeTheWaker) {
  const Gate first, second_gate, third;
  Child last([&] {
    set_comm("the last");
    third.pass();
    return 0;
  });
  Child middle([&] {
    set_comm("the middle");
    second_gate.pass();
    third.open();
    return 0;
  });
  Child begins([&] {
    set_comm("the first");
    first.pass();
    second_gate.open();
    return 0;
  });
  for (const auto* child : {&last, &middle, &begins}) wait_for_state(child->pid(), 'S');
  const auto report = watch({"-p", number(last.pid()), "--chains", "2"}, [&] {
    first.open();
    last.wait();
  });
  EXPECT_EQ(report.lost(), 0) << report.err;
  bool found = false;
  for (const auto& row : report.rows) {
    if (row["pid"].number() != last.pid()) continue;
    const Words stack = names(row["stack"]);
    const auto by_middle = std::find(stack.begin(), stack.end(), "[woken by the middle]");
    found |= by_middle != stack.end() && std::find(by_middle, stack.end(), "[woken by the first]") != stack.end();
  }
  EXPECT_TRUE(found) << report.out;
}

TEST_F(Offcputime, KeepsIdleApart) {
  const auto report = watch({}, [] { let_pass(20 * ms); });
  for (const auto& row : report.rows) EXPECT_NE(row["pid"].number(), 0) << row;
  EXPECT_EQ(sum(report, "count", of_pid(getpid())) > 0, sum(report, "total_ns", of_pid(getpid())) > 0);
}

TEST_F(Offcputime, DrawsWhatItCounts) {
  const Child child = sleeper();
  wait_until("it sleeps", [&] { return TaskView(child.pid()).blocked_in() == SYS_nanosleep; });
  const Folder folder;
  const std::string folded = folder / "stacks.folded";
  const auto report = watch({"-p", number(child.pid()), "--folded", folded}, [] { let_pass(5 * ms); });
  std::ifstream file(folded);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_EQ(line.substr(0, 6), "chain;") << line;
  EXPECT_EQ(line.substr(line.rfind(' ') + 1), number(sum(report, "total_ns", of_pid(child.pid()))));
}

TEST_F(Offcputime, CountsWhatItHasNoRoomFor) {
  const auto report = run(words_of({"-d", "50ms", "--max-entries", "4", "--strict"}));
  EXPECT_EQ(report.code, 5) << report.err;
  EXPECT_GT(report.lost(), 0) << report.out;
}

TEST_F(Offcputime, RefusesWhatMakesNoSense) {
  for (const Words& words : {Words{"--state", "R"},
                             {"--state", ""},
                             {"--min", "5"},
                             {"--min", "2ms", "--max", "1ms"},
                             {"--chains", "0"},
                             {"--chains", "9"},
                             {"--by", "nobody"}}) {
    Words all = words_of(words);
    all.insert(all.end(), {"-d", "1ms"});
    EXPECT_EQ(run(all).code, 2) << words[0] << " " << words[1];
  }
}

}  // namespace
}  // namespace sonde::test
