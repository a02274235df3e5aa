// SPDX-License-Identifier: GPL-2.0-or-later
// Every switch is counted once, and every nanosecond of a thread in the window is of one state.
#include "cswitch.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "support/calls.h"

namespace sonde::test {
namespace {

const Words all_columns{"-C", "+cpu,+pid,+tid,+voluntary,+migrations,+stop,+threads"};

Words with_columns(Words words) {
  words.insert(words.end(), all_columns.begin(), all_columns.end());
  return words;
}

std::string number(pid_t id) { return std::to_string(id); }

TEST_F(Cswitch, CountsWhatTheKernelCounts) {
  const PingPong game(scaled(2000));
  game.ready();
  const pid_t players[] = {game.first(), game.second()};
  KernelCounts before[2], after[2];
  const auto report = watch(with_columns({"--by", "thread", "-p", number(players[0]) + "," + number(players[1])}), [&] {
    for (int i : {0, 1}) before[i] = KernelCounts::of(players[i]);
    game.play();
    for (int i : {0, 1}) after[i] = KernelCounts::of(players[i]);
  });
  ASSERT_EQ(report.rows.size(), 2U);
  for (int i : {0, 1}) {
    const auto rows = rows_where(report, "tid", players[i]);
    ASSERT_EQ(rows.size(), 1U);
    const auto& row = rows[0];
    const auto made = after[i] - before[i];
    EXPECT_EQ(row["pid"].number(), players[i]);
    EXPECT_EQ(row["comm"].text(), i ? "player two" : "player one");
    EXPECT_EQ(row["voluntary"].number(), made.voluntary);
    EXPECT_EQ(row["involuntary"].number(), made.involuntary);
    EXPECT_EQ(row["switches"].number(), made.voluntary + made.involuntary);
    EXPECT_GE(row["switches"].number(), scaled(2000));
    EXPECT_EQ(times(row), report.summary["window_ns"].number());
    const double slack = clock_slack(static_cast<double>(made.voluntary + made.involuntary));
    expect_on_cpu(row["on_ns"].number(), made.on_ns, made, made.voluntary + made.involuntary);
    EXPECT_NEAR(static_cast<double>(row["wait_ns"].number()), static_cast<double>(made.wait_ns), slack);
    EXPECT_EQ(row["block_ns"].number(), 0);
    EXPECT_TRUE(row["cpu"].null());
  }
}

// No switch of theirs is in the window, but their times are.
TEST_F(Cswitch, KnowsWhoIsNeverSwitched) {
  const Gate leave;
  const Child sleeper([&] { return leave.pass(), 0; });
  const Child stopped([&] { return raise(SIGSTOP), leave.pass(), 0; });
  wait_for_state(sleeper.pid(), 'S');
  wait_for_state(stopped.pid(), 'T');
  const auto report = watch(with_columns({"-p", number(sleeper.pid()) + "," + number(stopped.pid())}), [] {});
  const auto window = report.summary["window_ns"].number();
  ASSERT_EQ(report.rows.size(), 2U);
  EXPECT_EQ(rows_where(report, "pid", sleeper.pid()).at(0)["sleep_ns"].number(), window);
  EXPECT_EQ(rows_where(report, "pid", stopped.pid()).at(0)["stop_ns"].number(), window);
  for (const auto& row : report.rows) {
    EXPECT_EQ(row["switches"].number(), 0);
    EXPECT_EQ(times(row), window);
  }
  stopped.signal(SIGCONT);
}

TEST_F(Cswitch, AccountsTheFirstAndTheLastSlice) {
  const Child busy([] {
    while (true) burn(1'000'000);
    return 0;
  });
  wait_for_state(busy.pid(), 'R');
  const auto report = run(with_columns({"cswitch", "-f", "json", "-p", number(busy.pid()), "-i", "50ms", "-n", "3"}));
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.lost(), 0);
  ASSERT_EQ(report.rows.size(), 3U);
  long long sum = 0, on = 0;
  for (const auto& row : report.rows) {
    on += row["on_ns"].number();
    EXPECT_EQ(row["sleep_ns"].number() + row["block_ns"].number() + row["stop_ns"].number(), 0);
    EXPECT_EQ(times(row), wall_ns(row["end"].text()) - wall_ns(row["start"].text()));
    sum += times(row);
  }
  EXPECT_GT(on, 0);
  EXPECT_EQ(sum, report.summary["window_ns"].number());
}

TEST_F(Cswitch, NamesWhoIsGone) {
  const Gate go;
  Child parent([&] {
    go.pass();
    std::thread([] {
      pthread_setname_np(pthread_self(), "short-lived");
      burn(2'000'000);
    }).join();
    return 0;
  });
  wait_for_state(parent.pid(), 'S');
  Sonde sonde({"cswitch", "-f", "json", "--by", "thread", "-p", number(parent.pid()), "-C",
               "+pid,+voluntary,+migrations,+stop"});
  ASSERT_TRUE(sonde.ready());
  go.open();
  parent.wait();
  const auto report = sonde.end();  // with its process
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.lost(), 0);
  ASSERT_EQ(report.rows.size(), 2U) << report.out;
  for (const auto& row : report.rows) {
    EXPECT_EQ(row["pid"].number(), parent.pid());
    EXPECT_GE(row["voluntary"].number(), 1);  // to leave for ever is one
    EXPECT_LE(times(row), report.summary["window_ns"].number());
    if (row["tid"].number() == parent.pid()) continue;
    EXPECT_EQ(row["comm"].text(), "short-lived");
    EXPECT_GE(row["on_ns"].number(), 2'000'000);
  }
}

TEST_F(Cswitch, TellsBlockedFromAsleep) {
  const Gate go;
  Child parent([&] {
    go.pass();
    const pid_t child = vfork();  // its parent is blocked until it ends
    if (child == 0) {
      burn(20'000'000);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
    go.pass();
    return 0;
  });
  wait_for_state(parent.pid(), 'S');
  const auto report = watch(with_columns({"-p", number(parent.pid())}), [&] {
    const auto before = KernelCounts::of(parent.pid());
    go.open();
    wait_until("the vfork", [&] { return KernelCounts::of(parent.pid()).voluntary >= before.voluntary + 2; });
    wait_for_state(parent.pid(), 'S');
  });
  ASSERT_EQ(report.rows.size(), 1U);
  EXPECT_GE(report.rows[0]["block_ns"].number(), 10'000'000);  // it may begin later than its child
  EXPECT_GT(report.rows[0]["sleep_ns"].number(), 0);
  EXPECT_EQ(times(report.rows[0]), report.summary["window_ns"].number());
}

TEST_F(Cswitch, KeepsIdleApart) {
  const PingPong game(scaled(200));
  game.ready();
  const auto cpus = watch(with_columns({"--by", "cpu"}), [&] { game.play(); });
  const auto window = cpus.summary["window_ns"].number();
  ASSERT_EQ(static_cast<long>(cpus.rows.size()), sysconf(_SC_NPROCESSORS_ONLN));
  long long switches = 0;
  for (const auto& row : cpus.rows) {
    EXPECT_EQ(row["on_ns"].number() + row["sleep_ns"].number(), window);
    EXPECT_TRUE(row["pid"].null());
    switches += row["switches"].number();
  }
  EXPECT_GE(switches, scaled(200));
  EXPECT_TRUE(cpus.noted("idle: CPU 0 "));
  for (const char* by : {"thread", "process"}) {
    const auto tasks = watch(with_columns({"--by", by}), [&] {});
    EXPECT_TRUE(rows_where(tasks, "pid", 0).empty());
    for (const auto& row : tasks.rows) EXPECT_FALSE(row["comm"].text().starts_with("swapper/"));
  }
}

// An exec in a thread makes it the first thread of its process, under another number.
TEST_F(Cswitch, FollowsAThreadThroughItsExec) {
  const Gate go;
  Child parent([&] {
    go.pass();
    std::thread([] {
      burn(5'000'000);
      execl("/proc/self/exe", "tests", "--gtest_filter=nothing", nullptr);
    }).join();
    return 0;
  });
  wait_for_state(parent.pid(), 'S');
  Sonde sonde({"cswitch", "-f", "json", "--by", "thread", "-p", number(parent.pid()), "-C",
               "+pid,+voluntary,+migrations,+stop"});
  ASSERT_TRUE(sonde.ready());
  go.open();
  parent.wait();
  const auto report = sonde.end();
  EXPECT_EQ(report.code, 0) << report.err;
  ASSERT_EQ(report.rows.size(), 2U) << report.out;  // the first thread, and its successor
  long long most = 0;
  for (const auto& row : report.rows) {
    EXPECT_LE(times(row), report.summary["window_ns"].number());
    if (row["on_ns"].number() < most) continue;
    most = row["on_ns"].number();
    EXPECT_EQ(row["tid"].number(), parent.pid());
  }
  EXPECT_GE(most, 5'000'000);
}

TEST_F(Cswitch, AddsUpManyShortThreads) {
  const int threads = scaled(2000);
  const Gate go;
  Child parent([&] {
    go.pass();
    for (int i = 0; i < threads; ++i) std::thread([] {}).join();
    return 0;
  });
  wait_for_state(parent.pid(), 'S');
  Sonde sonde({"cswitch", "-f", "json", "-p", number(parent.pid()), "-i", "100ms", "-C", "+voluntary,+threads"});
  ASSERT_TRUE(sonde.ready());
  go.open();
  parent.wait();
  const auto report = sonde.end();
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.lost(), 0);
  long long voluntary = 0, seen = 0;
  for (const auto& row : report.rows) {
    voluntary += row["voluntary"].number();
    seen += row["threads"].number();
  }
  EXPECT_GE(voluntary, threads);
  EXPECT_GE(seen, threads);
}

TEST_F(Cswitch, SaysWhoHasNoRoom) {
  const auto report = run({"cswitch", "-f", "json", "-d", "50ms", "--max-entries", "4", "--strict"});
  EXPECT_EQ(report.code, 5) << report.err;
  EXPECT_GT(report.lost(), 0);
  EXPECT_TRUE(report.noted("--max-entries"));
}

TEST_F(Cswitch, RefusesWhatItCannotCountBy) {
  const auto report = run({"cswitch", "--by", "user"});
  EXPECT_EQ(report.code, 2);
  EXPECT_NE(report.err.find("They can by process, thread or cpu."), std::string::npos) << report.err;
}

}  // namespace
}  // namespace sonde::test
