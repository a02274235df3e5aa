// SPDX-License-Identifier: GPL-2.0-or-later
// Where something is missing that sonde could do with: it goes on without, or says in one sentence what it is.
#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "opensnoop.h"
#include "support/surroundings.h"

namespace sonde::test {
namespace {

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

void expect_sentence(const Report& report, int code, const std::string& says) {
  EXPECT_EQ(report.code, code) << report.err;
  EXPECT_EQ(report.out, "");
  EXPECT_NE(report.err.find(says), std::string::npos) << report.err;
  EXPECT_EQ(report.err.find("sonde: "), 0U);
  EXPECT_EQ(std::count(report.err.begin(), report.err.end(), '\n'), 1) << report.err;
}

Report briefly(const Words& words, const std::function<void()>& prepare, unsigned long clone_flags = 0) {
  Words all{"opensnoop", "-d", "1ms", "-q"};
  all.insert(all.end(), words.begin(), words.end());
  return run(all, {.out = -1, .prepare = prepare, .clone_flags = clone_flags});
}

// Sees this process's opens in these surroundings.
Report expect_works(const Words& words, const std::function<void()>& prepare, unsigned long clone_flags = 0) {
  Sonde sonde(opensnoop(own(words)), {.out = -1, .prepare = prepare, .clone_flags = clone_flags});
  if (!sonde.ready()) {
    ADD_FAILURE() << sonde.end().err;
    return {};
  }
  make_load("/surroundings", 3);
  auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(paths(report.events), Words(3, "/surroundings"));
  tell_rung(report);
  return report;
}

TEST_F(OpensnoopOnce, NamesTheCapabilityThatIsMissing) {
  const auto uid = ordinary_user().uid;
  const auto with = [&](const std::vector<int>& held) { return [=] { become_with_capabilities(uid, held); }; };
  expect_sentence(briefly({}, with({CAP_BPF})), 3, "CAP_PERFMON is missing");
  expect_sentence(briefly({}, with({CAP_PERFMON})), 3, "CAP_BPF is missing");
  expect_sentence(briefly({}, with({CAP_NET_ADMIN})), 3, "CAP_BPF and CAP_PERFMON are missing");
}

// Before 5.11 maps count as locked memory, and to raise that limit takes a third capability.
bool maps_are_locked_memory() {
  const auto report = run({"doctor", "-f", "json"});
  for (const auto& row : report.rows)
    if (row["name"].text() == "locked memory") return row["detail"].text().find("Maps count as such") == 0;
  return false;
}

TEST_F(OpensnoopOnce, DoesWithTwoCapabilities) {
  const auto uid = ordinary_user().uid;
  if (maps_are_locked_memory()) {
    const auto poor = [=] { become_with_capabilities(uid, {CAP_BPF, CAP_PERFMON}); };
    expect_sentence(briefly({}, poor), 3, "too little memory may be locked");
    expect_works({"-C", "path"}, [=] { become_with_capabilities(uid, {CAP_BPF, CAP_PERFMON, CAP_SYS_RESOURCE}); });
    return;
  }
  expect_works({"-C", "path"}, [=] { become_with_capabilities(uid, {CAP_BPF, CAP_PERFMON}); });
}

TEST_F(OpensnoopOnce, RefusesACgroupThatMayNotBeRead) {
  const Cgroup cgroup("sonde-unreadable");
  if (!cgroup.trouble().empty()) GTEST_SKIP() << cgroup.trouble();
  const Cgroup below("below", &cgroup);
  ASSERT_EQ(chmod(cgroup.directory().c_str(), 0), 0);
  const auto uid = ordinary_user().uid;
  const auto report = briefly({"--cgroup", below.directory()}, [=] {
    become_with_capabilities(uid, {CAP_BPF, CAP_PERFMON});
  });
  expect_sentence(report, 1, below.directory());
}

TEST_F(OpensnoopOnce, WantsTheTypesOfTheKernel) {
  const Folder folder;
  const auto types = folder / "types";
  std::ofstream(types) << std::ifstream("/sys/kernel/btf/vmlinux").rdbuf();
  expect_sentence(briefly({}, hide_types, CLONE_NEWNS), 4, "--btf FILE");
  expect_works({"-C", "path", "--btf", types}, hide_types, CLONE_NEWNS);
  expect_works({"-C", "path", "--btf", types}, {});
}

TEST_F(OpensnoopOnce, DoesWithoutAMountedTracefs) { expect_works({"-C", "path"}, hide_tracefs, CLONE_NEWNS); }

TEST_F(OpensnoopOnce, SaysThatBpfIsForbidden) {
  expect_sentence(briefly({}, [] { forbid_bpf(EPERM); }), 3, "seccomp");
  const auto report = briefly({}, [] { forbid_bpf(ENOSYS); });
  expect_sentence(report, report.code == 3 ? 3 : 4, "bpf");
}

}  // namespace
}  // namespace sonde::test
