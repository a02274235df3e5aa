// SPDX-License-Identifier: GPL-2.0-or-later
// sonde list, held against what this kernel tells about itself.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <set>

#include "expect.h"

namespace sonde::test {
namespace {

Report list(const Words& words, const Sonde::Setup& setup = {.out = -1, .prepare = {}}) {
  Words all{"list", "-f", "json", "-C", "kind,probe,group,name,module"};
  all.insert(all.end(), words.begin(), words.end());
  return run(all, setup);
}

Report fields_of(const std::string& pattern) { return run({"list", "-f", "json", "--fields", pattern}); }

std::set<std::string> texts(const std::vector<Json>& rows, std::string_view key) {
  std::set<std::string> all;
  for (const auto& row : rows) all.insert(row[key].text());
  return all;
}

bool root() { return geteuid() == 0; }
bool kernel_has(const char* event_source) {
  return std::filesystem::exists(std::string("/sys/bus/event_source/devices/") + event_source);
}

TEST(List, ShowsAllThatTheKernelHas) {
  if (!has_types()) GTEST_SKIP() << "this kernel has no BTF";
  const auto report = list({});
  ASSERT_EQ(report.code, 0) << report.err;
  EXPECT_GT(report.rows.size(), 500U);
  EXPECT_EQ(report.summary["rows"].number(), static_cast<std::int64_t>(report.rows.size()));
  const auto kinds = texts(report.rows, "kind");
  EXPECT_TRUE(kinds.contains("raw_tp"));
  EXPECT_TRUE(kinds.contains("software"));
  EXPECT_EQ(kinds.contains("kprobe"), kernel_has("kprobe"));
  std::set<std::string> seen;
  for (const auto& row : report.rows) {
    const std::string name = row["probe"].text();
    EXPECT_EQ(name.compare(0, row["kind"].text().size() + 1, row["kind"].text() + ":"), 0) << name;
    EXPECT_TRUE(seen.insert(name + " " + row["module"].text()).second) << "twice: " << name;
  }
  // What is closed is named.
  EXPECT_TRUE(kinds.contains("kprobe") || report.noted("kprobe"));
  EXPECT_TRUE(kinds.contains("tracepoint") || report.noted("tracepoint"));
}

TEST(List, ShowsTracepointsByCategoryAndName) {
  if (!root()) GTEST_SKIP() << "tracefs wants root";
  const auto report = list({"tracepoint:sched:sched_switch"});
  ASSERT_EQ(report.code, 0) << report.err;
  ASSERT_EQ(report.rows.size(), 1U);
  EXPECT_EQ(report.rows[0]["probe"].text(), "tracepoint:sched:sched_switch");
  EXPECT_EQ(report.rows[0]["group"].text(), "sched");
  EXPECT_EQ(report.rows[0]["name"].text(), "sched_switch");
  for (const char* same :
       {"t:sched:sched_switch", "tracepoint:sched_switch", "tracepoint:sch*:*_switch", "sched:sched_switch"})
    EXPECT_TRUE(texts(list({same}).rows, "probe").contains("tracepoint:sched:sched_switch")) << same;
}

TEST(List, ShowsTheFieldsOfATracepoint) {
  if (!root()) GTEST_SKIP() << "tracefs wants root";
  const auto report = run({"list", "-f", "json", "--fields", "-C", "+offset,+size", "tracepoint:sched:sched_switch"});
  ASSERT_EQ(report.code, 0) << report.err;
  const auto names = texts(report.rows, "field");
  for (const char* name : {"prev_comm", "prev_pid", "next_comm", "next_pid"}) EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_FALSE(names.contains("common_pid"));
  EXPECT_EQ(report.rows[0]["type"].text(), "row");
  EXPECT_EQ(report.rows[0]["field_type"].text(), "char[16]");
  EXPECT_EQ(report.rows[0]["offset"].number(), 8);
  EXPECT_EQ(report.rows[0]["size"].number(), 16);
}

TEST(List, ShowsTheArgumentsOfFunctionsAndRawTracepoints) {
  if (!has_types()) GTEST_SKIP() << "this kernel has no BTF";
  const auto raw = fields_of("raw_tp:sched_process_exit");
  ASSERT_EQ(raw.code, 0) << raw.err;
  ASSERT_FALSE(raw.rows.empty());
  EXPECT_EQ(raw.rows[0]["field_type"].text(), "struct task_struct *");
  const auto function = fields_of("fentry:do_sys_openat2");
  if (function.code != 0) GTEST_SKIP() << "no fentry on this kernel: " << function.err;
  const std::pair<const char*, const char*> expected[] = {
      {"dfd", "int"}, {"filename", "const char *"}, {"how", "struct open_how *"}, {"return", nullptr}};
  ASSERT_EQ(function.rows.size(), std::size(expected));
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(function.rows[i]["field"].text(), expected[i].first);
    if (expected[i].second) {
      EXPECT_EQ(function.rows[i]["field_type"].text(), expected[i].second);
    }
  }
}

TEST(List, FindsProgramsAndLibrariesByName) {
  if (!kernel_has("uprobe")) GTEST_SKIP() << "this kernel has no uprobes";
  const auto library = list({"uprobe:libc:malloc"});
  if (library.code != 0) GTEST_SKIP() << "no shared libc here: " << library.err;
  ASSERT_EQ(library.rows.size(), 1U);
  const std::string probe = library.rows[0]["probe"].text();
  EXPECT_EQ(probe.compare(0, 8, "uprobe:/"), 0) << probe;
  EXPECT_NE(probe.find("/libc.so"), std::string::npos) << probe;
  const auto by_path = list({probe});
  ASSERT_EQ(by_path.rows.size(), 1U) << "what is shown can be given: " << by_path.err;
  const auto program = list({"uprobe:sh"});
  EXPECT_NE(program.code, 2);
  EXPECT_EQ(program.err.find("no program"), std::string::npos) << program.err;
}

TEST(List, ShowsStaticProbes) {
  if (!kernel_has("uprobe")) GTEST_SKIP() << "this kernel has no uprobes";
  const auto report = fields_of("usdt:" SONDE_CORPUS "/elf/u64.so");
  ASSERT_EQ(report.code, 0) << report.err;
  ASSERT_EQ(report.rows.size(), 4U);
  EXPECT_EQ(report.rows[0]["probe"].text(), "usdt:" SONDE_CORPUS "/elf/u64.so:app:start");
  EXPECT_EQ(report.rows[0]["field_type"].text(), "u64");
  EXPECT_EQ(report.rows[1]["field_type"].text(), "s32");
  EXPECT_EQ(report.rows[2]["field"].text(), "arg2");
  EXPECT_TRUE(report.rows[3]["field"].null()) << "app:stop has no arguments";
}

TEST(List, SaysWhatIsNotThere) {
  if (!has_types()) GTEST_SKIP() << "this kernel has no BTF";
  expect_refusal(run({"list", "raw_tp:no_such_thing"}), 1, "No probe matches 'raw_tp:no_such_thing'");
  expect_refusal(run({"list", "raw_tp:sched_swich"}), 1, "Did you mean 'raw_tp:sched_switch'?");
  expect_refusal(run({"list", "raw_tpp:sched_switch"}), 1, "Did you mean 'raw_tp:sched_switch'?");
  expect_refusal(run({"list", "software:cpu"}), 1, "'software:*cpu*' matches 2, as 'software:cpu-clock'");
  expect_refusal(run({"list", "raw_tp:no\x1b]0;x\n"}), 1, R"('raw_tp:no\x1b]0;x\n')");
  if (!kernel_has("kprobe")) expect_refusal(run({"list", "kprobe:*"}), 4, "no kprobes");
  expect_refusal(run({"list", "uprobe:"}), 2, "in a binary");
  expect_refusal(run({"list", "kprobe:[a"}), 2, "open [");
  expect_refusal(run({"list", "kprobe:a", "kprobe:b"}), 2, "Unexpected argument 'kprobe:b'");
  expect_refusal(run({"list", "--", "true"}), 2, "runs no command");
}

TEST(List, ReadsNothingButRegularFiles) {
  if (!kernel_has("uprobe")) GTEST_SKIP() << "this kernel has no uprobes";
  const Folder folder;
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  for (const std::string& path : {folder / "fifo", folder / "", std::string("/dev/zero")})
    expect_refusal(run({"list", "uprobe:" + path + ":*"}), 1, "not a regular file");
  expect_refusal(run({"list", "uprobe:" + folder.file("text") + ":*"}), 1, "no ELF file");
  expect_refusal(run({"list", "uprobe:" + folder / "none" + ":*"}), 1, "No such file");
  expect_refusal(run({"list", "uprobe:no-such-library:*"}), 1, "no program or library 'no-such-library'");
}

// Who may see little is told what is missing, and sees the rest.
TEST(List, ServesAnOrdinaryUser) {
  if (!has_types()) GTEST_SKIP() << "this kernel has no BTF";
  const auto user = ordinary_user();
  const Sonde::Setup setup{.out = -1, .prepare = [&] {
                             if (root()) become(user.uid);
                           }};
  const auto report = list({"sched*"}, setup);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_TRUE(texts(report.rows, "kind").contains("raw_tp"));
  EXPECT_TRUE(report.noted("No tracepoint is listed: tracefs "));
  expect_refusal(run({"list", "tracepoint:sched:*"}, setup), 3, "tracefs");
}

TEST(List, TakesAReaderThatLeaves) {
  Pipe pipe;
  pipe.out.reset();
  const auto report = run({"list"}, {.out = pipe.in.get(), .prepare = {}});
  EXPECT_EQ(report.code, 0);
  EXPECT_EQ(report.err.find("sonde:"), std::string::npos) << report.err;
}

}  // namespace
}  // namespace sonde::test
