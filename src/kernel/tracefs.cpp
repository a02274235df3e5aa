// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/tracefs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "kernel/file.h"

namespace sonde::kernel {
namespace {

// Also where the folder itself may not be read.
bool is_mounted(const char* place) {
  struct statfs status {};
  return statfs(place, &status) == 0 && static_cast<unsigned long>(status.f_type) == TRACEFS_MAGIC;
}

bool can_read(const Fd& directory) { return directory && faccessat(directory.get(), "events", R_OK | X_OK, 0) == 0; }

}  // namespace

Tracefs::Tracefs() {
  for (const char* place : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    directory_ = Fd(open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!can_read(directory_)) continue;
    place_ = place;
    return;
  }
  directory_ = private_mount("tracefs");
  if (can_read(directory_)) return;
  // CAP_SYS_ADMIN alone may mount it, and then not look into it.
  const bool mounted = directory_ || is_mounted("/sys/kernel/tracing") || is_mounted("/sys/kernel/debug/tracing");
  directory_ = Fd();
  trouble_ = mounted ? "tracefs may not be read by this user" : "tracefs is not mounted";
  remedy_ = mounted ? "Run it as root, or with CAP_DAC_READ_SEARCH."
                    : "Run it as root, or mount it: mount -t tracefs tracefs /sys/kernel/tracing.";
}

std::optional<std::uint64_t> Tracefs::tracepoint_id(const std::string& category, const std::string& name) const {
  const auto text = read("events/" + category + "/" + name + "/id");
  std::uint64_t id = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), id).ec != std::errc{}) return std::nullopt;
  return id;
}

std::optional<std::string> Tracefs::read(const std::string& path) const {
  constexpr std::size_t most = 64 << 20;  // the functions of a kernel are some 3 MB
  errno = ENOENT;
  if (!directory_) return std::nullopt;
  return read_file(path, directory_.get(), most);
}

}  // namespace sonde::kernel
