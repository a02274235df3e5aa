// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/value.h"

namespace sonde {

/// A histogram of steps of one length, as bpf/lib/buckets.bpf.h counts it: bucket 0 has what is below `min`, the one
/// behind the last step what is from `max` on, so that nothing is left out.
struct LinearBuckets {
  std::uint64_t min = 0, max = 0, step = 0;  ///< ns or bytes; the last step ends at `max` and may be a shorter one
  bool bytes = false;                        ///< else ns

  static constexpr std::uint64_t most_steps = 318;

  /// "0,1ms,50us" or "0,64k,4k". Throws Error(usage) for what is neither, for no steps, and for more than `most_steps`.
  static LinearBuckets parse(std::string_view text);

  [[nodiscard]] std::uint64_t steps() const { return (max - min + step - 1) / step; }

  /// A value that `percent` of all are not above: at most a step more than the true one. For those from `max` on it is
  /// UINT64_MAX. 0 if there are none.
  [[nodiscard]] std::uint64_t percentile(std::span<const std::uint64_t> counts, double percent) const;

  /// The buckets from the first to the last that has any.
  [[nodiscard]] std::vector<Value::Bucket> ranges(std::span<const std::uint64_t> counts) const;

 private:
  [[nodiscard]] std::uint64_t end(std::size_t i) const;  // the first value beyond bucket i
};

}  // namespace sonde
