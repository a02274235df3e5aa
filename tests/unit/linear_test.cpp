// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/linear.h"

#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace sonde::test {
namespace {

// As the kernel side finds it (bpf/lib/buckets.bpf.h).
std::vector<std::uint64_t> counted(const LinearBuckets& linear, const std::vector<std::uint64_t>& values) {
  std::vector<std::uint64_t> counts(320);
  for (const auto value : values)
    ++counts[value < linear.min    ? 0
             : value >= linear.max ? linear.steps() + 1
                                   : 1 + (value - linear.min) / linear.step];
  return counts;
}

TEST(Linear, TakesTimesAndSizes) {
  const auto times = LinearBuckets::parse("0,1ms,50us");
  EXPECT_FALSE(times.bytes);
  EXPECT_EQ(times.max, 1'000'000U);
  EXPECT_EQ(times.steps(), 20U);
  const auto minutes = LinearBuckets::parse("1s,2m,7s");
  EXPECT_FALSE(minutes.bytes);
  EXPECT_EQ(minutes.steps(), 17U);
  const auto sizes = LinearBuckets::parse("512,64k,4K");
  EXPECT_TRUE(sizes.bytes);
  EXPECT_EQ(sizes.min, 512U);
  EXPECT_EQ(sizes.steps(), 16U);
  EXPECT_TRUE(LinearBuckets::parse("0,100,10").bytes);
  EXPECT_EQ(LinearBuckets::parse("0,318,1").steps(), 318U);
}

TEST(Linear, RefusesWhatHasNoSteps) {
  for (const std::string text : {"", "0", "0,1ms", "0,1ms,1us,1us", "0,1ms,0", "1ms,1ms,1us", "2ms,1ms,1us", "0,319,1",
                                 "0,1ms,64k", "0,5,1ms", "a,b,c", "0,,1", "0,99999999999999999999,1"})
    EXPECT_THROW(LinearBuckets::parse(text), Error) << text;
}

TEST(Linear, LosesNothingBelowAndBeyond) {
  const auto linear = LinearBuckets::parse("10,35,10");
  const auto counts = counted(linear, {1, 9, 10, 19, 34, 35, 1'000'000});
  const auto all = linear.ranges(counts);
  ASSERT_EQ(all.size(), 5U);
  const Value::Bucket expected[] = {{0, 10, 2}, {10, 20, 2}, {20, 30, 0}, {30, 35, 1}, {35, UINT64_MAX, 2}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].min, expected[i].min) << i;
    EXPECT_EQ(all[i].max, expected[i].max) << i;
    EXPECT_EQ(all[i].count, expected[i].count) << i;
  }
  EXPECT_TRUE(linear.ranges(counted(linear, {})).empty());
  EXPECT_EQ(linear.ranges(counted(linear, {25})).size(), 1U);
}

TEST(Linear, KnowsPercentilesToAStep) {
  const auto linear = LinearBuckets::parse("10,30,10");
  const auto counts = counted(linear, {5, 12, 13, 25, 99});
  EXPECT_EQ(linear.percentile(counts, 20), 9U);
  EXPECT_EQ(linear.percentile(counts, 60), 19U);
  EXPECT_EQ(linear.percentile(counts, 80), 29U);
  EXPECT_EQ(linear.percentile(counts, 99), UINT64_MAX);
  EXPECT_EQ(linear.percentile(counted(linear, {}), 50), 0U);
}

}  // namespace
}  // namespace sonde::test
