// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

struct bpf_link;
struct bpf_program;

namespace sonde::kernel {

struct PerfAttached {
  bpf_link* link = nullptr;  ///< null: refused; else the caller's to destroy
  int error = 0;
  bool reads_beyond = false;  ///< refused since the program reads more than this tracepoint's record has
};

/// Attaches a loaded program of the type "tracepoint" to tracepoint `id` (Tracefs::tracepoint_id()) by an event of
/// perf.
PerfAttached attach_by_perf(const bpf_program* program, std::uint64_t id);

}  // namespace sonde::kernel
