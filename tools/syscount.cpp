// SPDX-License-Identifier: GPL-2.0-or-later
#include "syscount.h"

#include "app/filter.h"
#include "app/snapshot.h"
#include "app/syscalls.h"
#include "syscount.skel.h"

namespace sonde {
namespace {

using Counts = syscount_value;
using Skeleton = syscount_bpf;

class Syscount final : public Snapshot<count_key, Counts, Skeleton> {
 public:
  Syscount()
      : Snapshot(
            {"syscount",
             "System calls",
             "system calls counted by process, call, user and more",
             "Counts every system call in the kernel, without a loss, and how long calls take if that is asked for. "
             "A call counts when it begins, with -x and --errno when it has failed.",
             {{"sonde syscount -i 1", "calls of each process, every second"},
              {"sonde syscount --by syscall -L -- make", "where a build spends its time in the kernel"},
              {"sonde syscount --by process,syscall -x", "who makes calls that fail"},
              {"sonde syscount --by syscall --syscall 'f*sync' --histogram", "how long syncing takes"}}}) {
    constexpr count_by call{COUNT_OF_ALL, 1}, process_and_call{COUNT_OF_PROCESS, 1};
    group_by("calls", {{"process", {COUNT_OF_PROCESS, 0}, {"pid", "comm"}},
                       {"thread", {COUNT_OF_THREAD, 0}, {"tid", "comm"}},
                       {"comm", {COUNT_OF_COMM, 0}, {"comm"}},
                       {"syscall", call, {"syscall", "abi"}},
                       {"process,syscall", process_and_call, {"pid", "comm", "syscall", "abi"}},
                       {"cgroup", {COUNT_OF_CGROUP, 0}, {"cgroup"}},
                       {"user", {COUNT_OF_USER, 0}, {"uid", "user"}}});
    add_task_keys(&Counts::name, "name of the thread that called last");
    add_key({"syscall", Value::Kind::symbol, 16, "the call"}, [this](const Sum& s) { return names_.name(s.key.what); });
    add_key({"abi", Value::Kind::text, 6, "whose number it is: native or 32-bit", true, 1},
            [](const Sum& s) { return SyscallValues::abi(s.key.what); });
    add({"count", Value::Kind::natural, 9, "calls"}, [](const Sum& s) { return Value::natural(s.value.calls); });
    add({"failed", Value::Kind::natural, 10, "those that failed", false},
        [](const Sum& s) { return Value::natural(s.value.failed); });
    add({"running", Value::Kind::natural, 7, "those that have not ended", false, 2},
        [](const Sum& s) { return Value::natural(s.total.calls - std::min(s.total.calls, s.total.times.number)); });
    add_latencies(&Counts::times, "calls that ended");
  }

  void options(Options& options) override {
    declare_grouping(options);
    options.value("--syscall", "LIST", "only these calls, names or globs, as read,'f*sync' (^ negates)",
                  [this](std::string_view text) { calls_.choose(text); });
    declare_latencies(options, {"running"});
    result_.declare(options, "calls");
  }

 private:
  [[nodiscard]] bool timed() const { return latencies_shown() || shown("running"); }
  [[nodiscard]] std::string sorted_by() const override { return timed() ? "total_ns" : "count"; }

  void merge(Counts& into, const Counts& from) const override {
    into.calls += from.calls;
    into.failed += from.failed;
    sonde::merge(into.times, from.times);
    sonde::merge(into.name, from.name);
  }

  Counts difference(const Counts& now, const Counts& before) const override {
    return {now.calls - before.calls,
            now.failed - before.failed,
            sonde::difference(now.times, before.times, interval()),
            {}};
  }

  [[nodiscard]] bool empty(const Counts& counts) const override {
    return !counts.calls && !counts.failed && !counts.times.number;
  }

  void configure(Skeleton& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    conf.by = by();
    conf.timed = timed();
    calls_.fill(conf.calls);
    result_.fill(conf.result);
    conf.at_exit = conf.result.failed || conf.result.errnos;
    kernel::resize_map(skeleton.maps.cpu_calls, kernel::possible_cpus());
  }

  kernel::Ladder probes(Skeleton& s) override {
    const bool failures = !s.obj || s.rodata->conf.at_exit, measures = !s.obj || timed();
    kernel::Rung tp_btf{"tp_btf", {}}, raw_tp{"raw_tp", {}};
    if (measures || !failures) {
      tp_btf.attach(s.progs.begin_btf);
      raw_tp.attach(s.progs.begin_raw);
    }
    if (measures || failures || shown("failed")) {
      tp_btf.attach(s.progs.end_btf);
      raw_tp.attach(s.progs.end_raw);
    }
    for (auto* rung : {&tp_btf, &raw_tp}) {
      rung->attach({s.progs.call_meets_signal, s.progs.thread_ends});
      if (measures) rung->attach(s.progs.call_leaves_cpu);
    }
    return {"system calls", {tp_btf, raw_tp}};
  }

  SyscallChoice calls_;
  SyscallValues names_;
  ResultFilter result_;
};

const Register<Syscount> registered("syscount");

}  // namespace
}  // namespace sonde
