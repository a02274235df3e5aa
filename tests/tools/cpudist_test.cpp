// SPDX-License-Identifier: GPL-2.0-or-later
// Each slice on a CPU is counted once, and each absence between two of them.
#include <signal.h>
#include <unistd.h>

#include <set>
#include <string>

#include "cswitch.h"
#include "support/calls.h"
#include "traced.h"

namespace sonde::test {
namespace {

constexpr long long ms = 1'000'000;

long long leaves(const KernelCounts& made) { return made.voluntary + made.involuntary; }

class Cpudist : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& reason = refusal("cpudist", "")) GTEST_SKIP() << *reason;
  }
  static Report watch(const Words& words, const std::function<void()>& work) { return trace("cpudist", words, work); }
  /// Of two that compete, by thread.
  static Report watch(const Rivals& rivals, Words words, CountsOfBoth& made) {
    words.insert(words.end(), {"--by", "thread", "-p", rivals.both(), "--percentiles", "-C", "+avg,+min"});
    return watch(words, [&] { made = rivals.compete(); });
  }
};

TEST_F(Cpudist, CountsWhatTheKernelCounts) {
  const Rivals rivals;
  CountsOfBoth made;
  const auto report = watch(rivals, {}, made);
  ASSERT_EQ(report.rows.size(), 2U) << report.out;
  for (int i : {0, 1}) {
    const auto row = only_row(report, "tid", rivals.player(i));
    EXPECT_EQ(row["comm"].text(), i ? "player two" : "player one");
    expect_counted(report, row["count"].number(), leaves(made[i]));
    const double slack = clock_slack(static_cast<double>(leaves(made[i])));
    expect_on_cpu(row["total_ns"].number(), made[i].on_ns, made[i], leaves(made[i]));
    EXPECT_GE(static_cast<double>(row["total_ns"].number()), 60.0 * ms - slack);
    expect_distribution(row);
  }
}

TEST_F(Cpudist, CountsAbsencesOfAllKinds) {
  const Rivals rivals;
  CountsOfBoth made;
  const auto report = watch(rivals, {"--off"}, made);
  ASSERT_EQ(report.rows.size(), 2U) << report.out;
  for (int i : {0, 1}) {
    const auto row = only_row(report, "tid", rivals.player(i));
    // The first one began before anybody looked, the last one does not end.
    expect_counted(report, row["count"].number(), leaves(made[i]) - 1);
    expect_distribution(row);
    // They do nothing but wait while they are away; the first wait is that of the first absence.
    const double slack = clock_slack(static_cast<double>(leaves(made[i])));
    EXPECT_LE(static_cast<double>(row["total_ns"].number()), static_cast<double>(made[i].wait_ns) + slack);
    EXPECT_GE(static_cast<double>(row["total_ns"].number()), static_cast<double>(made[i].wait_ns) / 2 - slack);
  }
}

TEST_F(Cpudist, KnowsHowLongSleepsAre) {
  const Gate go, leave;
  const Child child([&] {
    go.pass();
    for (int i = 0; i < 20; ++i) usleep(5'000);
    leave.pass();
    return 0;
  });
  wait_for_state(child.pid(), 'S');
  const auto before = KernelCounts::of(child.pid());
  const auto report =
      watch({"--off", "-p", std::to_string(child.pid()), "--by", "process", "--percentiles", "-C", "+avg,+min"}, [&] {
        go.open();
        wait_until("its sleeps", [&] { return KernelCounts::of(child.pid()).voluntary >= before.voluntary + 21; });
      });
  const auto made = KernelCounts::of(child.pid()) - before;
  leave.open();
  const auto row = only_row(report, "pid", child.pid());
  expect_counted(report, row["count"].number(), leaves(made) - 1);
  EXPECT_GE(row["p50_ns"].number(), 5 * ms);
  EXPECT_GE(row["total_ns"].number(), 90 * ms);
  EXPECT_LE(row["total_ns"].number(), report.summary["window_ns"].number());
  expect_distribution(row);
}

// Between its first arrival and its last switch away a thread is on a CPU or off it.
TEST_F(Cpudist, LeavesNoGapBetweenSlicesAndAbsences) {
  const Rivals rivals;
  Sonde on({"cpudist", "-f", "json", "-p", rivals.both(), "--by", "thread"});
  Sonde off({"cpudist", "-f", "json", "-p", rivals.both(), "--by", "thread", "--off"});
  Sonde events({"cswitch", "--events", "-f", "json", "-p", rivals.both()});
  ASSERT_TRUE(on.ready() && off.ready() && events.ready());
  rivals.play();
  const auto slices = on.end(SIGINT), absences = off.end(SIGINT), switches = events.end(SIGINT);
  for (int i : {0, 1}) {
    const auto comes = switches.where("next_tid", rivals.player(i)),
               goes = switches.where("prev_tid", rivals.player(i));
    ASSERT_FALSE(comes.empty() || goes.empty());
    const auto span = wall_ns(goes.back()["time"].text()) - wall_ns(comes.front()["time"].text());
    const auto slice = only_row(slices, "tid", rivals.player(i)), absence = only_row(absences, "tid", rivals.player(i));
    EXPECT_EQ(slice["count"].number(), absence["count"].number() + 1);
    EXPECT_NEAR(static_cast<double>(slice["total_ns"].number() + absence["total_ns"].number()),
                static_cast<double>(span), clock_slack(static_cast<double>(slice["count"].number())));
  }
}

TEST_F(Cpudist, GroupsByAllThatIsAsked) { expect_groupings({"cpudist"}, leaves); }

TEST_F(Cpudist, GroupsAbsencesByAllThatIsAsked) {
  expect_groupings({"cpudist", "--off"}, [](const KernelCounts& made) { return leaves(made) - 1; });
}

TEST_F(Cpudist, KeepsIdleApart) {
  for (const Words& words : {Words{"--by", "thread"}, Words{"--by", "thread", "--off"}}) {
    const auto report = watch(words, [&] { let_cpus_switch(); });
    EXPECT_TRUE(rows_where(report, "tid", 0).empty()) << report.out;
    for (const auto& row : report.rows) EXPECT_FALSE(row["comm"].text().starts_with("swapper")) << row;
  }
}

TEST_F(Cpudist, CountsByStepsInEachInterval) {
  const Rivals rivals;
  CountsOfBoth made;
  const auto report =
      watch({"-p", rivals.both(), "-i", "20ms", "--linear", "1ms,3ms,1ms"}, [&] { made = rivals.compete(); });
  long long count = 0, distributed = 0;
  std::set<long long> starts;
  for (const auto& row : report.rows) {
    count += row["count"].number();
    distributed += in_buckets(row["histogram_ns"]);
    for (const auto& bucket : row["histogram_ns"].items()) starts.insert(bucket["min"].number());
  }
  expect_counted(report, count, leaves(made[0]) + leaves(made[1]));
  // In one interval they may differ by what was being counted just then, which is read in two places.
  EXPECT_EQ(distributed, count);
  EXPECT_GE(report.rows.size(), 3U);
  for (const auto start : starts)
    EXPECT_TRUE(std::set<long long>({0, 1 * ms, 2 * ms, 3 * ms}).contains(start)) << start;
}

TEST_F(Cpudist, RefusesWhatMakesNoSense) {
  EXPECT_EQ(run({"cpudist", "--by", "colour"}).code, 2);
  EXPECT_EQ(run({"cpudist", "--slower", "1ms"}).code, 2);
  EXPECT_EQ(run({"cpudist", "--linear", "0,64k,4k"}).code, 2);
}

}  // namespace
}  // namespace sonde::test
