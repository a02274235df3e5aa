// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "core/elf.h"

namespace sonde::kernel {

/// The path of a program or library: a path as it is, a name by PATH, by the linker's cache, by the usual directories.
/// Empty if there is none.
std::string find_binary(const std::string& name);

/// A regular file, read piece by piece: never mapped, since it may be cut meanwhile; never waited for. `trouble` says
/// why there is none.
std::optional<Elf> open_elf(const std::string& path, std::string& trouble);

}  // namespace sonde::kernel
