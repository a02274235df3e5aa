// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ndjson.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "json.h"
#include "written.h"

namespace sonde {
namespace {

using namespace std::string_view_literals;
using test::JsonCheck;
using test::Written;
using Kind = Value::Kind;

std::string json_string(std::string_view bytes) {
  Written written;
  put_json_string(written.out, bytes);
  return written.text();
}

// The object that one value of a column "x" makes, without the type.
std::string one(const Value& value, Kind kind) {
  Written written;
  Ndjson sink(written.out, false);
  const ColumnInfo column{"x", kind, 1, "", true};
  const ColumnInfo* const columns[] = {&column};
  sink.begin(columns);
  sink.row({&value, 1});
  sink.flush();
  const std::string line = written.flushed();
  const std::string_view start = "{\"type\":\"event\",";
  EXPECT_TRUE(line.starts_with(start)) << line;
  EXPECT_TRUE(line.ends_with("}\n")) << line;
  EXPECT_TRUE(JsonCheck::valid(line)) << line;
  return line.substr(start.size(), line.size() - start.size() - 2);
}

TEST(JsonCheck, KnowsJson) {
  for (const char* good : {"{}", "[]", "null", "-0.5e+10", R"({"a":[1,{"b":"\u00e9\n"}]})", " [ 1 , 2 ] "})
    EXPECT_TRUE(JsonCheck::valid(good)) << good;
  for (const char* bad : {"", "{", "[1,]", "{\"a\"}", "{\"a\":1,\"a\":2}", "01", "1.", "nul", "\"\x01\"", "\"\\x41\"",
                          "\"\\u12\"", "\"\xff\"", "{} {}", "NaN"})
    EXPECT_FALSE(JsonCheck::valid(bad)) << bad;
}

TEST(JsonString, Escapes) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("plain /path"), R"("plain /path")");
  EXPECT_EQ(json_string("a \"quoted\" \\ word"), R"("a \"quoted\" \\ word")");
  EXPECT_EQ(json_string("\n\t\r\0\x1b\x7f"sv), R"("\n\t\r\u0000\u001b\u007f")");
  EXPECT_EQ(json_string("日本語 🙂 e\xcc\x81"), "\"日本語 🙂 e\xcc\x81\"");
  EXPECT_EQ(json_string("\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xef\xbb\xbf"),
            R"("\u009b\u202e\u2066\u2028\ufeff")");
  EXPECT_EQ(json_string("\xf3\xa0\x80\x81"), R"("\udb40\udc01")") << "beyond 16 bits: a surrogate pair";
}

TEST(JsonString, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(json_string("a\xffz"), "\"a\uFFFDz\"");
  EXPECT_EQ(json_string("\x80\x80"), "\"\uFFFD\uFFFD\"");
  EXPECT_EQ(json_string("\xe6\x97/"), "\"\uFFFD/\"") << "one for the longest part that could have been a character";
  EXPECT_EQ(json_string("\xed\xa0\x80"), "\"\uFFFD\uFFFD\uFFFD\"");
  EXPECT_EQ(json_string("\xc0\xaf"), "\"\uFFFD\uFFFD\"");
}

TEST(JsonString, RandomBytesMakeValidJson) {
  std::mt19937 random(3);
  std::uniform_int_distribution<int> any_byte(0, 255);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes;
    for (int n = round % 40; n > 0; --n) bytes += static_cast<char>(any_byte(random));
    const std::string text = json_string(bytes);
    ASSERT_TRUE(JsonCheck::valid(text)) << text;
    ASSERT_EQ(text.find('\x1b'), std::string::npos);
    ASSERT_EQ(text.find('\n'), std::string::npos);
  }
}

TEST(Ndjson, EveryKindOfValue) {
  EXPECT_EQ(one(Value(), Kind::text), R"("x":null)");
  EXPECT_EQ(one(Value(), Kind::duration), R"("x":null)");
  EXPECT_EQ(one(Value::boolean(true), Kind::boolean), R"("x":true)");
  EXPECT_EQ(one(Value::boolean(false), Kind::boolean), R"("x":false)");
  EXPECT_EQ(one(Value::integer(std::numeric_limits<std::int64_t>::min()), Kind::integer),
            R"("x":-9223372036854775808)");
  EXPECT_EQ(one(Value::natural(UINT64_MAX), Kind::natural), R"("x":18446744073709551615)");
  EXPECT_EQ(one(Value::real(0.5), Kind::real), R"("x":0.5)");
  EXPECT_EQ(one(Value::real(1e300), Kind::real), R"("x":1e+300)");
  EXPECT_EQ(one(Value::real(std::nan("")), Kind::real), R"("x":null)");
  EXPECT_EQ(one(Value::real(std::numeric_limits<double>::infinity()), Kind::real), R"("x":null)");
  EXPECT_EQ(one(Value::duration(12'345), Kind::duration), R"("x":12345)");
  EXPECT_EQ(one(Value::bytes(4096), Kind::bytes), R"("x":4096)");
}

TEST(Ndjson, SymbolsGiveNameAndNumber) {
  EXPECT_EQ(one(Value::symbol("ENOENT", 2), Kind::symbol), R"("x":"ENOENT","x_raw":2)");
  EXPECT_EQ(one(Value::symbol("", -7), Kind::symbol), R"("x":null,"x_raw":-7)");
  EXPECT_EQ(one(Value(), Kind::symbol), R"("x":null,"x_raw":null)") << "every key is always there";
}

TEST(Ndjson, Texts) {
  EXPECT_EQ(one(Value::text(""), Kind::text), R"("x":"")");
  EXPECT_EQ(one(Value::text("/tmp/a\nb"), Kind::text), R"("x":"/tmp/a\nb")");
  EXPECT_EQ(one(Value::text("half", true), Kind::text), R"("x":"half","x_cut":true)");
  EXPECT_EQ(one(Value::text("a\xff\x0a"), Kind::text), "\"x\":\"a\uFFFD\\n\",\"x_hex\":\"61ff0a\"");
  EXPECT_EQ(one(Value::text("\xe6\x97", true), Kind::text), "\"x\":\"\uFFFD\",\"x_hex\":\"e697\",\"x_cut\":true");
}

TEST(Ndjson, Lists) {
  const std::string_view argv[] = {"sh", "-c", "", "echo \"hi\""};
  EXPECT_EQ(one(Value::list(argv), Kind::list), R"("x":["sh","-c","","echo \"hi\""])");
  EXPECT_EQ(one(Value::list({}, true), Kind::list), R"("x":[],"x_cut":true)");
  const std::string_view hostile[] = {"a", "\xff"};
  EXPECT_EQ(one(Value::list(hostile), Kind::list), "\"x\":[\"a\",\"\uFFFD\"],\"x_hex\":[\"61\",\"ff\"]");
}

TEST(Ndjson, TimesAreIso8601) {
  EXPECT_EQ(one(Value::time(1'714'564'800'123'456'789), Kind::time), R"("x":"2024-05-01T12:00:00.123456789Z")");
  EXPECT_EQ(one(Value::time(0), Kind::time), R"("x":"1970-01-01T00:00:00.000000000Z")");
  EXPECT_EQ(one(Value::time(-1), Kind::time), R"("x":"1969-12-31T23:59:59.999999999Z")");
  EXPECT_EQ(one(Value::time(951'782'400'000'000'001), Kind::time), R"("x":"2000-02-29T00:00:00.000000001Z")");
}

TEST(Ndjson, MissingValuesAreNull) {
  Written written;
  Ndjson sink(written.out, false);
  const ColumnInfo a{"a", Kind::natural, 1, "", true};
  const ColumnInfo b{"b", Kind::natural, 1, "", true};
  const ColumnInfo* const columns[] = {&a, &b};
  sink.begin(columns);
  const Value value = Value::natural(1);
  sink.row({&value, 1});
  EXPECT_EQ(written.text(), "{\"type\":\"event\",\"a\":1,\"b\":null}\n");
}

TEST(Ndjson, DiagnosticsAreObjects) {
  Written written;
  Ndjson sink(written.out, false);
  sink.lost({"ring buffer full", 1234});
  sink.note("a \"note\"");
  EXPECT_EQ(written.flushed(), "") << "until flush";
  EXPECT_EQ(written.text(),
            "{\"type\":\"lost\",\"reason\":\"ring buffer full\",\"count\":1234}\n"
            "{\"type\":\"note\",\"text\":\"a \\\"note\\\"\"}\n");
}

TEST(Ndjson, QuietKeepsLossesAndTheSummary) {
  Written written;
  Ndjson sink(written.out, true);
  sink.note("hidden");
  sink.lost({"map full", 1});
  sink.summary({});
  const std::string text = written.text();
  EXPECT_EQ(text.find("hidden"), std::string::npos);
  EXPECT_NE(text.find("\"type\":\"lost\""), std::string::npos);
  EXPECT_NE(text.find("\"type\":\"summary\""), std::string::npos);
}

TEST(Ndjson, Summary) {
  Written written;
  Ndjson sink(written.out, false);
  Summary summary;
  summary.tool = "opensnoop";
  sink.summary(summary);
  summary.events = 1234;
  summary.lost = 56;
  summary.losses = {{"ring buffer full", 50}, {"map full", 6}};
  summary.rungs = {{"open", "tracepoint", "64-bit calls"}, {"exec", "fexit"}};
  summary.window_ns = 10'000'000'000;
  summary.cpu_ns = 12'300'000;
  summary.memory_bytes = 3'565'158;
  summary.command_status = "exit 3";
  summary.costs = {{"sys_exit_openat", 1234, 345'678}};
  sink.summary(summary);
  const std::string text = written.text();
  EXPECT_EQ(
      text,
      R"({"type":"summary","tool":"opensnoop","events":0,"lost":0,"losses":[],"rungs":[],"window_ns":0,)"
      R"("cpu_ns":0,"memory_bytes":0,"command_status":null,"costs":[]})"
      "\n"
      R"({"type":"summary","tool":"opensnoop","events":1234,"lost":56,)"
      R"("losses":[{"reason":"ring buffer full","count":50},{"reason":"map full","count":6}],)"
      R"("rungs":[{"hook":"open","rung":"tracepoint","scope":"64-bit calls"},{"hook":"exec","rung":"fexit","scope":null}],)"
      R"("window_ns":10000000000,"cpu_ns":12300000,"memory_bytes":3565158,"command_status":"exit 3",)"
      R"("costs":[{"program":"sys_exit_openat","runs":1234,"run_time_ns":345678}]})"
      "\n");
  const std::size_t end = text.find('\n');
  EXPECT_TRUE(JsonCheck::valid(text.substr(0, end)));
  EXPECT_TRUE(JsonCheck::valid(text.substr(end + 1)));
}

TEST(Schema, DescribesEveryKey) {
  const ColumnInfo columns[] = {{"time", Kind::time, 1, "when", true},
                                {"fd", Kind::integer, 1, "what \"open\" returned", true},
                                {"ok", Kind::boolean, 1, "went well", true},
                                {"errno", Kind::symbol, 1, "why not", true},
                                {"latency_ns", Kind::duration, 1, "how long", true},
                                {"share", Kind::real, 1, "of all", true},
                                {"path", Kind::text, 1, "which file", true},
                                {"argv", Kind::list, 1, "the words", true}};
  std::vector<const ColumnInfo*> pointers;
  for (const ColumnInfo& column : columns) pointers.push_back(&column);
  Written written;
  put_schema(written.out, "opensnoop", RowKind::event, pointers);
  const std::string schema = written.text();
  EXPECT_TRUE(JsonCheck::valid(schema)) << schema;
  for (
      const char* line : {
          R"(  "$schema": "https://json-schema.org/draft/2020-12/schema",)",
          R"(    "type": {"const": "event"},)",
          R"(    "time": {"type": ["string", "null"], "format": "date-time", "description": "when"},)",
          R"(    "fd": {"type": ["integer", "null"], "description": "what \"open\" returned"},)",
          R"(    "ok": {"type": ["boolean", "null"], "description": "went well"},)",
          R"(    "errno": {"type": ["string", "null"], "description": "why not"},)",
          R"(    "errno_raw": {"type": ["integer", "null"], "description": "the number that errno names"},)",
          R"(    "latency_ns": {"type": ["integer", "null"], "minimum": 0, "description": "how long"},)",
          R"(    "share": {"type": ["number", "null"], "description": "of all"},)",
          R"(    "path": {"type": ["string", "null"], "description": "which file"},)",
          R"(    "argv": {"type": ["array", "null"], "items": {"type": "string"}, "description": "the words"},)",
          R"(  "required": ["type", "time", "fd", "ok", "errno", "errno_raw", "latency_ns", "share", "path", "argv"],)",
      })
    EXPECT_NE(schema.find("\n" + std::string(line) + "\n"), std::string::npos) << line << "\n" << schema;
  for (const char* key : {"path_hex", "path_cut", "argv_hex", "argv_cut"})
    EXPECT_NE(schema.find("\n    \"" + std::string(key) + "\": {"), std::string::npos) << key;
}

TEST(Schema, WithoutColumns) {
  Written written;
  put_schema(written.out, "none", RowKind::row, {});
  EXPECT_TRUE(JsonCheck::valid(written.text()));
}

}  // namespace
}  // namespace sonde
