// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sonde {

/// Room for any 64-bit number and its sign.
using DecimalBuffer = std::array<char, 20>;

namespace detail {
inline constexpr auto digit_pairs = [] {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();
}  // namespace detail

/// The decimal digits of `v`, at the end of `buffer`, with at least `digits` of them (at most 20).
template <std::size_t size>
std::string_view decimal(std::uint64_t v, std::array<char, size>& buffer, int digits = 1) {
  static_assert(size >= DecimalBuffer{}.size());
  char* const end = buffer.data() + size;
  char* p = end;
  while (v >= 100) {
    const std::size_t pair = 2 * static_cast<std::size_t>(v % 100);
    v /= 100;
    *--p = detail::digit_pairs[pair + 1];
    *--p = detail::digit_pairs[pair];
  }
  if (v >= 10) {
    *--p = detail::digit_pairs[2 * v + 1];
    *--p = detail::digit_pairs[2 * v];
  } else {
    *--p = static_cast<char>('0' + v);
  }
  while (end - p < digits) *--p = '0';
  return {p, static_cast<std::size_t>(end - p)};
}

template <std::size_t size>
std::string_view signed_decimal(std::int64_t v, std::array<char, size>& buffer) {
  if (v >= 0) return decimal(static_cast<std::uint64_t>(v), buffer);
  const std::string_view magnitude = decimal(0 - static_cast<std::uint64_t>(v), buffer);
  char* const sign = buffer.data() + (size - magnitude.size()) - 1;  // 19 digits at most: there is room
  *sign = '-';
  return {sign, magnitude.size() + 1};
}

}  // namespace sonde
