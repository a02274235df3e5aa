// SPDX-License-Identifier: GPL-2.0-or-later
//
// Processes that the load starts beside itself, and that take turns with it.
#pragma once

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

[[noreturn]] inline void fail(const char* what, const char* detail) {
  std::fprintf(stderr, "bench-load: %s: %s\n", what, detail);
  std::exit(1);
}

inline std::vector<pid_t> helpers;

// fork(), of which the child ends with its parent.
inline pid_t fork_helper() {
  const pid_t child = fork();
  if (child < 0) {
    fail("fork", std::strerror(errno));
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  } else {
    helpers.push_back(child);
  }
  return child;
}

inline void end_helpers() {
  for (const pid_t child : helpers) {
    kill(child, SIGKILL);
  }
  for (const pid_t child : helpers) {
    waitpid(child, nullptr, 0);
  }
}

// A batch of each process in turn. A process that waits sleeps on a word of its own, so that a turn wakes one.
struct Turns {
  struct Seat {
    std::atomic<std::uint32_t> go;
    double ns;
  };
  Seat* seats = nullptr;
  std::uint64_t count = 0;

  static void wait(Seat& seat) {
    while (seat.go.load() == 0) {
      syscall(SYS_futex, &seat.go, FUTEX_WAIT, 0, nullptr, nullptr, 0);
    }
    seat.go = 0;
  }
  static void wake(Seat& seat) {
    seat.go = 1;
    syscall(SYS_futex, &seat.go, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }

  // The last seat is the first process's own.
  // batch() is what each process does at its turn; it returns how long that took.
  template <typename Batch>
  void begin(std::uint64_t processes, Batch batch) {
    count = processes;
    void* const memory =
        mmap(nullptr, (count + 1) * sizeof(Seat), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      fail("mmap", std::strerror(errno));
    }
    seats = static_cast<Seat*>(memory);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (fork_helper() == 0) {
        while (true) {
          wait(seats[i]);
          seats[i].ns = batch();
          wake(seats[count]);
        }
      }
    }
  }

  double run(std::uint64_t turn) {
    Seat& seat = seats[turn % count];
    wake(seat);
    wait(seats[count]);
    return seat.ns;
  }
};
