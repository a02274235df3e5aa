// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sonde::trim {

/// The strings of an ELF file or of BTF: offset 0 is the empty one, each ends with a NUL, and equal ones are one.
class StringTable {
 public:
  /// Where this string is, from now on.
  std::uint32_t put(std::string_view text) {
    if (text.empty()) return 0;
    const auto [found, fresh] = offsets_.try_emplace(std::string(text), static_cast<std::uint32_t>(bytes_.size()));
    if (fresh) bytes_.append(text).push_back('\0');
    return found->second;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_ = std::string(1, '\0');
  std::unordered_map<std::string, std::uint32_t> offsets_;
};

}  // namespace sonde::trim
