// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace sonde::kernel {

/// The capabilities that tracing needs and this process does not have, by name ("CAP_BPF"). CAP_SYS_ADMIN stands in for
/// CAP_BPF and CAP_PERFMON, as in the kernel. In a user namespace both are missing, whatever is held there.
std::vector<std::string> missing_capabilities();

/// Of those capabilities that tools use: what this process holds.
std::vector<std::string> held_capabilities();

/// Whether CAP_SYS_ADMIN is held.
bool has_administration();

/// True where capabilities hold only over a user namespace, and not over the kernel.
bool in_user_namespace();

/// "CAP_BPF and CAP_PERFMON are missing"
std::string lack_of(const std::vector<std::string>& capabilities);
/// What to do about it: a sentence.
std::string capability_remedy();

/// Throws Error(not_permitted) that names what is missing.
void require_capabilities();

/// Raises RLIMIT_MEMLOCK, which kernels before 5.11 charge maps to. A refusal is no error here: where memory is
/// accounted to the cgroup the limit means nothing, elsewhere creating the map will say so.
void raise_memory_limit();

/// Whether this kernel charges maps and programs to that limit. Found out by a map made while nothing may be locked,
/// for a moment.
bool locked_memory_counts();
/// What to do where the limit is too low: a sentence.
std::string memory_remedy();

/// Raises the number of files that may be open as far as that is allowed.
void raise_descriptor_limit();

/// Whether that is enough for a tool.
bool enough_descriptors();

/// Raises it, and throws Error(run_time) if it is too small for a tool: libbpf would blame the kernel for it.
void require_descriptors();

}  // namespace sonde::kernel
