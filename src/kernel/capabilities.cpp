// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/capabilities.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "core/error.h"
#include "kernel/fd.h"

namespace sonde::kernel {
namespace {

// 64 capabilities in two words
std::array<__user_cap_data_struct, 2> effective() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  syscall(SYS_capget, &header, data.data());
  return data;
}

bool has(const std::array<__user_cap_data_struct, 2>& held, unsigned capability) {
  return held.at(capability / 32).effective >> (capability % 32) & 1;
}

// Not by libbpf, which would raise the limit itself.
bool can_make_map() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1;
  return static_cast<bool>(Fd(static_cast<int>(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)))));
}

}  // namespace

std::vector<std::string> missing_capabilities() {
  const auto held = effective();
  std::vector<std::string> missing;
  if (in_user_namespace()) return {"CAP_BPF", "CAP_PERFMON"};
  if (has(held, CAP_SYS_ADMIN)) return missing;
  if (!has(held, CAP_BPF)) missing.emplace_back("CAP_BPF");
  if (!has(held, CAP_PERFMON)) missing.emplace_back("CAP_PERFMON");
  return missing;
}

std::vector<std::string> held_capabilities() {
  const auto held = effective();
  std::vector<std::string> names;
  if (has(held, CAP_SYS_ADMIN)) names.emplace_back("CAP_SYS_ADMIN");
  if (has(held, CAP_BPF)) names.emplace_back("CAP_BPF");
  if (has(held, CAP_PERFMON)) names.emplace_back("CAP_PERFMON");
  if (has(held, CAP_SYS_RESOURCE)) names.emplace_back("CAP_SYS_RESOURCE");
  return names;
}

bool has_administration() { return has(effective(), CAP_SYS_ADMIN); }

bool in_user_namespace() {
  constexpr ino_t initial = 0xEFFFFFFD;  // PROC_USER_INIT_INO
  struct stat status {};
  return stat("/proc/self/ns/user", &status) == 0 && status.st_ino != initial;
}

std::string lack_of(const std::vector<std::string>& capabilities) {
  std::string names;
  for (const auto& name : capabilities) names += (names.empty() ? "" : " and ") + name;
  return names + (capabilities.size() > 1 ? " are" : " is") + " missing";
}

std::string capability_remedy() {
  return in_user_namespace() ? "Run it as root outside this user namespace." : "Run it as root: sudo sonde ...";
}

void require_capabilities() {
  const auto missing = missing_capabilities();
  if (missing.empty()) return;
  throw Error(Exit::not_permitted, "Loading BPF programs is not permitted: " + lack_of(missing) + ".",
              capability_remedy());
}

void raise_memory_limit() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

bool locked_memory_counts() {
  rlimit before{};
  if (getrlimit(RLIMIT_MEMLOCK, &before) != 0) return false;
  const rlimit none{0, before.rlim_max};
  if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) return false;
  const bool refused = !can_make_map();
  setrlimit(RLIMIT_MEMLOCK, &before);
  return refused && can_make_map();
}

std::string memory_remedy() { return "Raise it: ulimit -l unlimited; or run with CAP_SYS_RESOURCE."; }

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

bool enough_descriptors() {
  constexpr int needed = 64;  // maps, programs, links and events of a tool, and then some
  return static_cast<bool>(Fd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, needed)));
}

void require_descriptors() {
  raise_descriptor_limit();
  if (enough_descriptors()) return;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  throw Error(Exit::run_time,
              "No more than " + std::to_string(limit.rlim_max) + " files may be open, which is too few.",
              "Raise the limit (ulimit -n) to 64 or more.");
}

}  // namespace sonde::kernel
