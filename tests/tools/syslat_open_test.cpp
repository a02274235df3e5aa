// SPDX-License-Identifier: GPL-2.0-or-later
// Calls that take long: that have not ended, that the kernel makes again, that are shown one by one.
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "syslat.h"

namespace sonde::test {
namespace {

constexpr long long ms = 1'000'000;

int* handled;

void handle(int flags) {
  struct sigaction action {};
  action.sa_handler = [](int) {
    char byte = 0;
    const iovec from{&byte, 0};
    writev(-1, &from, 1);  // a call that is wanted too, inside the other
    __atomic_add_fetch(handled, 1, __ATOMIC_SEQ_CST);
  };
  action.sa_flags = flags;
  sigaction(SIGUSR1, &action, nullptr);
}

long read_one(int fd) {
  char byte;
  const iovec into{&byte, 1};
  return readv(fd, &into, 1);
}

// A child that reads from a pipe, by readv(2), and then waits for its end.
class Reader {
 public:
  explicit Reader(int flags = 0)
      : child_([this, flags] {
          handled = &*handled_;
          handle(flags);
          ready_.open();
          go_.pass();
          read_one(pipe_.out.get());
          pause();
          return 0;
        }),
        view_(child_.pid()) {
    ready_.pass();
  }

  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] std::string pid_text() const { return std::to_string(pid()); }
  [[nodiscard]] std::string file() const {
    struct stat about {};
    fstat(pipe_.out.get(), &about);
    return "pipe:[" + std::to_string(about.st_ino) + "]";
  }
  [[nodiscard]] int fd() const { return pipe_.out.get(); }
  void start() const {
    go_.open();
    wait_blocked();
  }
  void wait_blocked() const {
    wait_until("the child to wait for the pipe",
               [&] { return view_.blocked_in() == SYS_readv && view_.state() == 'S'; });
  }
  void feed() const {
    if (write(pipe_.in.get(), "x", 1) != 1) fail("no byte");
    wait_over();
  }
  void wait_over() const {
    wait_until("the child to pause", [&] { return view_.blocked_in() == SYS_pause && view_.state() == 'S'; });
  }
  void signal(int number) const { child_.signal(number); }
  void signal_handled(int times) const {
    wait_until("the handler to run", [&] { return __atomic_load_n(&*handled_, __ATOMIC_SEQ_CST) == times; });
  }
  int wait() { return child_.wait(); }

 private:
  Pipe pipe_;
  Gate ready_, go_;
  Shared<int> handled_;
  Child child_;
  TaskView view_;
};

TEST_P(Syslat, TellsWhatHasNotEnded) {
  const Reader reader;
  const auto report = watch_all({"readv", "-p", reader.pid_text(), "-i", "50ms"}, [&] {
    reader.start();
    usleep(120'000);
  });
  ASSERT_FALSE(report.rows.empty());
  const auto last = report.rows.back();
  EXPECT_EQ(last["syscall"].text(), "readv");
  EXPECT_EQ(last["count"].number(), 0);
  EXPECT_EQ(last["running"].number(), 1);
  EXPECT_GT(last["so_far_ns"].number(), 0);
  EXPECT_LE(last["so_far_ns"].number(), report.summary["window_ns"].number());
  EXPECT_TRUE(last["total_ns"].null());
}

TEST_P(Syslat, CountsARestartedCallOnce) {
  const Reader reader(SA_RESTART);
  const auto report = watch_all({"readv,writev", "-p", reader.pid_text(), "-C", "+failed"}, [&] {
    reader.start();
    for (int i = 1; i <= 3; ++i) {
      usleep(20'000);
      reader.signal(SIGUSR1);
      reader.signal_handled(i);
      reader.wait_blocked();
    }
    reader.feed();
  });
  const auto read = row_of(report, "syscall", "readv"), written = row_of(report, "syscall", "writev");
  EXPECT_EQ(read["count"].number(), 1);
  EXPECT_EQ(read["failed"].number(), 0);
  EXPECT_EQ(read["running"].number(), 0);
  EXPECT_GE(read["total_ns"].number(), 60 * ms);
  EXPECT_EQ(read["bytes"].number(), 1);
  EXPECT_EQ(written["count"].number(), 3);
  EXPECT_LT(written["max_ns"].number(), 60 * ms);
}

TEST_P(Syslat, EndsAnInterruptedCall) {
  const Reader reader;
  const auto report = watch_all({"readv", "-p", reader.pid_text(), "-C", "+failed"}, [&] {
    reader.start();
    reader.signal(SIGUSR1);
    reader.wait_over();
  });
  const auto read = row_of(report, "syscall", "readv");
  EXPECT_EQ(read["count"].number(), 1);
  EXPECT_EQ(read["failed"].number(), 1);
  EXPECT_EQ(read["running"].number(), 0);
}

TEST_P(Syslat, EndsACallWhoseThreadIsKilled) {
  Reader reader;
  const Reader other;  // so that the run does not end with its only process
  const auto report = watch_all({"readv", "-p", reader.pid_text() + "," + other.pid_text()}, [&] {
    reader.start();
    reader.signal(SIGKILL);
    EXPECT_EQ(reader.wait(), 128 + SIGKILL);
  });
  const auto read = row_of(report, "syscall", "readv");
  EXPECT_EQ(read["count"].number(), 1);
  EXPECT_EQ(read["running"].number(), 0);
}

// A sleep that is stopped and continued goes on as restart_syscall(2).
TEST_P(Syslat, FollowsACallToItsRestart) {
  const Gate go;
  Child child([&] {
    go.pass();
    sleep_for(300 * ms);
    pause();
    return 0;
  });
  const TaskView view(child.pid());
  const auto report = watch_all({"clock_nanosleep", "-p", std::to_string(child.pid())}, [&] {
    go.open();
    wait_until("the child to sleep", [&] { return view.blocked_in() == SYS_clock_nanosleep; });
    child.signal(SIGSTOP);
    wait_until("the child to stop", [&] { return view.state() == 'T'; });
    child.signal(SIGCONT);
    wait_until("the child to pause", [&] { return view.blocked_in() == SYS_pause; });
  });
  const auto slept = row_of(report, "syscall", "clock_nanosleep");
  EXPECT_EQ(slept["count"].number(), 1);
  EXPECT_EQ(slept["running"].number(), 0);
  EXPECT_GE(slept["total_ns"].number(), 300 * ms);
}

TEST_P(Syslat, ShowsSlowCalls) {
  const Reader reader;
  const auto report = watch_all({"readv,writev", "-p", reader.pid_text(), "--slower", "30ms", "-C",
                                 "+tid,+uid,+user,+abi,+kind,+args,+errno,+cgroup"},
                                [&] {
                                  reader.start();
                                  usleep(50'000);
                                  reader.feed();
                                });
  ASSERT_EQ(report.events.size(), 1U) << report.out;
  const auto& event = report.events[0];
  EXPECT_EQ(event["pid"].number(), reader.pid());
  EXPECT_EQ(event["tid"].number(), reader.pid());
  EXPECT_EQ(event["uid"].number(), getuid());
  EXPECT_EQ(event["comm"].text(), contents("/proc/self/comm").substr(0, event["comm"].text().size()));
  EXPECT_EQ(event["syscall"].text(), "readv");
  EXPECT_EQ(event["abi"].text(), "native");
  EXPECT_EQ(event["fd"].number(), reader.fd());
  EXPECT_EQ(event["kind"].text(), "pipe");
  EXPECT_EQ(event["file"].text(), reader.file());
  EXPECT_EQ(event["result_raw"].number(), 1);
  EXPECT_TRUE(event["errno"].null());
  EXPECT_GE(event["latency_ns"].number(), 50 * ms);
  EXPECT_EQ(event["args"].text().substr(0, 2), "0x");
  EXPECT_NE(wall_ns(event["time"].text()), 0);
}

TEST_P(Syslat, ShowsSlowCallsThatFailOrHaveNotEnded) {
  const Reader reader, blocked;
  const auto report =
      watch_all({"readv", "-p", reader.pid_text() + "," + blocked.pid_text(), "--slower", "20ms", "-C", "+errno"}, [&] {
        reader.start();
        blocked.start();
        usleep(30'000);
        reader.signal(SIGUSR1);
        reader.wait_over();
      });
  ASSERT_EQ(report.events.size(), 2U) << report.out;
  EXPECT_EQ(report.events[0]["pid"].number(), reader.pid());
  EXPECT_EQ(report.events[0]["result"].text(), "EINTR");
  EXPECT_EQ(report.events[0]["result_raw"].number(), -4);
  EXPECT_EQ(report.events[0]["errno"].text(), "EINTR");
  EXPECT_EQ(report.events[1]["pid"].number(), blocked.pid());
  EXPECT_EQ(report.events[1]["result"].text(), "running");
  EXPECT_TRUE(report.events[1]["result_raw"].null());
  EXPECT_EQ(report.events[1]["file"].text(), blocked.file());
  EXPECT_GE(report.events[1]["latency_ns"].number(), 20 * ms);
}

}  // namespace
}  // namespace sonde::test
