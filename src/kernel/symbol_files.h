// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/mappings.h"
#include "core/perf_map.h"
#include "kernel/elf_symbols.h"
#include "kernel/fd.h"

namespace sonde::kernel {

/// The files that hold names, found and opened with care: only regular ones, and only those that are what was mapped.
/// Opening may still wait for ever, as on a mount that hangs: for a process that can be ended.

struct MappedFile {
  Fd file;
  std::int64_t changed = 0;  ///< when last, ns of CLOCK_MONOTONIC; before the start of the machine it is negative
  std::uint64_t size = 0;
};
/// The file that is mapped there; none if it is gone, or is another one by now. `mapping.since` is a time of
/// CLOCK_MONOTONIC.
std::optional<MappedFile> open_mapped_file(std::uint32_t pid, const Mapping& mapping);
/// Its functions, those from a separate debug file included. Null if it is no ELF file.
std::unique_ptr<ElfSymbols> read_mapped_file(std::uint32_t pid, const Mapping& mapping, Fd file);

/// The map of a process that compiles at run time; null if it has none that is a file of its own user or root.
std::unique_ptr<PerfMap> read_perf_map(std::uint32_t pid);

}  // namespace sonde::kernel
