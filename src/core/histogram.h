// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/value.h"

namespace sonde {

/// Buckets of 8 to an octave, as bpf/lib/buckets.bpf.h counts them: 0 to 7 hold one value each, from there on the
/// ends of a bucket are 12.5 % apart or less.

/// The smallest value that falls into bucket `i`; that of bucket i + 1 is the first beyond it.
std::uint64_t bucket_start(std::size_t i);

/// A value that `percent` of all are not above: never less than the true one, and at most 12.5 % more. 0 if there are
/// none.
std::uint64_t percentile(std::span<const std::uint64_t> counts, double percent);

/// One bucket for each octave from the first to the last that has any.
std::vector<Value::Bucket> octaves(std::span<const std::uint64_t> counts);

}  // namespace sonde
