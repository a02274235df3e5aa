// SPDX-License-Identifier: GPL-2.0-or-later
// Rows that are sums over intervals, with histograms, in each sink.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "core/capture.h"
#include "core/ndjson.h"
#include "core/table.h"
#include "written.h"

namespace sonde {
namespace {

using test::Written;
using Kind = Value::Kind;

constexpr std::int64_t noon = 1'714'564'800'123'456'789;  // 2024-05-01T12:00:00.123456789Z
constexpr std::int64_t second = 1'000'000'000;

const ColumnInfo name{"name", Kind::text, 6, "who"};
const ColumnInfo spread{"time_ns", Kind::histogram, 0, "how the times are distributed"};
const ColumnInfo count{"count", Kind::natural, 6, "how many"};
const std::array<const ColumnInfo*, 3> columns{&name, &spread, &count};

constexpr std::array<Value::Bucket, 3> buckets{{{1024, 2048, 3}, {2048, 4096, 0}, {4096, 8192, 12}}};

void fill(Sink& sink) {
  sink.begin(columns);
  const std::array<Value, 3> values{Value::text("one"), Value::histogram(buckets), Value::natural(15)};
  const Interval first{1, noon, noon + second, 1, 7}, second_one{2, noon + second, noon + 2 * second, 0, 0};
  sink.begin_interval(first);
  sink.row(values);
  sink.end_interval(first);
  sink.begin_interval(second_one);
  sink.end_interval(second_one);
  sink.flush();
}

TEST(Sums, HaveAHeadingForEachInterval) {
  Written rows, notes;
  TableStyle style;
  style.sums = style.utc = true;
  Table table(rows.out, notes.out, style);
  fill(table);
  const std::string bar(10, '@'), all(40, '@'), none(40, ' ');
  EXPECT_EQ(rows.text(),
            "12:00:00.123 to 12:00:01.123, 1.00s\n"
            "NAME     COUNT\n"
            "one         15\n"
            "     1.02us to  2.05us           3 |" +
                bar + none.substr(10) +
                "|\n"
                "     2.05us to  4.10us           0 |" +
                none +
                "|\n"
                "     4.10us to  8.19us          12 |" +
                all +
                "|\n"
                "7 more\n"
                "\n"
                "12:00:01.123 to 12:00:02.123, 1.00s: nothing\n");
}

TEST(Sums, FitATerminalWithTheirHistograms) {
  Written rows, notes;
  TableStyle style;
  style.sums = true;
  style.width = 60;
  Table table(rows.out, notes.out, style);
  fill(table);
  const std::string text = rows.text();
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    EXPECT_LE(end - at, 60U) << text.substr(at, end - at);
    at = end + 1;
  }
}

TEST(Sums, NameTheirIntervalInJson) {
  Written out;
  Ndjson sink(out.out, false, RowKind::sum);
  fill(sink);
  EXPECT_EQ(
      out.text(),
      R"({"type":"row","interval":1,"start":"2024-05-01T12:00:00.123456789Z","end":"2024-05-01T12:00:01.123456789Z",)"
      R"("name":"one","time_ns":[{"min":1024,"max":2048,"count":3},{"min":2048,"max":4096,"count":0},)"
      R"({"min":4096,"max":8192,"count":12}],"count":15})"
      "\n"
      R"({"type":"note","text":"7 more rows in interval 1."})"
      "\n");
}

TEST(Sums, HaveASchemaWithTheInterval) {
  Written out;
  put_schema(out.out, "counter", RowKind::sum, columns);
  const std::string schema = out.text();
  for (const char* part : {R"("const": "row")", R"("interval": {"type": "integer")",
                           R"("required": ["type", "interval", "start", "end", "name")"})
    EXPECT_NE(schema.find(part), std::string::npos) << part << "\n" << schema;
}

TEST(Sums, AreCaptured) {
  Capture capture;
  fill(capture);
  ASSERT_EQ(capture.intervals.size(), 2U);
  EXPECT_EQ(capture.intervals[1].number, 2U);
  EXPECT_EQ(capture.rows.at(0).at("time_ns"), "1024..2048:3 2048..4096:0 4096..8192:12");
}

TEST(Sums, NameAHistogramWithoutItsUnit) { EXPECT_EQ(column_name(spread), "time"); }

}  // namespace
}  // namespace sonde
