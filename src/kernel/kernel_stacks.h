// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/kernel_symbols.h"
#include "core/stack.h"

namespace sonde::kernel {

/// Names of kernel frames, by /proc/kallsyms: read when the first is asked for, which takes 70 to 100 ms, and again
/// (at most once a second) for an address that it did not know, as modules come.
class KernelStacks {
 public:
  /// Reads it now: a reader that did so in the midst of a flood of events would lose some.
  orc_tables prepare() {
    if (read_.empty()) read();
    return read_.back().walk_tables();
  }
  /// Stacks are not taken by probes, whose frames are left out otherwise.
  void show_probes() { shows_probes_ = true; }
  /// See Symbolizer::name_kernel().
  void name(std::span<const std::uint64_t> addresses, std::vector<Frame>& frames);
  /// Why there are no names: a sentence; empty if there are.
  [[nodiscard]] std::string trouble() const;

 private:
  void read();
  bool read_again(std::uint64_t now);
  Frame frame(std::uint64_t address, bool returns_there);

  std::vector<KernelSymbols> read_;  // the last one counts: what frames point to stays
  std::uint64_t read_at_ = 0;
  bool shows_probes_ = false;
};

}  // namespace sonde::kernel
