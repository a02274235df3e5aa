// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/capabilities.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>
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

}  // namespace

std::vector<std::string> missing_capabilities() {
  const auto held = effective();
  std::vector<std::string> missing;
  if (has(held, CAP_SYS_ADMIN)) return missing;
  if (!has(held, CAP_BPF)) missing.emplace_back("CAP_BPF");
  if (!has(held, CAP_PERFMON)) missing.emplace_back("CAP_PERFMON");
  return missing;
}

void require_capabilities() {
  const auto missing = missing_capabilities();
  if (missing.empty()) return;
  std::string names;
  for (const auto& name : missing) names += (names.empty() ? "" : " and ") + name;
  throw Error(Exit::not_permitted,
              "Loading BPF programs is not permitted: " + names + (missing.size() > 1 ? " are" : " is") + " missing.",
              "Run it as root: sudo sonde ...");
}

void raise_memory_limit() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

void require_descriptors() {
  constexpr int needed = 64;  // maps, programs, links and events of a tool, and then some
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const Fd last(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, needed));
  if (!last)
    throw Error(Exit::run_time,
                "No more than " + std::to_string(limit.rlim_max) + " files may be open, which is too few.",
                "Raise the limit (ulimit -n) to 64 or more.");
}

}  // namespace sonde::kernel
