// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/filter.h"
#include "app/syscalls.h"
#include "app/tool.h"
#include "core/syscall_facts.h"
#include "kernel/ladder.h"
#include "syslat.h"

namespace sonde::syslat {

// Detaching a tracepoint takes the kernel some 50 ms: of many calls the exits of all are watched.
inline constexpr std::size_t most_tracepoints = 8;

/// What both forms are asked for.
struct Choice {
  SyscallChoice calls;
  bool all = false;
  std::uint64_t slower = 0;  // ns
  ResultFilter result;

  void check(const CommonOptions& options) const {
    if (options.help || options.version || options.schema) return;
    if (!all && !calls.used())
      throw Error(Exit::usage, "Which system calls are meant is not said.",
                  "Name them, as in read,write, or add --all.");
    if (all && calls.used())
      throw Error(Exit::usage, "Some calls are named, and --all means every one.", "Leave out one of the two.");
  }

  [[nodiscard]] bool any(bool (*condition)(std::string_view)) const {
    const auto names = calls.native_names();
    return std::any_of(names.begin(), names.end(), condition);
  }

  void fill(syslat_conf& conf) const {
    calls.fill(conf.calls);
    result.fill(conf.result);
    fill_syscalls(conf.with_fd, takes_descriptor);
    fill_syscalls(conf.with_size, returns_size);
    for (std::size_t i = 0; i < std::size(conf.ends); ++i) conf.ends[i] = conf.calls.native[i] | conf.calls.compat[i];
    syscalls_conf restarts{};
    fill_syscalls(restarts, [](std::string_view name) { return name == "restart_syscall"; });
    for (std::size_t i = 0; i < std::size(conf.ends); ++i) conf.ends[i] |= restarts.native[i] | restarts.compat[i];
  }

  template <class S>
  kernel::Ladder ladder(S& s, bool compat) const {
    kernel::Rung tracepoint{"tracepoint", {}};
    const auto names = s.obj ? calls.native_names() : std::vector<std::string>();
    const auto attach = [&](const std::string& name) {
      tracepoint.attach(kernel::tracepoint(s.progs.call_exit, "syscalls/sys_exit_" + name));
      tracepoint.attach(kernel::tracepoint(s.progs.call_enter, "syscalls/sys_enter_" + name));
    };
    for (const auto& name : names) attach(std::string(tracepoint_of_syscall(name)));
    if (any(goes_on_as_restart) && s.obj) attach("restart_syscall");
    if (compat) tracepoint.attach({s.progs.compat_exit, s.progs.compat_enter});
    tracepoint.blind_to_compat = !compat;
    kernel::Rung tp_btf{"tp_btf", {s.progs.exit_btf, s.progs.enter_btf}};
    kernel::Rung raw_tp{"raw_tp", {s.progs.exit_raw, s.progs.enter_raw}};
    for (auto* rung : {&tracepoint, &tp_btf, &raw_tp}) {
      rung->attach({s.progs.call_meets_signal, s.progs.thread_ends});
      rung->remembers_calls = true;
    }
    if (names.size() > most_tracepoints || (s.obj && names.empty())) {
      tracepoint.on_request = true;
      return {"system calls", {tp_btf, raw_tp, tracepoint}};
    }
    return {"system calls", {tracepoint, tp_btf, raw_tp}};
  }
};

inline ToolInfo about() {
  return {"syslat",
          "System calls",
          "latency, size and result of chosen system calls",
          "Measures how long chosen system calls take and how many bytes they move, as histograms or, with --slower, "
          "call by call.",
          {{"sonde syslat read -p 1234", "how long the reads of a process take, and how much they read"},
           {"sonde syslat --by file 'f*sync'", "which files are slow to be synced"},
           {"sonde syslat read,write --by fd-kind --size", "what is read and written: files, pipes, sockets"},
           {"sonde syslat --all --slower 100ms", "every call that takes longer, as it ends"}}};
}

}  // namespace sonde::syslat
