// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/unwind_row.h"

namespace sonde {

/// The call frame information that compilers write into programs (.eh_frame, .debug_frame): where in a function the
/// caller's registers are. Nothing that it says of itself is trusted. Of 64-bit little-endian programs.
class CallFrames {
 public:
  enum class Format { eh_frame, debug_frame };
  /// `bytes` of the section, which outlive this, and the address that its first one has in the program.
  CallFrames(std::string_view bytes, std::uint64_t address, Format format);

  /// What holds at that address, and from where to where the same does. Where nothing is said: a row that is not known.
  [[nodiscard]] UnwindRow find(std::uint64_t address) const;
  /// How many functions it tells of.
  [[nodiscard]] std::size_t size() const { return functions_.size(); }

 private:
  struct Function {
    std::uint64_t start, end;
    std::uint64_t at;  // its entry
  };
  struct Common {  // "CIE": what many functions have in common
    bool good = false, signal = false, sized = false;
    unsigned encoding = 0;
    std::uint64_t code_unit = 1, return_column = 0;
    std::int64_t data_unit = 1;
    std::uint64_t instructions = 0, end = 0;
  };
  class Interpreter;

  void read_entries();
  void add_function(std::uint64_t at, std::uint64_t end, std::uint64_t common);
  const Common& common_at(std::uint64_t at);
  [[nodiscard]] Common read_common(std::uint64_t at) const;
  void read_augmentation(std::string_view letters, Common& common, std::uint64_t at, std::uint64_t end) const;
  [[nodiscard]] bool is_common(std::uint32_t id) const { return id == (format_ == Format::eh_frame ? 0 : UINT32_MAX); }
  [[nodiscard]] std::uint64_t common_of(std::uint64_t at, std::uint32_t id) const;

  std::string_view bytes_;
  std::uint64_t address_;
  Format format_;
  std::vector<Function> functions_;
  std::map<std::uint64_t, Common> common_;
};

}  // namespace sonde
