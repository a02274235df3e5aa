// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/value.h"

namespace sonde {

/// How a table and the capture put values into words; what needs escaping is left to them.

using ShowBuffer = std::array<char, 48>;

/// What is neither a text nor a list nor a time nor a histogram nor a stack: "-" for no value, a symbol's name (its
/// number if it has none). The result points into `buffer`, the value or a literal.
std::string_view show(const Value& value, ShowBuffer& buffer);

/// An argv as one text, still to be escaped: items apart by a space, those that are empty or have a space in quotes.
void join(std::span<const std::string_view> items, std::string& joined);

/// Times of day, "15:04:05.123456": localtime once a second, not once a row.
class TimeOfDay {
 public:
  explicit TimeOfDay(bool utc) : utc_(utc) {}
  /// `ns` since 1970 UTC. The result is good until the next call.
  std::string_view operator()(std::int64_t ns);

 private:
  bool utc_;
  std::int64_t second_ = INT64_MIN;
  std::array<char, 15> text_{};
};

}  // namespace sonde
