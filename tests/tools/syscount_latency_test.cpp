// SPDX-License-Identifier: GPL-2.0-or-later
// How long calls take, those that have not ended, and those that the kernel makes again.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "syscount.h"

namespace sonde::test {
namespace {

constexpr long long ms = 1'000'000;

void sleep_for(long long ns) {
  const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
  syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, nullptr);
}

TEST_P(Syscount, MeasuresLatency) {
  const auto report =
      watch({"--by", "syscall", "--syscall", "clock_nanosleep,getppid", "-L", "--percentiles", "--histogram"}, [] {
        for (int i = 0; i < 9; ++i) sleep_for(5 * ms);
        sleep_for(40 * ms);
        for (int i = 0; i < 100; ++i) syscall(SYS_getppid);
      });
  ASSERT_EQ(report.rows.size(), 2U);
  const auto& slept = report.rows[0];  // the longest total first
  EXPECT_EQ(slept["syscall"].text(), "clock_nanosleep");
  EXPECT_EQ(slept["count"].number(), 10);
  EXPECT_EQ(slept["running"].number(), 0);
  EXPECT_GE(slept["total_ns"].number(), 85 * ms);
  EXPECT_EQ(slept["avg_ns"].number(), slept["total_ns"].number() / 10);
  EXPECT_GE(slept["min_ns"].number(), 5 * ms);
  EXPECT_LE(slept["min_ns"].number(), slept["p50_ns"].number());
  EXPECT_GE(slept["max_ns"].number(), 40 * ms);
  EXPECT_LE(slept["p50_ns"].number(), slept["p90_ns"].number());
  EXPECT_GE(slept["p99_ns"].number(), 40 * ms);
  EXPECT_LE(slept["p99_ns"].number(), slept["max_ns"].number());
  long long counted = 0;
  for (const auto& bucket : slept["histogram_ns"].items()) {
    counted += bucket["count"].number();
    EXPECT_EQ(bucket["max"].number(), 2 * bucket["min"].number());
  }
  EXPECT_EQ(counted, 10);
  EXPECT_EQ(report.rows[1]["count"].number(), 100);
  EXPECT_LT(report.rows[1]["min_ns"].number(), 5 * ms);
}

// The least and the most are those of each interval, not of the run.
TEST_P(Syscount, MeasuresEachIntervalByItself) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const auto report = watch({"--syscall", "clock_nanosleep", "-L", "-i", "200ms"}, [] {
    sleep_for(800 * ms);
    for (int i = 0; i < 100; ++i) sleep_for(5 * ms);
  });
  long long count = 0, total = 0;
  int long_ones = 0, others = 0;
  for (const auto& row : report.rows) {
    count += row["count"].number();
    total += row["total_ns"].number();
    if (!row["max_ns"].null()) ++(row["max_ns"].number() >= 800 * ms ? long_ones : others);
  }
  EXPECT_EQ(long_ones, 1) << report.out;
  EXPECT_GE(others, 1) << report.out;
  EXPECT_EQ(count, 101);
  EXPECT_GE(total, (800 + 100 * 5) * ms);
}

class SyscountBlocked : public Syscount {};
INSTANTIATE_TEST_SUITE_P(Backends, SyscountBlocked, testing::Values("tp_btf", "raw_tp"),
                         [](const auto& backend) { return backend.param; });

TEST_P(SyscountBlocked, CountsACallThatHasNotEnded) {
  for (const bool timed : {false, true}) {
    const Gate go;
    Pipe pipe;
    const int fd = pipe.out.get();
    Child child([&] {
      go.pass();
      char byte;
      const iovec into{&byte, 1};
      return static_cast<int>(readv(fd, &into, 1));
    });
    const TaskView view(child.pid());
    Words words{"-p", std::to_string(child.pid()), "--by", "syscall", "--syscall", "readv,getppid"};
    if (timed) words.push_back("-L");
    const auto report = watch_all(words, [&] {
      go.open();
      wait_until("the child to wait for the pipe", [&] { return view.blocked_in() == SYS_readv; });
    });
    ASSERT_EQ(report.rows.size(), 1U) << timed;
    EXPECT_EQ(report.rows[0]["syscall"].text(), "readv");
    EXPECT_EQ(report.rows[0]["count"].number(), 1);
    if (timed) {
      EXPECT_EQ(report.rows[0]["running"].number(), 1);
      EXPECT_TRUE(report.rows[0]["total_ns"].null());
    }
  }
}

// A handler with SA_RESTART interrupts a read that then goes on: one call.
TEST_P(SyscountBlocked, CountsARestartedCallOnce) {
  for (const bool timed : {false, true}) {
    const Gate ready, go;
    Pipe pipe;
    const int fd = pipe.out.get();
    Shared<int> handled;
    static int* count;
    count = &*handled;
    Child child([&] {
      struct sigaction action {};
      action.sa_handler = [](int) { __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST); };
      action.sa_flags = SA_RESTART;
      sigaction(SIGUSR1, &action, nullptr);
      ready.open();
      go.pass();
      char byte;
      const iovec into{&byte, 1};
      const bool well = readv(fd, &into, 1) == 1;
      pause();
      return well ? 0 : 1;
    });
    ready.pass();
    const TaskView view(child.pid());
    Words words{"-p", std::to_string(child.pid()), "--by", "syscall", "--syscall", "readv"};
    if (timed) words.push_back("-L");
    const auto report = watch_all(words, [&] {
      go.open();
      for (int i = 1; i <= 3; ++i) {
        wait_until("the child to wait for the pipe",
                   [&] { return view.blocked_in() == SYS_readv && view.state() == 'S'; });
        usleep(20'000);
        child.signal(SIGUSR1);
        wait_until("the handler to run", [&] { return __atomic_load_n(&*handled, __ATOMIC_SEQ_CST) == i; });
      }
      if (write(pipe.in.get(), "", 1) != 1) fail("no byte");
      wait_until("the child to pause", [&] { return view.blocked_in() != SYS_readv && view.state() == 'S'; });
    });
    EXPECT_EQ(sums(report, "syscall").at("readv"), 1) << timed;
    if (timed) {
      EXPECT_EQ(sums(report, "syscall", "running").at("readv"), 0);
      EXPECT_GE(sums(report, "syscall", "total_ns").at("readv"), 60 * ms);
    }
    child.signal(SIGKILL);
  }
}

}  // namespace
}  // namespace sonde::test
