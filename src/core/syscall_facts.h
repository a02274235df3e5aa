// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace sonde {

/// What is known of system calls by their names, of whichever table.

/// True if the call's first argument is a descriptor of an open file. Those of directories to begin a path at are none.
bool takes_descriptor(std::string_view name);

/// True if what the call returns is a number of bytes.
bool returns_size(std::string_view name);

/// True if it may go on as restart_syscall(2) when a signal has interrupted it.
bool goes_on_as_restart(std::string_view name);

/// What the tracepoints syscalls/sys_enter_... and sys_exit_... of a native call are named by: its function in the
/// kernel.
std::string_view tracepoint_of_syscall(std::string_view name);

}  // namespace sonde
