// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// Before any skeleton, which leaves _Static_assert undefined.
#include "sched_times.h"

#include <string>
#include <utility>
#include <vector>

#include "app/snapshot.h"
#include "sched_times.skel.h"

namespace sonde {

/// How long slices on a CPU, waits for one, sleeps and absences are: what cswitch --histogram-of, runqlat and cpudist
/// have in common. The tool derived from this says which of its columns are standard, declares its options, and calls
/// measure() if it is not slices that it is about.
class SchedLengths : public Snapshot<count_key, sched_times_value, sched_times_bpf> {
 protected:
  /// `things` is what is grouped, `ended` what the count is of, both in the plural.
  SchedLengths(ToolInfo info, std::string things, std::vector<Grouping> groupings, std::string ended)
      : Snapshot(std::move(info)) {
    group_by(std::move(things), std::move(groupings));
    add_key({"cpu", Value::Kind::natural, 4, "the CPU"}, [](const Sum& s) { return Value::natural(s.key.who); });
    add_task_keys(&sched_times_value::name, "name of the thread that was counted last");
    add({"count", Value::Kind::natural, 9, std::move(ended)},
        [](const Sum& s) { return Value::natural(s.value.times.number); });
    add_latencies(&sched_times_value::times, "them");
  }

  /// Every way in which the programs can group lengths, the whole system first.
  static std::vector<Grouping> all_groupings() {
    return {{"system", {COUNT_OF_ALL, 0}, {}},
            {"process", {COUNT_OF_PROCESS, 0}, {"pid", "comm"}},
            {"thread", {COUNT_OF_THREAD, 0}, {"tid", "comm"}},
            {"comm", {COUNT_OF_COMM, 0}, {"comm"}},
            {"user", {COUNT_OF_USER, 0}, {"uid", "user"}},
            {"cpu", {COUNT_OF_CPU, 0}, {"cpu"}},
            {"cgroup", {COUNT_OF_CGROUP, 0}, {"cgroup"}},
            {"pidns", {COUNT_OF_PIDNS, 0}, {"pidns"}}};
  }

  void measure(sched_times_of of) { of_ = of; }

 private:
  using Lengths = sched_times_value;

  [[nodiscard]] std::string sorted_by() const override { return "total_ns"; }

  void merge(Lengths& into, const Lengths& from) const override {
    sonde::merge(into.times, from.times);
    sonde::merge(into.name, from.name);
  }
  [[nodiscard]] Lengths difference(const Lengths& now, const Lengths& before) const override {
    return {sonde::difference(now.times, before.times, interval()), {}};
  }
  [[nodiscard]] bool empty(const Lengths& lengths) const override { return !lengths.times.number; }

  void configure(sched_times_bpf& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    conf.by = by();
    conf.of = of_;
    kernel::resize_map(skeleton.maps.departures, of_ == SCHED_TIMES_OF_SLICES ? 1 : room_for_threads());
  }

  kernel::Ladder probes(sched_times_bpf& s) override {
    kernel::Rung tp_btf{"tp_btf", {}};
    tp_btf.attach(s.progs.time_switch);
    const bool waits = of_ == SCHED_TIMES_OF_WAITS || of_ == SCHED_TIMES_OF_BLOCKS;
    if (waits && s.obj && kernel::dequeues_later()) tp_btf.attach(s.progs.thread_wakes_up);
    return {"context switches", {tp_btf}};
  }

  sched_times_of of_ = SCHED_TIMES_OF_SLICES;
};

}  // namespace sonde
