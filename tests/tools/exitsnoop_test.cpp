// SPDX-License-Identifier: GPL-2.0-or-later
// Every process that ends, and every column of it.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include "support/calls.h"
#include "traced.h"

namespace sonde::test {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * second + time.tv_nsec;
}

void burn(std::int64_t ns) {
  const auto end = now(CLOCK_THREAD_CPUTIME_ID) + ns;
  while (now(CLOCK_THREAD_CPUTIME_ID) < end) {
  }
}

class Exitsnoop : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& reason = refusal("exitsnoop", "")) GTEST_SKIP() << *reason;
  }
  // What children of this process do.
  static Report watch(Words words, const std::function<void()>& work) {
    words.insert(words.end(), {"--ppid", std::to_string(getpid())});
    return trace("exitsnoop", words, work);
  }
};

TEST_F(Exitsnoop, ShowsWhoEndedAndHow) {
  const auto user = ordinary_user();
  const Cgroup cgroup("sonde-exit");
  if (!cgroup.trouble().empty()) GTEST_SKIP() << cgroup.trouble();
  std::int64_t began = 0, ended = 0;
  const auto wall_before = now(CLOCK_REALTIME);
  pid_t pid = 0;
  const auto report = watch({"-C", "time,pid,tid,ppid,uid,user,comm,cgroup,age,cpu,code,signal,core"}, [&] {
    began = now(CLOCK_MONOTONIC);
    Child child([&] {
      cgroup.enter();
      become(user.uid);
      set_comm("fifteen letters");
      burn(50'000'000);
      return 42;
    });
    pid = child.pid();
    EXPECT_EQ(child.wait(), 42);
    ended = now(CLOCK_MONOTONIC);
  });
  ASSERT_EQ(report.events.size(), 1U);
  const auto& row = report.events[0];
  SCOPED_TRACE(testing::Message() << row);
  expect_child(row, {pid, user, "fifteen letters", cgroup.path(), wall_before});
  EXPECT_GE(row["age_ns"].number(), 50'000'000);
  EXPECT_LE(row["age_ns"].number(), ended - began);
  EXPECT_GE(row["cpu_ns"].number(), 40'000'000);
  EXPECT_LE(row["cpu_ns"].number(), row["age_ns"].number());
  EXPECT_EQ(row["code"].number(), 42);
  EXPECT_TRUE(row["signal"].null() && row["signal_raw"].null());
  EXPECT_FALSE(row["core"].is_true());
}

TEST_F(Exitsnoop, ShowsEveryEnd) {
  struct Case {
    int code, signal;
  };
  std::vector<Case> cases{{0, 0}, {1, 0}, {127, 0}, {255, 0}};
  for (const int signal : {SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGPIPE, SIGTERM, SIGRTMIN + 3})
    cases.push_back({0, signal});
  const auto report = watch({"-C", "code,signal,core"}, [&] {
    for (const auto& c : cases)
      Child([&] {
        if (!c.signal) return c.code;
        ::signal(c.signal, SIG_DFL);
        kill(getpid(), c.signal);
        pause();
        return 0;
      }).wait();
  });
  ASSERT_EQ(report.events.size(), cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& row = report.events[i];
    SCOPED_TRACE(testing::Message() << row);
    EXPECT_EQ(row["code"].null(), cases[i].signal != 0);
    EXPECT_EQ(row["code"].number(), cases[i].code);
    EXPECT_EQ(row["signal_raw"].number(), cases[i].signal);
    const bool classic = cases[i].signal && cases[i].signal < SIGRTMIN;
    const std::string other = cases[i].signal ? "SIGRTMIN+3" : "";
    EXPECT_EQ(row["signal"].text(), classic ? std::string("SIG") + sigabbrev_np(cases[i].signal) : other);
    EXPECT_FALSE(row["core"].is_true());
  }
}

// Whether the kernel really dumps is a matter of the machine's settings: what wait() says is right.
TEST_F(Exitsnoop, ShowsCoreDumps) {
  const Folder folder;
  int status = 0;
  const auto report = watch({"-C", "signal,core,code"}, [&] {
    const pid_t pid = fork();
    if (pid == 0) {
      const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
      setrlimit(RLIMIT_CORE, &all);
      signal(SIGQUIT, SIG_DFL);  // ignored by what a shell starts in the background
      alarm(60);
      if (chdir((folder / "").c_str()) == 0) kill(getpid(), SIGQUIT);
      pause();
      _exit(0);
    }
    waitpid(pid, &status, 0);
  });
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_EQ(report.events[0]["signal"].text(), "SIGQUIT");
  EXPECT_EQ(report.events[0]["core"].is_true(), static_cast<bool>(WCOREDUMP(status)));
  EXPECT_TRUE(report.events[0]["code"].null());
}

TEST_F(Exitsnoop, ShowsOnlyFailures) {
  const auto report = watch({"-x", "-C", "code,signal"}, [&] {
    Child([] { return 0; }).wait();
    Child([] { return 3; }).wait();
    Child([] { return kill(getpid(), SIGKILL); }).wait();
  });
  ASSERT_EQ(report.events.size(), 2U);
  EXPECT_EQ(report.events[0]["code"].number(), 3);
  EXPECT_EQ(report.events[1]["signal"].text(), "SIGKILL");
}

// A process of some threads: the leader waits for the others, or is the first to go.
struct Threads {
  int count;
  bool leader_first;
  std::int64_t cpu_each;
};

int run_threads(const Threads& threads) {
  set_comm("leader");
  std::atomic<int> left = threads.count;
  std::vector<std::thread> all;
  for (int i = 0; i < threads.count; ++i)
    all.emplace_back([&] {
      set_comm("worker");
      burn(threads.cpu_each);
      // By the bare call: the thread alone, and with a code of its own.
      if (--left == 0 && threads.leader_first) syscall(SYS_exit_group, 5);
      syscall(SYS_exit, 9);
    });
  if (threads.leader_first) syscall(SYS_exit, 3);
  for (auto& thread : all) thread.join();  // the kernel says when it is gone
  burn(threads.cpu_each);
  syscall(SYS_exit_group, 4);
  return 0;
}

TEST_F(Exitsnoop, ShowsAProcessWhenItsLastThreadEnds) {
  const std::int64_t each = 20'000'000;
  pid_t pids[2] = {};
  const auto report = watch({"-C", "pid,tid,comm,code,cpu,age"}, [&] {
    for (const bool leader_first : {false, true}) {
      Child child([&] { return run_threads({4, leader_first, each}); });
      pids[leader_first ? 1 : 0] = child.pid();
      EXPECT_EQ(child.wait(), leader_first ? 5 : 4);
    }
  });
  ASSERT_EQ(report.events.size(), 2U);
  for (int i = 0; i < 2; ++i) {
    const auto& row = report.events[static_cast<std::size_t>(i)];
    SCOPED_TRACE(testing::Message() << row);
    EXPECT_EQ(row["pid"].number(), pids[i]);
    EXPECT_EQ(row["tid"].number(), pids[i]);
    EXPECT_EQ(row["comm"].text(), "leader");
    EXPECT_EQ(row["code"].number(), i == 0 ? 4 : 5);
    EXPECT_GE(row["cpu_ns"].number(), 4 * each - 5 * 4'000'000);  // a tick of each thread may be missing
    EXPECT_GE(row["age_ns"].number(), each);
  }
}

TEST_F(Exitsnoop, ShowsEachThread) {
  pid_t pid = 0;
  const std::int64_t each = 20'000'000;
  const auto report = watch({"--threads", "-C", "pid,tid,comm,code,cpu,age"}, [&] {
    Child child([&] { return run_threads({4, false, each}); });
    pid = child.pid();
    EXPECT_EQ(child.wait(), 4);
  });
  expect_law(report, 5);
  std::map<long long, int> seen;
  for (const auto& row : report.events) {
    SCOPED_TRACE(testing::Message() << row);
    const bool leader = row["tid"].number() == pid;
    EXPECT_EQ(seen[row["tid"].number()]++, 0);
    EXPECT_EQ(row["pid"].number(), pid);
    EXPECT_EQ(row["comm"].text(), leader ? "leader" : "worker");
    EXPECT_EQ(row["code"].number(), leader ? 4 : 9);
    EXPECT_GE(row["cpu_ns"].number(), each - 4'000'000);
    EXPECT_GE(row["age_ns"].number(), each);
  }
}

// Threads that end at the same moment all find nobody alive: the process is shown once all the same.
TEST_F(Exitsnoop, ShowsAProcessOnceWhereThreadsRace) {
  const int processes = in_guest() ? 60 : 1'000;
  const auto report = watch({"-C", "pid,code"}, [&] {
    for (int i = 0; i < processes; ++i)
      Child([] {
        static pthread_barrier_t barrier;
        pthread_barrier_init(&barrier, nullptr, 3);
        for (int t = 0; t < 2; ++t)
          std::thread([] {
            pthread_barrier_wait(&barrier);
            syscall(SYS_exit, 0);
          }).detach();
        pthread_barrier_wait(&barrier);
        syscall(SYS_exit, 0);
        return 0;
      }).wait();
  });
  expect_law(report, processes);
  std::map<long long, int> seen;
  for (const auto& row : report.events) EXPECT_EQ(seen[row["pid"].number()]++, 0);
}

// With --follow the PIDs are remembered: until the row is shown, and no longer.
TEST_F(Exitsnoop, FollowsDescendantsToTheirEnd) {
  for (const bool threads : {false, true}) {
    const Gate go;
    Child top([&] {
      go.pass();
      Child([] {
        Child([] { return 2; }).wait();
        return run_threads({4, false, 0});
      }).wait();
      return 5;
    });
    Words words{"--follow", "--pid", std::to_string(top.pid()), "-C", "code"};
    if (threads) words.emplace_back("--threads");
    const auto report = trace("exitsnoop", words, [&] {
      go.open();
      EXPECT_EQ(top.wait(), 5);
    });
    std::map<long long, int> codes;
    for (const auto& row : report.events) ++codes[row["code"].number()];
    if (report.skipped()) continue;
    EXPECT_EQ(codes, threads ? (std::map<long long, int>{{2, 1}, {4, 1}, {5, 1}, {9, 4}})
                             : (std::map<long long, int>{{2, 1}, {4, 1}, {5, 1}}));
  }
}

TEST_F(Exitsnoop, ShowsAllThatACommandStarted) {
  const Folder folder;
  const auto program = folder.file("tiny", tiny_program("/", false), 0755);
  for (const char* mode : {"-q", "--threads"}) {
    const auto report = run({"exitsnoop", "-f", "json", "-C", "code,comm", mode, "--", program});
    ASSERT_EQ(report.events.size(), 1U) << report.out;
    EXPECT_EQ(report.events[0]["code"].number(), 7);
    EXPECT_EQ(report.events[0]["comm"].text(), "tiny");
  }
}

constexpr int parents = 4, rounds = 20;

// Processes that have many short-lived children, each with a code of its own.
void run_parents(const Words& more, int processes, bool stopped) {
  const int each = processes / parents / rounds;
  const Gate go, done;
  std::vector<std::unique_ptr<Child>> children;
  std::string pids;
  for (int i = 0; i < parents; ++i) {
    children.push_back(std::make_unique<Child>([&] {
      for (int round = 0; round < rounds; ++round) {
        go.pass();
        for (int n = 0; n < each; ++n) {
          const pid_t pid = fork();
          if (pid == 0) _exit(n % 256);
          waitpid(pid, nullptr, 0);
        }
        done.open();
      }
      return 0;
    }));
    pids += (i ? "," : "") + std::to_string(children.back()->pid());
  }
  Words words{"exitsnoop", "-f", "json", "-C", "pid,ppid,age,code", "--ppid", pids};
  words.insert(words.end(), more.begin(), more.end());
  Sonde sonde(words);
  ASSERT_TRUE(sonde.ready());
  if (stopped) sonde.signal(SIGSTOP);
  for (int round = 0; round < rounds; ++round) {
    go.open(parents);
    for (int i = 0; i < parents; ++i) done.pass();
  }
  for (const auto& child : children) child->wait();
  if (stopped) sonde.signal(SIGCONT);
  const auto report = sonde.end(SIGINT);
  expect_law(report, parents * rounds * each);
  EXPECT_EQ(report.lost() - report.skipped() > 0, stopped);
  if (report.lost()) return;
  std::map<std::pair<long long, long long>, int> codes;
  for (const auto& row : report.events) ++codes[{row["ppid"].number(), row["code"].number()}];
  for (const auto& child : children)
    for (int n = 0; n < each; ++n)
      EXPECT_EQ((codes[{child->pid(), n % 256}]), rounds * (each / 256 + (n % 256 < each % 256)));
}

TEST_F(Exitsnoop, ShowsEachOfManyShortProcesses) { run_parents({}, in_guest() ? 2'000 : 20'000, false); }

TEST_F(Exitsnoop, CountsWhatItCouldNotShow) { run_parents({"--buffer-size", "4k"}, 400, true); }

TEST_F(Exitsnoop, ReadsWellAsATable) {
  Sonde sonde({"exitsnoop", "--ppid", std::to_string(getpid())});
  ASSERT_TRUE(sonde.ready());
  Child([] {
    set_comm("gone");
    return kill(getpid(), SIGKILL);
  }).wait();
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(
      report.out.find("TIME                 PID     PPID  COMM                 AGE      CPU  CODE  SIGNAL     CORE\n"),
      0U)
      << report.out;
  EXPECT_NE(report.out.find("     -  SIGKILL    no\n"), std::string::npos) << report.out;
}

}  // namespace
}  // namespace sonde::test
