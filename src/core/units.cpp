// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/units.h"

#include <array>
#include <cstddef>
#include <optional>

#include "core/decimal.h"
#include "core/error.h"
#include "core/text.h"

namespace sonde {

namespace {

[[noreturn]] void refuse(std::string_view text, const char* fault, std::string remedy) {
  throw Error(Exit::usage, "'" + escaped(text) + "' " + fault + ".", std::move(remedy));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

// No value for no digits at all and for what does not fit into 64 bits.
std::optional<std::uint64_t> number(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  std::uint64_t result = 0;
  for (const char c : digits) {
    if (__builtin_mul_overflow(result, 10U, &result)) return std::nullopt;
    if (__builtin_add_overflow(result, static_cast<std::uint64_t>(c - '0'), &result)) return std::nullopt;
  }
  return result;
}

std::optional<std::uint64_t> product(std::optional<std::uint64_t> a, std::uint64_t b) {
  std::uint64_t result = 0;
  if (!a || __builtin_mul_overflow(*a, b, &result)) return std::nullopt;
  return result;
}

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr Unit durations[] = {{"ns", 1},        {"us", 1'000},         {"ms", 1'000'000},
                              {"s", second_ns}, {"m", 60 * second_ns}, {"h", 3600 * second_ns}};

std::optional<std::uint64_t> duration_unit(std::string_view name, BareNumber bare) {
  if (name.empty() && bare == BareNumber::seconds) return second_ns;
  for (const Unit& unit : durations)
    if (unit.name == name) return unit.size;
  return std::nullopt;
}

// The ns of a decimal fraction of a unit; none if it is finer than 1 ns.
std::optional<std::uint64_t> fraction_of(std::uint64_t unit, std::string_view digits) {
  std::uint64_t ns = 0;
  for (const char c : digits) {
    if (c != '0' && unit % 10 != 0) return std::nullopt;
    unit /= 10;
    ns += unit * static_cast<std::uint64_t>(c - '0');
  }
  return ns;
}

std::optional<std::uint64_t> duration_ns(std::string_view text, BareNumber bare) {
  const std::string_view whole = take_digits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
    if (fraction.empty()) return std::nullopt;
  }
  const auto unit = duration_unit(text, bare);
  if (!unit) return std::nullopt;
  const auto whole_ns = product(number(whole), *unit);
  const auto fraction_ns = fraction_of(*unit, fraction);
  std::uint64_t sum = 0;
  if (!whole_ns || !fraction_ns || __builtin_add_overflow(*whole_ns, *fraction_ns, &sum)) return std::nullopt;
  return sum;
}

// 1 for "", "B"; 1024 for "k", "kB", "KiB"; …
std::optional<std::uint64_t> size_unit(std::string_view name) {
  constexpr std::string_view letters = "kmgt";
  if (name.empty() || name == "B") return 1;
  const auto lower = static_cast<char>(name.front() | 0x20);
  const std::size_t power = letters.find(lower);
  const std::string_view rest = name.substr(1);
  if (power == letters.npos || !(rest.empty() || rest == "B" || rest == "iB")) return std::nullopt;
  return std::uint64_t{1} << (10 * (power + 1));
}

}  // namespace

std::uint64_t parse_duration(std::string_view text, BareNumber bare) {
  if (const auto ns = duration_ns(text, bare)) return *ns;
  refuse(text, "is not a length of time",
         bare == BareNumber::seconds ? "Give a number with ns, us, ms, s, m or h (500ms, 1.5s, 2m), or of seconds (10)."
                                     : "Give a number with its unit: ns, us, ms, s, m or h (250us, 1.5ms, 2s).");
}

std::uint64_t parse_size(std::string_view text) {
  std::string_view unit = text;
  const std::string_view digits = take_digits(unit);
  if (const auto size = size_unit(unit))
    if (const auto bytes = product(number(digits), *size)) return *bytes;
  refuse(text, "is not a size", "Give a whole number of bytes, or one with k, M, G or T (64k, 8M, 1G).");
}

std::uint64_t parse_natural(std::string_view text, std::uint64_t max) {
  std::string_view rest = text;
  const auto value = number(take_digits(rest));
  if (value && *value <= max && rest.empty()) return *value;
  refuse(text, "is not a number that fits here", "Give a whole number of at most " + format_count(max) + ".");
}

ItemList parse_list(std::string_view text) {
  ItemList list;
  std::string_view rest = text;
  if (rest.starts_with('^')) {
    list.negated = true;
    rest.remove_prefix(1);
  }
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    if (item.empty())
      refuse(text, "has an empty item",
             "Give items with single commas between them (a,b,c); ^ in front means all but these.");
    list.items.emplace_back(item);
    if (comma == rest.npos) return list;
    rest.remove_prefix(comma + 1);
  }
}

namespace {

std::uint64_t rounded(std::uint64_t v, std::uint64_t unit) { return v / unit + (v % unit >= unit - unit / 2 ? 1 : 0); }

std::string digits_of(std::uint64_t v, int digits = 1) {
  DecimalBuffer buffer;
  return std::string(decimal(v, buffer, digits));
}

// "1.23" for 123 hundredths.
std::string with_decimals(std::uint64_t v, std::uint64_t scale, int decimals) {
  return digits_of(v / scale) + "." + digits_of(v % scale, decimals);
}

// Three significant digits. Rounding decides the number of decimals, so that 9.999 becomes 10.0 and not 10.00.
std::string three_digits(std::uint64_t v, std::uint64_t unit) {
  if (const std::uint64_t hundredths = rounded(v, unit / 100); hundredths < 1000)
    return with_decimals(hundredths, 100, 2);
  if (const std::uint64_t tenths = rounded(v, unit / 10); tenths < 1000) return with_decimals(tenths, 10, 1);
  return digits_of(rounded(v, unit));
}

std::string below_microsecond(std::uint64_t ns) {
  if (ns == 0) return "0us";
  std::string text = with_decimals(ns, 1000, 3);
  text.erase(text.find_last_not_of('0') + 1);
  return text + "us";
}

}  // namespace

std::string format_duration(std::uint64_t ns) {
  if (ns < 1000) return below_microsecond(ns);
  if (ns < 999'500) return three_digits(ns, 1'000) + "us";
  if (ns < 999'500'000) return three_digits(ns, 1'000'000) + "ms";
  if (ns < 59'950'000'000) return three_digits(ns, second_ns) + "s";
  const std::uint64_t seconds = rounded(ns, second_ns);
  if (seconds < 3600) return digits_of(seconds / 60) + "m" + digits_of(seconds % 60, 2) + "s";
  const std::uint64_t minutes = rounded(ns, 60 * second_ns);
  return digits_of(minutes / 60) + "h" + digits_of(minutes % 60, 2) + "m";
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return digits_of(bytes) + " B";
  constexpr std::array<std::string_view, 6> units = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  std::uint64_t size = 1024;
  std::size_t i = 0;
  // Up to 1023.9 of a unit; what would round to 1024.0 is 1.0 of the next.
  while (i + 1 < units.size() && bytes / size >= 1023 && bytes - 1023 * size >= size - size / 20) {
    size *= 1024;
    ++i;
  }
  // Split before the multiplication by ten, which could overflow.
  const std::uint64_t tenths = bytes / size * 10 + rounded(bytes % size / (size / 1024) * 10, 1024);
  return with_decimals(tenths, 10, 1) + std::string(units[i]);
}

std::string format_count(std::uint64_t n) {
  std::string text = digits_of(n);
  for (std::size_t i = text.size(); i > 3;) text.insert(i -= 3, 1, ',');
  return text;
}

std::string counted(std::uint64_t n, std::string_view thing) {
  return format_count(n) + " " + std::string(thing) + (n == 1 ? "" : "s");
}

}  // namespace sonde
