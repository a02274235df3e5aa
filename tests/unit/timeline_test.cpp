// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/timeline.h"

#include <gtest/gtest.h>

#include <optional>

#include "core/capture.h"
#include "support/trace.h"
#include "written.h"

namespace sonde::test {
namespace {

using What = Timeline::What;

TEST(ProtoMessage, WritesWhatTheFormatSays) {
  ProtoMessage inner, message;
  message.natural(1, 150);
  message.bytes(2, "testing");
  message.integer(3, -1);
  inner.natural(1, 1);
  message.message(16, inner);
  const auto begin = message.begin_short(4);
  message.natural(1, 127);
  message.natural(2, 128);
  message.end_short(begin);
  message.packed(5, "");
  EXPECT_EQ(message.view(), std::string_view("\x08\x96\x01"
                                             "\x12\x07testing"
                                             "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                                             "\x82\x01\x02\x08\x01"
                                             "\x22\x05\x08\x7f\x10\x80\x01",
                                             3 + 9 + 11 + 5 + 7));
}

/// Rows as cswitch has them.
class Rows {
 public:
  Rows() {
    std::vector<const ColumnInfo*> all;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      columns_[i].key = Timeline::keys[i];
      all.push_back(&columns_[i]);
    }
    timeline_.begin(all);
  }
  struct Task {
    std::optional<unsigned> tid;
    unsigned pid = 0;
    const char* comm = "";
  };
  void row(What what, std::uint64_t time, unsigned cpu, const Task& by, const char* state, const Task& to,
           std::uint64_t lost = 0) {
    const Value values[] = {Value::natural(time),
                            Value::symbol("", what),
                            Value::natural(cpu),
                            by.tid ? Value::natural(*by.tid) : Value(),
                            Value::natural(by.pid),
                            *state ? Value::text(state) : Value(),
                            to.tid ? Value::natural(*to.tid) : Value(),
                            Value::natural(to.pid),
                            Value::integer(120),
                            Value::text(what == What::woken ? by.comm : to.comm),
                            lost ? Value::natural(lost) : Value()};
    timeline_.row(values);
  }
  void begins(std::uint64_t time = 1000) { row(What::start, time, 0, {}, "", {}); }
  Trace trace(std::uint64_t closed = 2000, std::uint64_t lost = 0) {
    Summary summary;
    summary.closed_ns = closed;
    summary.events = 99;
    if (lost) summary.losses.push_back({"ring buffer full", lost});
    timeline_.summary(summary);
    return Trace(written_.text());
  }

 private:
  std::array<ColumnInfo, std::size(Timeline::keys)> columns_;
  Written written_;

 public:
  Capture told;

 private:
  Timeline timeline_{written_.out, told, {"6.12.0", "x86_64", 0, 5}};
};

const Rows::Task a{11, 10, "a"}, b{12, 10, "b"}, idle{0, 0, "swapper"}, nobody{};

std::string states(const Trace& trace, long long tid) {
  std::string text;
  const auto found = trace.threads.find(tid);
  if (found == trace.threads.end()) return "none";
  for (const auto& one : found->second.states)
    text += one.state + " " + std::to_string(one.begin) + "-" + std::to_string(one.end) + " ";
  return text;
}

std::string slices(const Trace& trace, unsigned cpu) {
  std::string text;
  const auto found = trace.cpus.find(cpu);
  if (found == trace.cpus.end()) return "none";
  for (const auto& one : found->second) {
    const auto thread = trace.threads.find(one.tid);
    text += (one.tid ? thread->second.name : "idle") + " " + std::to_string(one.begin) + "-" + std::to_string(one.end) +
            " ";
  }
  return text;
}

TEST(Timeline, FollowsThreadsFromTheStartToTheEnd) {
  Rows rows;
  rows.row(What::there, 990, 0, {}, "S", a);
  rows.row(What::there, 991, 1, {}, "run", b);
  rows.begins();
  rows.row(What::woken, 1100, 1, b, "run", a);
  rows.row(What::switched, 1200, 0, idle, "R", a);
  rows.row(What::switched, 1500, 0, a, "S", idle);
  const auto trace = rows.trace();
  EXPECT_TRUE(trace.trouble.empty()) << trace.trouble[0];
  EXPECT_EQ(states(trace, 11), "S 1000-1100 R 1100-1200 Running 1200-1500 S 1500-2000 ");
  EXPECT_EQ(states(trace, 12), "Running 1000-2000 ");
  EXPECT_EQ(trace.threads.at(11).states[1].waker, 12);
  EXPECT_EQ(slices(trace, 0), "idle 1000-1200 a 1200-1500 idle 1500-2000 ");
  EXPECT_EQ(slices(trace, 1), "b 1000-2000 ");
  EXPECT_EQ(trace.threads.at(11).pid, 10);
  EXPECT_EQ(trace.release, "6.12.0");
  EXPECT_EQ(trace.window.begin, 1000);
  EXPECT_EQ(trace.window.end, 2000);
  ASSERT_EQ(rows.told.summaries.size(), 1U);
  EXPECT_EQ(rows.told.summaries[0].events, 3U);
}

TEST(Timeline, BelievesWhatHappenedMoreThanWhatWasToldBeforeTheStart) {
  Rows rows;
  rows.row(What::there, 990, 0, {}, "S", a);
  rows.row(What::there, 995, 0, {}, "run", b);
  rows.begins();
  rows.row(What::woken, 980, 1, idle, "run", a);
  rows.row(What::switched, 985, 0, b, "D", a);
  rows.row(What::switched, 1200, 0, a, "S", idle);
  const auto trace = rows.trace();
  EXPECT_EQ(states(trace, 11), "Running 1000-1200 S 1200-2000 ");
  EXPECT_EQ(states(trace, 12), "D 1000-2000 ");
  EXPECT_EQ(slices(trace, 0), "a 1000-1200 idle 1200-2000 ");
}

TEST(Timeline, TakesNobodyForIdle) {
  Rows rows;
  rows.begins();
  rows.row(What::switched, 1200, 0, nobody, "R", a);
  rows.row(What::switched, 1500, 0, a, "S", nobody);
  const auto trace = rows.trace();
  EXPECT_TRUE(trace.trouble.empty());
  EXPECT_EQ(slices(trace, 0), "(other tasks, or idle) 1000-1200 a 1200-1500 (other tasks, or idle) 1500-2000 ");
}

TEST(Timeline, MarksALossFromWhereItBegan) {
  Rows rows;
  rows.begins();
  rows.row(What::switched, 1100, 0, idle, "R", a);
  rows.row(What::switched, 1600, 0, b, "D", idle, 1300);
  const auto trace = rows.trace(2000, 7);
  EXPECT_TRUE(trace.trouble.empty());
  EXPECT_EQ(slices(trace, 0),
            "idle 1000-1100 a 1100-1300 (events lost) 1300-1600 (name not known) 1600-1600 idle 1600-2000 ");
  EXPECT_EQ(states(trace, 11), "Running 1100-1300 ? 1300-2000 ");
  const auto& lost = trace.tracks.at("CPU 0 events lost");
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].begin, 1300);
  EXPECT_EQ(lost[0].end, 1600);
}

TEST(Timeline, DoesNotGuessWhoRanBeforeALoss) {
  Rows rows;
  rows.begins();
  rows.row(What::switched, 1600, 0, a, "D", idle, 1300);
  const auto trace = rows.trace();
  EXPECT_TRUE(trace.trouble.empty());
  EXPECT_EQ(slices(trace, 0), "(events lost) 1000-1600 (name not known) 1600-1600 idle 1600-2000 ");
}

TEST(Timeline, MarksAnArrivalThatWasNotSeen) {
  Rows rows;
  rows.begins();
  rows.row(What::switched, 1100, 0, idle, "R", a);
  rows.row(What::switched, 1600, 0, b, "S", idle);
  const auto trace = rows.trace();
  EXPECT_TRUE(trace.trouble.empty());
  EXPECT_EQ(slices(trace, 0),
            "idle 1000-1100 a 1100-1100 (events lost) 1100-1600 (name not known) 1600-1600 idle 1600-2000 ");
}

TEST(Timeline, KnowsWhoIsOnTheCpuFromAWakeupAfterALoss) {
  Rows rows;
  rows.begins();
  rows.row(What::switched, 1100, 0, idle, "R", a);
  rows.row(What::woken, 1400, 0, b, "run", a, 1200);
  rows.row(What::woken, 1500, 0, b, "", a, 1450);
  const auto trace = rows.trace();
  EXPECT_EQ(slices(trace, 0),
            "idle 1000-1100 a 1100-1200 (events lost) 1200-1400 b 1400-1450 (events lost) 1450-1500 "
            "(other tasks, or idle) 1500-2000 ");
}

TEST(Timeline, ShowsStatesByTheirLetters) {
  for (const auto* state : {"R+", "R", "S", "D", "T", "t", "X", "P", "I"}) {
    Rows rows;
    rows.begins();
    rows.row(What::switched, 1100, 0, a, state, idle);
    EXPECT_EQ(states(rows.trace(), 11), "Running 1000-1100 " + std::string(state) + " 1100-2000 ");
  }
  Rows rows;
  rows.begins();
  rows.row(What::switched, 1100, 0, a, "W", idle);  // it is awake
  EXPECT_EQ(states(rows.trace(), 11), "Running 1000-1100 R 1100-2000 ");
}

TEST(Timeline, IsWholeWithoutAnyEvent) {
  Rows rows;
  rows.row(What::there, 990, 0, {}, "D", a);
  rows.begins();
  const auto trace = rows.trace();
  EXPECT_TRUE(trace.trouble.empty());
  EXPECT_EQ(states(trace, 11), "D 1000-2000 ");
  EXPECT_EQ(trace.window.end, 2000);
}

TEST(Timeline, KeepsTimesInOrder) {
  Rows rows;
  rows.begins();
  for (unsigned i = 0; i < 10'000; ++i) {
    rows.row(What::switched, 1100 + 2 * i, i % 2, idle, "R", a);
    rows.row(What::switched, 1100 + 2 * i - (i % 3 == 0), i % 2, a, "S", idle);  // this clock may step back
  }
  const auto trace = rows.trace(50'000);
  EXPECT_TRUE(trace.trouble.empty()) << trace.trouble[0];
  EXPECT_EQ(trace.cpus.at(0).size(), 10'001U);
}

}  // namespace
}  // namespace sonde::test
