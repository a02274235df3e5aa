// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/utsname.h>

#include <ctime>
#include <memory>
#include <string>

#include "app/stream.h"
#include "core/clock.h"
#include "core/timeline.h"
#include "cswitch_info.h"
#include "cswitch_stream.h"
#include "cswitch_timeline.h"
#include "cswitch_timeline.skel.h"

namespace sonde {

/// A trace for ui.perfetto.dev.
class CswitchTimeline final : public Stream<cswitch_timeline_event, cswitch_timeline_bpf> {
 public:
  CswitchTimeline() : Stream(cswitch_info()) {
    using E = cswitch_timeline_event;
    const auto add_number = [this](std::string key, auto member, std::string help) {
      add({std::move(key), Value::Kind::natural, 8, std::move(help)},
          [member](const E& e) { return Value::natural(e.*member); });
    };
    const auto add_tid = [this](std::string key, __u32(E::*tid), std::string help) {
      add({std::move(key), Value::Kind::natural, 8, std::move(help)},
          [tid](const E& e) { return e.*tid == CSWITCH_TIMELINE_OTHER ? Value() : Value::natural(e.*tid); });
    };
    add_number("time", &E::time, "ns since the start of the machine");
    add({"what", Value::Kind::symbol, 6, "switch or wakeup; or a thread that was there before"}, [](const E& e) {
      static constexpr std::string_view names[] = {"switch", "wakeup", "thread", "start"};
      return Value::symbol(names[e.what & 3], e.what & 3);
    });
    add_number("cpu", &E::cpu, "the CPU");
    add_tid("by_tid", &E::by_tid, "the thread that left, or woke the other; 0: idle");
    add_number("by_pid", &E::by_pid, "its process");
    add({"state", Value::Kind::text, 5, "what the one that left does, as in --events"}, [](const E& e) {
      if (!e.state) return Value();
      if (e.state & CSWITCH_TIMELINE_RUNNING) return Value::text("run");
      if (e.state & CSWITCH_TIMELINE_RUNNABLE) return Value::text(e.what == CSWITCH_TIMELINE_SWITCH ? "R+" : "R");
      return Value::text(switch_state_name(e.state));
    });
    add_tid("to_tid", &E::to_tid, "the thread that came, or was woken");
    add_number("to_pid", &E::to_pid, "its process");
    add({"prio", Value::Kind::integer, 4, "its priority"}, [](const E& e) { return Value::integer(e.prio); });
    add_name("comm", &E::comm, "its name, or that of the thread that woke it");
    add({"lost", Value::Kind::natural, 8, "since when events of this CPU are missing, if any are"},
        [](const E& e) { return e.lost ? Value::natural(e.lost) : Value(); });
  }

  void options(Options& options) override {
    options.value("--timeline", "FILE", "write each switch and wakeup for ui.perfetto.dev",
                  [this](std::string_view path) {
                    if (path.empty())
                      throw Error(Exit::usage, "--timeline wants a file.", "Name one, as in --timeline trace.pftrace.");
                    file_.path = path;
                  });
  }
  [[nodiscard]] bool chosen() const { return !file_.path.empty(); }

  void settle(const CommonOptions& options) override {
    const auto refuse = [](const char* what, const char* why) {
      throw Error(Exit::usage, std::string(what) + " and --timeline do not go together: " + why,
                  "Leave out one of them.");
    };
    if (!options.output.empty()) refuse("-o", "the timeline is a file of its own.");
    if (options.json) refuse("--format json", "the timeline has a format of its own.");
    if (options.schema) refuse("--schema", "the timeline has a format of its own.");
    if (!options.columns.empty()) refuse("-C", "the timeline has all that it needs.");
    if (!options.asked_columns.empty())
      refuse(("--" + options.asked_columns.front()).c_str(), "the timeline has no stacks.");
    if (options.max_rate) refuse("--max-rate", "what is left out would be missing in the timeline.");
    if (options.max_events) refuse("-n", "a timeline has a length: give it with -d.");
  }

  [[nodiscard]] const OwnFile* own_file() const override { return chosen() ? &file_ : nullptr; }

 private:
  static std::unique_ptr<Sink> timeline(Output& file, Sink& telling) {
    utsname machine{};
    uname(&machine);
    return std::make_unique<Timeline>(
        file, telling,
        Timeline::Machine{machine.release, machine.machine, clock_ahead(CLOCK_BOOTTIME, CLOCK_MONOTONIC),
                          clock_ahead(CLOCK_REALTIME, CLOCK_MONOTONIC)});
  }

  void configure(cswitch_timeline_bpf&) override {}

  kernel::Ladder probes(cswitch_timeline_bpf& s) override {
    kernel::Rung tp_btf{"tp_btf", {}};
    tp_btf.attach(s.progs.cpu_switches);
    tp_btf.attach(s.progs.thread_wakes);
    tp_btf.attach(s.progs.thread_is_born);
    return {"context switches", {tp_btf}};
  }

  OwnFile file_{{}, timeline};
};

}  // namespace sonde
