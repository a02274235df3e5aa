// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace sonde {

/// The OS's clocks, behind an interface so that tests can fake them.
class Clock {
 public:
  virtual ~Clock() = default;
  /// CLOCK_MONOTONIC, what bpf_ktime_get_ns() reads, in ns.
  [[nodiscard]] virtual std::uint64_t monotonic() const = 0;
  /// CLOCK_REALTIME, ns since 1970 UTC.
  [[nodiscard]] virtual std::int64_t wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::uint64_t monotonic() const override;
  [[nodiscard]] std::int64_t wall() const override;
};

/// Turns kernel (monotonic) times into wall-clock times. refresh() once a batch follows a clock that was set meanwhile.
class WallTime {
 public:
  explicit WallTime(const Clock& clock) : clock_(clock) { refresh(); }
  void refresh();
  [[nodiscard]] std::int64_t operator()(std::uint64_t monotonic_ns) const {
    return static_cast<std::int64_t>(monotonic_ns) + offset_;
  }

 private:
  const Clock& clock_;
  std::int64_t offset_ = 0;
};

/// How far one of the clocks of clock_gettime(2) is ahead of another one now, in ns.
[[nodiscard]] std::int64_t clock_ahead(int clock, int of);

}  // namespace sonde
