// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/histogram.h"

#include <gtest/gtest.h>

namespace sonde::test {
namespace {

constexpr std::size_t buckets = 320;

// As the kernel side finds it (bpf/lib/buckets.bpf.h).
std::size_t bucket_of(std::uint64_t value) {
  if (value < 8) return value;
  const auto octave = static_cast<std::size_t>(63 - __builtin_clzll(value));
  return (octave - 2) * 8 + (value >> (octave - 3) & 7);
}

std::vector<std::uint64_t> counted(const std::vector<std::uint64_t>& values) {
  std::vector<std::uint64_t> counts(buckets);
  for (const auto value : values) ++counts[bucket_of(value)];
  return counts;
}

TEST(Histogram, BucketsFollowEachOther) {
  for (std::size_t i = 0; i < buckets; ++i) {
    EXPECT_EQ(bucket_of(bucket_start(i)), i);
    EXPECT_EQ(bucket_of(bucket_start(i + 1) - 1), i);
    if (i >= 8) {
      EXPECT_LE(static_cast<double>(bucket_start(i + 1)) / static_cast<double>(bucket_start(i)), 1.125);
    }
  }
}

TEST(Histogram, PercentilesAreAtMostAnEighthHigh) {
  std::vector<std::uint64_t> values;
  for (std::uint64_t i = 1; i <= 1000; ++i) values.push_back(i * 997);
  const auto counts = counted(values);
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 100.0}) {
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(percent * 10) - 1]);
    const auto found = static_cast<double>(percentile(counts, percent));
    EXPECT_GE(found, exact) << percent;
    EXPECT_LE(found, exact * 1.125) << percent;
  }
  EXPECT_EQ(percentile(counted({}), 50), 0U);
  EXPECT_EQ(percentile(counted({5}), 50), 5U);
}

TEST(Histogram, HasABucketForEachOctaveBetween) {
  const auto all = octaves(counted({100, 120, 127, 128, 1000}));
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].min, 64U);
  EXPECT_EQ(all[0].max, 128U);
  EXPECT_EQ(all[0].count, 3U);
  EXPECT_EQ(all[1].count, 1U);
  EXPECT_EQ(all[2].count, 0U);
  EXPECT_EQ(all[3].min, 512U);
  EXPECT_EQ(all[3].max, 1024U);
  EXPECT_TRUE(octaves(counted({})).empty());
  EXPECT_EQ(octaves(counted({0})).front().max, 1U);
}

}  // namespace
}  // namespace sonde::test
