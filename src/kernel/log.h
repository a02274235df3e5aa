// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace sonde::kernel {

/// Keeps what libbpf and the verifier say instead of printing it: it is only wanted as the detail of an Error, with -v.
/// Called once, before anything else of this layer.
void keep_log();

/// What was said since the last call, at most the last 64 KiB.
std::string take_log();

}  // namespace sonde::kernel
