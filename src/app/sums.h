// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "lib/counts.h"

namespace sonde {

/// For Snapshot::merge() and difference(): the parts of a row that bpf/lib/sums.bpf.h counts.

void merge(count_name& into, const count_name& from);
void merge(count_sums& into, const count_sums& from);

/// What came between two readings, as the interval with that number ended. Least and most are in `spans[0]`.
count_sums difference(const count_sums& now, const count_sums& before, std::uint32_t interval);

}  // namespace sonde
