// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/fd.h"
#include "kernel/processes.h"

namespace sonde {

/// A program that sonde starts, traces and ends with. It is forked at once, so that its PID is known, and runs only
/// when the probes are there.
class Command {
 public:
  /// Throws Error when the user is not known or the process cannot be made.
  Command(std::vector<std::string> words, const std::string& as_user, const kernel::Users& users);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  /// A command that was not released yet never runs.
  ~Command();

  [[nodiscard]] int pid() const { return pid_; }
  /// Readable when it has ended.
  [[nodiscard]] int fd() const { return pidfd_.get(); }

  /// Lets it run. Throws Error when it cannot be started (not found, not executable).
  void release();
  [[nodiscard]] bool ended();
  /// "exit 0", "killed by SIGTERM", "still running as PID 12"
  [[nodiscard]] std::string status();

 private:
  [[noreturn]] void child(const Account* user);

  std::vector<std::string> words_;
  std::vector<std::uint32_t> groups_;  // of the user to become
  int pid_ = -1;
  kernel::Fd pidfd_;
  kernel::Fd go_;      // written to release it
  kernel::Fd failed_;  // an errno comes through if exec fails, nothing if it works
  bool reaped_ = false;
  int wait_status_ = 0;
};

}  // namespace sonde
