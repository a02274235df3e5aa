// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/counts.h"

namespace sonde {

/// One way to count.
struct Grouping {
  std::string name;                       ///< what --by takes: "process,syscall"
  count_by by;                            ///< for the kernel
  std::vector<std::string_view> columns;  ///< that tell what a row was counted by
};

/// All ways in which a tool can count: what --by takes, in the order in which it is told.
class Groupings {
 public:
  /// `things` is what is counted, in the plural: "calls". The first grouping is the standard one.
  Groupings(std::string things, std::vector<Grouping> all);

  [[nodiscard]] const Grouping& chosen() const { return all_[chosen_]; }
  /// Throws Error(usage) for a name that there is not.
  void choose(std::string_view name);
  /// "process, thread or comm"
  [[nodiscard]] std::string names() const;
  /// True if the column tells what rows are counted by: of the chosen way, of any.
  [[nodiscard]] bool told_by(std::string_view column) const;
  [[nodiscard]] bool ever_told_by(std::string_view column) const;
  /// Each column of any, once.
  [[nodiscard]] std::vector<std::string_view> columns() const;

 private:
  std::string things_;
  std::vector<Grouping> all_;
  std::size_t chosen_ = 0;
};

}  // namespace sonde
