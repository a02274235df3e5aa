// SPDX-License-Identifier: GPL-2.0-or-later
// Every signal, from whomever, and every column of it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <memory>

#include "sigsnoop.h"
#include "support/calls.h"

namespace sonde::test {
namespace {

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

class Sigsnoop : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& reason = refusal("sigsnoop", "")) GTEST_SKIP() << *reason;
  }
  // All that goes from or to a process.
  static Report watch(pid_t pid, Words words, const std::function<void()>& work) {
    words.insert(words.end(), {"-p", std::to_string(pid)});
    return trace("sigsnoop", words, work);
  }
};

TEST_F(Sigsnoop, ShowsWhoSentWhatToWhom) {
  const auto user = ordinary_user();
  const Cgroup cgroup("sonde-signal");
  if (!cgroup.trouble().empty()) GTEST_SKIP() << cgroup.trouble();
  const int signals[] = {SIGUSR1, SIGTERM, SIGRTMIN, SIGRTMIN + 3, SIGRTMAX, 33};
  const char* const names[] = {"SIGUSR1", "SIGTERM", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMIN+30", "SIG33"};
  const Deaf root;
  const Gate began, leave;
  Shared<pid_t> target;
  pid_t sender = 0;
  const auto before = now();
  const Gate go;
  Child child([&] {
    cgroup.enter();
    become(user.uid);
    set_comm("the sender");
    const Deaf deaf("hard of hearing");
    *target = deaf.pid();
    began.open();
    go.pass();
    for (std::size_t i = 0; i < std::size(sends); ++i) make(sends[i].call, deaf.pid(), signals[i]);
    leave.pass();
    return 0;
  });
  sender = child.pid();
  began.pass();
  const auto report = watch(*target, {"-C", signal_columns}, [&] {
    go.open();
    // The last of them is there when it is pending.
    wait_until("the last signal", [&] {
      const auto status = contents("/proc/" + std::to_string(*target) + "/status");
      const auto at = status.find("ShdPnd:\t");
      return at != std::string::npos && std::stoull(status.substr(at + 8), nullptr, 16) >> (33 - 1) & 1;
    });
  });
  leave.open();
  ASSERT_EQ(report.events.size(), std::size(sends)) << report.out;
  for (std::size_t i = 0; i < std::size(sends); ++i) {
    const auto& row = report.events[i];
    const Send& send = sends[i];
    SCOPED_TRACE(testing::Message() << row);
    EXPECT_GE(wall_ns(row["time"].text()), before - 100'000'000);
    EXPECT_LE(wall_ns(row["time"].text()), now() + 100'000'000);
    EXPECT_EQ(row["pid"].number(), sender);
    EXPECT_EQ(row["tid"].number(), sender);
    EXPECT_EQ(row["uid"].number(), user.uid);
    EXPECT_EQ(row["user"].text(), user.name);
    EXPECT_EQ(row["comm"].text(), "the sender");
    EXPECT_EQ(row["cgroup"].text(), cgroup.path());
    EXPECT_EQ(row["signal"].text(), names[i]);
    EXPECT_EQ(row["signal_raw"].number(), signals[i]);
    EXPECT_EQ(row["target"].number(), *target);
    EXPECT_EQ(row["target_tid"].number(), send.to_thread ? *target : 0);
    EXPECT_EQ(row["target_tid"].null(), !send.to_thread);
    EXPECT_EQ(row["target_comm"].text(), "hard of hearing");
    EXPECT_TRUE(row["to"].null());
    EXPECT_EQ(row["from"].text(), send.call);
    EXPECT_EQ(row["code"].text(), send.code);
    EXPECT_EQ(row["value"].null(), !send.gives_value);
    EXPECT_EQ(row["value"].number(), send.gives_value ? static_cast<int>(pointer) : 0);
    EXPECT_EQ(row["pointer"].text(), send.gives_value ? "0x7f1287654321" : "");
    EXPECT_TRUE(row["address"].null() && row["status"].null() && row["errno"].null());
    EXPECT_EQ(row["result"].text(), "sent");
  }
}

// What the kernel itself makes: who sent it, if anybody, from where, why.
struct OfTheKernel {
  const char *signal, *from, *code, *address;
  int status;
  bool nobody;
  std::function<void()> cause;
};

[[gnu::noinline]] void write_to(void* address) { *static_cast<volatile char*>(address) = 1; }

std::vector<OfTheKernel> of_the_kernel() {
  const auto fault = [] {
    signal(SIGSEGV, [](int) { _exit(0); });
    write_to(reinterpret_cast<void*>(0x1230));
  };
  const auto write_protected = [] {
    signal(SIGSEGV, [](int) { _exit(0); });
    write_to(
        mmap(reinterpret_cast<void*>(0x20000000), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  };
  const auto child = [](const std::function<void()>& body) {
    return [body] {
      const pid_t pid = fork();
      if (pid == 0) {
        body();
        _exit(41);
      }
      waitpid(pid, nullptr, 0);
    };
  };
  const auto broken_pipe = [] {
    signal(SIGPIPE, SIG_IGN);
    Pipe pipe;
    pipe.out.reset();
    if (write(pipe.in.get(), "x", 1) == 1) _exit(1);
  };
  const auto alarm_clock = [] {
    signal(SIGALRM, [](int) {});
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    const itimerval soon{{0, 0}, {0, 1000}};
    setitimer(ITIMER_REAL, &soon, nullptr);
    sigsuspend(&none);
  };
  const auto timer = [] {
    sigset_t mine;
    sigemptyset(&mine);
    sigaddset(&mine, SIGUSR2);
    sigprocmask(SIG_BLOCK, &mine, nullptr);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR2;
    event.sigev_value.sival_int = 77;
    timer_t made{};
    if (timer_create(CLOCK_MONOTONIC, &event, &made) != 0) _exit(1);
    const itimerspec soon{{0, 0}, {0, 1'000'000}};
    timer_settime(made, 0, &soon, nullptr);
    siginfo_t info;
    sigwaitinfo(&mine, &info);
  };
  return {{"SIGSEGV", "kernel", "SEGV_MAPERR", "0x1230", 0, false, fault},
          {"SIGSEGV", "kernel", "SEGV_ACCERR", "0x20000000", 0, false, write_protected},
          {"SIGCHLD", "kernel", "CLD_EXITED", "", 41, false, child([] {})},
          {"SIGCHLD", "kernel", "CLD_KILLED", "", 9, false, child([] { kill(getpid(), SIGKILL); })},
          {"SIGPIPE", "write", "SI_USER", "", 0, false, broken_pipe},
          {"SIGALRM", "kernel", "SI_KERNEL", "", 0, true, alarm_clock},
          {"SIGUSR2", "kernel", "SI_TIMER", "", 0, true, timer}};
}

TEST_F(Sigsnoop, ShowsWhatTheKernelSends) {
  for (const auto& expected : of_the_kernel()) {
    const Gate go;
    Child child([&] {
      set_comm("subject");
      go.pass();
      expected.cause();
      return 0;
    });
    const bool of_child = std::string_view(expected.signal) == "SIGCHLD";
    const auto report = watch(child.pid(), {"-C", signal_columns, "--signal", expected.signal}, [&] {
      go.open();
      EXPECT_EQ(child.wait(), 0);
    });
    // The end of the subject itself is told to the test.
    const auto rows = report.where("target", child.pid());
    ASSERT_EQ(rows.size(), 1U) << expected.code;
    const auto& row = rows[0];
    SCOPED_TRACE(testing::Message() << row);
    EXPECT_EQ(row["signal"].text(), expected.signal);
    EXPECT_EQ(row["target_comm"].text(), "subject");
    EXPECT_EQ(row["from"].text(), expected.from);
    EXPECT_EQ(row["code"].text(), expected.code);
    EXPECT_EQ(row["address"].text(), expected.address);
    EXPECT_EQ(row["status"].null(), !of_child);
    EXPECT_EQ(row["status"].number(), expected.status);
    for (const char* key : {"pid", "tid", "uid", "comm"}) EXPECT_EQ(row[key].null(), expected.nobody) << key;
    EXPECT_EQ(row["comm"].text(), expected.nobody ? "" : "subject");
    if (!expected.nobody && !of_child) {
      EXPECT_EQ(row["pid"].number(), child.pid());
    }
    const bool timer = std::string_view(expected.code) == "SI_TIMER";
    EXPECT_EQ(row["value"].null(), !timer);
    EXPECT_EQ(row["value"].number(), timer ? 77 : 0);
  }
}

TEST_F(Sigsnoop, ShowsWhatBecameOfThem) {
  const Gate go;
  Child child([&] {
    signal(SIGUSR1, SIG_IGN);
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int number : {SIGUSR2, SIGTERM, SIGRTMIN}) sigaddset(&blocked, number);
    sigprocmask(SIG_BLOCK, &blocked, nullptr);
    go.pass();
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR2);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_SIGPENDING, &none);
    if (getuid() == 0) become(ordinary_user().uid);
    make("rt_sigqueueinfo", getpid(), SIGTERM);
    const bool refused = make("rt_sigqueueinfo", getpid(), SIGRTMIN) != 0 && errno == EAGAIN;
    return refused ? 0 : 1;
  });
  const auto report = watch(child.pid(), {"-C", "signal,result,errno,from", "--signal", "^CHLD"}, [&] {
    go.open();
    EXPECT_EQ(child.wait(), 0);
  });
  const std::vector<std::pair<std::string, std::string>> expected{{"SIGUSR1", "ignored"},
                                                                  {"SIGUSR2", "sent"},
                                                                  {"SIGUSR2", "pending"},
                                                                  {"SIGTERM", "no_info"},
                                                                  {"SIGRTMIN", "overflow"}};
  ASSERT_EQ(report.events.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto& row = report.events[i];
    EXPECT_EQ(row["signal"].text(), expected[i].first) << row;
    EXPECT_EQ(row["result"].text(), expected[i].second) << row;
    EXPECT_EQ(row["errno"].text(), i == 4 ? "EAGAIN" : "") << row;
  }
}

// A process may give itself any code: it is the call that counts.
TEST_F(Sigsnoop, IsNotDeceivedByAForgedCode) {
  const Gate go;
  Child child([&] {
    signal(SIGSEGV, SIG_IGN);
    go.pass();
    siginfo_t info{};
    info.si_signo = SIGSEGV;
    info.si_code = SEGV_MAPERR;
    return static_cast<int>(syscall(SYS_rt_sigqueueinfo, getpid(), SIGSEGV, &info));
  });
  const auto report = watch(child.pid(), {"-C", "pid,from,code", "--signal", "SEGV"}, [&] {
    go.open();
    EXPECT_EQ(child.wait(), 0);
  });
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_EQ(report.events[0]["from"].text(), "rt_sigqueueinfo");
  EXPECT_EQ(report.events[0]["code"].text(), "SEGV_MAPERR");
}

TEST_F(Sigsnoop, ShowsEachOfAGroup) {
  const Gate go, ready;
  constexpr int members = 3;
  Child leader([&] {
    setpgid(0, 0);
    signal(SIGUSR1, SIG_IGN);
    std::vector<std::unique_ptr<Deaf>> others;
    for (int i = 1; i < members; ++i) others.push_back(std::make_unique<Deaf>());
    ready.open();
    go.pass();
    return kill(0, SIGUSR1);
  });
  ready.pass();
  const auto report = watch(leader.pid(), {"-C", "pid,target,from", "--signal", "10"}, [&] {
    go.open();
    EXPECT_EQ(leader.wait(), 0);
  });
  ASSERT_EQ(report.events.size(), static_cast<std::size_t>(members));
  std::map<long long, int> targets;
  for (const auto& row : report.events) {
    EXPECT_EQ(row["from"].text(), "kill");
    EXPECT_EQ(row["pid"].number(), leader.pid());
    EXPECT_EQ(targets[row["target"].number()]++, 0);
  }
}

TEST_F(Sigsnoop, FiltersByEitherTask) {
  const Deaf one, other;
  const auto work = [&] {
    kill(one.pid(), SIGUSR1);
    kill(other.pid(), SIGUSR1);
    kill(one.pid(), SIGUSR2);
    kill(one.pid(), 0);
  };
  const std::string me = std::to_string(getpid()), first = std::to_string(one.pid());
  const auto count = [&](const Words& words) {
    Words all{"-C", "signal,target"};
    all.insert(all.end(), words.begin(), words.end());
    return trace("sigsnoop", all, work).events.size();
  };
  EXPECT_EQ(count({"-p", me, "--signal", "USR1,USR2"}), 3U);
  EXPECT_EQ(count({"-t", me, "--signal", "USR1,USR2"}), 3U);
  EXPECT_EQ(count({"-p", first}), 2U);
  EXPECT_EQ(count({"-p", first, "--signal", "usr2"}), 1U);
  EXPECT_EQ(count({"-p", first, "--signal", "^usr2"}), 1U);
  EXPECT_EQ(count({"-c", "deaf", "--signal", "SIGUSR1"}), 2U);
  // Whom ^ names is left out on both sides.
  const auto others = trace("sigsnoop", {"-C", "target", "-p", "^" + first, "--signal", "USR1"}, work);
  EXPECT_EQ(others.where("target", one.pid()).size(), 0U);
  EXPECT_EQ(others.where("target", other.pid()).size(), 1U);
  const auto nobody = trace("sigsnoop", {"-C", "pid", "-p", "^" + me}, work);
  EXPECT_EQ(nobody.where("pid", getpid()).size(), 0U);
}

TEST_F(Sigsnoop, ShowsThatA32BitCallSent) {
  if (!has_compat()) GTEST_SKIP() << "this kernel runs no 32-bit calls";
  const Deaf deaf;
  const auto report = watch(deaf.pid(), {"-C", "from,signal"}, [&] { compat_syscall(37, deaf.pid(), SIGUSR1); });
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_EQ(report.events[0]["from"].text(), "kill");
}

TEST_F(Sigsnoop, ShowsThoseOfACommand) {
  const auto report = run({"sigsnoop", "-f", "json", "-C", "from,signal,comm", "--",
                           std::filesystem::read_symlink("/proc/self/exe"), "--act", "signal", "10"});
  ASSERT_EQ(report.events.size(), 1U) << report.out;
  EXPECT_EQ(report.events[0]["signal"].text(), "SIGUSR1");
  EXPECT_EQ(report.events[0]["from"].text(), "tgkill");
  EXPECT_EQ(report.summary["command_status"].text(), "killed by SIGUSR1");
}

TEST_F(Sigsnoop, RefusesWhatIsNoSignal) {
  for (const char* bad : {"FOO", "65", "RTMIN+31", "", "KILL,,TERM"})
    EXPECT_EQ(run({"sigsnoop", "--signal", bad}).code, 2) << bad;
}

void send_many(const Words& more, int count, bool stopped) {
  const Deaf deaf;
  Words words{"sigsnoop", "-f", "json", "-C", "from,result", "-p", std::to_string(deaf.pid()), "--signal", "USR1"};
  words.insert(words.end(), more.begin(), more.end());
  Sonde sonde(words);
  ASSERT_TRUE(sonde.ready());
  if (stopped) sonde.signal(SIGSTOP);
  for (int i = 0; i < count; ++i) kill(deaf.pid(), SIGUSR1);
  if (stopped) sonde.signal(SIGCONT);
  const auto report = sonde.end(SIGINT);
  expect_law(report, count);
  EXPECT_EQ(report.lost() - report.skipped() > 0, stopped);
}

TEST_F(Sigsnoop, ShowsEachOfMany) { send_many({}, scaled(100'000), false); }

TEST_F(Sigsnoop, CountsWhatItCouldNotShow) { send_many({"--buffer-size", "4k"}, 1'000, true); }

TEST_F(Sigsnoop, ReadsWellAsATable) {
  const Deaf deaf;
  Sonde sonde({"sigsnoop", "-p", std::to_string(deaf.pid())});
  ASSERT_TRUE(sonde.ready());
  kill(deaf.pid(), SIGUSR1);
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.out.find("TIME                 PID  COMM             SIGNAL      TARGET  TARGET_COMM      FROM"), 0U)
      << report.out;
  EXPECT_NE(report.out.find("  SIGUSR1 "), std::string::npos) << report.out;
  EXPECT_NE(report.out.find("  kill          sent\n"), std::string::npos) << report.out;
}

}  // namespace
}  // namespace sonde::test
