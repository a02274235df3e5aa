// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/probe_pattern.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace sonde {
namespace {

bool matches(std::string_view pattern, std::string_view group, std::string_view name) {
  return ProbePattern::parse(pattern).matches(group, name);
}

TEST(ProbePattern, TakesAKindByItsNamesAndShortForms) {
  const std::pair<const char*, ProbeKind> cases[] = {
      {"kprobe:x", ProbeKind::kprobe},       {"k:x", ProbeKind::kprobe},       {"kretprobe:x", ProbeKind::kprobe},
      {"fentry:x", ProbeKind::fentry},       {"kfunc:x", ProbeKind::fentry},   {"tracepoint:x", ProbeKind::tracepoint},
      {"t:x", ProbeKind::tracepoint},        {"raw_tp:x", ProbeKind::raw_tp},  {"rawtracepoint:x", ProbeKind::raw_tp},
      {"software:x", ProbeKind::software},   {"uprobe:x", ProbeKind::uprobe},  {"usdt:x", ProbeKind::usdt},
      {"tracepoint", ProbeKind::tracepoint}, {"software", ProbeKind::software}};
  for (const auto& [text, kind] : cases) EXPECT_EQ(ProbePattern::parse(text).kind(), kind) << text;
  for (const char* none : {"x", "t", "sched:x", "kprobes:x", "*"})
    EXPECT_EQ(ProbePattern::parse(none).kind(), std::nullopt) << none;
}

TEST(ProbePattern, WithoutAKindMeansAllThatTheKernelHas) {
  const auto pattern = ProbePattern::parse("*");
  for (const auto kind : probe_kinds)
    EXPECT_EQ(pattern.wants(kind), kind != ProbeKind::uprobe && kind != ProbeKind::usdt) << name_of(kind);
  EXPECT_TRUE(ProbePattern::parse("kprobe:x").wants(ProbeKind::kprobe));
  EXPECT_FALSE(ProbePattern::parse("kprobe:x").wants(ProbeKind::fentry));
}

TEST(ProbePattern, MatchesNamesOrGroupsAndNames) {
  EXPECT_TRUE(matches("tracepoint:sched:sched_switch", "sched", "sched_switch"));
  EXPECT_TRUE(matches("tracepoint:sys*:*open*", "syscalls", "sys_enter_openat"));
  EXPECT_TRUE(matches("tracepoint:*open*", "syscalls", "sys_enter_openat"));
  EXPECT_FALSE(matches("tracepoint:sched*", "sched", "other"));
  EXPECT_TRUE(matches("sched:*", "sched", "sched_switch"));
  EXPECT_FALSE(matches("sched:*", "timer", "tick"));
  EXPECT_TRUE(matches("kprobe:vmlinux:vfs_open", "vmlinux", "vfs_open"));
  EXPECT_TRUE(matches("tracepoint", "sched", "sched_switch"));
  EXPECT_TRUE(matches("kprobe:", "", "anything"));
  EXPECT_FALSE(matches("vfs_open", "", "vfs_open2")) << "a name is that name";
}

TEST(ProbePattern, TakesNamesThatAreLongerThanAGlob) {
  const std::string name(200, 'x');
  EXPECT_TRUE(matches("uprobe:libc:" + name, "", name));
  EXPECT_FALSE(matches("uprobe:libc:" + name, "", name + "x"));
  EXPECT_THROW(ProbePattern::parse("uprobe:libc:*" + name), Error);
}

TEST(ProbePattern, TakesColonsInNamesOfFunctions) {
  EXPECT_TRUE(matches("uprobe:/bin/x:type:.eq.T", "", "type:.eq.T"));
  EXPECT_TRUE(matches("uprobe:/bin/x:type:*", "", "type:.eq.T"));
}

TEST(ProbePattern, NamesABinary) {
  const auto pattern = ProbePattern::parse("usdt:/usr/bin/python3:python:function__*");
  EXPECT_EQ(pattern.binary(), "/usr/bin/python3");
  EXPECT_TRUE(pattern.matches("python", "function__entry"));
  EXPECT_FALSE(pattern.matches("ruby", "function__entry"));
  EXPECT_EQ(pattern.text(), "usdt:/usr/bin/python3:python:function__*");
  EXPECT_EQ(ProbePattern::parse("uprobe:bash").text(), "uprobe:bash:*");
  EXPECT_EQ(pattern.with("x").text(), "usdt:/usr/bin/python3:x");
  for (const char* bad : {"uprobe", "uprobe:", "usdt::x", "uprobe:*"})
    EXPECT_THROW(ProbePattern::parse(bad), Error) << bad;
}

}  // namespace
}  // namespace sonde
