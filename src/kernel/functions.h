// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "core/kernel_text.h"
#include "kernel/tracefs.h"

namespace sonde::kernel {

/// The kernel's functions, by name, each once, and what is known of where a probe may be put.
class KernelFunctions {
 public:
  explicit KernelFunctions(const Tracefs& tracefs);

  /// Those that ftrace lists, less those that kprobes exclude. Where ftrace's list is closed, all of /proc/kallsyms,
  /// which is read at the first call: that takes 100 ms.
  [[nodiscard]] const std::vector<KernelFunction>& all();
  /// Whether ftrace's list was read. If not, trouble() says why, and all() is more than what can be traced.
  [[nodiscard]] bool traceable() const { return traceable_; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// Whether ftrace lists it and kprobes do not exclude it. False for all where that list is closed.
  [[nodiscard]] bool has(const KernelFunction& function) const;
  /// Why all() is empty; empty if it is not.
  [[nodiscard]] const std::string& closed() const { return closed_; }

 private:
  void read_traceable(const Tracefs& tracefs);
  void read_symbols();
  void leave_out_blacklisted();
  void finish();

  std::string text_, blacklist_;
  std::vector<KernelFunction> all_;
  bool traceable_ = false, symbols_read_ = false;
  std::string trouble_, closed_;
};

}  // namespace sonde::kernel
