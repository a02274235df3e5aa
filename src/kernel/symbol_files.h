// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/mappings.h"
#include "core/perf_map.h"
#include "kernel/elf_symbols.h"

namespace sonde::kernel {

/// The files that hold names, found and opened with care: only regular ones, and only those that are what was mapped.
/// Opening may still wait for ever, as on a mount that hangs: for a process that can be ended.

/// A mapped file with its functions, those from a separate debug file included. Null if the file is gone, is another
/// one by now, or no ELF file. `mapping.since` is a time of CLOCK_MONOTONIC.
std::unique_ptr<ElfSymbols> read_mapped_file(std::uint32_t pid, const Mapping& mapping);

/// The map of a process that compiles at run time; null if it has none that is a file of its own user or root.
std::unique_ptr<PerfMap> read_perf_map(std::uint32_t pid);

}  // namespace sonde::kernel
