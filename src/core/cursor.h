// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "core/bytes.h"

namespace sonde {

/// Reads bytes that others wrote one thing after the other. What lies beyond the end reads as 0, and good() is false
/// from then on.
class Cursor {
 public:
  Cursor(std::string_view bytes, std::uint64_t at, std::uint64_t end)
      : bytes_(part(bytes, 0, end)), at_(at), good_(at <= bytes_.size()) {}

  [[nodiscard]] std::uint64_t at() const { return at_; }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool done() const { return !good_ || at_ >= bytes_.size(); }
  void fail() { good_ = false; }

  template <class T>
  T take() {
    const auto value = good_ ? read_at<T>(bytes_, at_) : std::nullopt;
    if (!value) {
      fail();
      return {};
    }
    at_ += sizeof(T);
    return *value;
  }
  void skip(std::uint64_t size) {
    if (!good_ || size > bytes_.size() - at_) return fail();
    at_ += size;
  }
  /// Seven bits to a byte, the lowest first.
  std::uint64_t uleb() {
    unsigned shift = 0;
    return leb(shift).first;
  }
  std::int64_t sleb() {
    unsigned shift = 0;
    auto [value, last] = leb(shift);
    if (shift < 64 && last & 0x40) value |= ~std::uint64_t{0} << shift;
    return static_cast<std::int64_t>(value);
  }
  /// Up to a NUL, which must be there.
  std::string_view text() {
    const std::string_view rest = part(bytes_, at_, bytes_.size());
    const std::size_t size = rest.find('\0');
    if (size == rest.npos) {
      fail();
      return {};
    }
    skip(size + 1);
    return rest.substr(0, size);
  }

 private:
  // The value, and its last byte.
  std::pair<std::uint64_t, unsigned> leb(unsigned& shift) {
    std::uint64_t value = 0;
    for (;;) {
      const unsigned byte = take<std::uint8_t>();
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      shift = std::min(shift + 7, 64U);
      if (!(byte & 0x80)) return {value, byte};
    }
  }

  std::string_view bytes_;
  std::uint64_t at_;
  bool good_;
};

}  // namespace sonde
