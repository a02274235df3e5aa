// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "naptime.h"

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "app/tracing.h"
#include "core/clock.h"
#include "core/units.h"
#include "kernel/object.h"

namespace sonde::naptime {

/// The names that perf has for them.
inline std::string_view clock_name(std::int32_t clock) {
  if (clock < 0) return "cpu";
  switch (clock) {
    case SLEEP_REALTIME:
      return "real";
    case SLEEP_MONOTONIC:
      return "mono";
    case SLEEP_PROCESS_CPU:
    case SLEEP_THREAD_CPU:
      return "cpu";
    case SLEEP_BOOTTIME:
      return "boot";
    case SLEEP_REALTIME_ALARM:
    case SLEEP_BOOTTIME_ALARM:
      return "alarm";
    case SLEEP_TAI:
      return "tai";
    default:
      return {};
  }
}

inline ToolInfo about() {
  return {"naptime",
          "Time",
          "who sleeps, how long, and how late they wake",
          "Shows each nanosleep and clock_nanosleep as it ends, each exactly once, by the clock it was for; or with "
          "--summary how long the sleeps of each process were to be and how late it woke.",
          {{"sonde naptime --late 1ms", "sleeps from which a thread woke more than 1 ms late"},
           {"sonde naptime -x -p 1234", "those of one process that signals interrupted"},
           {"sonde naptime --summary -d 10s", "how punctual everybody was for ten seconds, as histograms"}}};
}

/// What both faces are asked for and do alike.
struct Sleeps {
  bool failed = false;
  std::uint64_t slower = 0, late = 0;  // ns

  void fill(naptime_conf& conf) const {
    constexpr std::int64_t second = 1'000'000'000;
    conf.result.failed = failed;
    conf.slower = slower;
    conf.late = late;
    conf.tai_offset = (clock_ahead(CLOCK_TAI, CLOCK_REALTIME) + second / 2) / second * second;
    conf.real_offset = clock_ahead(CLOCK_REALTIME, CLOCK_MONOTONIC);
  }

  template <class S>
  static kernel::Ladder probes(S& s, bool compat) {
    kernel::Rung fexit{"fexit", {s.progs.sleep_fentry, s.progs.sleep_fexit}};
    kernel::Rung kprobe{"kprobe",
                        {kernel::kretprobe(s.progs.sleep_kretprobe, "do_nanosleep"),
                         kernel::kprobe(s.progs.sleep_kprobe, "do_nanosleep")}};
    kernel::Rung tracepoint{"tracepoint", {}};
    tracepoint.attach_calls(s.progs.nanosleep_enter, "enter", {"nanosleep"});
    tracepoint.attach_calls(s.progs.clock_nanosleep_enter, "enter", {"clock_nanosleep"});
    tracepoint.attach_calls(s.progs.sleep_exit, "exit", {"clock_nanosleep", "nanosleep", "restart_syscall"});
    if (compat) tracepoint.attach({s.progs.sleep_compat_enter, s.progs.sleep_compat_exit});
    for (auto* rung : {&fexit, &kprobe}) {
      rung->waits_inside = true;
      rung->sees_only("not by clocks of CPU time or alarm clocks",
                      "Sleeps by clocks of CPU time and alarm clocks, and calls that are refused at once, do not come "
                      "to do_nanosleep, where this backend looks.");
    }
    for (auto* rung : {&fexit, &kprobe, &tracepoint}) {
      rung->attach(s.progs.sleep_interrupted);
      rung->remembers_calls = true;
    }
    kprobe.may_miss_returns = true;
    tracepoint.blind_to_compat = !compat;
    return {"sleeps", {fexit, kprobe, tracepoint}};
  }

  // Behind a kretprobe it is not known of a sleep whether it goes on or its end was missed: the losses have both.
  template <class S>
  static Remarks remarks(const S& s, const kernel::Rung& rung) {
    const auto n = s.bss->sleeping;
    if (n <= 0 || rung.may_miss_returns) return {};
    return {{format_count(static_cast<std::uint64_t>(n)) + (n == 1 ? " sleep was" : " sleeps were") +
             " still going on at the end."}};
  }
};

}  // namespace sonde::naptime
