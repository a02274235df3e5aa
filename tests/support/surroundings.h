// SPDX-License-Identifier: GPL-2.0-or-later
// Surroundings that a process gives itself before it becomes sonde: all of them private to it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sonde::test {

/// These want a mount namespace of one's own (CLONE_NEWNS).
void hide_tracefs();
void hide_types();
void mount_own_proc();

/// bpf(2) fails with this error, as in a container.
void forbid_bpf(int error);

/// Becomes that user, who keeps these capabilities alone (numbers of linux/capability.h), also across an exec.
void become_with_capabilities(uid_t uid, const std::vector<int>& capabilities);

}  // namespace sonde::test
