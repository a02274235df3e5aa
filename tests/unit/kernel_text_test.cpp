// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kernel_text.h"

#include <gtest/gtest.h>

#include "corpus.h"

namespace sonde {
namespace {

using Function = std::optional<KernelFunction>;

TEST(KernelText, EachLineHandsOverLinesWithoutTheirEnds) {
  std::vector<std::string> lines;
  each_line("a\n\nb", [&](std::string_view line) { lines.emplace_back(line); });
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "", "b"}));
}

TEST(KernelText, TraceableFunctions) {
  EXPECT_EQ(traceable_function("vfs_open"), Function({"vfs_open", ""}));
  EXPECT_EQ(traceable_function("ext4_open [ext4]"), Function({"ext4_open", "ext4"}));
  EXPECT_EQ(traceable_function("foo.isra.0"), Function({"foo.isra.0", ""}));
  for (const char* none : {"", " ", "__ftrace_invalid_address___12", "a b", "a [", "a []", "a [b"})
    EXPECT_EQ(traceable_function(none), std::nullopt) << none;
}

TEST(KernelText, FunctionsOfKallsyms) {
  EXPECT_EQ(kallsyms_function("ffffffff81000000 T vfs_open"), Function({"vfs_open", ""}));
  EXPECT_EQ(kallsyms_function("0000000000000000 t vfs_open"), Function({"vfs_open", ""}));
  EXPECT_EQ(kallsyms_function("ffffffffc0000000 t ext4_open\t[ext4]"), Function({"ext4_open", "ext4"}));
  EXPECT_EQ(kallsyms_function("ffffffff81000000 W weak"), Function({"weak", ""}));
  for (const char* none :
       {"ffffffff81000000 D data", "ffffffff81000000 t __pfx_vfs_open", "1 t foo.cold", "1 t a.cold.7",
        "1 t bpf_prog_1\t[bpf]", "1 t trampoline\t[__builtin__ftrace]", "T", "1 t", ""})
    EXPECT_EQ(kallsyms_function(none), std::nullopt) << none;
}

TEST(KernelText, FunctionsThatKprobesExclude) {
  EXPECT_EQ(blacklisted_function("0xffffffff81001000-0xffffffff81001010\tdo_int3"), Function({"do_int3", ""}));
  EXPECT_EQ(blacklisted_function("0x0-0x0\tvmx_exit [kvm]"), Function({"vmx_exit", "kvm"}));
  EXPECT_EQ(blacklisted_function("do_int3"), std::nullopt);
}

TEST(KernelText, TracepointNames) {
  EXPECT_EQ(tracepoint_name("sched:sched_switch"), std::optional(TracepointName{"sched", "sched_switch"}));
  for (const char* none : {"", "sched", "sched:", ":sched_switch"})
    EXPECT_EQ(tracepoint_name(none), std::nullopt) << none;
}

TEST(KernelText, FieldsOfATracepoint) {
  const std::string format = test::corpus("kernel_text/format");
  const auto fields = format_fields(format);
  ASSERT_EQ(fields.size(), 4U) << "not the common one, not what is not whole, not what the expression quotes";
  const struct {
    const char *name, *type;
    std::uint32_t offset, size;
  } expected[] = {{"prev_comm", "char[16]", 8, 16},
                  {"filename", "const char *", 24, 8},
                  {"name", "__data_loc char[]", 32, 4},
                  {"args", "unsigned long[]", 40, 0}};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    EXPECT_EQ(fields[i].name, expected[i].name);
    EXPECT_EQ(fields[i].type, expected[i].type);
    EXPECT_EQ(fields[i].offset, expected[i].offset);
    EXPECT_EQ(fields[i].size, expected[i].size);
  }
  EXPECT_TRUE(format_fields("").empty());
  EXPECT_TRUE(format_fields("\tfield:char x];\toffset:8;\tsize:1;\n").empty());
}

TEST(KernelText, ListsOfCpus) {
  using Cpus = std::vector<unsigned>;
  EXPECT_EQ(cpu_list("0-3,8,10-11\n"), (Cpus{0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(cpu_list("0\n"), Cpus{0});
  EXPECT_EQ(cpu_list("126-129"), (Cpus{126, 127, 128, 129}));
  for (const char* none : {"", "\n", "x", "0-", "3-1", "1,0", "0-99999999", "0-3;5", "-1"})
    EXPECT_TRUE(cpu_list(none).empty()) << none;
}

TEST(KernelText, WhatCpusDid) {
  const auto ticks = cpu_ticks("cpu  1 2 3 4 5 6 7 89 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n");
  ASSERT_TRUE(ticks);
  EXPECT_EQ(ticks->stolen, 89U);
  EXPECT_EQ(ticks->busy, 19U);  // all but idle, 4, and waiting for a disk, 5
  for (const char* text : {"cpu  1 2 3 4 5 6 7", "cpu0 1 2 3 4 5 6 7 8", "", "cpu  1 2 3 4 5 6 7 x\n1 2 3 4 5 6 7 8 9"})
    EXPECT_FALSE(cpu_ticks(text)) << text;
}

}  // namespace
}  // namespace sonde
