// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// Before any skeleton, which leaves _Static_assert undefined.
#include "naptime_choice.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "app/snapshot.h"
#include "core/histogram.h"
#include "naptime_sums.skel.h"

namespace sonde::naptime {

using Counts = naptime_value;

/// --summary.
class Totals final : public Snapshot<count_key, Counts, naptime_sums_bpf> {
 public:
  Totals() : Snapshot(about()) {
    group_by("sleeps", {{"process", {COUNT_OF_PROCESS, 0}, {"pid", "comm"}},
                        {"thread", {COUNT_OF_THREAD, 0}, {"tid", "comm"}},
                        {"comm", {COUNT_OF_COMM, 0}, {"comm"}}});
    add_task_keys(&Counts::name, "name of the thread that slept last");
    add({"sleeps", Value::Kind::natural, 7, "sleeps that ended"},
        [](const Sum& s) { return Value::natural(s.value.sleeps); });
    add({"interrupted", Value::Kind::natural, 7, "those that a signal ended, or that failed"},
        [](const Sum& s) { return Value::natural(s.value.interrupted); });
    add({"slept_ns", Value::Kind::duration, 7, "how long they were in all"},
        [](const Sum& s) { return Value::duration(s.value.slept); });
    add_overshoots();
    add_distribution("requested_histogram_ns", "how long they were to be, by powers of two", SLEEP_REQUESTED);
    add_distribution("overshoot_histogram_ns", "how late they ended, by powers of two", SLEEP_OVERSHOOT);
  }

  void options(Options& /*options*/) override {}
  using Snapshot::declare_grouping;
  Sleeps sleeps;

 private:
  void add_overshoots() {
    const auto overshoot = [this](std::string key, std::string help, auto get) {
      add({std::move(key), Value::Kind::duration, 7, std::move(help)}, [get](const Sum& s) {
        return s.value.overshoot.number ? Value::duration(get(s, s.value.overshoot)) : Value();
      });
    };
    overshoot("avg_ns", "overshoot: average",
              [](const Sum&, const count_sums& sums) { return sums.total / sums.number; });
    overshoot("p99_ns", "overshoot: 99 % had no more, or up to 12.5 % more than this",
              [](const Sum& s, const count_sums& sums) {
                return std::min(percentile(distribution(s, SLEEP_OVERSHOOT), 99), std::uint64_t{sums.spans[0].most});
              });
    overshoot("max_ns", "overshoot: the most", [](const Sum&, const count_sums& sums) { return sums.spans[0].most; });
  }
  void add_distribution(std::string key, std::string help, sleep_distribution which) {
    add({std::move(key), Value::Kind::histogram, 0, std::move(help)},
        [this, which](const Sum& s) { return Value::histogram(ranges_[which] = octaves(distribution(s, which))); });
  }
  static std::span<const std::uint64_t> distribution(const Sum& s, sleep_distribution which) {
    return std::span(s.buckets).subspan(std::size_t{which} * BUCKETS, BUCKETS);
  }

  [[nodiscard]] unsigned distributions() const override { return SLEEP_DISTRIBUTIONS; }
  [[nodiscard]] std::string sorted_by() const override { return "sleeps"; }
  void merge(Counts& into, const Counts& from) const override {
    into.sleeps += from.sleeps;
    into.interrupted += from.interrupted;
    into.slept += from.slept;
    sonde::merge(into.overshoot, from.overshoot);
    sonde::merge(into.name, from.name);
  }
  Counts difference(const Counts& now, const Counts& before) const override {
    return {now.sleeps - before.sleeps,
            now.interrupted - before.interrupted,
            now.slept - before.slept,
            sonde::difference(now.overshoot, before.overshoot, interval()),
            {}};
  }
  [[nodiscard]] bool empty(const Counts& counts) const override { return !counts.sleeps; }

  void configure(naptime_sums_bpf& skeleton) override {
    sleeps.fill(skeleton.rodata->conf);
    skeleton.rodata->conf.by = by();
  }
  kernel::Ladder probes(naptime_sums_bpf& s) override { return Sleeps::probes(s, common().compat); }
  Remarks remarks(const naptime_sums_bpf& s, const kernel::Rung& rung) const override {
    return Sleeps::remarks(s, rung);
  }

  std::array<std::vector<Value::Bucket>, SLEEP_DISTRIBUTIONS> ranges_;
};

}  // namespace sonde::naptime
