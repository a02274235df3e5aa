// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/file.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>

namespace sonde::kernel {

std::optional<std::string> read_file(const std::string& path, int directory, std::size_t limit) {
  const Fd file(openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 4096> part{};
  while (text.size() < limit) {
    const ssize_t n = read(file.get(), part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    text.append(part.data(), static_cast<std::size_t>(n));
  }
  return text;
}

Fd private_mount(const char* type) {
  const Fd context(static_cast<int>(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)));
  if (!context || syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) return {};
  return Fd(static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
}

}  // namespace sonde::kernel
