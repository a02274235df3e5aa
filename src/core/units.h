// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sonde {

/// All parsers here throw Error(usage) that quotes the (escaped) input and says what was expected; none accepts
/// trailing text, a sign, or a number that overflows.

enum class BareNumber { seconds, refused };

/// "10s", "500ms", "2m", "1h", "250us", "10ns", "1.5s" to ns. A bare number is seconds, or refused where a threshold is
/// meant.
std::uint64_t parse_duration(std::string_view text, BareNumber bare);

/// "4096", "64k", "8M", "1G" (powers of 1024; optional B or iB) to bytes.
std::uint64_t parse_size(std::string_view text);

/// A count or an ID: decimal digits, at most `max`.
std::uint64_t parse_natural(std::string_view text, std::uint64_t max = UINT64_MAX);

/// A list argument "a,b,c"; a leading ^ negates the whole list. No empty items, not empty itself.
struct ItemList {
  bool negated = false;
  std::vector<std::string> items;
};
ItemList parse_list(std::string_view text);

/// ns for people: "0.8us", "12.3ms", "4.56s", "2m03s": three significant digits or so, never more than 7 characters
/// below 100 h.
std::string format_duration(std::uint64_t ns);

/// bytes for people: "812 B", "3.4 MiB".
std::string format_bytes(std::uint64_t bytes);

/// 1234567 as "1,234,567".
std::string format_count(std::uint64_t n);

/// "1 event", "1,234 events"
std::string counted(std::uint64_t n, std::string_view thing);

}  // namespace sonde
