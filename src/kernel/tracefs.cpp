// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/tracefs.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>

#include "kernel/file.h"

namespace sonde::kernel {

Tracefs::Tracefs() {
  for (const char* place : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}) {
    directory_ = Fd(open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory_ && faccessat(directory_.get(), "events", R_OK, 0) == 0) return;
  }
  directory_ = private_mount("tracefs");
  if (!directory_) trouble_ = "tracefs is not mounted, or may not be read";
}

std::optional<std::uint64_t> Tracefs::tracepoint_id(const std::string& category, const std::string& name) const {
  if (!directory_) return std::nullopt;
  const auto text = read_file("events/" + category + "/" + name + "/id", directory_.get());
  std::uint64_t id = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), id).ec != std::errc{}) return std::nullopt;
  return id;
}

}  // namespace sonde::kernel
