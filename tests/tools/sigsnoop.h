// SPDX-License-Identifier: GPL-2.0-or-later
// Those who send signals and those who get them.
#pragma once

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>

#include "support/process.h"
#include "traced.h"

namespace sonde::test {

inline constexpr const char* signal_columns =
    "time,pid,tid,uid,user,comm,cgroup,signal,target,target_tid,target_comm,to,from,code,value,pointer,address,status,"
    "result,errno";

/// A process that takes no signal but SIGKILL, until its end.
class Deaf {
 public:
  explicit Deaf(const char* name = "deaf")
      : child_([&] {
          set_comm(name);
          const std::uint64_t all = ~std::uint64_t{};  // also those that the C library keeps for itself
          syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, nullptr, sizeof(all));
          ready_.open();
          for (;;) pause();
          return 0;
        }) {
    ready_.pass();
  }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }

 private:
  Gate ready_;
  Child child_;
};

inline siginfo_t queued(int signal, std::uint64_t pointer) {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = reinterpret_cast<void*>(pointer);
  return info;
}

/// One of the six calls that send.
struct Send {
  const char* call;
  const char* code;
  bool to_thread, gives_value;
};
inline constexpr Send sends[] = {{"kill", "SI_USER", false, false},
                                 {"tkill", "SI_TKILL", true, false},
                                 {"tgkill", "SI_TKILL", true, false},
                                 {"rt_sigqueueinfo", "SI_QUEUE", false, true},
                                 {"rt_tgsigqueueinfo", "SI_QUEUE", true, true},
                                 {"pidfd_send_signal", "SI_USER", false, false}};

/// The value that goes with those that have one.
inline constexpr std::uint64_t pointer = 0x7f12'8765'4321;

/// Sends it by the call of this name: 0, or -1 and errno.
inline long make(std::string_view call, pid_t pid, int signal) {
  siginfo_t info = queued(signal, pointer);
  if (call == "kill") return syscall(SYS_kill, pid, signal);
  if (call == "tkill") return syscall(SYS_tkill, pid, signal);
  if (call == "tgkill") return syscall(SYS_tgkill, pid, pid, signal);
  if (call == "rt_sigqueueinfo") return syscall(SYS_rt_sigqueueinfo, pid, signal, &info);
  if (call == "rt_tgsigqueueinfo") return syscall(SYS_rt_tgsigqueueinfo, pid, pid, signal, &info);
  const Fd file(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return syscall(SYS_pidfd_send_signal, file.get(), signal, nullptr, 0);
}

}  // namespace sonde::test
