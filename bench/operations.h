// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the load does: each operation is an event to some tracer. A new one is a function and a line of the table.
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string_view>

#include "helpers.h"

// By this name its rows are found in what tracers show.
inline char own_name[] = "bench-load";
inline char end_at_once[] = "--end-at-once";
inline char own_path[4096];

// ---- The operations. Each is called through a pointer, which costs nothing beside a system call. ----

inline const char* traced_path = nullptr;

inline void openat_existing() {
  const long fd = syscall(SYS_openat, AT_FDCWD, traced_path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fail(traced_path, std::strerror(errno));
  }
  syscall(SYS_close, fd);
}

// O_TMPFILE without write access is refused before the path is looked at. It is an open like any other to a tracer and
// a tenth of the work to the kernel: only so can one CPU make 500,000 a second under a slow tracer.
inline void openat_refused() {
  if (syscall(SYS_openat, AT_FDCWD, traced_path, O_TMPFILE | O_RDONLY) >= 0 || errno != EINVAL) {
    fail(traced_path, "this kernel did not refuse O_TMPFILE | O_RDONLY with EINVAL");
  }
}

inline void getppid_raw() { syscall(SYS_getppid); }

// A byte to another process on the same CPU and back: two switches.
inline int there[2], back[2];

[[noreturn]] inline void play_back() {
  char ball = 0;
  while (read(there[0], &ball, 1) == 1 && write(back[1], &ball, 1) == 1) {
  }
  _exit(0);
}

inline void switch_to_and_fro() {
  char ball = 0;
  if (write(there[1], &ball, 1) != 1 || read(back[0], &ball, 1) != 1) {
    fail("pipe", std::strerror(errno));
  }
}

inline void begin_to_and_fro() {
  if (pipe(there) != 0 || pipe(back) != 0) {
    fail("pipe", std::strerror(errno));
  }
  if (fork_helper() == 0) {
    play_back();
  }
}

// The shortest sleep there is: without slack the timer is due as soon as it is set.
inline void nanosleep_shortest() {
  static const int unslack = prctl(PR_SET_TIMERSLACK, 1);
  const timespec time{0, 1};
  if (unslack != 0 || syscall(SYS_nanosleep, &time, nullptr) != 0) {
    fail("nanosleep", std::strerror(errno));
  }
}

inline void read_zero() {
  static const int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  char byte = 0;
  if (syscall(SYS_read, fd, &byte, 1) != 1) {
    fail("/dev/zero", std::strerror(errno));
  }
}

[[noreturn]] inline void exec_itself() {
  char* const arguments[] = {own_path, end_at_once, nullptr};
  char* const environment[] = {nullptr};
  execve(own_path, arguments, environment);
  _exit(127);
}

inline void await(pid_t child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    fail("a child", "could not be started, or failed");
  }
}

inline void fork_and_exec() {
  const pid_t child = vfork();
  if (child == 0) {
    exec_itself();
  }
  await(child);
}

inline void fork_and_exit() {
  const pid_t child = vfork();
  if (child == 0) {
    _exit(0);
  }
  await(child);
}

// A signal that is sent and does nothing.
inline void signal_itself() {
  static const pid_t self = getpid();
  if (kill(self, SIGWINCH) != 0) {
    fail("kill", std::strerror(errno));
  }
}

inline std::uint64_t names = 1;

inline void getppid_by_name() {
  static std::uint64_t next = 0;
  char name[] = "k0000000";
  std::uint64_t left = next;
  next = next + 1 == names ? 0 : next + 1;
  for (char* digit = name + 7; left > 0; left /= 10) {
    *digit-- = static_cast<char>('0' + left % 10);
  }
  prctl(PR_SET_NAME, name);
  syscall(SYS_getppid);
}

// Each name once, so that what is measured finds the rows that it needs.
inline void name_all() {
  for (std::uint64_t i = 0; i < names; ++i) {
    getppid_by_name();
  }
}

struct Operation {
  std::string_view name;
  void (*run)();
  bool needs_path;
  void (*begin)() = nullptr;
};

inline constexpr Operation operations[] = {
    {"openat", openat_existing, true},        {"openat-refused", openat_refused, true},
    {"getppid", getppid_raw, false},          {"switch", switch_to_and_fro, false, begin_to_and_fro},
    {"nanosleep", nanosleep_shortest, false}, {"read", read_zero, false},
    {"fork-exec", fork_and_exec, false},      {"fork", fork_and_exit, false},
    {"kill", signal_itself, false},           {"name", getppid_by_name, false, name_all},
};

inline const Operation& find_operation(std::string_view name) {
  for (const Operation& op : operations) {
    if (op.name == name) {
      return op;
    }
  }
  fail("unknown operation", name.data());
}
