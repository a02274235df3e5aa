// SPDX-License-Identifier: GPL-2.0-or-later
// -x: calls that send nothing, by each backend.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sigsnoop.h"
#include "support/calls.h"

namespace sonde::test {
namespace {

class FailedSends : public OfBackend {
 protected:
  FailedSends() : OfBackend("sigsnoop", {"-x"}) {}
  Report watch(Words more, const std::function<void()>& work) const {
    more.emplace_back("-x");
    return OfBackend::watch(more, work);
  }
};

constexpr pid_t no_process = 0x3fffffff;

TEST_P(FailedSends, AreShownWithTheirError) {
  const Deaf root;
  const auto user = ordinary_user();
  const Gate go;
  Child child([&] {
    become(user.uid);
    set_comm("in vain");
    go.pass();
    for (const auto& send : sends)
      if (std::string_view(send.call) != "pidfd_send_signal") make(send.call, no_process, SIGTERM);
    syscall(SYS_pidfd_send_signal, 12345, SIGTERM, nullptr, 0);
    for (const auto& send : sends) make(send.call, getpid(), 65);
    kill(root.pid(), SIGKILL);
    kill(no_process, 0);
    kill(-no_process, SIGHUP);
    return 0;
  });
  const auto report = watch({"-C", signal_columns, "-p", std::to_string(child.pid())}, [&] {
    go.open();
    EXPECT_EQ(child.wait(), 0);
  });
  struct Expected {
    const char* call;
    const char* error;
    int signal;
    long long to;
  };
  std::vector<Expected> expected;
  for (const auto& send : sends) {
    const bool file = std::string_view(send.call) == "pidfd_send_signal";
    expected.push_back({send.call, file ? "EBADF" : "ESRCH", SIGTERM, file ? 12345 : no_process});
  }
  for (const auto& send : sends) expected.push_back({send.call, "EINVAL", 65, child.pid()});
  expected.insert(expected.end(), {{"kill", "EPERM", SIGKILL, root.pid()},
                                   {"kill", "ESRCH", 0, no_process},
                                   {"kill", "ESRCH", SIGHUP, -no_process}});
  ASSERT_EQ(report.events.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto& row = report.events[i];
    const auto& e = expected[i];
    const std::string_view call = e.call;
    SCOPED_TRACE(testing::Message() << row);
    EXPECT_EQ(row["pid"].number(), child.pid());
    EXPECT_EQ(row["tid"].number(), child.pid());
    EXPECT_EQ(row["uid"].number(), user.uid);
    EXPECT_EQ(row["comm"].text(), "in vain");
    EXPECT_EQ(row["from"].text(), e.call);
    EXPECT_EQ(row["errno"].text(), e.error);
    EXPECT_EQ(row["signal_raw"].number(), e.signal);
    if (call != "pidfd_send_signal") {
      EXPECT_EQ(row["to"].number(), e.to);
    }
    const bool process = e.to > 0 && call != "pidfd_send_signal" && call != "tkill";
    EXPECT_EQ(row["target"].number(), process ? e.to : 0);
    const bool thread = call == "tkill" || call == "tgkill" || call == "rt_tgsigqueueinfo";
    EXPECT_EQ(row["target_tid"].number(), thread ? e.to : 0);
    for (const char* key : {"target_comm", "code", "value", "address", "status", "result"})
      EXPECT_TRUE(row[key].null()) << key;
  }
  EXPECT_EQ(report.rung(), GetParam());
}

TEST_P(FailedSends, AreFoundByTheTargetToo) {
  const Deaf root;
  const std::string target = std::to_string(root.pid());
  const auto work = [&] {
    Child([&] {
      become(ordinary_user().uid);
      kill(root.pid(), SIGUSR1);
      kill(root.pid(), 0);
      kill(no_process, SIGUSR1);
      return kill(getppid(), SIGUSR1) == -1 ? 0 : 1;
    }).wait();
  };
  const auto report = watch({"-C", "errno,target,signal", "-p", target}, work);
  EXPECT_EQ(report.events.size(), 2U);
  const auto real = watch({"-C", "errno", "-p", target, "--signal", "^0"}, work);
  EXPECT_EQ(real.events.size(), 1U);
  EXPECT_TRUE(watch({"-p", target, "--errno", "^EPERM"}, work).events.empty());
}

TEST_P(FailedSends, OfAnotherNamespaceMeanItsNumbers) {
  const Gate go;
  Child child(
      [&] {
        go.pass();
        return kill(4242, SIGUSR1) == -1 ? 0 : 1;
      },
      CLONE_NEWPID);
  const auto report = watch({"-C", "pid,target,to", "-p", std::to_string(child.pid())}, [&] {
    go.open();
    EXPECT_EQ(child.wait(), 0);
  });
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_EQ(report.events[0]["pid"].number(), child.pid());
  EXPECT_EQ(report.events[0]["to"].number(), 4242);
  EXPECT_TRUE(report.events[0]["target"].null());
}

TEST_P(FailedSends, Of32BitCallsAreShownOrNot) {
  if (!has_compat()) GTEST_SKIP() << "this kernel runs no 32-bit calls";
  for (const bool asked : {false, true}) {
    Words more{"-C", "from,errno,to,signal", "-p", std::to_string(getpid())};
    if (asked) more.emplace_back("--compat");
    const auto report = watch(more, [] {
      compat_syscall(37, no_process, SIGTERM);
      compat_syscall(238, no_process, SIGTERM);
      compat_syscall(270, no_process, no_process, SIGTERM);
      compat_syscall(178, getpid(), SIGTERM, 0);
      compat_syscall(335, getpid(), getpid(), SIGTERM, 0);
      compat_syscall(424, 12345, SIGTERM, 0, 0);
    });
    const bool seen = asked || !by("tracepoint");
    EXPECT_EQ(report.scope(), seen ? "" : "64-bit calls");
    ASSERT_EQ(report.events.size(), seen ? 6U : 0U);
    for (std::size_t i = 0; seen && i < 6; ++i) {
      EXPECT_EQ(report.events[i]["from"].text(), sends[i].call);
      EXPECT_EQ(report.events[i]["signal"].text(), "SIGTERM");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sigsnoop, FailedSends, testing::Values("fexit", "tracepoint", "raw_tp"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace sonde::test
