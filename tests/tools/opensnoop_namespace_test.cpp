// SPDX-License-Identifier: GPL-2.0-or-later
// sonde inside a PID namespace: its numbers are those of the namespace.
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "opensnoop.h"
#include "support/surroundings.h"

namespace sonde::test {
namespace {

struct Inside {
  pid_t pid, child;
};

TEST_P(Opensnoop, SpeaksOfItsOwnPidNamespace) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Gate prepared, go, done, leave;
  Shared<Inside> inside;
  const auto opener = [&](const char* path) {
    return [&, path] {
      prepared.open();
      go.pass();
      make_load(path, 1);
      done.open();
      leave.pass();
      return 0;
    };
  };
  const Child outside(opener("/namespace/outside"));
  // PID 1 there becomes sonde; before, it leaves a child behind, which has PID 2 and one of its own.
  const auto prepare = [&] {
    mount_own_proc();
    const pid_t pid = fork();
    if (pid == 0) {
      const Child child(opener("/namespace/child"));
      inside->pid = getpid();
      inside->child = child.pid();
      _exit(opener("/namespace/inside")());
    }
  };
  const auto check = [&](const Words& words) {
    Sonde sonde(opensnoop(forced(words)), {.prepare = prepare, .clone_flags = CLONE_NEWPID | CLONE_NEWNS});
    for (int i = 0; i < 2; ++i) prepared.pass();
    if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
    go.open(3);
    for (int i = 0; i < 3; ++i) done.pass();
    const auto report = sonde.end(SIGINT);
    leave.open();
    EXPECT_EQ(report.code, 0) << report.err;
    EXPECT_EQ(report.lost(), report.skipped()) << report.summary;
    tell_rung(report);
    return report;
  };
  prepared.pass();

  const auto all = check({"-C", "pid,tid,ppid,path"});
  const auto of = [&](const char* path) {
    const auto found = all.where("path", path);
    EXPECT_EQ(found.size(), 1U) << path;
    return found.empty() ? Json() : found[0];
  };
  EXPECT_EQ(of("/namespace/inside")["pid"].number(), 2);
  EXPECT_EQ(of("/namespace/inside")["ppid"].number(), 1);
  EXPECT_EQ(of("/namespace/child")["pid"].number(), inside->child);
  EXPECT_EQ(of("/namespace/child")["tid"].number(), inside->child);
  EXPECT_EQ(of("/namespace/child")["ppid"].number(), 2);
  for (const char* key : {"pid", "tid", "ppid"}) EXPECT_TRUE(of("/namespace/outside")[key].null()) << key;
}

TEST_P(Opensnoop, FiltersByTheNumbersOfItsPidNamespace) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Gate prepared, go;
  const auto opener = [&](const char* path) {
    return [&, path] {
      prepared.open();
      go.pass();
      make_load(path, 1);
      return 0;
    };
  };
  const auto prepare = [&] {
    mount_own_proc();
    if (fork() != 0) return;
    const Child child(opener("/namespace/child"));
    const_cast<Child&>(child).wait();
    _exit(opener("/namespace/inside")());
  };
  for (const Words& words : {Words{"-p", "2"}, Words{"-p", "2", "--follow"}}) {
    Sonde sonde(opensnoop(forced(words)), {.prepare = prepare, .clone_flags = CLONE_NEWPID | CLONE_NEWNS});
    prepared.pass();
    if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
    go.open();
    prepared.pass();
    go.open();
    const bool follows = words.size() > 2;
    wait_until("the events", [&] { return sonde.output().find("/inside") != std::string::npos; });
    const auto report = sonde.end(SIGINT);
    EXPECT_EQ(paths(report.events),
              follows ? (Words{"/namespace/child", "/namespace/inside"}) : Words{"/namespace/inside"});
    tell_rung(report);
  }
}

}  // namespace
}  // namespace sonde::test
