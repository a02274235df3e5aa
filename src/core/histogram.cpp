// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/histogram.h"

#include <bit>
#include <cmath>
#include <numeric>

namespace sonde {
namespace {

constexpr std::size_t parts = 8;

}  // namespace

std::uint64_t bucket_start(std::size_t i) {
  if (i < parts) return i;
  return (parts + i % parts) << (i / parts - 1);
}

std::uint64_t percentile(std::span<const std::uint64_t> counts, double percent) {
  const auto all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (all == 0) return 0;
  const auto wanted = std::max(1.0, std::ceil(static_cast<double>(all) * percent / 100));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    if (static_cast<double>(seen) >= wanted) return bucket_start(i + 1) - 1;
  }
  return bucket_start(counts.size()) - 1;
}

std::vector<Value::Bucket> octaves(std::span<const std::uint64_t> counts) {
  std::vector<Value::Bucket> all;
  std::size_t used = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!counts[i] && all.empty()) continue;
    const std::uint64_t start = bucket_start(i);
    const std::uint64_t octave = start ? std::bit_floor(start) : 0;
    if (all.empty() || all.back().min != octave) all.push_back({octave, octave ? 2 * octave : 1, 0});
    all.back().count += counts[i];
    if (counts[i]) used = all.size();
  }
  all.resize(used);
  return all;
}

}  // namespace sonde
