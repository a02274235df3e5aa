// SPDX-License-Identifier: GPL-2.0-or-later
// Every sleep, once, with every column.
#include "naptime.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "support/calls.h"

namespace sonde::test {
namespace {

constexpr clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI};

TEST_P(Naptime, ShowsEachSleepByEachClock) {
  const Dreams dreams;
  const auto report = watch({"-C", sleep_columns}, [&] {
    dreams.sleep(CLOCK_MONOTONIC, 2 * millisecond, false, true);
    for (const clockid_t clock : clocks) {
      dreams.sleep(clock, 3 * millisecond);
      dreams.sleep(clock, now(clock) + 20 * millisecond, true);
      dreams.sleep(clock, now(clock) - second, true);
      dreams.sleep(clock, 0);
    }
    return 0;
  });
  EXPECT_EQ(dreams.all().size(), 17U);
  expect_shown(report, dreams.all());
  EXPECT_EQ(report.rung(), GetParam());
}

TEST_P(Naptime, ShowsWhoSleeps) {
  const auto user = ordinary_user();
  const Cgroup cgroup("sonde-nap");
  if (!cgroup.trouble().empty()) GTEST_SKIP() << cgroup.trouble();
  const auto wall_before = now(CLOCK_REALTIME);
  pid_t pid = 0;
  Dreams dreams;
  const auto report = watch(
      {"-C", sleep_columns},
      [&] {
        cgroup.enter();
        become(user.uid);
        set_comm("fifteen letters");
        dreams.sleep(CLOCK_MONOTONIC, millisecond);
        return 0;
      },
      [&](const Child& child) { pid = child.pid(); });
  expect_shown(report, dreams.all());
  for (const auto& row : report.events) {
    SCOPED_TRACE(testing::Message() << row);
    expect_child(row, {pid, user, "fifteen letters", cgroup.path(), wall_before});
  }
}

// The first touch of the page that holds the request is that of the call itself.
TEST_P(Naptime, ReadsARequestThatIsNotThereYet) {
  const Dreams dreams;
  const Folder folder;
  const timespec time = to_timespec(4 * millisecond);
  const auto path = folder.file("request", {reinterpret_cast<const char*>(&time), sizeof(time)});
  const auto report = watch({"-C", sleep_columns}, [&] {
    const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const void* page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, file.get(), 0);
    dreams.sleep_by(CLOCK_MONOTONIC, 4 * millisecond, false,
                    [&](timespec*) { return syscall(SYS_nanosleep, page, nullptr) ? -errno : 0; });
    return 0;
  });
  expect_shown(report, dreams.all());
}

TEST_P(Naptime, TellsWhatTheBackendDoesNotSee) {
  const auto report = watch({"-C", sleep_columns}, [] {
    const timespec soon{0, 1'000'000}, never{0, -1};
    std::thread worker([] {
      const auto end = now() + 50 * millisecond;
      while (now() < end) {
      }
    });
    syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &soon, nullptr);
    worker.join();
    syscall(SYS_nanosleep, &never, nullptr);
    syscall(SYS_nanosleep, nullptr, nullptr);
    return 0;
  });
  if (!by("tracepoint")) {
    EXPECT_TRUE(report.events.empty());
    EXPECT_EQ(report.scope(), "not by clocks of CPU time or alarm clocks");
    return;
  }
  ASSERT_EQ(report.events.size(), 3U);
  EXPECT_EQ(report.events[0]["clock"].text(), "cpu");
  EXPECT_EQ(report.events[0]["clock_raw"].number(), CLOCK_PROCESS_CPUTIME_ID);
  EXPECT_EQ(report.events[0]["requested_ns"].number(), millisecond);
  EXPECT_EQ(report.events[0]["result"].text(), "complete");
  EXPECT_TRUE(report.events[0]["overshoot_ns"].null());
  EXPECT_EQ(report.events[1]["result"].text(), "EINVAL");
  EXPECT_EQ(report.events[2]["result"].text(), "EFAULT");
  for (const std::size_t i : {1U, 2U}) EXPECT_TRUE(report.events[i]["requested_ns"].null());
}

TEST_P(Naptime, SaysHowManySleepsGoOn) {
  const Gate go;
  Child child([&] {
    go.pass();
    return usleep(3'600'000'000U);
  });
  const TaskView view(child.pid());
  Sonde sonde({"naptime", "--format", "json", "--backend", GetParam(), "--pid", std::to_string(child.pid())});
  ASSERT_TRUE(sonde.ready());
  go.open();
  wait_until("the child to sleep", [&] { return view.blocked_in() == SYS_clock_nanosleep; });
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0);
  EXPECT_TRUE(report.events.empty());
  if (by("kprobe")) {
    EXPECT_EQ(report.lost(), 1);  // or its end was missed: that is not known there
  } else {
    EXPECT_EQ(report.lost(), 0);
    EXPECT_TRUE(report.noted("1 sleep was still going on at the end."));
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Naptime, testing::Values("fexit", "kprobe", "tracepoint"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace sonde::test
