// SPDX-License-Identifier: GPL-2.0-or-later
// A call that a signal interrupts is shown once, when it is really over, with what the program got.
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "opensnoop.h"

namespace sonde::test {
namespace {

struct State {
  std::atomic<int> handled;
  std::atomic<pid_t> tid;
};
State* state;

void handle(int) { ++state->handled; }

void catch_signal(int number, int flags) {
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = flags;
  sigaction(number, &action, nullptr);
}

// A child that opens a FIFO, which blocks until somebody opens the other end; and what is done to it meanwhile.
class Blocked : public Opensnoop {
 protected:
  void SetUp() override {
    Opensnoop::SetUp();
    state = &*shared_;
    ASSERT_EQ(mkfifo(fifo_.c_str(), 0600), 0);
  }

  /// Runs `meddle` while the call blocks. Then, unless that ended it, the other end is opened.
  Report interrupt(const std::function<void()>& prepare, const std::function<void(const Child&)>& meddle,
                   bool ends_by_itself = false) {
    const Gate go;
    Child child([&] {
      prepare();
      go.pass();
      return diary_.make({Via::openat, fifo_}) < 0;
    });
    return watch(own({"-C", all_columns}, child.pid()), [&] {
      go.open();
      view_.emplace(child.pid());
      until_blocked();
      meddle(child);
      if (!ends_by_itself) {
        until_blocked();
        const Fd other_end(open(fifo_.c_str(), O_WRONLY | O_CLOEXEC));
        child.wait();
      }
      child.wait();
    });
  }

  void until_blocked() const {
    wait_until("the open to block", [&] { return view_->blocked_in() == SYS_openat && view_->state() == 'S'; });
  }
  static void until_handled(int times) {
    wait_until("the signal to be handled", [&] { return state->handled == times; });
  }
  void stop_and_continue(
      const Child& child, const std::function<void()>& meanwhile = [] {}) const {
    child.signal(SIGSTOP);
    wait_until("the child to stop", [&] { return view_->state() == 'T'; });
    meanwhile();
    child.signal(SIGCONT);
  }

  Folder folder_;
  std::string fifo_ = folder_ / "fifo";
  Diary diary_;
  Shared<State> shared_;
  std::optional<TaskView> view_;
};

TEST_P(Blocked, IsShownOnceWhereTheCallRestarts) {
  const auto report = interrupt([] { catch_signal(SIGUSR1, SA_RESTART); },
                                [&](const Child& child) {
                                  for (int i = 1; i <= 3; ++i) {
                                    child.signal(SIGUSR1);
                                    until_handled(i);
                                    until_blocked();
                                  }
                                });
  expect_shown(report, diary_);
  ASSERT_EQ(diary_.entries().size(), 1U);
  EXPECT_GE(diary_.entries()[0].result, 0);
}

TEST_P(Blocked, IsShownOnceWithEINTR) {
  const auto report =
      interrupt([] { catch_signal(SIGUSR1, 0); }, [&](const Child& child) { child.signal(SIGUSR1); }, true);
  expect_shown(report, diary_);
  ASSERT_EQ(diary_.entries().size(), 1U);
  EXPECT_EQ(diary_.entries()[0].result, -EINTR);
}

TEST_P(Blocked, IsNotInterruptedByIgnoredSignals) {
  const auto report = interrupt([] { signal(SIGUSR2, SIG_IGN); },
                                [&](const Child& child) {
                                  for (const int number : {SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGUSR2})
                                    child.signal(number);
                                  stop_and_continue(child);
                                  until_blocked();
                                });
  expect_shown(report, diary_);
  ASSERT_EQ(diary_.entries().size(), 1U);
  EXPECT_GE(diary_.entries()[0].result, 0);
}

// The signal comes when the kernel has left the call to stop, and not yet decided what becomes of it.
TEST_P(Blocked, IsShownIfASignalComesWhileItIsStopped) {
  const auto report =
      interrupt([] { catch_signal(SIGUSR1, 0); },
                [&](const Child& child) { stop_and_continue(child, [&] { child.signal(SIGUSR1); }); }, true);
  expect_shown(report, diary_);
  ASSERT_EQ(diary_.entries().size(), 1U);
  EXPECT_EQ(diary_.entries()[0].result, -EINTR);
}

TEST_P(Blocked, IsShownWithEINTRWhereTheProcessIsKilled) {
  for (const int number : {SIGKILL, SIGTERM}) {
    if (in_guest() && number == SIGTERM) continue;
    const auto report = interrupt([] {}, [&](const Child& child) { child.signal(number); }, true);
    ASSERT_EQ(report.events.size(), 1U) << strsignal(number);
    EXPECT_EQ(report.events[0]["path"].text(), fifo_);
    EXPECT_EQ(report.events[0]["errno"].text(), "EINTR");
  }
}

// The process ends while one of its threads is in the call.
TEST_P(Blocked, IsShownWithEINTRWhereAnotherThreadEndsTheProcess) {
  const Gate go, end;
  Child child([&] {
    go.pass();
    std::thread([&] {
      state->tid = static_cast<pid_t>(syscall(SYS_gettid));
      call({Via::openat, fifo_});
    }).detach();
    end.pass();
    return 5;
  });
  const auto report = watch(own({"-C", "tid,errno,path"}, child.pid()), [&] {
    go.open();
    wait_until("the thread to start", [] { return state->tid != 0; });
    view_.emplace(state->tid);
    until_blocked();
    end.open();
    EXPECT_EQ(child.wait(), 5);
  });
  ASSERT_EQ(report.where("path", fifo_).size(), 1U);
  EXPECT_EQ(report.where("path", fifo_)[0]["errno"].text(), "EINTR");
  EXPECT_EQ(report.where("path", fifo_)[0]["tid"].number(), state->tid);
}

// The latency of a call that was made again is that of the whole.
TEST_P(Blocked, TakesFromItsFirstBeginningToItsEnd) {
  timespec first{}, last{};
  const auto report = interrupt([] { catch_signal(SIGUSR1, SA_RESTART); },
                                [&](const Child& child) {
                                  clock_gettime(CLOCK_MONOTONIC, &first);
                                  child.signal(SIGUSR1);
                                  until_handled(1);
                                  clock_gettime(CLOCK_MONOTONIC, &last);
                                });
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_GE(report.events[0]["latency_ns"].number(),
            (last.tv_sec - first.tv_sec) * 1'000'000'000LL + last.tv_nsec - first.tv_nsec);
}

INSTANTIATE_TEST_SUITE_P(Opensnoop, Blocked, testing::Values("fexit", "tracepoint", "tp_btf", "kprobe"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace sonde::test
