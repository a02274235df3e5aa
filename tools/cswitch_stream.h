// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "app/stream.h"
#include "cswitch_events.h"
#include "cswitch_events.skel.h"
#include "cswitch_info.h"

namespace sonde {

/// "S", "D", "R+", as ps and perf have them.
inline std::string_view switch_state_name(std::uint32_t state) {
  if (state & CSWITCH_PREEMPTED) return "R+";
  if ((state & 0x402) == 0x402) return "I";
  static const std::pair<std::uint32_t, std::string_view> names[] = {
      {0x80, "X"}, {0x8000, "F"}, {0x4, "T"}, {0x8, "t"}, {0x1002, "D"}, {0x40, "P"}, {0x1, "S"}, {0x200, "W"}};
  for (const auto& [bits, name] : names)
    if (state & bits) return name;
  return "?";
}

/// Each switch.
class CswitchEvents final : public Stream<cswitch_events_event, cswitch_events_bpf> {
 public:
  CswitchEvents() : Stream(cswitch_info()) {
    using E = cswitch_events_event;
    const auto known = [](std::uint64_t ns) { return ns == CSWITCH_UNKNOWN ? Value() : Value::duration(ns); };
    add_time(&E::time, "when the CPU switched");
    add({"cpu", Value::Kind::natural, 3, "the CPU"}, [](const E& e) { return Value::natural(e.cpu); });
    add_name("prev_comm", &E::prev_comm, "who left the CPU; idle: swapper");
    add_number("prev_tid", &E::prev_tid, "its thread, 0: idle", true, true);
    add_number("prev_pid", &E::prev_pid, "its process", false);
    add({"state", Value::Kind::symbol, 5, "what it does now: R+ could go on, S sleep, D blocked, T stopped, X gone"},
        [](const E& e) { return e.prev_tid ? Value::symbol(switch_state_name(e.state), e.state & 0xffff) : Value(); });
    add({"prev_prio", Value::Kind::integer, 9, "its priority: 120 is nice 0, below 100 is real-time", false},
        [](const E& e) { return Value::integer(e.prev_prio); });
    add({"ran_ns", Value::Kind::duration, 7, "how long it was on the CPU, or idle"},
        [known](const E& e) { return known(e.ran); });
    add_name("next_comm", &E::next_comm, "who got the CPU");
    add_number("next_tid", &E::next_tid, "its thread, 0: idle", true);
    add_number("next_pid", &E::next_pid, "its process", false);
    add({"next_prio", Value::Kind::integer, 9, "its priority", false},
        [](const E& e) { return Value::integer(e.next_prio); });
    add({"waited_ns", Value::Kind::duration, 7, "how long it had waited for a CPU"},
        [known](const E& e) { return known(e.waited); });
    add({"waker_tid", Value::Kind::natural, 9, "the thread that woke it, or that an interrupt that did so met; 0: idle",
         true, true},
        [](const E& e) { return e.woken ? Value::natural(e.waker_tid) : Value(); });
    add({"waker_comm", Value::Kind::text, COMM_LEN - 1, "its name", false}, [](const E& e) {
      return e.woken ? Value::text({e.waker_comm, strnlen(e.waker_comm, COMM_LEN)}) : Value();
    });
  }

  void options(Options&) override {}

 private:
  void add_number(std::string key, __u32(cswitch_events_event::*id), std::string help, bool standard,
                  bool yields = false) {
    add({std::move(key), Value::Kind::natural, 8, std::move(help), standard, yields},
        [id](const cswitch_events_event& e) { return Value::natural(e.*id); });
  }

  void configure(cswitch_events_bpf& skeleton) override {
    skeleton.rodata->conf.wakers = any_shown({"waker_tid", "waker_comm", "waited_ns"});
    kernel::resize_map(skeleton.maps.wakers, room_for_threads());
  }

  kernel::Ladder probes(cswitch_events_bpf& s) override {
    kernel::Rung tp_btf{"tp_btf", {}};
    tp_btf.attach(s.progs.cpu_switches);
    if (!s.obj || s.rodata->conf.wakers) tp_btf.attach(s.progs.thread_wakes);
    return {"context switches", {tp_btf}};
  }
};

}  // namespace sonde
