// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/processes.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "kernel/file.h"

namespace sonde::kernel {
namespace {

constexpr ino_t initial_pid_namespace = 0xEFFFFFFC;  // PROC_PID_INIT_INO

// The fields of a line of /etc/passwd or /etc/group; missing ones are empty.
std::vector<std::string> fields(std::string_view line, char separator = ':') {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= line.size();) {
    const auto end = std::min(line.find(separator, at), line.size());
    out.emplace_back(line.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class F>
void each_line(const std::string& path, const F& take) {
  const auto text = read_file(path);
  if (!text) return;
  for (const auto& line : fields(*text, '\n')) take(fields(line));
}

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

Users::Users() {
  each_line("/etc/passwd", [this](const std::vector<std::string>& entry) {
    if (entry.size() < 6) return;
    const auto uid = number(entry[2]);
    const auto gid = number(entry[3]);
    if (!uid || !gid) return;
    names_.emplace(*uid, entry[0]);
    users_.push_back({entry[0], *uid, *gid, entry[5]});
  });
}

std::string_view Users::name(std::uint32_t uid) const {
  const auto found = names_.find(uid);
  return found == names_.end() ? std::string_view{} : std::string_view{found->second};
}

const Users::User* Users::find(const std::string& user) const {
  const auto id = number(user);
  const auto found =
      std::find_if(users_.begin(), users_.end(), [&](const User& u) { return u.name == user || (id && u.uid == *id); });
  return found == users_.end() ? nullptr : &*found;
}

std::optional<std::uint32_t> Users::uid(const std::string& user) const {
  if (const User* known = find(user)) return known->uid;
  return number(user);
}

std::vector<std::uint32_t> Users::groups(const User& user) {
  std::vector<std::uint32_t> groups{user.gid};
  each_line("/etc/group", [&](const std::vector<std::string>& entry) {
    if (entry.size() < 4) return;
    const auto members = fields(entry[3], ',');
    const auto gid = number(entry[2]);
    if (gid && std::find(members.begin(), members.end(), user.name) != members.end()) groups.push_back(*gid);
  });
  return groups;
}

}  // namespace sonde::kernel
