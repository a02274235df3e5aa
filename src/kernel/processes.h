// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/accounts.h"

namespace sonde::kernel {

/// The inode of the caller's PID namespace, 0 if that is the initial one.
std::uint32_t pid_namespace();

/// True if a process or thread of that number exists in the caller's namespace.
bool task_exists(std::uint32_t id);

/// How many threads there are now, 0 if that cannot be told.
std::uint32_t count_tasks();

/// User names from /etc/passwd alone: asking the system's name service may load code, or wait for a network.
class Users {
 public:
  Users();
  /// Empty if it has no name. Lives as long as this object.
  [[nodiscard]] std::string_view name(std::uint32_t uid) const;
  /// By name or number.
  [[nodiscard]] std::optional<std::uint32_t> uid(const std::string& user) const;
  [[nodiscard]] const Account* find(const std::string& user) const;
  /// The groups of a user from /etc/group, the primary one included.
  [[nodiscard]] static std::vector<std::uint32_t> groups(const Account& user);

 private:
  std::vector<Account> users_;
  std::unordered_map<std::uint32_t, std::string> names_;
};

}  // namespace sonde::kernel
