// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "kernel/finding.h"

namespace sonde::kernel {

/// What tracing needs of the machine and of this process, hooks apart: the kernel and its types, what is locked, held
/// and limited.
std::vector<Finding> examine_machine();

}  // namespace sonde::kernel
