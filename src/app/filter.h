// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "app/common.h"
#include "kernel/processes.h"
#include "lib/abi.h"

struct bpf_map;

namespace sonde {

/// The kernel's half of a glob; all zero (everything is wanted) for none.
glob_conf to_conf(const std::optional<GlobChoice>& choice);

/// -x and --errno of a tool whose events have a result.
class ResultFilter {
 public:
  /// `what` is what the events are, in the plural: "opens".
  void declare(Options& options, const std::string& what);
  void fill(result_conf& conf) const;
  [[nodiscard]] bool used() const { return failed_ || !errnos_.items.empty(); }

 private:
  bool failed_ = false;
  ItemList errnos_;
};

/// A TaskFilter made ready for the kernel.
struct KernelFilter {
  filter_conf conf{};
  std::vector<filter_id> ids;  ///< for the map filter_ids; empty if no list has more than one item

  /// Looks up users, cgroup and PIDs: throws Error for those that are not there.
  KernelFilter(const TaskFilter& filter, const kernel::Users& users);

  /// Narrows it to the tree of the COMMAND, whose PID goes into the map `followed` later.
  void only_command();
};

}  // namespace sonde
