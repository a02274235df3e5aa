// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "kernel/fd.h"

namespace sonde::kernel {

/// A small file of the kernel's, whole, relative to `directory` (AT_FDCWD by default). Empty if it cannot be read; at
/// most `limit` bytes.
std::optional<std::string> read_file(const std::string& path, int directory = -100, std::size_t limit = 1 << 20);

/// An instance of a kernel file system ("tracefs", "cgroup2") that is mounted nowhere and goes with the descriptor, so
/// that a tool works where nobody has mounted it and leaves nothing behind (fsopen(2), 5.2). Empty if refused.
Fd private_mount(const char* type);

}  // namespace sonde::kernel
