// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/clock.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace sonde {
namespace {

class FakeClock final : public Clock {
 public:
  [[nodiscard]] std::uint64_t monotonic() const override {
    now += cost;
    return now;
  }
  [[nodiscard]] std::int64_t wall() const override {
    now += cost;
    return static_cast<std::int64_t>(now) + offset;
  }
  mutable std::uint64_t now = 5'000'000'000;
  std::uint64_t cost = 0;  // each look takes this long
  std::int64_t offset = 1'700'000'000'000'000'000;
};

TEST(WallTime, AddsTheOffset) {
  const FakeClock clock;
  const WallTime wall(clock);
  EXPECT_EQ(wall(5'000'000'000), 1'700'000'005'000'000'000);
  EXPECT_EQ(wall(4'999'999'999), 1'700'000'004'999'999'999);
}

TEST(WallTime, FollowsAClockThatWasSet) {
  FakeClock clock;
  WallTime wall(clock);
  clock.offset -= 3'600'000'000'000;
  EXPECT_EQ(wall(5'000'000'000), 1'700'000'005'000'000'000) << "not before refresh";
  wall.refresh();
  EXPECT_EQ(wall(5'000'000'000), 1'699'996'405'000'000'000);
}

TEST(WallTime, AllowsForTheTimeThatReadingTakes) {
  FakeClock clock;
  clock.cost = 40;
  const WallTime wall(clock);
  EXPECT_EQ(wall(0), 1'700'000'000'000'000'000);
}

TEST(WallTime, ReadingNoiseDoesNotMoveTimes) {
  FakeClock clock;
  clock.cost = 40;
  WallTime wall(clock);
  clock.offset += 50;
  wall.refresh();
  EXPECT_EQ(wall(0), 1'700'000'000'000'000'000);
  clock.offset += 1000;
  wall.refresh();
  EXPECT_EQ(wall(0), 1'700'000'000'000'001'050);
}

TEST(SystemClock, IsPlausible) {
  const SystemClock clock;
  const std::uint64_t before = clock.monotonic();
  EXPECT_GT(clock.wall(), 1'700'000'000'000'000'000);
  EXPECT_GE(clock.monotonic(), before);
  const WallTime wall(clock);
  EXPECT_LT(std::abs(wall(clock.monotonic()) - clock.wall()), 100'000'000);
}

}  // namespace
}  // namespace sonde
