// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/machine.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>

#include "core/units.h"
#include "kernel/capabilities.h"
#include "kernel/file.h"
#include "kernel/object.h"
#include "kernel/policy.h"
#include "kernel/processes.h"
#include "kernel/reason.h"
#include "kernel/tracefs.h"

namespace sonde::kernel {
namespace {

utsname names() {
  utsname names{};
  uname(&names);
  return names;
}

Finding kernel() {
  const auto n = names();
  return {"kernel", State::ok, std::string(n.sysname) + " " + n.release + "."};
}

Finding architecture() {
  const std::string machine = names().machine;
  const auto cpus = sysconf(_SC_NPROCESSORS_ONLN);
  const std::string fact = machine + ", " + std::to_string(cpus) + (cpus == 1 ? " CPU." : " CPUs.");
  if (machine == "x86_64") return {"architecture", State::ok, fact};
  return {"architecture", State::limited, fact, "Check results twice: so far sonde has been run on x86-64 only."};
}

Finding types() {
  struct stat status {};
  if (access("/sys/kernel/btf/vmlinux", R_OK) == 0 && stat("/sys/kernel/btf/vmlinux", &status) == 0)
    return {"BTF", State::ok,
            "The kernel describes its types (" + format_bytes(static_cast<std::uint64_t>(status.st_size)) + ")."};
  return {"BTF", State::missing, "The kernel does not describe its types.",
          "Give tools a BTF file of exactly this kernel with --btf, or boot one built with CONFIG_DEBUG_INFO_BTF."};
}

Finding lockdown(const Policies& policies) {
  if (policies.lockdown == "none") return {"lockdown", State::ok, "None."};
  if (policies.lockdown == "integrity") return {"lockdown", State::ok, "Integrity: reading the kernel is allowed."};
  if (!policies.lockdown.empty())
    return {"lockdown", State::refused, "Confidentiality: the kernel's memory is not to be read.",
            "Boot without lockdown=confidentiality; only a reboot lifts it."};
  if (policies.visible) return {"lockdown", State::ok, "This kernel knows none."};
  return {"lockdown", State::unknown, "securityfs is not mounted.",
          "Mount it on /sys/kernel/security, or run as root."};
}

Finding policy(const Policies& policies) {
  const std::string modules = policies.modules.empty() ? "modules not visible." : "modules " + policies.modules + ".";
  if (!policies.seccomp) return {"policy", State::ok, "No seccomp filter; " + modules};
  return {"policy", State::limited, "A seccomp filter; " + modules,
          "Run it outside the container or service that set the filter, if bpf(2) or perf_event_open(2) is refused."};
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Finding capabilities() {
  const auto missing = missing_capabilities(), held = held_capabilities();
  const std::string has = held.empty() ? "Held: none that helps" : "Held: " + listed(held);
  if (missing.empty()) return {"capabilities", State::ok, has + "."};
  const std::string scope = in_user_namespace() && !held.empty() ? ", but over a user namespace only" : "";
  return {"capabilities", State::refused, lack_of(missing) + ". " + has + scope + ".", capability_remedy()};
}

Finding tracefs() {
  const Tracefs found;
  if (!found.trouble().empty()) return {"tracefs", State::refused, sentence(found.trouble()), found.remedy()};
  if (found.place().empty()) return {"tracefs", State::ok, "Mounted nowhere; tools mount an instance of their own."};
  return {"tracefs", State::ok, "At " + found.place() + "."};
}

Finding locked_memory() {
  if (!missing_capabilities().empty())
    return {"locked memory", State::unknown, "Needs BPF to be allowed.", capability_remedy()};
  if (!locked_memory_counts()) return {"locked memory", State::ok, "Maps are charged to the cgroup: no such limit."};
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0) {
    setrlimit(RLIMIT_MEMLOCK, &limit);
    return {"locked memory", State::ok, "Maps count as such; tools raise the limit."};
  }
  if (limit.rlim_max == RLIM_INFINITY) return {"locked memory", State::ok, "Maps count as such; there is no limit."};
  return {"locked memory", State::limited, "Maps count as such; at most " + format_bytes(limit.rlim_max) + ".",
          memory_remedy()};
}

// The least of the limits from this process' cgroup upwards; 0: none that can be seen.
std::uint64_t cgroup_limit(const std::string& own, const std::string& hierarchy, const std::string& mount,
                           const std::string& file) {
  const auto at = own.find(hierarchy + "/");
  if (at == own.npos) return 0;
  std::string path = own.substr(at + hierarchy.size(), own.find('\n', at) - at - hierarchy.size());
  std::uint64_t least = 0;
  for (;; path.erase(path.rfind('/'))) {
    const auto text = read_file(mount + path + file).value_or("");
    std::uint64_t limit = 0;  // "max" is none
    if (std::from_chars(text.data(), text.data() + text.size(), limit).ec == std::errc{} && limit)
      least = least ? std::min(least, limit) : limit;
    if (path.empty()) return least;
  }
}

std::uint64_t cgroup_limit() {
  const std::string own = read_file("/proc/self/cgroup").value_or("");
  if (const auto limit = cgroup_limit(own, "0::", "/sys/fs/cgroup", "/memory.max")) return limit;
  return cgroup_limit(own, ":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes");
}

Finding memory() {
  struct sysinfo info {};
  sysinfo(&info);
  const std::uint64_t total = std::uint64_t{info.totalram} * info.mem_unit;
  const std::uint64_t limit = cgroup_limit();
  // Version 1 says "none" by a number that no machine has.
  if (!limit || limit >= total) return {"memory", State::ok, format_bytes(total) + "; the cgroup sets no limit."};
  constexpr std::uint64_t enough = 64 << 20;  // rings of several tools and their peak at the start
  const std::string fact = format_bytes(total) + "; the cgroup may use " + format_bytes(limit) + ".";
  if (limit >= enough) return {"memory", State::ok, fact};
  return {"memory", State::limited, fact, "Give the cgroup 64 MiB (memory.max), or tools a smaller --buffer-size."};
}

Finding descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const std::string fact = "Up to " + std::to_string(limit.rlim_max) + ".";
  if (enough_descriptors()) return {"open files", State::ok, fact};
  return {"open files", State::limited, fact, "Raise the limit (ulimit -n) above 64."};
}

Finding namespace_of_pids() {
  const auto inode = pid_namespace();
  if (!inode) return {"PID namespace", State::ok, "The initial one: every task has its number here."};
  return {"PID namespace", State::limited, "Number " + std::to_string(inode) + ": tasks outside it show as -.",
          "Run it on the host, in the initial PID namespace."};
}

}  // namespace

std::vector<Finding> examine_machine() {
  raise_descriptor_limit();
  const Policies policies;
  return {kernel(),  architecture(), types(),         lockdown(policies), policy(policies),   capabilities(),
          tracefs(), memory(),       locked_memory(), descriptors(),      namespace_of_pids()};
}

}  // namespace sonde::kernel
