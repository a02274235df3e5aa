// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/capture.h"

#include <gtest/gtest.h>

#include <array>

namespace sonde {
namespace {

using Kind = Value::Kind;

TEST(Capture, KeepsRowsAsTheTableShowsThem) {
  const ColumnInfo columns[] = {{"pid", Kind::natural, 7, "", true},      {"errno", Kind::symbol, 7, "", true},
                                {"path", Kind::text, 9, "", true},        {"argv", Kind::list, 9, "", true},
                                {"wait_ns", Kind::duration, 7, "", true}, {"time", Kind::time, 15, "", true}};
  std::array<const ColumnInfo*, std::size(columns)> pointers{};
  for (std::size_t i = 0; i < pointers.size(); ++i) pointers[i] = &columns[i];
  Capture capture;
  capture.begin(pointers);
  EXPECT_EQ(capture.keys, (std::vector<std::string>{"pid", "errno", "path", "argv", "wait_ns", "time"}));

  const std::string_view argv[] = {"echo", "a b"};
  const std::array<Value, 6> full = {Value::natural(42), Value::symbol("ENOENT", 2), Value::text("a\n", true),
                                     Value::list(argv),  Value::duration(1'500),     Value::time(1'000)};
  capture.row(full);
  const std::array<Value, 6> bare = {Value(), Value(), Value::text(""), Value::list({}), Value(), Value()};
  capture.row(bare);
  ASSERT_EQ(capture.rows.size(), 2U);
  EXPECT_EQ(capture.rows[0].at("pid"), "42");
  EXPECT_EQ(capture.rows[0].at("errno"), "ENOENT");
  EXPECT_EQ(capture.rows[0].at("path"), "a\\n…");
  EXPECT_EQ(capture.rows[0].at("argv"), "echo \"a b\"");
  EXPECT_EQ(capture.rows[0].at("wait_ns"), "1.50us");
  EXPECT_TRUE(capture.rows[0].at("time").ends_with(":00.000001"));
  EXPECT_EQ(
      capture.rows[1],
      (Capture::Row{{"pid", "-"}, {"errno", "-"}, {"path", "\"\""}, {"argv", "-"}, {"wait_ns", "-"}, {"time", "-"}}));
}

TEST(Capture, KeepsDiagnostics) {
  Capture capture;
  capture.lost({"map full", 3});
  capture.note("a note");
  Summary summary;
  summary.events = 7;
  capture.summary(summary);
  capture.flush();
  EXPECT_EQ(capture.losses.at(0).count, 3U);
  EXPECT_EQ(capture.notes.at(0), "a note");
  EXPECT_EQ(capture.summaries.at(0).events, 7U);
  EXPECT_EQ(capture.flushes, 1);
}

}  // namespace
}  // namespace sonde
