// SPDX-License-Identifier: GPL-2.0-or-later
// Stacks: as they come with a record, as they get their names, and in each sink.
#include "core/stack.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "core/capture.h"
#include "core/kernel_symbols.h"
#include "core/mappings.h"
#include "core/ndjson.h"
#include "core/perf_map.h"
#include "core/perf_record.h"
#include "core/table.h"
#include "corpus.h"
#include "lib/abi.h"
#include "written.h"

namespace sonde {
namespace {

using test::corpus;
using test::Written;
using Kind = Value::Kind;

TEST(Stack, IsFoundBehindARecord) {
  const auto stacks = recorded_stacks(corpus("mappings/stacks"));
  ASSERT_TRUE(stacks);
  EXPECT_EQ(stacks->time, 9U);
  EXPECT_EQ(stacks->pid, 7U);
  EXPECT_EQ(stacks->kernel, (std::vector<std::uint64_t>{0xffffffff81000010, 0xffffffff81000020}));
  EXPECT_EQ(stacks->user, (std::vector<std::uint64_t>{0x400010, 0x400020, 0x400030}));
}

TEST(Stack, IsNoneWhereTheRecordIsTooShortForIt) {
  const std::string whole = corpus("mappings/stacks");
  EXPECT_FALSE(recorded_stacks(std::string_view(whole).substr(24)));
  EXPECT_FALSE(recorded_stacks("short"));
  std::string failed = whole;
  const int error = -14;
  std::memcpy(failed.data() + failed.size() - 4, &error, sizeof(error));
  EXPECT_TRUE(recorded_stacks(failed)->user.empty());
}

TEST(Stack, IsFoundInACopy) {
  stack_copy head{};
  head.seed = 5;
  head.time = 9;
  head.pid = 7;
  head.mark = STACK_COPY_MARK;
  head.kernel_size = 16;
  head.size = 5;
  head.registers[1] = 0x7000;
  head.kernel[1] = 0xffffffff81000020;
  const std::string record = std::string(reinterpret_cast<const char*>(&head), sizeof(head)) + "the row" + "stack";
  const auto copied = copied_stack(record);
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->seed, 5U);
  EXPECT_EQ(copied->time, 9U);
  EXPECT_EQ(copied->pid, 7U);
  EXPECT_EQ(copied->registers.size(), std::size_t{STACK_REGISTERS});
  EXPECT_EQ(copied->registers[1], 0x7000U);
  EXPECT_EQ(copied->kernel, (std::vector<std::uint64_t>{0, 0xffffffff81000020}));
  EXPECT_EQ(copied->row, "the row");
  EXPECT_EQ(copied->stack, "stack");
  EXPECT_FALSE(copied_stack(std::string_view(record).substr(0, sizeof(head) + 4)));
  EXPECT_FALSE(copied_stack(corpus("mappings/stacks")));
  head.number = 1;
  EXPECT_FALSE(copied_stack({reinterpret_cast<const char*>(&head), sizeof(head)}));
}

constexpr std::array<Frame, 5> frames{{{"vfs_open", "[kernel]", 0x10, false},
                                       {"ext4_open", "[ext4]", 0x2f, false},
                                       {{}, "/lib/x.so", 0x1f00, false},
                                       {{}, {}, 0xffff800000000000, false},
                                       {"[broken]", {}, 0, true}}};

TEST(Stack, IsShownFrameByFrame) {
  const std::array<std::string, 5> texts{"vfs_open+0x10", "ext4_open+0x2f [ext4]", "/lib/x.so+0x1f00",
                                         "0xffff800000000000", "[broken]"};
  std::string text;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    show_frame(frames[i], text);
    EXPECT_EQ(text, texts[i]);
  }
  show_frame({"main", "/bin/true", 0x1, false}, text);
  EXPECT_EQ(text, "main+0x1 (/bin/true)");
}

const ColumnInfo name{"name", Kind::text, 6, "who"};
const ColumnInfo stack{"kstack", Kind::stack, 0, "how it came there"};
const std::array<const ColumnInfo*, 2> columns{&stack, &name};
const std::array<Value, 2> values{Value::stack(frames), Value::text("one")};

TEST(Stack, StandsBeneathItsRowInATable) {
  Written rows, notes;
  TableStyle style;
  style.width = 24;
  Table table(rows.out, notes.out, style);
  table.begin(columns);
  table.row(values);
  table.flush();
  EXPECT_EQ(rows.text(),
            "NAME\n"
            "one\n"
            "    kstack: vfs_open+0x…\n"
            "            ext4_open+0…\n"
            "            /lib/x.so+0…\n"
            "            0xffff80000…\n"
            "            [broken]\n");
}

TEST(Stack, IsAnArrayInJson) {
  Written out;
  Ndjson json(out.out, false);
  json.begin(columns);
  json.row(values);
  json.row(std::array<Value, 2>{Value(), Value::text("two")});
  json.flush();
  EXPECT_EQ(out.text(), R"({"type":"event","kstack":[{"symbol":"vfs_open","module":"[kernel]","offset":16},)"
                        R"({"symbol":"ext4_open","module":"[ext4]","offset":47},)"
                        R"({"symbol":null,"module":"/lib/x.so","offset":7936},)"
                        R"({"symbol":null,"module":null,"offset":18446603336221196288},)"
                        R"({"symbol":"[broken]","module":null,"offset":null}],"name":"one"})"
                        "\n"
                        R"({"type":"event","kstack":null,"name":"two"})"
                        "\n");
}

TEST(Stack, IsCapturedAsText) {
  Capture capture;
  capture.begin(columns);
  capture.row(values);
  EXPECT_EQ(capture.rows.at(0).at("kstack").substr(0, 36), "vfs_open+0x10; ext4_open+0x2f [ext4]");
}

TEST(KernelSymbols, HaveModulesAndEnds) {
  KernelSymbols symbols;
  symbols.take(corpus("symbol_maps/kallsyms"));
  symbols.finish();
  const auto is = [&](std::uint64_t address, std::string_view function, std::string_view module, std::uint64_t offset) {
    const auto found = symbols.find(address);
    ASSERT_TRUE(found) << std::hex << address;
    EXPECT_EQ(found->name, function);
    EXPECT_EQ(found->module, module);
    EXPECT_EQ(found->offset, offset);
  };
  is(0xffffffff81000010, "_stext", "[kernel]", 0x10);
  is(0xffffffff81000110, "do_one_initcall", "[kernel]", 0x10);
  is(0xffffffffc0000004, "ext4_open", "[ext4]", 4);
  is(0xffffffffc0100020, "bpf_prog_6deef7357e7b4530_x", "[bpf]", 0x20);
  EXPECT_FALSE(symbols.find(0xffffffff90000000));  // far behind the last of the kernel's own
  EXPECT_FALSE(symbols.find(0x1000));
  EXPECT_FALSE(symbols.hidden());
}

TEST(KernelSymbols, TellWhereTheTablesOfFramesAre) {
  const std::string function = "ffffffff81000400 T schedule\n", start = "ffffffff83000000 R __start_orc_unwind_ip\n",
                    both = "ffffffff83000040 R __start_orc_unwind\nffffffff83000040 R __stop_orc_unwind_ip\n";
  const auto tables = [](const std::string& text) {
    KernelSymbols symbols;
    symbols.take(text);
    symbols.finish();
    return symbols.walk_tables();
  };
  const auto found = tables(function + start + both);
  EXPECT_EQ(found.instructions, 0xffffffff83000000);
  EXPECT_EQ(found.entries, 0xffffffff83000040);
  EXPECT_EQ(found.function, 0xffffffff81000400);
  EXPECT_EQ(found.count, 16U);
  for (const auto& text : {function, start + both, function + start, function + both})
    EXPECT_EQ(tables(text).count, 0U);
}

TEST(KernelSymbols, MayBeHidden) {
  KernelSymbols symbols;
  symbols.take(corpus("symbol_maps/hidden"));
  symbols.finish();
  EXPECT_TRUE(symbols.hidden());
  EXPECT_TRUE(symbols.empty());
}

TEST(KernelSymbols, TellWhatRunsProbes) {
  for (const char* function : {"bpf_prog_1234_x", "bpf_trace_run2", "__traceiter_sys_exit", "kretprobe_trampoline",
                               "ftrace_caller", "trace_call_bpf", "perf_syscall_exit"})
    EXPECT_TRUE(runs_probes(function, "[kernel]")) << function;
  EXPECT_TRUE(runs_probes("anything", "[bpf]"));
  for (const char* function : {"do_syscall_64", "vfs_open", "__x64_sys_bpf", "perf_event_open"})
    EXPECT_FALSE(runs_probes(function, "[kernel]")) << function;
}

TEST(Mappings, OfALineOfMaps) {
  const auto mapping = mapping_of_line("7f0c2a000000-7f0c2a028000 r-xp 00028000 fe:01 1573013    /usr/lib/a b.so");
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->start, 0x7f0c2a000000U);
  EXPECT_EQ(mapping->end, 0x7f0c2a028000U);
  EXPECT_EQ(mapping->file_offset, 0x28000U);
  EXPECT_EQ(mapping->file, (FileNumber{0xfe, 1, 1573013}));
  EXPECT_EQ(mapping->path, "/usr/lib/a b.so");
  EXPECT_TRUE(mapping->is_file());
  EXPECT_FALSE(mapping_of_line("1000-2000 rw-p 00000000 00:00 0"));
  EXPECT_FALSE(mapping_of_line("2000-1000 r-xp 00000000 00:00 0"));
  EXPECT_EQ(mapping_of_line("1000-2000 r-xp 00000000 00:00 0 ")->path, "");
}

// A process executes, maps, forks; its child is found with what the parent had then; what is gone is forgotten.
TEST(Mappings, AreThoseOfTheirTime) {
  Mappings mappings;
  const std::string bytes = corpus("mappings/perf");
  std::string_view records = bytes;
  std::size_t size = 0;
  std::uint64_t lost = 0;
  while (auto record = read_perf_record(records, size)) {
    records.remove_prefix(size);
    record->mapping.since = record->time;
    if (record->kind == PerfRecord::Kind::map) mappings.map(record->pid, std::move(record->mapping));
    if (record->kind == PerfRecord::Kind::exec) mappings.exec(record->pid, record->time);
    if (record->kind == PerfRecord::Kind::fork) mappings.fork(record->pid, record->parent, record->time);
    if (record->kind == PerfRecord::Kind::exit) mappings.exit(record->pid, record->time);
    if (record->kind == PerfRecord::Kind::lost) lost += record->count;
  }
  EXPECT_EQ(lost, 3U);
  EXPECT_FALSE(mappings.find(7, 5, 0x400010));
  ASSERT_TRUE(mappings.find(7, 6, 0x400010));
  EXPECT_EQ(mappings.find(7, 6, 0x400010)->path, "/bin/chain");
  ASSERT_TRUE(mappings.find(8, 10, 0x400010));
  ASSERT_TRUE(mappings.find(8, 10, 0x7f0000000010));
  EXPECT_EQ(mappings.find(8, 10, 0x7f0000000010)->path, "");
  EXPECT_FALSE(mappings.find(7, 20, 0x7f0000000010));
  EXPECT_TRUE(mappings.find(7, 20, 0x400010));  // it has ended, and is asked for all the same
  mappings.exec(8, 30);
  EXPECT_FALSE(mappings.find(8, 31, 0x400010));
  EXPECT_TRUE(mappings.find(8, 29, 0x400010));
  mappings.forget(31);
  EXPECT_FALSE(mappings.knows(7));
  EXPECT_FALSE(mappings.find(8, 29, 0x400010));
}

TEST(Mappings, OfAChildOutliveManyForks) {
  Mappings mappings;
  Mapping mapping{0x1000, 0x2000, 0, 1, {}, "/bin/x"};
  mappings.map(1, mapping);
  for (std::uint32_t pid = 2; pid < 40; ++pid) {
    mappings.fork(pid, pid - 1, pid);
    mappings.exit(pid - 1, pid);
  }
  mappings.forget(40);
  ASSERT_TRUE(mappings.find(39, 50, 0x1800));
  EXPECT_EQ(mappings.processes(), 1U);
}

TEST(PerfMap, FindsTheLastWordOnAnAddress) {
  const PerfMap map(corpus("symbol_maps/perf"));
  EXPECT_EQ(map.find(0x1004)->name, "later");
  EXPECT_EQ(map.find(0x2000)->name, "lambda");
  EXPECT_FALSE(map.find(0x2010));
  EXPECT_FALSE(map.find(0xfff));
}

}  // namespace
}  // namespace sonde
