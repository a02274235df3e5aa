// SPDX-License-Identifier: GPL-2.0-or-later
#include "naptime.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "app/filter.h"
#include "app/snapshot.h"
#include "app/stream.h"
#include "app/twofold.h"
#include "core/clock.h"
#include "core/histogram.h"
#include "core/units.h"
#include "naptime.skel.h"
#include "naptime_sums.skel.h"

namespace sonde {
namespace {

using Event = naptime_event;
using Counts = naptime_value;

// The names that perf has for them.
std::string_view clock_name(std::int32_t clock) {
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

ToolInfo about() {
  return {"naptime",
          "Time",
          "who sleeps, how long, and how late they wake",
          "Shows each nanosleep and clock_nanosleep as it ends, each exactly once, by the clock it was for; or with "
          "--summary how long the sleeps of each process were to be and how late it woke.",
          {{"sonde naptime --late 1ms", "sleeps from which a thread woke more than 1 ms late"},
           {"sonde naptime -x -p 1234", "those of one process that signals interrupted"},
           {"sonde naptime --summary -d 10s", "how punctual everybody was for ten seconds, as histograms"}}};
}

// What both faces are asked for and do alike.
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
    kernel::Rung fexit{"fexit", {kernel::by_section(s.progs.sleep_fentry), kernel::by_section(s.progs.sleep_fexit)}};
    kernel::Rung kprobe{"kprobe",
                        {kernel::kretprobe(s.progs.sleep_kretprobe, "do_nanosleep"),
                         kernel::kprobe(s.progs.sleep_kprobe, "do_nanosleep")}};
    kernel::Rung tracepoint{"tracepoint",
                            {kernel::tracepoint(s.progs.nanosleep_enter, "syscalls/sys_enter_nanosleep"),
                             kernel::tracepoint(s.progs.clock_nanosleep_enter, "syscalls/sys_enter_clock_nanosleep")}};
    for (const std::string call : {"clock_nanosleep", "nanosleep", "restart_syscall"})
      tracepoint.attach(kernel::tracepoint(s.progs.sleep_exit, "syscalls/sys_exit_" + call));
    if (compat)
      for (auto* program : {s.progs.sleep_compat_enter, s.progs.sleep_compat_exit})
        tracepoint.attach(kernel::by_section(program));
    for (auto* rung : {&fexit, &kprobe}) {
      rung->waits_inside = true;
      rung->sees_only("not by clocks of CPU time or alarm clocks",
                      "Sleeps by clocks of CPU time and alarm clocks, and calls that are refused at once, do not come "
                      "to do_nanosleep, where this backend looks.");
    }
    for (auto* rung : {&fexit, &kprobe, &tracepoint}) {
      rung->attach(kernel::by_section(s.progs.sleep_interrupted));
      rung->remembers_calls = true;
    }
    kprobe.may_miss_returns = true;
    tracepoint.blind_to_compat = !compat;
    return {"sleeps", {fexit, kprobe, tracepoint}};
  }

  // Behind a kretprobe it is not known of a sleep whether it goes on or its end was missed: the losses have both.
  template <class S>
  static std::vector<std::string> remarks(const S& s, const kernel::Rung& rung) {
    const auto n = s.bss->sleeping;
    if (n <= 0 || rung.may_miss_returns) return {};
    return {format_count(static_cast<std::uint64_t>(n)) + (n == 1 ? " sleep was" : " sleeps were") +
            " still going on at the end."};
  }
};

class Events final : public Stream<Event, naptime_bpf> {
 public:
  Events() : Stream(about()) {
    add_time(&Event::time, "when the sleep ended");
    add_id("pid", &Event::pid, "process", true);
    add_id("tid", &Event::tid, "thread");
    add_id("ppid", &Event::ppid, "parent process");
    add_user(&Event::uid);
    add_comm(&Event::comm);
    add_cgroup(&Event::cgroup);
    add({"clock", Value::Kind::symbol, 5, "clock that it is measured by: mono, real, boot, tai, alarm or cpu"},
        [](const Event& e) { return Value::symbol(clock_name(e.clock), e.clock); });
    add({"mode", Value::Kind::text, 8, "relative (for so long) or absolute (until then)", false},
        [](const Event& e) { return Value::text(e.bits & SLEEP_ABSOLUTE ? "absolute" : "relative"); });
    add_lengths();
    add({"result", Value::Kind::symbol, 8, "complete, EINTR if a signal ended it, or another error"},
        [](const Event& e) {
          return e.result ? Value::symbol(errno_name(-e.result), -e.result) : Value::symbol("complete", 0);
        });
  }

  void options(Options& /*options*/) override {}  // they are Naptime's, for both
  void show_interrupted() {
    show("overshoot_ns", false);
    show("remaining_ns");
  }

  Sleeps sleeps;

 private:
  static bool measurable(const Event& e) { return !(e.bits & (SLEEP_UNREAD | SLEEP_BY_CPU)); }

  void add_lengths() {
    const auto beyond = [](std::uint64_t a, std::uint64_t b) { return Value::duration(a > b ? a - b : 0); };
    add({"requested_ns", Value::Kind::duration, 7, "how long it was to be; of an absolute one, from its call on"},
        [](const Event& e) { return e.bits & SLEEP_UNREAD ? Value() : Value::duration(e.requested); });
    add({"actual_ns", Value::Kind::duration, 7, "how long it was"},
        [](const Event& e) { return Value::duration(e.actual); });
    add({"overshoot_ns", Value::Kind::duration, 7, "how much longer than requested; - if interrupted"},
        [=](const Event& e) { return measurable(e) && !e.result ? beyond(e.actual, e.requested) : Value(); });
    add({"remaining_ns", Value::Kind::duration, 7, "how much was left when it was interrupted", false},
        [=](const Event& e) { return measurable(e) && e.result == -EINTR ? beyond(e.requested, e.actual) : Value(); });
  }

  void configure(naptime_bpf& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    sleeps.fill(conf);
    conf.wants = wanted({{"cgroup", SLEEP_WANT_CGROUP}, {"ppid", SLEEP_WANT_PPID}});
  }
  kernel::Ladder probes(naptime_bpf& s) override { return Sleeps::probes(s, common().compat); }
  std::vector<std::string> remarks(const naptime_bpf& s, const kernel::Rung& rung) const override {
    return Sleeps::remarks(s, rung);
  }
};

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
  std::vector<std::string> remarks(const naptime_sums_bpf& s, const kernel::Rung& rung) const override {
    return Sleeps::remarks(s, rung);
  }

  std::array<std::vector<Value::Bucket>, SLEEP_DISTRIBUTIONS> ranges_;
};

class Naptime final : public Twofold<Events, Totals> {
 public:
  Naptime() : Twofold("--summary") {}

  void options(Options& options) override {
    options.flag("--summary", "counts in the kernel instead: histograms of request and overshoot",
                 [this] { show_other(); });
    options.flag("-x, --failed", "only interrupted sleeps, with the time that was left", [this] {
      standard_.sleeps.failed = other_.sleeps.failed = true;
      standard_.show_interrupted();
    });
    options.value("--slower", "TIME", "only sleeps that took longer than 5ms, 1s", [this](std::string_view text) {
      standard_.sleeps.slower = other_.sleeps.slower = parse_duration(text, BareNumber::refused);
    });
    options.value("--late", "TIME", "only complete ones that overshot by more than that",
                  [this](std::string_view text) {
                    standard_.sleeps.late = other_.sleeps.late = parse_duration(text, BareNumber::refused);
                  });
    other_.declare_grouping(options, [this] { show_other(); });
  }
};

const Register<Naptime> registered("naptime");

}  // namespace
}  // namespace sonde
