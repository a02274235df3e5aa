// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

namespace sonde {

/// A part of bytes that others wrote; shorter or empty where they end earlier.
inline std::string_view part(std::string_view bytes, std::uint64_t offset, std::uint64_t size) {
  return offset > bytes.size() ? std::string_view() : bytes.substr(static_cast<std::size_t>(offset), size);
}

/// One T at any offset, aligned or not; empty where the bytes end earlier.
template <class T>
std::optional<T> read_at(std::string_view bytes, std::uint64_t offset) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::string_view from = part(bytes, offset, sizeof(T));
  if (from.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, from.data(), sizeof(T));
  return value;
}

/// The text up to the next NUL, or up to `most` bytes.
inline std::string_view text_at(std::string_view bytes, std::uint64_t offset, std::size_t most) {
  const std::string_view from = part(bytes, offset, most);
  return from.substr(0, from.find('\0'));
}

}  // namespace sonde
