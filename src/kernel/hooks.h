// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "kernel/finding.h"

namespace sonde::kernel {

/// Tries each kind of hook once, with a program of a few instructions that is loaded, attached, and must see an event
/// that this process makes itself: what is loaded may not attach, what is attached may not fire.
std::vector<Finding> try_hooks();

/// The name that the finding on tracepoints by perf has among these.
inline constexpr const char* tracepoint_hook = "tracepoint";

}  // namespace sonde::kernel
