// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace sonde {

/// Bytes of a file from an offset on; fewer where it ends, or where so many are too many.
using ReadBytes = std::function<std::string(std::uint64_t offset, std::uint64_t size)>;

/// A probe that a program was built with (.note.stapsdt, "USDT").
struct StaticProbe {
  std::string_view provider, name;
  std::string_view arguments;  ///< as the compiler wrote them: "8@%rdi -4@-80(%rbx)"

  bool operator==(const StaticProbe&) const = default;
  bool operator<(const StaticProbe& other) const {
    return std::tie(provider, name, arguments) < std::tie(other.provider, other.name, other.arguments);
  }
};

/// What can be probed in an ELF file of whatever origin. Nothing that the file says of itself is trusted; it owns what
/// the names point into.
class Elf {
 public:
  /// Empty if that is no little-endian ELF file with sections.
  static std::optional<Elf> read(ReadBytes read);

  /// Functions that are defined there, by name, each once. Without a symbol table: those that are exported.
  [[nodiscard]] const std::vector<std::string_view>& functions();
  /// Where in the file the code of a function begins that is defined there; empty if there is none of that name.
  [[nodiscard]] std::optional<std::uint64_t> function_offset(std::string_view name);
  /// Libraries that it is linked with, as it names them ("libc.so.6").
  [[nodiscard]] std::vector<std::string> libraries();
  [[nodiscard]] const std::vector<StaticProbe>& static_probes();
  /// Whether something was larger than this cares to read, or not there at all.
  [[nodiscard]] bool cut() const { return cut_; }

 private:
  struct Section {
    std::uint32_t type = 0, link = 0;
    std::uint64_t address = 0, offset = 0, size = 0;
  };
  struct Symbol {
    std::uint64_t name = 0, value = 0;
    unsigned char info = 0;
    std::uint16_t section = 0;
    [[nodiscard]] bool is_function() const;
  };
  bool read_sections();
  [[nodiscard]] std::optional<Symbol> symbol_at(std::string_view table, std::uint64_t index) const;
  [[nodiscard]] std::optional<std::uint64_t> file_offset(const Symbol& symbol) const;
  void add_functions(const Section& symbols, std::vector<std::string_view>& names);
  void add_names(std::vector<std::uint64_t> offsets, std::string_view strings, std::vector<std::string_view>& names);
  void add_probes(std::string_view notes, std::vector<StaticProbe>& probes) const;
  std::string_view load(const Section& section, std::uint64_t most);

  ReadBytes read_;
  bool wide_ = true;  // 64-bit
  bool cut_ = false;
  std::vector<Section> sections_;
  std::deque<std::string> loaded_;  // does not move what it holds
  std::optional<std::vector<std::string_view>> functions_;
  std::optional<std::vector<StaticProbe>> static_probes_;
};

struct StaticArgument {
  std::string type;         ///< "s32", "u64", "f64"; empty where it is not said
  std::string_view place;   ///< as the assembler has it: "%rdi", "-80(%rbx)"
  std::uint32_t bytes = 0;  ///< 0: not said
};
/// The arguments of a StaticProbe, one by one.
std::vector<StaticArgument> static_arguments(std::string_view text);

}  // namespace sonde
