// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "kernel/fd.h"

namespace sonde::kernel {

/// Control groups of version 2, by path and by the id that the kernel counts them by.
class Cgroups {
 public:
  struct Place {
    std::uint64_t id = 0;
    int level = -1;  ///< below the root of the whole hierarchy; -1 where only a part of it can be seen
  };

  /// A cgroup given as a path below a cgroup2 mount or as a name relative to its root ("system.slice").
  /// Throws Error(run_time) if there is none.
  [[nodiscard]] Place find(const std::string& path);

  /// "/system.slice/ssh.service" for an id; "cgroup:ID" for one that is gone. Lives as long as this object.
  std::string_view path(std::uint64_t id);

 private:
  void find_mount();
  std::string look_up(std::uint64_t id);

  bool looked_ = false;
  Fd root_;
  std::string mount_;  // where root_ is mounted; empty if nowhere
  std::unordered_map<std::uint64_t, std::string> paths_;
};

}  // namespace sonde::kernel
