// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/symbolizer.h"
#include "core/value.h"

namespace sonde {

/// --kstack and --ustack of one run: from the bytes behind a record to Values, by way of a Symbolizer.
class Stacks {
 public:
  explicit Stacks(Symbolizer& symbolizer) : symbolizer_(symbolizer) {}

  /// The record whose stacks are asked for from here on, with all its bytes.
  void take(std::string_view record);
  /// No value where there is no such stack: a kernel thread has none of a program. Good until the next take().
  Value kernel();
  Value user();
  /// How many stacks of the kernel were asked for where the kernel gave none.
  [[nodiscard]] std::uint64_t without_kernel() const { return without_kernel_; }

 private:
  static Value value(const std::vector<Frame>& frames) { return frames.empty() ? Value() : Value::stack(frames); }

  Symbolizer& symbolizer_;
  std::optional<RecordedStacks> stacks_;
  std::vector<Frame> kernel_, user_;
  std::uint64_t without_kernel_ = 0;
};

}  // namespace sonde
