// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "lib/absences.h"

namespace sonde {

/// One interval of a run, ns monotonic.
struct AbsenceInterval {
  std::uint64_t window_began;
  std::uint64_t began, ended;
  bool last;
};

/// What the reader adds for one thread as an interval is over.
struct AbsencePart {
  std::uint32_t row;
  std::uint64_t time;  ///< ns
};

/// What of a thread's absence, as its program left it (bpf/lib/absences.bpf.h), belongs to an interval in which it did
/// not end; none: nothing.
std::optional<AbsencePart> part_in(const AbsenceInterval& interval, const absence& thread, const absence_conf& want);

/// The reader's half of bpf/lib/absences.bpf.h.
class Absences {
 public:
  explicit Absences(const absence_conf& want) : want_(want) {}

  /// An interval is over, and no program adds to it any more: each thread is taken, in any order, then each row
  /// settled.
  void begin(const AbsenceInterval& interval);
  void take(const absence& thread) {
    if (const auto part = part_of(thread)) add(*part);
  }
  /// The two halves of it, for who counts some of them in another way.
  [[nodiscard]] std::optional<AbsencePart> part_of(const absence& thread) const {
    return part_in(interval_, thread, want_);
  }
  void add(const AbsencePart& part);

  /// Rows that have it in their number are kept by the reader, in the way of the kernel's.
  static constexpr std::uint32_t readers_own = 1U << 31;

  /// Of `row` as it is read: what it came to until the end of that interval, since the run began; of absences that go
  /// on what has passed of them, each as one. Left in the first place of each pair; nothing is in the other one.
  void settle(std::uint32_t row, absence_sums& sums);

 private:
  struct Row {
    absence_sums settled{};              // what the kernel's two places held when an interval of each was over
    std::uint64_t time = 0, number = 0;  // what was added here
  };
  struct Added {
    std::uint64_t time = 0, number = 0;
  };

  absence_conf want_;
  AbsenceInterval interval_{};
  std::unordered_map<std::uint32_t, Added> added_;
  std::vector<Row> rows_, own_rows_;
};

}  // namespace sonde
