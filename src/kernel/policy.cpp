// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/policy.h"

#include <fcntl.h>

#include "kernel/file.h"

namespace sonde::kernel {
namespace {

Fd open_securityfs() {
  Fd mounted(open("/sys/kernel/security", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // The folder is there without the file system, too.
  if (mounted && faccessat(mounted.get(), "lsm", F_OK, 0) == 0) return mounted;
  return private_mount("securityfs");
}

std::string without_newline(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// "none [integrity] confidentiality"
std::string chosen(const std::string& text) {
  const auto from = text.find('['), to = text.find(']');
  return from < to && to != text.npos ? text.substr(from + 1, to - from - 1) : std::string();
}

}  // namespace

Policies::Policies() {
  const Fd directory = open_securityfs();
  visible = static_cast<bool>(directory);
  if (visible) {
    modules = without_newline(read_file("lsm", directory.get()).value_or(""));
    lockdown = chosen(read_file("lockdown", directory.get()).value_or(""));
  }
  const std::string status = read_file("/proc/self/status").value_or("");
  seccomp = status.find("\nSeccomp:\t2") != status.npos;
}

}  // namespace sonde::kernel
