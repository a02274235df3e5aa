// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/linear.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>

#include "core/error.h"
#include "core/text.h"
#include "core/units.h"

namespace sonde {
namespace {

constexpr const char* form = "Give times, as 0,1ms,50us, or sizes, as 0,64k,4k.";

std::array<std::string_view, 3> three(std::string_view text) {
  std::array<std::string_view, 3> parts;
  std::string_view rest = text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto comma = rest.find(',');
    if ((comma == rest.npos) != (i + 1 == parts.size()))
      throw Error(Exit::usage, "'" + escaped(text) + "' is not least, most and step.", form);
    parts[i] = rest.substr(0, comma);
    rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
  }
  return parts;
}

// A time has a unit of time; 0 is as good for one as for the other.
bool is_time(std::string_view text) { return text.ends_with('s') || text.ends_with('m') || text.ends_with('h'); }

}  // namespace

LinearBuckets LinearBuckets::parse(std::string_view text) {
  const auto parts = three(text);
  LinearBuckets linear;
  linear.bytes = std::none_of(parts.begin(), parts.end(), is_time);
  const auto number = [&](std::string_view part) {
    if (part == "0" || linear.bytes) return parse_size(part);
    return parse_duration(part, BareNumber::refused);
  };
  linear.min = number(parts[0]);
  linear.max = number(parts[1]);
  linear.step = number(parts[2]);
  const std::string quoted = "'" + escaped(text) + "'";
  if (!linear.step || linear.max <= linear.min || linear.max > INT64_MAX)
    throw Error(Exit::usage, quoted + " has no steps.", form);
  if (linear.steps() > most_steps)
    throw Error(Exit::usage, quoted + " has " + format_count(linear.steps()) + " steps.",
                "Give a longer one: there is room for " + format_count(most_steps) + ".");
  return linear;
}

std::uint64_t LinearBuckets::end(std::size_t i) const {
  return i > steps() ? UINT64_MAX : std::min(max, min + i * step);
}

std::uint64_t LinearBuckets::percentile(std::span<const std::uint64_t> counts, double percent) const {
  const auto all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  const auto wanted = std::max(1.0, std::ceil(static_cast<double>(all) * percent / 100));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    if (static_cast<double>(seen) >= wanted) return i > steps() ? UINT64_MAX : end(i) - 1;
  }
  return 0;
}

std::vector<Value::Bucket> LinearBuckets::ranges(std::span<const std::uint64_t> counts) const {
  std::vector<Value::Bucket> all;
  std::size_t used = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(counts.size(), steps() + 2); ++i) {
    if (!counts[i] && all.empty()) continue;
    all.push_back({i ? end(i - 1) : 0, end(i), counts[i]});
    if (counts[i]) used = all.size();
  }
  all.resize(used);
  return all;
}

}  // namespace sonde
