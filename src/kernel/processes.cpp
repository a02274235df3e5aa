// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/processes.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "kernel/file.h"

namespace sonde::kernel {
namespace {

constexpr ino_t initial_pid_namespace = 0xEFFFFFFC;  // PROC_PID_INIT_INO

}  // namespace

std::uint32_t pid_namespace() {
  struct stat status {};
  if (stat("/proc/self/ns/pid", &status) != 0 || status.st_ino == initial_pid_namespace) return 0;
  return static_cast<std::uint32_t>(status.st_ino);
}

bool task_exists(std::uint32_t id) {
  struct stat status {};
  return stat(("/proc/" + std::to_string(id)).c_str(), &status) == 0;
}

std::uint32_t count_tasks() {
  const std::string load = read_file("/proc/loadavg").value_or("");  // "0.15 0.10 0.05 2/231 4711"
  const auto slash = load.find('/');
  return slash == load.npos ? 0 : static_cast<std::uint32_t>(std::strtoul(load.c_str() + slash + 1, nullptr, 10));
}

Users::Users() : users_(parse_passwd(read_file("/etc/passwd").value_or(""))) {
  for (const auto& user : users_) names_.emplace(user.uid, user.name);
}

std::string_view Users::name(std::uint32_t uid) const {
  const auto found = names_.find(uid);
  return found == names_.end() ? std::string_view{} : std::string_view{found->second};
}

const Account* Users::find(const std::string& user) const {
  const auto id = parse_id(user);
  const auto found = std::find_if(users_.begin(), users_.end(),
                                  [&](const Account& u) { return u.name == user || (id && u.uid == *id); });
  return found == users_.end() ? nullptr : &*found;
}

std::optional<std::uint32_t> Users::uid(const std::string& user) const {
  if (const Account* known = find(user)) return known->uid;
  return parse_id(user);
}

std::vector<std::uint32_t> Users::groups(const Account& user) {
  auto groups = parse_memberships(read_file("/etc/group").value_or(""), user.name);
  groups.insert(groups.begin(), user.gid);
  return groups;
}

}  // namespace sonde::kernel
