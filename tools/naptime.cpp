// SPDX-License-Identifier: GPL-2.0-or-later
#include "naptime.h"

#include <ctime>

#include "app/filter.h"
#include "app/stream.h"
#include "core/clock.h"
#include "core/units.h"
#include "naptime.skel.h"

namespace sonde {
namespace {

using Event = naptime_event;
using Skeleton = naptime_bpf;

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

class Naptime final : public Stream<Event, Skeleton> {
 public:
  Naptime()
      : Stream({"naptime",
                "Time",
                "who sleeps, how long, and how late they wake",
                "Shows each nanosleep and clock_nanosleep as it ends, each exactly once, by the clock it was for.",
                {{"sonde naptime --late 1ms", "sleeps from which a thread woke more than 1 ms late"},
                 {"sonde naptime -x -p 1234", "those of one process that signals interrupted"},
                 {"sonde naptime -c 'audio*' -d 10s", "how punctual these threads were for ten seconds"}}}) {
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
    add({"requested_ns", Value::Kind::duration, 7, "how long it was to be; of an absolute one, from its call on"},
        [](const Event& e) { return known(e) ? Value::duration(e.requested) : Value(); });
    add({"actual_ns", Value::Kind::duration, 7, "how long it was"},
        [](const Event& e) { return Value::duration(e.actual); });
    add({"overshoot_ns", Value::Kind::duration, 7, "how much longer that is; - if it was interrupted"},
        [](const Event& e) {
          if (!measurable(e) || e.result) return Value();
          return Value::duration(e.actual > e.requested ? e.actual - e.requested : 0);
        });
    add({"remaining_ns", Value::Kind::duration, 7, "how much was left when it was interrupted", false},
        [](const Event& e) {
          if (!measurable(e) || e.result != -EINTR) return Value();
          return Value::duration(e.requested > e.actual ? e.requested - e.actual : 0);
        });
    add({"result", Value::Kind::symbol, 8, "complete, EINTR if a signal ended it, or another error"},
        [](const Event& e) {
          return e.result ? Value::symbol(errno_name(-e.result), -e.result) : Value::symbol("complete", 0);
        });
  }

  void options(Options& options) override {
    options.flag("-x, --failed", "only interrupted sleeps, with the time that was left", [this] {
      failed_ = true;
      show("overshoot_ns", false);
      show("remaining_ns");
    });
    options.value("--slower", "TIME", "only sleeps that took longer than 5ms, 1s",
                  [this](std::string_view text) { slower_ = parse_duration(text, BareNumber::refused); });
    options.value("--late", "TIME", "only complete ones that overshot by more than that",
                  [this](std::string_view text) { late_ = parse_duration(text, BareNumber::refused); });
  }

 private:
  static bool known(const Event& e) { return !(e.bits & SLEEP_UNREAD); }
  static bool measurable(const Event& e) { return !(e.bits & (SLEEP_UNREAD | SLEEP_BY_CPU)); }

  void configure(Skeleton& skeleton) override {
    constexpr std::int64_t second = 1'000'000'000;
    auto& conf = skeleton.rodata->conf;
    conf.result.failed = failed_;
    conf.slower = slower_;
    conf.late = late_;
    conf.tai_offset = (clock_ahead(CLOCK_TAI, CLOCK_REALTIME) + second / 2) / second * second;
    conf.real_offset = clock_ahead(CLOCK_REALTIME, CLOCK_MONOTONIC);
    conf.wants = wanted({{"cgroup", SLEEP_WANT_CGROUP}, {"ppid", SLEEP_WANT_PPID}});
  }

  kernel::Ladder probes(Skeleton& s) override {
    const bool compat = common().compat;
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
  std::vector<std::string> remarks(const Skeleton& s, const kernel::Rung& rung) const override {
    const auto n = s.bss->sleeping;
    if (n <= 0 || rung.may_miss_returns) return {};
    return {format_count(static_cast<std::uint64_t>(n)) + (n == 1 ? " sleep was" : " sleeps were") +
            " still going on at the end."};
  }

  bool failed_ = false;
  std::uint64_t slower_ = 0, late_ = 0;
};

const Register<Naptime> registered("naptime");

}  // namespace
}  // namespace sonde
