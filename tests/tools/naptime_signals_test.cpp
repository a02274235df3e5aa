// SPDX-License-Identifier: GPL-2.0-or-later
// A sleep that a signal meets is shown once, when it is really over, with what the program got.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "naptime.h"
#include "support/calls.h"

namespace sonde::test {
namespace {

void handle(int) {}

void catch_signal(int flags) {
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = flags;
  sigaction(SIGUSR1, &action, nullptr);
}

class NaptimeSignals : public Naptime {
 protected:
  /// `meddle` with a child once it sleeps.
  Report meddle(const std::function<void()>& sleep, const std::function<void(const Child&, const TaskView&)>& meddle) {
    return watch(
        {"-C", sleep_columns},
        [&] {
          catch_signal(SA_RESTART);  // which nanosleep does not heed
          sleep();
          return 0;
        },
        [&](const Child& child) {
          const TaskView view(child.pid());
          until_asleep(view);
          meddle(child, view);
        });
  }
  static void until_asleep(const TaskView& view) {
    wait_until("the child to sleep", [&] {
      const auto call = view.blocked_in();
      return (call == SYS_nanosleep || call == SYS_clock_nanosleep || call == SYS_restart_syscall) &&
             view.state() == 'S';
    });
  }
  static void stop_and_continue(const Child& child, const TaskView& view) {
    child.signal(SIGSTOP);
    wait_until("the child to stop", [&] { return view.state() == 'T'; });
    child.signal(SIGCONT);
  }

  Dreams dreams_;
};

TEST_P(NaptimeSignals, EndASleepWithWhatIsLeft) {
  for (const bool absolute : {false, true}) {
    const Dreams dreams;
    const auto report = meddle(
        [&] {
          const auto time = 100 * second + 12345;
          dreams.sleep(CLOCK_MONOTONIC, absolute ? now() + time : time, absolute);
        },
        [](const Child& child, const TaskView&) { child.signal(SIGUSR1); });
    expect_shown(report, dreams.all());
    ASSERT_EQ(dreams.all().size(), 1U);
    EXPECT_EQ(dreams.all()[0].result, -EINTR);
    EXPECT_EQ(dreams.all()[0].left > 0, !absolute);
  }
}

// The kernel writes what is left where the request was.
TEST_P(NaptimeSignals, DoNotChangeTheRequest) {
  const auto report = meddle(
      [&] {
        dreams_.sleep_by(CLOCK_MONOTONIC, 100 * second, false, [](timespec* left) {
          *left = to_timespec(100 * second);
          return syscall(SYS_nanosleep, left, left) ? -errno : 0;
        });
      },
      [](const Child& child, const TaskView&) { child.signal(SIGUSR1); });
  expect_shown(report, dreams_.all());
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_EQ(report.events[0]["requested_ns"].number(), 100 * second);
}

// Stopped and continued, and ignored signals: the kernel makes the call again, a relative one by restart_syscall.
TEST_P(NaptimeSignals, LetASleepGoOn) {
  for (const bool absolute : {false, true}) {
    const Dreams dreams;
    const auto time = in_guest() ? 4 * second : second;
    const auto report = meddle([&] { dreams.sleep(CLOCK_MONOTONIC, absolute ? now() + time : time, absolute); },
                               [](const Child& child, const TaskView& view) {
                                 for (int i = 0; i < 2; ++i) {
                                   stop_and_continue(child, view);
                                   until_asleep(view);
                                 }
                                 for (const int number : {SIGCHLD, SIGURG, SIGWINCH}) child.signal(number);
                               });
    expect_shown(report, dreams.all());
    ASSERT_EQ(dreams.all().size(), 1U);
    EXPECT_EQ(dreams.all()[0].result, 0);
  }
}

TEST_P(NaptimeSignals, EndASleepThatWasMadeAgain) {
  const auto report = meddle([&] { dreams_.sleep(CLOCK_MONOTONIC, 100 * second); },
                             [](const Child& child, const TaskView& view) {
                               stop_and_continue(child, view);
                               until_asleep(view);
                               child.signal(SIGUSR1);
                             });
  expect_shown(report, dreams_.all());
  ASSERT_EQ(dreams_.all().size(), 1U);
  EXPECT_EQ(dreams_.all()[0].result, -EINTR);
}

// What follows is a sleep of its own, though it is made at the same place.
TEST_P(NaptimeSignals, DoNotJoinTwoSleeps) {
  const auto report = meddle(
      [&] {
        for (const auto time : {100 * second, 2 * millisecond}) dreams_.sleep(CLOCK_MONOTONIC, time);
      },
      [](const Child& child, const TaskView&) { child.signal(SIGUSR1); });
  EXPECT_EQ(dreams_.all().size(), 2U);
  expect_shown(report, dreams_.all());
}

TEST_P(NaptimeSignals, ThatKillEndASleep) {
  for (const int number : {SIGKILL, SIGTERM}) {
    const auto report = meddle([&] { dreams_.sleep(CLOCK_MONOTONIC, 100 * second); },
                               [&](const Child& child, const TaskView&) { child.signal(number); });
    ASSERT_EQ(report.events.size(), 1U);
    EXPECT_EQ(report.events[0]["result"].text(), "EINTR");
    EXPECT_EQ(report.events[0]["requested_ns"].number(), 100 * second);
    EXPECT_FALSE(report.noted("still going on"));
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, NaptimeSignals, testing::Values("fexit", "kprobe", "tracepoint"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace sonde::test
