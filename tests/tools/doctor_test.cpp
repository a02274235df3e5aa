// SPDX-License-Identifier: GPL-2.0-or-later
// What sonde finds out about this machine, held against what the machine says otherwise.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "support/sonde.h"
#include "support/surroundings.h"

namespace sonde::test {
namespace {

// Looks as root, with `prepare` done first.
Report examine(const std::function<void()>& prepare = {}, unsigned long clone_flags = 0) {
  return run({"doctor", "-f", "json"}, {.out = -1, .prepare = prepare, .clone_flags = clone_flags});
}

// Looks once for all who ask: it takes seconds in a guest.
const Report& plain() {
  static const Report report = examine();
  return report;
}

Json row(const Report& report, const std::string& area, const std::string& name) {
  Json found;
  for (const auto& row : report.rows)
    if (row["area"].text() == area && row["name"].text() == name) found = row;
  EXPECT_FALSE(found.null()) << "no row for " << area << " " << name << ": " << report.out << report.err;
  return found;
}

std::string state(const Report& report, const std::string& area, const std::string& name) {
  return row(report, area, name)["state"].text();
}

std::string detail(const Report& report, const std::string& area, const std::string& name) {
  return row(report, area, name)["detail"].text();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

bool is_root() { return geteuid() == 0; }

// What a row of a tool says, the tool does.
void expect_true_of_opensnoop(const Report& doctor, const std::function<void()>& prepare = {}) {
  const auto said = detail(doctor, "tool", "opensnoop");
  const auto told = run({"opensnoop", "-f", "json", "-d", "1ms"}, {.out = -1, .prepare = prepare});
  if (told.code == 0)
    EXPECT_EQ(said.find("By " + told.rung() + (told.scope().empty() ? "." : " (" + told.scope() + ").")), 0U) << said;
  else
    EXPECT_TRUE(contains(said, "Cannot run")) << said << told.err;
  const bool all_run = std::all_of(doctor.rows.begin(), doctor.rows.end(), [](const Json& one) {
    return one["area"].text() != "tool" || one["name"].text() == "opensnoop" || one["state"].text() == "ok";
  });
  if (all_run)
    EXPECT_EQ(doctor.code, told.code) << told.err;
  else
    EXPECT_TRUE(doctor.code == 3 || doctor.code == 4) << doctor.out;
}

TEST(Doctor, SaysWhatTheMachineIs) {
  const auto& report = plain();
  utsname names{};
  uname(&names);
  EXPECT_EQ(detail(report, "system", "kernel"), std::string("Linux ") + names.release + ".");
  EXPECT_EQ(detail(report, "system", "architecture").find(std::string(names.machine) + ", "), 0U);
  EXPECT_EQ(state(report, "system", "BTF"), access("/sys/kernel/btf/vmlinux", R_OK) == 0 ? "ok" : "missing");
  struct stat own {};
  ASSERT_EQ(stat("/proc/self/ns/pid", &own), 0);
  const bool initial = own.st_ino == 0xEFFFFFFC;
  EXPECT_EQ(state(report, "system", "PID namespace"), initial ? "ok" : "limited");
  const std::string lockdown = contents(std::string("/sys/kernel/security/lockdown"));
  EXPECT_EQ(state(report, "system", "lockdown") == "refused", contains(lockdown, "[confidentiality]"));
  EXPECT_EQ(report.summary["rows"].number(), static_cast<long long>(report.rows.size()));
}

TEST(Doctor, TriesEachKindOfHook) {
  const auto& report = plain();
  const Words hooks{"kprobe",       "kprobe.multi",  "fentry",       "tracepoint",  "raw_tp",       "tp_btf",  "uprobe",
                    "uprobe.multi", "perf sampling", "hardware PMU", "ring buffer", "task storage", "iterator"};
  Words found;
  for (const auto& row : report.rows) {
    const auto& said = row["detail"].text();
    if (row["area"].text() == "hook") found.push_back(row["name"].text());
    EXPECT_TRUE(said.ends_with('.')) << said;
    EXPECT_FALSE(contains(said, "errno") || contains(said, "failed with")) << said;
  }
  EXPECT_EQ(found, hooks);
}

// By the kernel's list of what perf can count.
TEST(Doctor, AgreesWithTheEventSources) {
  if (!is_root()) GTEST_SKIP() << "attaching wants root";
  const auto& report = plain();
  if (report.code == 3) GTEST_SKIP() << "BPF is not permitted here";
  for (const std::string source : {"kprobe", "uprobe"}) {
    const bool has = access(("/sys/bus/event_source/devices/" + source + "/type").c_str(), R_OK) == 0;
    EXPECT_EQ(state(report, "hook", source), has ? "ok" : "missing");
  }
  for (const char* hook : {"raw_tp", "tracepoint", "perf sampling", "ring buffer"})
    EXPECT_EQ(state(report, "hook", hook), "ok") << detail(report, "hook", hook);
}

TEST(Doctor, ForetellsWhatAToolDoes) {
  expect_true_of_opensnoop(plain());
  if (is_root()) {
    const auto prepare = [] { become(ordinary_user().uid); };
    expect_true_of_opensnoop(examine(prepare), prepare);
  }
}

TEST(Doctor, ListsEveryTool) {
  const auto overview = run({}).out;
  for (const auto& row : plain().rows) {
    if (row["area"].text() != "tool") continue;
    EXPECT_TRUE(contains(overview, "\n  " + row["name"].text() + " ")) << row;
  }
}

TEST(Doctor, DoesWithoutAMountedTracefs) {
  if (!is_root()) GTEST_SKIP() << "hiding tracefs wants root";
  if (plain().code == 3) GTEST_SKIP() << "BPF is not permitted here";
  const auto report = examine(hide_tracefs, CLONE_NEWNS);
  EXPECT_EQ(state(report, "system", "tracefs"), "ok");
  EXPECT_TRUE(contains(detail(report, "system", "tracefs"), "nowhere"));
  EXPECT_EQ(state(report, "hook", "tracepoint"), "ok");
}

TEST(Doctor, SaysThatThereIsNoBtf) {
  if (!is_root()) GTEST_SKIP() << "hiding the kernel's types wants root";
  if (plain().code == 3) GTEST_SKIP() << "BPF is not permitted here";
  const auto report = examine(hide_types, CLONE_NEWNS);
  EXPECT_EQ(report.code, 4) << report.err;
  EXPECT_EQ(state(report, "system", "BTF"), "missing");
  EXPECT_TRUE(contains(detail(report, "system", "BTF"), "--btf"));
  for (const char* hook : {"tp_btf", "iterator"}) EXPECT_EQ(state(report, "hook", hook), "missing");
  EXPECT_EQ(state(report, "hook", "raw_tp"), "ok");
  EXPECT_EQ(state(report, "tool", "opensnoop"), "missing");
  EXPECT_TRUE(contains(detail(report, "tool", "opensnoop"), "--btf"));
  EXPECT_TRUE(report.noted("opensnoop")) << report.out;
  EXPECT_TRUE(report.noted(": Cannot run"));
}

TEST(Doctor, SeesASeccompFilter) {
  if (!is_root()) GTEST_SKIP() << "without privileges, capabilities are named first";
  if (!has_types()) GTEST_SKIP() << "this kernel has no BTF";
  const auto report = examine([] { forbid_bpf(EPERM); });
  EXPECT_EQ(report.code, 3);
  EXPECT_EQ(state(report, "system", "policy"), "limited");
  EXPECT_EQ(state(report, "hook", "raw_tp"), "refused");
  EXPECT_EQ(state(report, "tool", "opensnoop"), "refused");
}

TEST(Doctor, KnowsItsPidNamespace) {
  if (!is_root()) GTEST_SKIP() << "a PID namespace wants root";
  const auto report = examine(mount_own_proc, CLONE_NEWPID | CLONE_NEWNS);
  EXPECT_EQ(state(report, "system", "PID namespace"), "limited");
  // The trials know themselves by their number in there.
  EXPECT_EQ(state(report, "hook", "raw_tp"), state(plain(), "hook", "raw_tp"));
}

TEST(Doctor, SaysThatFewFilesMayBeOpen) {
  if (!is_root()) GTEST_SKIP() << "without privileges, capabilities are named first";
  if (plain().code == 3) GTEST_SKIP() << "BPF is not permitted here";
  const auto report = examine([] {
    const rlimit limit{24, 24};
    setrlimit(RLIMIT_NOFILE, &limit);
  });
  EXPECT_EQ(report.code, 3);
  EXPECT_EQ(state(report, "system", "open files"), "limited");
  EXPECT_TRUE(contains(detail(report, "tool", "opensnoop"), "ulimit -n")) << detail(report, "tool", "opensnoop");
}

// Numbers of all BPF programs of the machine.
std::set<std::uint32_t> programs() {
  std::set<std::uint32_t> ids;
  bpf_attr attributes{};
  while (syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attributes, sizeof(attributes)) == 0) {
    ids.insert(attributes.next_id);
    attributes.start_id = attributes.next_id;
  }
  return ids;
}

TEST(Doctor, LeavesNothingBehind) {
  if (!is_root()) GTEST_SKIP() << "listing BPF programs wants root";
  const auto before = programs();
  examine();
  // The kernel frees a program a moment after its last user.
  wait_until("the programs to be gone", [&] {
    const auto now = programs();
    return std::includes(before.begin(), before.end(), now.begin(), now.end());
  });
}

}  // namespace
}  // namespace sonde::test
