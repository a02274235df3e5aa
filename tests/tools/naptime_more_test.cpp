// SPDX-License-Identifier: GPL-2.0-or-later
// Filters, 32-bit calls, time namespaces, many threads, and the sums of --summary.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "naptime.h"
#include "support/calls.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

namespace sonde::test {
namespace {

class NaptimeMore : public Naptime {};

TEST_P(NaptimeMore, ShowsOnlyWhatWasAskedFor) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Dreams dreams;
  const auto body = [&] {
    for (const auto time : {millisecond, 300 * millisecond}) dreams.sleep(CLOCK_MONOTONIC, time);
    dreams.sleep(CLOCK_MONOTONIC, now() - second, true);
    return 0;
  };
  EXPECT_TRUE(watch({"-x"}, body).events.empty());
  const auto slow = watch({"--slower", "250ms"}, body);
  ASSERT_EQ(slow.events.size(), 1U);
  EXPECT_EQ(slow.events[0]["requested_ns"].number(), 300 * millisecond);
  EXPECT_TRUE(watch({"--late", "1h"}, body).events.empty());
  EXPECT_EQ(watch({"--late", "1ns"}, body).events.size(), 3U);
}

// Pointers of 32-bit calls are below 4 GiB.
TEST_P(NaptimeMore, ShowsSleepsBy32BitCalls) {
  if (!has_compat()) GTEST_SKIP() << "this kernel makes no 32-bit calls";
  constexpr long nanosleep32 = 162, clock_nanosleep32 = 267, clock_nanosleep64 = 407;
  for (const bool asked : {true, false}) {
    const Dreams dreams;
    Words words{"-C", sleep_columns};
    if (asked) words.push_back("--compat");
    const auto report = watch(words, [&] {
      void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
      auto* short_time = static_cast<std::int32_t*>(page);
      auto* long_time = static_cast<std::int64_t*>(page);
      const auto at = static_cast<long>(reinterpret_cast<std::uintptr_t>(page));
      const auto sleep_by = [&](clockid_t clock, std::int64_t ns, bool absolute, long number, bool two_args = false) {
        const auto time = to_timespec(ns);
        if (number == clock_nanosleep64) {
          long_time[0] = time.tv_sec;
          long_time[1] = time.tv_nsec | 0x7700000000;  // the upper half counts for nothing
        } else {
          short_time[0] = static_cast<std::int32_t>(time.tv_sec);
          short_time[1] = static_cast<std::int32_t>(time.tv_nsec);
        }
        dreams.sleep_by(clock, ns, absolute, [&](timespec*) {
          return static_cast<int>(two_args ? compat_syscall(number, at, 0)
                                           : compat_syscall(number, clock, absolute ? TIMER_ABSTIME : 0, at, 0));
        });
      };
      sleep_by(CLOCK_MONOTONIC, 3 * millisecond, false, nanosleep32, true);
      for (const long number : {clock_nanosleep32, clock_nanosleep64}) {
        sleep_by(CLOCK_REALTIME, 2 * millisecond, false, number);
        sleep_by(CLOCK_BOOTTIME, now(CLOCK_BOOTTIME) + 20 * millisecond, true, number);
      }
      return 0;
    });
    ASSERT_EQ(dreams.all().size(), 5U);
    if (asked || !by("tracepoint")) {
      expect_shown(report, dreams.all());
      EXPECT_NE(report.scope(), "64-bit calls");
    } else {
      EXPECT_TRUE(report.events.empty());
      EXPECT_EQ(report.scope(), "64-bit calls");
    }
  }
}

// A deadline there is a time of the namespace's clocks.
TEST_P(NaptimeMore, KnowsTimeNamespaces) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Dreams dreams;
  const Shared<std::atomic<int>> trouble;
  const auto report = watch({"--follow", "-C", sleep_columns}, [&] {
    const Fd offsets(open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC));
    const std::string text = "monotonic 86400 5\nboottime 8640000 7\n";
    if (unshare(CLONE_NEWTIME) != 0 || write(offsets.get(), text.data(), text.size()) < 0) {
      *trouble = errno;
      return 1;
    }
    const pid_t pid = fork();  // a child is the first in it
    if (pid == 0) {
      for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME})
        dreams.sleep(clock, now(clock) + 30 * millisecond, true);
      _exit(0);
    }
    return waitpid(pid, nullptr, 0) < 0 ? 1 : 0;
  });
  if (*trouble) GTEST_SKIP() << "no time namespace: " << strerrordesc_np(*trouble);
  EXPECT_EQ(dreams.all().size(), 3U);
  expect_shown(report, dreams.all());
}

TEST_P(NaptimeMore, LosesNothingOfManyThreads) {
  constexpr int threads = 32;
  const int each = scaled(200);
  const Gate go;
  Child child([&] {
    go.pass();
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i)
      all.emplace_back([&] {
        const timespec time{0, 1000};
        for (int n = 0; n < each; ++n) syscall(SYS_nanosleep, &time, nullptr);
      });
    for (auto& thread : all) thread.join();
    return 0;
  });
  Sonde sonde({"naptime", "-f", "json", "--backend", GetParam(), "--pid", std::to_string(child.pid())});
  ASSERT_TRUE(sonde.ready());
  go.open();
  child.wait();
  const auto report = sonde.end(SIGINT);
  expect_law(report, static_cast<long long>(threads) * each);
  if (!by("kprobe")) {
    EXPECT_EQ(report.lost(), report.skipped());
  }
}

TEST_P(NaptimeMore, SumsUp) {
  for (const std::string by : {"process", "thread", "comm"}) {
    const Dreams dreams;
    const int each = scaled(40);
    const auto report = watch({"--summary", "--by", by}, [&] {
      set_comm("dreamer");
      for (int i = 0; i < each; ++i) {
        dreams.sleep(CLOCK_MONOTONIC, 1'000'000);
        dreams.sleep(CLOCK_MONOTONIC, 3'000'000);
      }
      return 0;
    });
    ASSERT_EQ(report.rows.size(), 1U);
    const auto& row = report.rows[0];
    SCOPED_TRACE(testing::Message() << row);
    EXPECT_EQ(row["comm"].text(), "dreamer");
    std::int64_t longest = 0, least = 0, most = 0;
    for (const auto& slept : dreams.all()) {
      longest = std::max(longest, slept.after - slept.before - slept.request);
      least += slept.request;
      most += slept.after - slept.before;
    }
    const auto missing = 2LL * each - row["sleeps"].number();
    EXPECT_GE(missing, 0);
    EXPECT_LE(missing, report.skipped());
    EXPECT_EQ(row["interrupted"].number(), 0);
    EXPECT_LE(row["slept_ns"].number(), most);
    if (!missing) {
      EXPECT_GE(row["slept_ns"].number(), least);
    }
    EXPECT_LE(row["max_ns"].number(), longest);
    EXPECT_LE(row["p99_ns"].number(), row["max_ns"].number());
    EXPECT_GT(row["avg_ns"].number(), 0);
    long long requested = 0, overshot = 0;
    for (const auto& bucket : row["requested_histogram_ns"].items()) {
      requested += bucket["count"].number();
      if (!bucket["count"].number()) continue;
      EXPECT_TRUE((bucket["min"].number() <= 1'000'000 && bucket["max"].number() > 1'000'000) ||
                  (bucket["min"].number() <= 3'000'000 && bucket["max"].number() > 3'000'000));
    }
    for (const auto& bucket : row["overshoot_histogram_ns"].items()) overshot += bucket["count"].number();
    EXPECT_EQ(requested, row["sleeps"].number());
    EXPECT_EQ(overshot, row["sleeps"].number());
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, NaptimeMore, testing::Values("fexit", "kprobe", "tracepoint"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace sonde::test
