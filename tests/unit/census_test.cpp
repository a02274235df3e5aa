// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/census.h"

#include <gtest/gtest.h>

namespace sonde {
namespace {

account_record thread(std::uint64_t born, account_state state, std::uint64_t since) {
  account_record task{};
  task.flags = ACCOUNT_KNOWN;
  task.now = 1500;
  task.thread.born = born;
  task.thread.account.state = state;
  task.thread.account.since = since;
  return task;
}

std::uint64_t spent(const std::vector<Census::Share>& shares, account_state state) {
  std::uint64_t sum = 0;
  for (const auto& share : shares) sum += share.sums.spent[state];
  return sum;
}

TEST(Census, DividesWhatGoesOn) {
  Census census;
  census.take(thread(1, ACCOUNT_ON, 100));
  census.settle(1000);
  census.take(thread(1, ACCOUNT_ON, 100));
  const auto shares = census.settle(1400);
  ASSERT_EQ(shares.size(), 1U);
  EXPECT_EQ(spent(shares, ACCOUNT_ON), 400U);
}

TEST(Census, TellsTheWaitOfAWokenSleeperFromItsSleep) {
  auto task = thread(1, ACCOUNT_SLEEP, 100);
  task.now = 1500;
  task.queued = 1200;  // it waits for 300 ns now, of which 100 are in the interval
  EXPECT_EQ(sums_at(task, 1300).spent[ACCOUNT_SLEEP], 1100U);
  EXPECT_EQ(sums_at(task, 1300).spent[ACCOUNT_WAIT], 100U);
  task.delay = 150;  // and before that it waited in another queue
  EXPECT_EQ(sums_at(task, 1300).spent[ACCOUNT_WAIT], 250U);
  task.thread.woken = 1250;  // the kernel's count is none
  EXPECT_EQ(sums_at(task, 1300).spent[ACCOUNT_WAIT], 50U);
}

TEST(Census, TakesWhatWasPutAwayAtTheBoundary) {
  auto task = thread(1, ACCOUNT_WAIT, 1350);
  task.thread.account.boundary = 1300;
  task.thread.account.before.spent[ACCOUNT_ON] = 70;
  task.thread.account.now.spent[ACCOUNT_ON] = 120;
  EXPECT_EQ(sums_at(task, 1300).spent[ACCOUNT_ON], 70U);
  EXPECT_EQ(sums_at(task, 1300).spent[ACCOUNT_WAIT], 0U);
}

// It ended after the boundary: part of it is of this interval, the rest of the next.
TEST(Census, SharesOutTheLastRecordOfAThread) {
  Census census;
  census.take(thread(1, ACCOUNT_ON, 100));
  census.settle(1000);
  auto gone = thread(1, ACCOUNT_SLEEP, 1450);
  gone.flags |= ACCOUNT_GONE;
  gone.now = 1450;
  gone.thread.account.boundary = 1300;
  gone.thread.account.before.spent[ACCOUNT_ON] = 1200;
  gone.thread.account.now.spent[ACCOUNT_ON] = 1350;
  census.take(gone);
  EXPECT_EQ(spent(census.settle(1300), ACCOUNT_ON), 300U);
  EXPECT_EQ(spent(census.settle(1600), ACCOUNT_ON), 150U);
  EXPECT_TRUE(census.settle(1900).empty());
}

TEST(Census, CountsATornRecordLater) {
  Census census;
  census.take(thread(1, ACCOUNT_ON, 100));
  census.settle(1000);
  auto torn = thread(1, ACCOUNT_ON, 100);
  torn.flags |= ACCOUNT_TORN;
  census.take(torn);
  EXPECT_TRUE(census.settle(1200).empty());
  census.take(thread(1, ACCOUNT_ON, 100));
  EXPECT_EQ(spent(census.settle(1400), ACCOUNT_ON), 400U);
  EXPECT_EQ(census.torn(), 1U);
}

TEST(Census, KeepsThreadsOfOneNumberApart) {
  Census census;
  census.settle(1000);
  auto first = thread(1, ACCOUNT_SLEEP, 1100), second = thread(1200, ACCOUNT_ON, 1200);
  first.flags |= ACCOUNT_GONE;
  first.now = 1100;
  first.tid = second.tid = 7;
  census.take(first);
  census.take(second);
  const auto shares = census.settle(1400);
  EXPECT_EQ(shares.size(), 2U);
  EXPECT_EQ(spent(shares, ACCOUNT_ON), 200U);
  EXPECT_EQ(spent(shares, ACCOUNT_SLEEP), 0U);
}

TEST(Census, ForgetsWhatCameBeforeTheFirstBoundary) {
  Census census;
  census.take(thread(1, ACCOUNT_ON, 100));
  EXPECT_TRUE(census.settle(0).empty());
  EXPECT_TRUE(census.settle(1000).empty());
}

}  // namespace
}  // namespace sonde
