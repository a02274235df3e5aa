// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/sink.h"
#include "lib/abi.h"

namespace sonde {

/// Keeps account of what was lost, by reason, and of what was already reported.
class Losses {
 public:
  /// The kernel's counters as they stand; they only grow.
  void take_drops(const run_state& state);
  void take_skipped(std::uint64_t total) { skipped_.total = total; }
  /// Whether any program was skipped, by what was taken.
  [[nodiscard]] bool skipped() const { return skipped_.total || unfollowed_.total; }
  /// Forks that the program which follows processes missed: of what came of them nothing is known.
  void take_unfollowed(std::uint64_t total) { unfollowed_.total = total; }
  /// Calls that were seen to begin and, by the end of the window, not to end.
  void take_unfinished(std::uint64_t count) { unfinished_.total = count; }
  /// Samples that should have been there, of whomever, and were not.
  void take_unsampled(std::uint64_t count) { unsampled_.total = count; }
  void add_over_rate() { ++over_rate_.total; }
  void add_malformed() { ++malformed_.total; }

  /// Reports what is new since the last call.
  void report(Sink& sink);

  [[nodiscard]] std::vector<Loss> totals() const;
  /// Rows that are shown without something that belongs to them, as sentences.
  [[nodiscard]] std::vector<std::string> incomplete() const;

 private:
  struct Count {
    std::uint64_t total = 0;
    std::uint64_t reported = 0;
  };
  template <class F>
  void each(const F& take);

  std::array<Count, DROP_KINDS> drops_{};
  Count skipped_, unfollowed_, unfinished_, unsampled_, over_rate_, malformed_;
};

}  // namespace sonde
