// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sonde {

/// What a program that compiles at run time says of its functions in /tmp/perf-PID.map: lines of "START SIZE name".
class PerfMap {
 public:
  /// It points into the text, which it owns. Lines that are none are left out; later ones count more.
  explicit PerfMap(std::string text);

  struct Found {
    std::string_view name;
    std::uint64_t offset = 0;
  };
  [[nodiscard]] std::optional<Found> find(std::uint64_t address) const;

 private:
  struct Function {
    std::uint64_t start, size;
    std::size_t name, length;  // in the text
  };
  std::string text_;
  std::vector<Function> functions_;
};

}  // namespace sonde
