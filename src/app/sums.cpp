// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/sums.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace sonde {

void merge(count_name& into, const count_name& from) {
  if (from.seen >= into.seen) into = from;
}

void merge(count_sums& into, const count_sums& from) {
  into.number += from.number;
  into.total += from.total;
  for (std::size_t i = 0; i < std::size(into.spans); ++i) {
    auto& a = into.spans[i];
    const auto& b = from.spans[i];
    if (b.interval > a.interval) a = b;
    if (b.interval < a.interval) continue;
    a.least = std::min(a.least, b.least);
    a.most = std::max(a.most, b.most);
  }
}

count_sums difference(const count_sums& now, const count_sums& before, std::uint32_t interval) {
  count_sums difference{};
  difference.number = now.number - before.number;
  difference.total = now.total - before.total;
  const auto& span = now.spans[interval & 1];
  if (span.interval == interval + 1) difference.spans[0] = span;
  return difference;
}

}  // namespace sonde
