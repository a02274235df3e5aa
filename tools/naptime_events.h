// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// Before any skeleton, which leaves _Static_assert undefined.
#include "naptime_choice.h"

#include <cerrno>
#include <string>
#include <vector>

#include "app/stream.h"
#include "naptime.skel.h"

namespace sonde::naptime {

using Event = naptime_event;

/// Each sleep.
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
  Remarks remarks(const naptime_bpf& s, const kernel::Rung& rung) const override { return Sleeps::remarks(s, rung); }
};

}  // namespace sonde::naptime
