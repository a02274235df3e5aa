// SPDX-License-Identifier: GPL-2.0-or-later
#include "exitsnoop.h"

#include "app/filter.h"
#include "app/stream.h"
#include "core/signal_names.h"
#include "exitsnoop.skel.h"

namespace sonde {
namespace {

using Event = exitsnoop_event;
using Skeleton = exitsnoop_bpf;

constexpr int signal_bits = 0x7f;
constexpr int core_bit = 0x80;

class Exitsnoop final : public Stream<Event, Skeleton> {
 public:
  Exitsnoop()
      : Stream({"exitsnoop",
                "Processes",
                "every process that ends, and how",
                "Shows each process when its last thread ends: exit code or signal, age, and CPU time.",
                {{"sonde exitsnoop -x", "what ended with an error or by a signal"},
                 {"sonde exitsnoop -c 'nginx*' --threads", "each thread of these programs"},
                 {"sonde exitsnoop -f json -- make", "what became of all that a build started"}}}) {
    add_time(&Event::time, "when it ended");
    add_id("pid", &Event::pid, "process", true);
    add_id("tid", &Event::tid, "thread; of a whole process, its leader");
    add_id("ppid", &Event::ppid, "parent process", true);
    add_user(&Event::uid);
    add_name("comm", &Event::comm, "name of the process, or with --threads of the thread");
    add_cgroup(&Event::cgroup);
    add({"age_ns", Value::Kind::duration, 7, "time since it was forked"},
        [](const Event& e) { return Value::duration(e.age); });
    add({"cpu_ns", Value::Kind::duration, 7, "CPU time, as the scheduler counted it last (at most a tick ago)"},
        [](const Event& e) { return e.cpu == 0 || e.bits & EXIT_CPU_UNKNOWN ? Value() : Value::duration(e.cpu); });
    add({"code", Value::Kind::integer, 4, "exit code; - if a signal ended it"}, [](const Event& e) {
      if (e.bits & EXIT_OF_KERNEL_THREAD) return Value::integer(e.status);
      return killed(e) ? Value() : Value::integer(e.status >> 8 & 0xff);
    });
    add({"signal", Value::Kind::symbol, 9, "signal that ended it; - if it exited"}, [](const Event& e) {
      const int number = e.status & signal_bits;
      return killed(e) ? Value::symbol(signal_name(number), number) : Value();
    });
    add({"core", Value::Kind::boolean, 4, "its memory was dumped"},
        [](const Event& e) { return Value::boolean(killed(e) && e.status & core_bit); });
  }

  void options(Options& options) override {
    options.flag("-x, --failed", "only what ended with an exit code other than 0, or by a signal", failed_);
    options.flag("--threads", "each thread as it ends, not whole processes", [this] {
      threads_ = true;
      show("ppid", false);
      show("tid");
    });
  }

 private:
  // Its memory is gone by then.
  bool has_user_stacks() const override { return false; }
  static bool killed(const Event& e) { return !(e.bits & EXIT_OF_KERNEL_THREAD) && e.status & signal_bits; }

  void configure(Skeleton& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    conf.threads = threads_;
    conf.failed = failed_;
    conf.wants = wanted({{"cgroup", EXIT_WANT_CGROUP}, {"cpu_ns", EXIT_WANT_CPU}});
  }

  kernel::Ladder probes(Skeleton& s) override { return {"exits", {{"raw_tp", {s.progs.thread_exit}}}}; }

  bool failed_ = false, threads_ = false;
};

const Register<Exitsnoop> registered("exitsnoop");

}  // namespace
}  // namespace sonde
