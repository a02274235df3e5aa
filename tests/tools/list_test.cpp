// SPDX-License-Identifier: GPL-2.0-or-later
// sonde list on each kernel: what it lists is what the kernel itself says in tracefs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "support/sonde.h"

namespace sonde::test {
namespace {

const std::string tracing = "/sys/kernel/tracing/";

std::set<std::string> first_words(const std::string& text) {
  std::set<std::string> words;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) words.insert(line.substr(0, line.find(' ')));
  return words;
}

// The names of one kind, without their heading.
std::set<std::string> listed(const std::string& kind) {
  auto names = first_words(run({"list", "-q", "-C", "name", kind}).out);
  names.erase("NAME");
  return names;
}

bool has_kprobes() { return std::filesystem::exists("/sys/bus/event_source/devices/kprobe"); }

TEST(ListOnThisKernel, ListsTheFunctionsThatFtraceLists) {
  if (!has_kprobes()) GTEST_SKIP() << "this kernel has no kprobes";
  const auto traceable = first_words(contents(tracing + "available_filter_functions"));
  if (traceable.empty()) GTEST_SKIP() << "available_filter_functions cannot be read";
  const auto kprobes = listed("kprobe"), fentries = listed("fentry");
  EXPECT_GT(kprobes.size(), traceable.size() * 9 / 10);
  EXPECT_GT(fentries.size(), kprobes.size() / 2);
  for (const auto* names : {&kprobes, &fentries})
    for (const auto& name : *names) EXPECT_TRUE(traceable.contains(name)) << name;
  EXPECT_TRUE(kprobes.contains("do_sys_openat2"));
}

TEST(ListOnThisKernel, ListsTheTracepointsOfTracefs) {
  const auto events = first_words(contents(tracing + "available_events"));
  if (events.empty()) GTEST_SKIP() << "tracefs is not mounted here";
  std::set<std::string> probes;
  for (const auto& event : events) probes.insert("tracepoint:" + event);
  auto found = first_words(run({"list", "-q", "-C", "probe", "tracepoint"}).out);
  found.erase("PROBE");
  EXPECT_EQ(found, probes);
}

TEST(ListOnThisKernel, KnowsArgumentsFromTheKernelsTypes) {
  if (!has_types()) GTEST_SKIP() << "this kernel has no BTF";
  for (const std::string kind : {"kprobe", "fentry"}) {
    const auto report = run({"list", "-f", "json", "--fields", kind + ":do_sys_openat2"});
    if (kind == "kprobe" && !has_kprobes()) {
      EXPECT_EQ(report.code, 4) << report.err;
      continue;
    }
    ASSERT_EQ(report.code, 0) << report.err;
    ASSERT_EQ(report.rows.size(), 4U) << kind;
    EXPECT_EQ(report.rows[1]["field"].text(), "filename");
    EXPECT_EQ(report.rows[1]["field_type"].text(), "const char *");
    EXPECT_EQ(report.rows[3]["field"].text(), "return");
  }
  const auto raw = run({"list", "-f", "json", "--fields", "raw_tp:sched_switch"});
  ASSERT_GE(raw.rows.size(), 3U) << raw.err;
  EXPECT_EQ(raw.rows[1]["field_type"].text(), "struct task_struct *");
}

}  // namespace
}  // namespace sonde::test
