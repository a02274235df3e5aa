// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// Before any skeleton, which leaves _Static_assert undefined.
#include "runqlat.h"

#include <cstdint>
#include <string_view>

#include "app/stream.h"
#include "runqlat.skel.h"

namespace sonde::runqlat {

using Event = runqlat_event;

inline ToolInfo about() {
  return {"runqlat",
          "Scheduling",
          "how long tasks wait for a CPU",
          "Measures how long each thread that could run waits in a run queue until it gets a CPU: since it was woken, "
          "preempted or born. One histogram for the system, or one for each process, thread, CPU and so on; with "
          "--slower each long wait, and who was on the CPU meanwhile.",
          {{"sonde runqlat -d 10", "how long is waited for CPUs, on the whole system"},
           {"sonde runqlat --by process -i 1", "by each process, every second"},
           {"sonde runqlat --percentiles -c nginx", "of the threads of that name"},
           {"sonde runqlat --slower 10ms", "each wait of 10 ms or more, and who was in the way"}}};
}

/// --slower.
class LongWaits final : public Stream<Event, runqlat_bpf> {
 public:
  LongWaits() : Stream(about()) {
    add_time(&Event::time, "when the wait ended, or the run");
    add({"cpu", Value::Kind::natural, 3, "the CPU"}, [](const Event& e) { return Value::natural(e.cpu); });
    add_id("pid", &Event::pid, "process that waited", true);
    add({"tid", Value::Kind::natural, 7, "thread that waited", true, 1},
        [](const Event& e) { return e.tid ? Value::natural(e.tid) : Value(); });
    add_user(&Event::uid);
    add_comm(&Event::comm);
    add({"prio", Value::Kind::integer, 4, "its priority: 120 is nice 0, below 100 is real-time", false},
        [](const Event& e) { return Value::integer(e.prio); });
    add_cgroup(&Event::cgroup);
    add({"waited_ns", Value::Kind::duration, 7, "how long it waited"},
        [](const Event& e) { return Value::duration(e.waited); });
    add({"queued_as", Value::Kind::text, 9, "why: woken, preempted (or it gave way), new; waiting: it still does"},
        [](const Event& e) { return queued_as(e); });
    add_prev();
  }

  void options(Options&) override {}

  std::uint64_t slower = 0;  ///< ns

 private:
  static Value queued_as(const Event& e) {
    if (e.waiting) return Value::text("waiting");
    switch (e.reason) {
      case RUNQLAT_WOKEN:
        return Value::text("woken");
      case RUNQLAT_PREEMPTED:
        return Value::text("preempted");
      case RUNQLAT_NEW:
        return Value::text("new");
      default:
        return {};
    }
  }

  // Who was on the CPU until it came; of a wait that goes on, that is not known.
  void add_prev() {
    const auto add_known = [this](const ColumnInfo& column, auto get) {
      add(column, [get](const Event& e) { return e.waiting ? Value() : get(e); });
    };
    add_known({"prev_pid", Value::Kind::natural, 8, "process that was on the CPU before it; 0: idle", false},
              [](const Event& e) { return Value::natural(e.prev_pid); });
    add_known({"prev_tid", Value::Kind::natural, 8, "thread that was; 0: idle", true, 2},
              [](const Event& e) { return Value::natural(e.prev_tid); });
    add_known({"prev_prio", Value::Kind::integer, 9, "its priority", false},
              [](const Event& e) { return Value::integer(e.prev_prio); });
    add_known({"prev_ran_ns", Value::Kind::duration, 8, "how long it had been on the CPU, or this idle"},
              [](const Event& e) { return e.prev_ran == RUNQLAT_UNKNOWN ? Value() : Value::duration(e.prev_ran); });
    add_known({"prev_comm", Value::Kind::text, COMM_LEN - 1, "its name; idle: swapper"}, [](const Event& e) {
      return Value::text({e.prev_comm, strnlen(e.prev_comm, COMM_LEN)});
    });
  }

  void configure(runqlat_bpf& skeleton) override {
    skeleton.rodata->conf.slower = slower;
    kernel::resize_map(skeleton.maps.departures, room_for_threads());
  }

  kernel::Ladder probes(runqlat_bpf& s) override {
    kernel::Rung tp_btf{"tp_btf", {}};
    tp_btf.attach(s.progs.thread_comes);
    if (s.obj && kernel::dequeues_later()) tp_btf.attach(s.progs.thread_wakes_up);
    return {"waits for a CPU", {tp_btf}};
  }
};

}  // namespace sonde::runqlat
