// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace sonde::kernel {

/// What may say no to a process that holds every capability.
struct Policies {
  std::string lockdown;  ///< "none", "integrity", "confidentiality"; empty: cannot be seen, or there is none
  std::string modules;   ///< security modules, as the kernel lists them; empty: cannot be seen
  bool visible = false;  ///< whether securityfs could be looked at, mounted or not
  bool seccomp = false;  ///< a filter of system calls is in force for this process

  Policies();
};

}  // namespace sonde::kernel
