// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/abi.h"

namespace sonde {

/// Where the kernel's functions are: what /proc/kallsyms says, packed.
class KernelSymbols {
 public:
  /// Bytes of /proc/kallsyms, in order, cut anywhere.
  void take(std::string_view bytes);
  /// After the last bytes, before the first find().
  void finish();

  struct Found {
    std::string_view name;
    std::string_view module;  ///< "[kernel]", "[ext4]", "[bpf]"
    std::uint64_t offset = 0;
  };
  /// The function that an address lies in. Empty if it is in none that is known.
  [[nodiscard]] std::optional<Found> find(std::uint64_t address) const;
  /// Whether there were functions, all of them at 0: the kernel does not tell this reader.
  [[nodiscard]] bool hidden() const { return functions_seen_ && symbols_.empty(); }
  [[nodiscard]] bool empty() const { return symbols_.empty(); }
  /// Where the tables lie by which the kernel walks up its stacks (CONFIG_UNWINDER_ORC); all 0: there are none, or the
  /// kernel does not tell.
  [[nodiscard]] orc_tables walk_tables() const;

 private:
  struct Symbol {
    std::uint64_t address;
    std::uint32_t name, module;  // where each begins in names_, with its NUL behind it
  };
  void take_line(std::string_view line);
  void take_table(std::uint64_t address, std::string_view name);
  std::uint32_t module_named(std::string_view name);

  std::string rest_;  // of a line whose end is still to come
  std::string names_;
  std::vector<Symbol> symbols_;
  std::vector<std::uint32_t> modules_;
  bool functions_seen_ = false;
  std::uint64_t instructions_ = 0, instructions_end_ = 0, entries_ = 0, function_ = 0;  // see orc_tables
};

/// Whether a function of the kernel is part of how a probe came to be run: such frames stand before what was probed.
bool runs_probes(std::string_view name, std::string_view module);

}  // namespace sonde
