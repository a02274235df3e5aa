// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/table.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include "core/utf8.h"
#include "written.h"

namespace sonde {
namespace {

using test::Written;
using Kind = Value::Kind;

constexpr std::int64_t noon = 1'714'564'800'123'456'789;  // 2024-05-01T12:00:00.123456789Z

// One table with its two outputs.
class Shown {
 public:
  Shown(std::vector<ColumnInfo> columns, TableStyle style)
      : columns_(std::move(columns)), table(rows.out, notes.out, style) {
    std::vector<const ColumnInfo*> pointers;
    for (const ColumnInfo& column : columns_) pointers.push_back(&column);
    table.begin(pointers);
  }
  std::vector<std::string> lines() {
    const std::string text = rows.text();
    std::vector<std::string> result;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      result.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return result;
  }

 private:
  std::vector<ColumnInfo> columns_;

 public:
  Written rows;
  Written notes;
  Table table;
};

std::vector<ColumnInfo> opensnoop() {
  return {{"time", Kind::time, 15, "", true},    {"pid", Kind::natural, 7, "", true},
          {"comm", Kind::text, 15, "", true},    {"fd", Kind::integer, 3, "", true},
          {"errno", Kind::symbol, 7, "", true},  {"latency_ns", Kind::duration, 7, "", true},
          {"flags", Kind::symbol, 18, "", true}, {"path", Kind::text, 30, "", true}};
}

using OpenRow = std::array<Value, 8>;
OpenRow open_row() {
  return {Value::time(noon), Value::natural(4242),    Value::text("cat"),           Value::integer(3),
          Value(),           Value::duration(12'345), Value::symbol("O_RDONLY", 0), Value::text("/etc/passwd")};
}

int cells_in(std::string_view line) {
  int cells = 0;
  while (!line.empty()) {
    const Decoded decoded = decode_utf8(line);
    cells += static_cast<int>(cells_of(decoded.code));
    line.remove_prefix(decoded.length);
  }
  return cells;
}

std::string one(const Value& value, Kind kind, TableStyle style = {}) {
  Shown shown({{"x", kind, 1, "", true}}, style);
  shown.table.row({&value, 1});
  return shown.lines().at(1);
}

TEST(Table, HeadingAndRowsAlign) {
  Shown shown(opensnoop(), {.utc = true});
  OpenRow row = open_row();
  shown.table.row(row);
  row[3] = Value();
  row[4] = Value::symbol("ENOENT", 2);
  shown.table.row(row);
  const auto lines = shown.lines();
  EXPECT_EQ(lines.at(0), "TIME                 PID  COMM              FD  ERRNO    LATENCY  FLAGS               PATH");
  EXPECT_EQ(lines.at(1),
            "12:00:00.123456     4242  cat                3  -         12.3us  O_RDONLY            /etc/passwd");
  EXPECT_EQ(lines.at(2),
            "12:00:00.123456     4242  cat                -  ENOENT    12.3us  O_RDONLY            /etc/passwd");
}

TEST(Table, HeadingIsOutAtOnceAndRowsAtFlush) {
  Shown shown(opensnoop(), {});
  EXPECT_TRUE(shown.rows.flushed().starts_with("TIME "));
  shown.table.row(open_row());
  EXPECT_EQ(shown.rows.flushed().find("passwd"), std::string::npos);
  shown.table.flush();
  EXPECT_NE(shown.rows.flushed().find("passwd"), std::string::npos);
}

TEST(Table, LongValuesPushOnlyTheirOwnLine) {
  Shown shown(opensnoop(), {.utc = true});
  OpenRow row = open_row();
  row[2] = Value::text("a name of twenty let");
  shown.table.row(row);
  shown.table.row(open_row());
  const auto lines = shown.lines();
  EXPECT_EQ(lines.at(1),
            "12:00:00.123456     4242  a name of twenty let  3  -      12.3us  O_RDONLY            /etc/passwd");
  EXPECT_EQ(lines.at(2),
            "12:00:00.123456     4242  cat                3  -         12.3us  O_RDONLY            /etc/passwd");
}

TEST(Table, HeadingsWidenNarrowColumns) {
  Shown shown({{"a_long_key", Kind::natural, 2, "", true}, {"b", Kind::text, 1, "", true}}, {});
  const std::array<Value, 2> row = {Value::natural(1), Value::text("x")};
  shown.table.row(row);
  EXPECT_EQ(shown.lines(), (std::vector<std::string>{"A_LONG_KEY  B", "         1  x"}));
}

TEST(Table, EveryKindOfValue) {
  EXPECT_EQ(one(Value(), Kind::text), "-");
  EXPECT_EQ(one(Value(), Kind::natural), "-");
  EXPECT_EQ(one(Value::boolean(true), Kind::boolean), "yes");
  EXPECT_EQ(one(Value::boolean(false), Kind::boolean), "no");
  EXPECT_EQ(one(Value::integer(-100), Kind::integer), "-100");
  EXPECT_EQ(one(Value::integer(std::numeric_limits<std::int64_t>::min()), Kind::integer), "-9223372036854775808");
  EXPECT_EQ(one(Value::natural(UINT64_MAX), Kind::natural), "18446744073709551615");
  EXPECT_EQ(one(Value::real(1.005e3), Kind::real), "1005.00");
  EXPECT_EQ(one(Value::real(1e300), Kind::real), "1.00e+300");
  EXPECT_EQ(one(Value::real(std::nan("")), Kind::real), "-");
  EXPECT_EQ(one(Value::duration(1'500'000), Kind::duration), "1.50ms");
  EXPECT_EQ(one(Value::bytes(4096), Kind::bytes), "4.0 KiB");
  EXPECT_EQ(one(Value::symbol("EPERM", 1), Kind::symbol), "EPERM");
  EXPECT_EQ(one(Value::symbol("", -7), Kind::symbol), "-7");
}

TEST(Table, Texts) {
  EXPECT_EQ(one(Value::text(""), Kind::text), "\"\"");
  EXPECT_EQ(one(Value::text("", true), Kind::text), "…");
  EXPECT_EQ(one(Value::text("half a pa", true), Kind::text), "half a pa…") << "in a pipe, too";
  EXPECT_EQ(one(Value::text("\x1b[31m\n"), Kind::text), "\\x1b[31m\\n");
  EXPECT_EQ(one(Value::symbol("\x1b[31m", 1), Kind::symbol), "\\x1b[31m");
}

TEST(Table, Lists) {
  const std::string_view argv[] = {"sh", "-c", "echo hi", "", "\n"};
  EXPECT_EQ(one(Value::list(argv), Kind::list), "sh -c \"echo hi\" \"\" \\n");
  EXPECT_EQ(one(Value::list(argv, true), Kind::list), "sh -c \"echo hi\" \"\" \\n…");
  EXPECT_EQ(one(Value::list(std::span(argv).first(1)), Kind::list), "sh");
  EXPECT_EQ(one(Value::list({}), Kind::list), "-");
  EXPECT_EQ(one(Value::list(argv), Kind::list, {.width = 10}), "sh -c \"ec…");
}

TEST(Table, TimesOfDay) {
  const auto utc = [](std::int64_t ns) { return one(Value::time(ns), Kind::time, {.utc = true}); };
  EXPECT_EQ(utc(0), "00:00:00.000000");
  EXPECT_EQ(utc(999'999'999), "00:00:00.999999") << "cut, not rounded into the next second";
  EXPECT_EQ(utc(-1), "23:59:59.999999");
  setenv("TZ", "XYZ-05:30", 1);
  tzset();
  EXPECT_EQ(one(Value::time(noon), Kind::time), "17:30:00.123456");
  EXPECT_EQ(utc(noon), "12:00:00.123456");
  unsetenv("TZ");
  tzset();
}

TEST(Table, TimesFollowTheSecond) {
  Shown shown({{"time", Kind::time, 15, "", true}}, {.utc = true});
  for (const std::int64_t ns : {noon, noon + 1000, noon + 1'000'000'000, noon}) {
    const Value value = Value::time(ns);
    shown.table.row({&value, 1});
  }
  EXPECT_EQ(shown.lines(), (std::vector<std::string>{"TIME", "12:00:00.123456", "12:00:00.123457", "12:00:01.123456",
                                                     "12:00:00.123456"}));
}

TEST(Table, NoTrailingSpaces) {
  for (const int width : {0, 200, 80}) {
    Shown shown(opensnoop(), {.width = width});
    shown.table.row(open_row());
    for (const std::string& line : shown.lines()) EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST(Table, LastColumnIsCutAtTheExactWidth) {
  const auto at = [](int width, std::string_view path) {
    Shown shown({{"pid", Kind::natural, 3, "", true}, {"path", Kind::text, 4, "", true}}, {.width = width});
    const std::array<Value, 2> row = {Value::natural(1), Value::text(path)};
    shown.table.row(row);
    return shown.lines().at(1);
  };
  EXPECT_EQ(at(0, "/etc/passwd"), "  1  /etc/passwd");
  EXPECT_EQ(at(16, "/etc/passwd"), "  1  /etc/passwd");
  EXPECT_EQ(at(15, "/etc/passwd"), "  1  /etc/pass…");
  EXPECT_EQ(at(13, "/日本語/e\xcc\x81"), "  1  /日本語…");
  EXPECT_EQ(at(14, "/日本語/e\xcc\x81"), "  1  /日本語/e\xcc\x81");
  EXPECT_EQ(at(9, "/日本語"), "  1  /日…");
  EXPECT_EQ(at(10, "/日本語"), "  1  /日…") << "a wide character has no half";
}

TEST(Table, NarrowTerminalsTakeFromTheLastTextsFirst) {
  Shown shown(opensnoop(), {.width = 100, .utc = true});
  OpenRow row = open_row();
  row[2] = Value::text("fifteen letters");
  row[6] = Value::symbol("O_WRONLY|O_CREAT|O_TRUNC", 577);
  row[7] = Value::text("/usr/share/a/rather/long/path");
  shown.table.row(row);
  EXPECT_EQ(shown.lines().at(1),
            "12:00:00.123456     4242  fifteen letters    3  -         12.3us  O_WRONL…  /usr/share/a/rather/lon…");
}

TEST(Table, NoWidthIsEverExceeded) {
  const std::string_view paths[] = {"/etc/passwd", "/日本語/パス/ファイル名が長い長い長い長い", "\x1b\x1b\x1b\x1b\x1b",
                                    ""};
  for (int width = 1; width <= 140; ++width) {
    Shown shown(opensnoop(), {.width = width, .utc = true});
    for (const std::string_view path : paths) {
      OpenRow row = open_row();
      row[7] = Value::text(path, width % 2 == 0);
      shown.table.row(row);
      row[1] = Value::natural(UINT64_MAX);
      row[2] = Value::text("日本語日本語日本語日本語");
      row[6] = Value::symbol("O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC", 577);
      shown.table.row(row);
    }
    for (const std::string& line : shown.lines()) EXPECT_LE(cells_in(line), width) << line;
  }
}

TEST(Table, EightyCellsStillShowEveryColumn) {
  Shown shown(opensnoop(), {.width = 80, .utc = true});
  shown.table.row(open_row());
  const auto lines = shown.lines();
  EXPECT_EQ(lines.at(0), "TIME              PID  COMM       FD  ERRNO    LATENCY  FLAGS     PATH");
  EXPECT_EQ(lines.at(1), "12:00:00.123     4242  cat         3  -         12.3us  O_RDONLY  /etc/passwd");
}

// A line without a width is written another way where nothing needs care: it must not show.
TEST(Table, WritesTheSameLinesQuickly) {
  const auto with = [](const OpenRow& values, int width) {
    TableStyle style;
    style.width = width;
    Shown shown(opensnoop(), style);
    shown.table.row(open_row());
    shown.table.row(values);
    shown.table.row(open_row());
    shown.table.flush();
    return shown.rows.text();
  };
  constexpr int wide = 10'000'000;
  std::vector<std::string> texts{
      "", "\x1b[2J", "\\", "\"", "caf\u00e9", std::string(5000, 'x'), std::string(9000, 'y'), std::string(80'000, 'z')};
  for (std::size_t length = 0; length < 20; ++length) texts.emplace_back(length, 'a');
  for (std::size_t length = 1; length < 20; ++length)
    for (std::size_t at = 0; at < length; ++at) texts.push_back(std::string(length, 'b').replace(at, 1, "\n"));
  for (const auto& text : texts) {
    auto row = open_row();
    for (const std::size_t column : {2U, 6U, 7U}) {
      row[column] = column == 6 ? Value::symbol(text, 1234) : Value::text(text);
      EXPECT_EQ(with(row, 0), with(row, wide)) << column << " " << text.substr(0, 30);
    }
    row[7] = Value::text(text, true);
    EXPECT_EQ(with(row, 0), with(row, wide));
  }
  auto row = open_row();
  row[1] = Value::natural(UINT64_MAX);
  row[3] = Value::integer(INT64_MIN);
  row[5] = Value();
  EXPECT_EQ(with(row, 0), with(row, wide));
}

TEST(Table, HistogramsShowLongGapsAsOneLine) {
  Shown shown({{"x", Kind::text, 1, "", true}, {"y", Kind::histogram, 0, "", true}}, {});
  std::vector<Value::Bucket> buckets;
  for (std::uint64_t i = 0; i < 10; ++i) buckets.push_back({i * 1000, (i + 1) * 1000, i == 0 || i == 4 || i == 9});
  const std::array<Value, 2> values{Value::text("a"), Value::histogram(buckets)};
  shown.table.row(values);
  const std::string none(40, ' '), full(40, '@');
  EXPECT_EQ(
      shown.lines(),
      (std::vector<std::string>{
          "X", "a",  //
          "        0us to  1.00us           1 |" + full + "|", "     1.00us to  2.00us           0 |" + none + "|",
          "     2.00us to  3.00us           0 |" + none + "|", "     3.00us to  4.00us           0 |" + none + "|",
          "     4.00us to  5.00us           1 |" + full + "|", "     5.00us to  9.00us           0 |" + none + "|",
          "     9.00us to  10.0us           1 |" + full + "|"}));
}

TEST(Table, RowsMayBeShorterThanTheHeading) {
  Shown shown({{"a", Kind::natural, 1, "", true}, {"b", Kind::natural, 1, "", true}}, {});
  const Value value = Value::natural(1);
  shown.table.row({&value, 1});
  EXPECT_EQ(shown.lines().at(1), "1");
}

Summary summary_of(std::uint64_t lost) {
  Summary summary;
  summary.tool = "opensnoop";
  summary.events = 1234;
  summary.lost = lost;
  if (lost > 0) summary.losses = {{"ring buffer full", lost - 6}, {"storage", 0}, {"map full", 6}};
  summary.rungs = {{"open", "tracepoint"}};
  summary.window_ns = 10'000'000'000;
  summary.cpu_ns = 12'300'000;
  summary.memory_bytes = 3'565'158;
  return summary;
}

std::string said(TableStyle style, const Summary& summary) {
  Shown shown(opensnoop(), style);
  shown.table.summary(summary);
  EXPECT_EQ(shown.lines().size(), 1U) << "rows get the heading only";
  return shown.notes.flushed();
}

TEST(TableDiagnostics, Losses) {
  for (const bool quiet : {false, true}) {
    Shown shown(opensnoop(), {.quiet = quiet});
    shown.table.lost({"ring buffer full", 1234});
    shown.table.lost({"map full", 1});
    EXPECT_EQ(shown.notes.flushed(), "lost: 1,234 events: ring buffer full\nlost: 1 event: map full\n");
  }
}

TEST(TableDiagnostics, Notes) {
  Shown shown(opensnoop(), {});
  shown.table.note("32-bit tasks are not seen \x1b");
  EXPECT_EQ(shown.notes.flushed(), "note: 32-bit tasks are not seen \\x1b\n");
  Shown quiet(opensnoop(), {.quiet = true});
  quiet.table.note("32-bit tasks are not seen");
  EXPECT_EQ(quiet.notes.flushed(), "");
}

TEST(TableDiagnostics, RowsComeFirst) {
  Shown shown(opensnoop(), {});
  shown.table.row(open_row());
  shown.table.lost({"ring buffer full", 1});
  EXPECT_NE(shown.rows.flushed().find("passwd"), std::string::npos);
}

TEST(TableDiagnostics, Summary) {
  EXPECT_EQ(said({}, summary_of(0)),
            "opensnoop: 1,234 events in 10.0s, none lost; cost 12.3ms CPU, 3.4 MiB\n  open: tracepoint\n");
  EXPECT_EQ(said({}, summary_of(56)),
            "opensnoop: 1,234 events in 10.0s, 56 LOST: 50 ring buffer full, 6 map full; "
            "cost 12.3ms CPU, 3.4 MiB\n  open: tracepoint\n");
}

TEST(TableDiagnostics, SummaryDetails) {
  Summary summary = summary_of(0);
  summary.events = 1;
  summary.rungs.push_back({"exec", "fexit", "half of it"});
  summary.command_status = "exit 3";
  summary.costs = {{"sys_exit_openat", 1234, 345'678}, {"idle", 0, 0}};
  EXPECT_EQ(said({}, summary),
            "opensnoop: 1 event in 10.0s, none lost; cost 12.3ms CPU, 3.4 MiB\n"
            "  open: tracepoint; exec: fexit (half of it); command: exit 3\n"
            "  sys_exit_openat: 1,234 runs, 280 ns a run\n"
            "  idle: 0 runs\n");
}

TEST(TableDiagnostics, QuietSummaryTellsOnlyLosses) {
  EXPECT_EQ(said({.quiet = true}, summary_of(0)), "");
  EXPECT_EQ(said({.quiet = true}, summary_of(56)), "opensnoop: 56 LOST: 50 ring buffer full, 6 map full\n");
}

TEST(Table, LeavesOutWhatYieldsAndSaysSo) {
  const ColumnInfo name{"name", Kind::text, 12, "who"};
  const ColumnInfo abi{"abi", Kind::text, 8, "whose", true, 1};
  const ColumnInfo least{"min_ns", Kind::duration, 7, "least", true, 2};
  const ColumnInfo most{"max_ns", Kind::duration, 7, "most"};
  const std::array<const ColumnInfo*, 4> columns{&name, &abi, &least, &most};
  const std::array<Value, 4> values{Value::text("one"), Value::text("native"), Value::duration(10),
                                    Value::duration(20)};
  const auto shown = [&](int width, std::string asked) {
    Written rows, notes;
    TableStyle style;
    style.width = width;
    style.asked = std::move(asked);
    Table table(rows.out, notes.out, style);
    table.begin(columns);
    table.row(values);
    table.flush();
    return rows.text() + notes.text();
  };
  EXPECT_EQ(shown(40, ","),
            "NAME          ABI           MIN      MAX\n"
            "one           native     0.01us   0.02us\n");
  EXPECT_EQ(shown(30, ","),
            "NAME              MIN      MAX\n"
            "one            0.01us   0.02us\n"
            "note: Too narrow for all columns, left out: abi. -C +NAME shows them.\n");
  EXPECT_EQ(shown(31, "+abi,"),
            "NAME          ABI           MAX\n"
            "one           native     0.02us\n"
            "note: Too narrow for all columns, left out: min. -C +NAME shows them.\n");
  EXPECT_EQ(shown(30, ",min"), shown(30, ","));
}

}  // namespace
}  // namespace sonde
