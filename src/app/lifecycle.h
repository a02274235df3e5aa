// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace sonde {

/// SIGINT, SIGTERM and SIGHUP end a run normally; a second one ends the process at once with exit code 1. SIGPIPE is
/// ignored: a closed output is noticed by the write.
void install_signal_handlers();

/// Whether the run was asked to end.
bool stop_requested();

/// True if `fd` is a pipe whose reader has gone.
bool hung_up(int fd);

/// Gives back the memory that only the start of a run needed: of the heap, and pages of the program itself, whose code
/// comes back as it runs.
void release_start_memory();

/// Waits for descriptors, a signal to end, or a time. No signal is lost between a look at stop_requested() and the
/// wait.
class Waiter {
 public:
  Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter();

  /// Once for each time that the kernel says it is ready, not for as long as it is.
  void watch_edges(int fd);
  void watch(int fd);
  /// Only for its end: the reader of a pipe that we write to has gone.
  void watch_hangup(int fd);
  /// `timeout_ns` negative: for ever.
  void wait(long long timeout_ns);

 private:
  int epoll_;
};

}  // namespace sonde
