// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/absences.h"

#include <gtest/gtest.h>

namespace sonde {
namespace {

constexpr absence_conf any{0, UINT64_MAX, 0, 0};
constexpr AbsenceInterval first{1001, 1001, 2000, false}, second{1001, 2000, 3001, false}, last{1001, 3001, 4000, true};

absence away(std::uint64_t since, std::uint64_t row = 7) { return {since, row, 0, 0, 0}; }
absence back(std::uint64_t crossed, std::uint64_t since, std::uint64_t row = 7) {
  return {0, row, crossed, since, row};
}

std::uint64_t part(const AbsenceInterval& interval, const absence& thread, const absence_conf& want = any) {
  const auto found = part_in(interval, thread, want);
  if (found) {
    EXPECT_EQ(found->row, 7U);
  }
  return found ? found->time : 0;
}

TEST(Absences, AreSharedAmongTheIntervalsTheyGoOverTo) {
  EXPECT_EQ(part(first, away(500)), 999U);  // from before the window on
  EXPECT_EQ(part(first, away(1500)), 500U);
  EXPECT_EQ(part(second, away(1500)), 1001U);
  EXPECT_EQ(part(last, away(1500)), 999U);
}

TEST(Absences, ThatBeginLaterAreOfNoConcern) {
  EXPECT_EQ(part(first, away(2000)), 0U);
  EXPECT_EQ(part(first, away(2500)), 0U);
  EXPECT_EQ(part(first, {}), 0U);  // on a CPU
}

TEST(Absences, ThatAreOverSinceTheBoundaryStillCount) {
  EXPECT_EQ(part(first, back(2000, 1500)), 500U);
  EXPECT_EQ(part(second, back(2000, 1500)), 0U);  // has been counted
  // It left again, for another reason.
  absence again = away(2500, 8);
  again.crossed = 2000;
  again.crossed_since = 1500;
  again.crossed_row = 7;
  EXPECT_EQ(part(first, again), 500U);
}

TEST(Absences, OfCertainLengthsCountWholeWhereTheyEnd) {
  const absence_conf bounded{1000, 2600, 1, 0};
  EXPECT_EQ(part(first, away(1500), bounded), 0U);
  EXPECT_EQ(part(second, away(1500), bounded), 0U);
  EXPECT_EQ(part(last, away(1500), bounded), 2500U);
  EXPECT_EQ(part(last, away(3500), bounded), 0U);  // too short
  EXPECT_EQ(part(last, away(1200), bounded), 0U);  // too long
  EXPECT_EQ(part(last, back(4000, 1500), bounded), 2500U);
}

TEST(Absences, SettleEachIntervalOnce) {
  Absences absences(any);
  absence_sums sums{{0, 100}, {0, 2}};  // the first interval began at an odd time
  absences.begin(first);
  absences.take(away(1500));
  absences.settle(7, sums);
  EXPECT_EQ(sums.time[0], 600U);
  EXPECT_EQ(sums.number[0], 3U);
  EXPECT_EQ(sums.time[1] + sums.number[1], 0U);
  // Meanwhile the next interval has begun; what is in its place is not told yet, nor forgotten.
  sums = {{40, 100}, {1, 2}};
  absences.begin(second);
  absences.settle(7, sums);
  EXPECT_EQ(sums.time[0], 640U);
  EXPECT_EQ(sums.number[0], 4U);
}

// A row of the reader's has the number of one of the kernel's, and is another one.
TEST(Absences, SettleRowsOfTheReadersOwn) {
  Absences absences(any);
  absences.begin(first);
  absences.take(away(1500));
  absence_sums kernels{{0, 100}, {0, 2}}, own{{30, 200}, {1, 4}};
  absences.settle(7, kernels);
  absences.settle(Absences::readers_own | 7, own);
  EXPECT_EQ(kernels.time[0], 600U);
  EXPECT_EQ(own.time[0], 200U);  // what came early counts in its interval
  EXPECT_EQ(own.number[0], 4U);
  own = {{30, 200}, {1, 4}};
  absences.begin(second);
  absences.settle(Absences::readers_own | 7, own);
  EXPECT_EQ(own.time[0], 230U);
  EXPECT_EQ(own.number[0], 5U);
}

TEST(Absences, AddNothingToOtherRows) {
  Absences absences(any);
  absences.begin(first);
  absences.take(away(1500));
  absence_sums sums{};
  absences.settle(8, sums);
  EXPECT_EQ(sums.time[0] + sums.number[0], 0U);
}

}  // namespace
}  // namespace sonde
