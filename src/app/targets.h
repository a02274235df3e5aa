// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "app/common.h"
#include "kernel/fd.h"

namespace sonde {

/// The processes of --pid, where nobody else can be seen: when the last of them has ended, so has the run.
class Targets {
 public:
  /// None are watched where --pid is negated, has more than a few items, or descendants are followed.
  explicit Targets(const TaskFilter& filter);

  [[nodiscard]] const std::vector<kernel::Fd>& fds() const { return running_; }
  /// True once all of them have ended; false for ever if none are watched.
  bool ended();

 private:
  bool watched_ = false;
  std::vector<kernel::Fd> running_;  // pidfds
};

}  // namespace sonde
