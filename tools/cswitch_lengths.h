// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "app/snapshot.h"
#include "core/text.h"
#include "cswitch_info.h"
#include "cswitch_times.h"
#include "cswitch_times.skel.h"

namespace sonde {

/// How long slices, waits and sleeps are.
class CswitchLengths final : public Snapshot<count_key, cswitch_times_value, cswitch_times_bpf> {
  using Lengths = cswitch_times_value;

 public:
  CswitchLengths() : Snapshot(cswitch_info()) {
    group_by("lengths", {{"process", {COUNT_OF_PROCESS, 0}, {"pid", "comm"}},
                         {"thread", {COUNT_OF_THREAD, 0}, {"tid", "comm"}},
                         {"cpu", {COUNT_OF_ALL, 1}, {"cpu"}}});
    add_key({"cpu", Value::Kind::natural, 4, "the CPU"}, [](const Sum& s) { return Value::natural(s.key.what); });
    add_task_keys(&Lengths::name, "name of the thread that was counted last");
    add({"count", Value::Kind::natural, 9, "slices, waits or sleeps that ended"},
        [](const Sum& s) { return Value::natural(s.value.times.number); });
    add_latencies(&Lengths::times, "them");
    show({"avg_ns", "max_ns", "p50_ns", "p90_ns", "p99_ns", "histogram_ns"});
  }

  void options(Options&) override {}

  void choose(std::string_view what) {
    if (what == "slice")
      of_ = CSWITCH_TIMES_OF_SLICES;
    else if (what == "wait")
      of_ = CSWITCH_TIMES_OF_WAITS;
    else if (what == "block")
      of_ = CSWITCH_TIMES_OF_BLOCKS;
    else
      throw Error(Exit::usage, "There are no lengths of '" + escaped(what) + "'.",
                  "There are of slice (on a CPU), wait (for one) and block (asleep or blocked).");
  }

 private:
  [[nodiscard]] std::string sorted_by() const override { return "total_ns"; }

  void merge(Lengths& into, const Lengths& from) const override {
    sonde::merge(into.times, from.times);
    sonde::merge(into.name, from.name);
  }
  [[nodiscard]] Lengths difference(const Lengths& now, const Lengths& before) const override {
    return {sonde::difference(now.times, before.times, interval()), {}};
  }
  [[nodiscard]] bool empty(const Lengths& lengths) const override { return !lengths.times.number; }

  void configure(cswitch_times_bpf& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    conf.by = by();
    conf.of = of_;
    const std::uint32_t room = std::max(16384U, kernel::count_tasks() * 2);
    kernel::resize_map(skeleton.maps.absences, common().max_entries ? common().max_entries : room);
  }

  kernel::Ladder probes(cswitch_times_bpf& s) override {
    kernel::Rung tp_btf{"tp_btf", {}};
    tp_btf.attach(s.progs.time_switch);
    if ((!s.obj || of_ != CSWITCH_TIMES_OF_SLICES) && kernel::dequeues_later()) tp_btf.attach(s.progs.thread_wakes_up);
    return {"context switches", {tp_btf}};
  }

  cswitch_times_of of_ = CSWITCH_TIMES_OF_SLICES;
};

}  // namespace sonde
