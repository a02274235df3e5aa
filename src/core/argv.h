// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sonde {

/// The strings of an argument vector, each with a NUL behind it; the last may lack it, where the rest was cut off.
void split_argv(std::string_view bytes, std::vector<std::string_view>& strings);

/// Texts that come in parts, in order, from each source one text after the other. What began and never ended is
/// forgotten when the source begins another: there is at most one text a source.
class Parts {
 public:
  void take(std::uint32_t source, std::uint64_t text, std::string_view part);
  /// What came of this text; good until the source's next part.
  [[nodiscard]] std::string_view all(std::uint32_t source, std::uint64_t text) const;

 private:
  struct Text {
    std::uint64_t id = 0;
    std::string bytes;
  };
  std::unordered_map<std::uint32_t, Text> texts_;
};

}  // namespace sonde
