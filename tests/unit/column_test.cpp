// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/column.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/error.h"

namespace sonde {
namespace {

class ChooseColumns : public testing::Test {
 protected:
  const ColumnInfo columns_[6] = {
      {"time", Value::Kind::time, 15, "when", true},
      {"pid", Value::Kind::natural, 7, "process", true},
      {"tid", Value::Kind::natural, 7, "thread", false},
      {"uid", Value::Kind::natural, 6, "user", true},
      {"latency_ns", Value::Kind::duration, 7, "how long", false},
      {"path", Value::Kind::text, 30, "what", true},
  };
  std::vector<const ColumnInfo*> all_ = {&columns_[0], &columns_[1], &columns_[2],
                                         &columns_[3], &columns_[4], &columns_[5]};

  std::string choose(std::string_view spec) {
    std::string names;
    for (const std::size_t i : choose_columns(all_, spec)) names.append(column_name(*all_[i])).append(" ");
    return names;
  }
  Error refused(std::string_view spec) {
    try {
      choose_columns(all_, spec);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Exit::usage);
      return error;
    }
    ADD_FAILURE() << "accepted \"" << spec << '"';
    return {Exit::done, "", ""};
  }
};

TEST_F(ChooseColumns, StandardSet) { EXPECT_EQ(choose(""), "time pid uid path "); }

TEST_F(ChooseColumns, ExactlyTheseInThisOrder) {
  EXPECT_EQ(choose("path,pid"), "path pid ");
  EXPECT_EQ(choose("tid"), "tid ");
  EXPECT_EQ(choose("latency_ns"), "latency ");
  EXPECT_EQ(choose("latency"), "latency ");
  EXPECT_EQ(choose("PID,Path"), "pid path ");
}

TEST_F(ChooseColumns, Edits) {
  EXPECT_EQ(choose("+tid,-uid"), "time pid tid path ");
  EXPECT_EQ(choose("-time"), "pid uid path ");
  EXPECT_EQ(choose("+latency_ns"), "time pid uid latency path ");
  EXPECT_EQ(choose("+pid"), "time pid uid path ") << "is there already";
  EXPECT_EQ(choose("-tid"), "time pid uid path ") << "was not there";
  EXPECT_EQ(choose("+tid,-tid"), "time pid uid path ") << "the last word counts";
}

TEST_F(ChooseColumns, UnknownNamesGetAHint) {
  EXPECT_EQ(refused("pid,tdi").cause(), "There is no column 'tdi'.");
  EXPECT_EQ(refused("pid,tdi").remedy(), "Did you mean 'tid'? The columns are time, pid, tid, uid, latency, path.");
  EXPECT_EQ(refused("+latncy").remedy(), "Did you mean 'latency'? The columns are time, pid, tid, uid, latency, path.");
  EXPECT_EQ(refused("qqqqqq").remedy(), "The columns are time, pid, tid, uid, latency, path.");
  EXPECT_EQ(refused("\x1b[2J").cause(), "There is no column '\\x1b[2J'.");
}

TEST_F(ChooseColumns, Refused) {
  for (const char* spec : {",", "pid,", ",pid", "pid,,tid", "+", "-", "+tid,-", "pid,+tid", "+tid,pid", "pid,pid",
                           "latency,latency_ns", " pid"})
    refused(spec);
  EXPECT_EQ(refused("-time,-pid,-uid,-path").cause(), "'-time,-pid,-uid,-path' leaves no column to show.");
}

TEST_F(ChooseColumns, OnlyDurationsLoseTheirEnding) {
  EXPECT_EQ(column_name(columns_[4]), "latency");
  EXPECT_EQ(column_name({"pid_ns", Value::Kind::natural, 8, "", true}), "pid_ns");
  EXPECT_EQ(column_name({"wait", Value::Kind::duration, 8, "", true}), "wait");
}

}  // namespace
}  // namespace sonde
