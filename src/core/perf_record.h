// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/mappings.h"

namespace sonde {

/// What a perf event of PERF_COUNT_SW_DUMMY tells of processes, with PERF_SAMPLE_TIME behind each record.
struct PerfRecord {
  enum class Kind { other, map, exec, fork, exit, lost };
  Kind kind = Kind::other;
  std::uint64_t time = 0;  ///< of the event's clock
  std::uint32_t pid = 0;
  std::uint32_t parent = 0;  ///< fork
  std::uint64_t count = 0;   ///< lost
  Mapping mapping;           ///< map
};

/// The record that the bytes begin with, as long as its header says: `size`. Empty if they are too short for it.
std::optional<PerfRecord> read_perf_record(std::string_view bytes, std::size_t& size);

}  // namespace sonde
