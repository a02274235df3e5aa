// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/clock.h"

#include <cstdlib>
#include <ctime>

namespace sonde {

namespace {

std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::uint64_t SystemClock::monotonic() const { return static_cast<std::uint64_t>(read_clock(CLOCK_MONOTONIC)); }

std::int64_t SystemClock::wall() const { return read_clock(CLOCK_REALTIME); }

void WallTime::refresh() {
  std::uint64_t narrowest = UINT64_MAX;
  std::int64_t offset = offset_;
  // The wall clock is read between two looks at the other; being preempted in between would make that inexact.
  constexpr std::uint64_t good_enough_ns = 1'000;
  for (int attempt = 0; attempt < 3 && narrowest > good_enough_ns; ++attempt) {
    const std::uint64_t before = clock_.monotonic();
    const std::int64_t wall = clock_.wall();
    const std::uint64_t between = clock_.monotonic() - before;
    if (between >= narrowest) continue;
    narrowest = between;
    offset = wall - static_cast<std::int64_t>(before + between / 2);
  }
  // A difference that the reading itself explains is no news: following it could swap the times of two events.
  if (std::abs(offset - offset_) > static_cast<std::int64_t>(narrowest)) offset_ = offset;
}

std::int64_t clock_ahead(int clock, int of) {
  const std::int64_t before = read_clock(of), there = read_clock(clock), after = read_clock(of);
  return there - (before + (after - before) / 2);
}

}  // namespace sonde
