// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace sonde::kernel {

/// The capabilities that tracing needs and this process does not have, by name ("CAP_BPF"). CAP_SYS_ADMIN stands in for
/// CAP_BPF and CAP_PERFMON, as in the kernel.
std::vector<std::string> missing_capabilities();

/// Throws Error(not_permitted) that names what is missing.
void require_capabilities();

/// Raises RLIMIT_MEMLOCK, which kernels before 5.11 charge maps to. A refusal is no error here: where memory is
/// accounted to the cgroup the limit means nothing, elsewhere creating the map will say so.
void raise_memory_limit();

/// Raises the number of files that may be open as far as that is allowed, and throws Error(run_time) if it is too small
/// for a tool: libbpf would blame the kernel for it.
void require_descriptors();

}  // namespace sonde::kernel
