// SPDX-License-Identifier: GPL-2.0-or-later
#include "profile.h"

#include "app/stack_sums.h"
#include "profile.skel.h"

namespace sonde {
namespace {

using Counts = profile_value;
using Skeleton = profile_bpf;

class Profile final : public StackSums<Counts, Skeleton> {
 public:
  Profile()
      : StackSums(
            {"profile",
             "CPU",
             "where CPUs spend their time, by stack",
             "Looks at each CPU so many times a second, and counts by the stacks of the kernel and of the program "
             "what it finds there.",
             {{"sonde profile -d 10", "what the machine did for ten seconds"},
              {"sonde profile -p 4711 --by thread -i 5", "each thread of a process, every five seconds"},
              {"sonde profile -F 999 --flamegraph build.html -- make", "what a build spends its time on, as a picture"},
              {"sonde profile -K --by cpu", "what the kernel does on each CPU"}}}) {
    add_owners("samples", "name of the thread that was met last");
    add({"samples", Value::Kind::natural, 7, "how often it was met there"},
        [](const Sum& s) { return Value::natural(s.value.samples); });
    add_share("per cent of all samples that are counted");
    add_stack();
  }

  void options(Options& options) override {
    options.value("-F, --frequency", "HZ", "so many samples of each CPU a second, 1 to 9,999; 99 if not given",
                  [this](std::string_view text) {
                    hertz_ = static_cast<unsigned>(parse_natural(text, 9999));
                    if (!hertz_)
                      throw Error(Exit::usage, "At 0 samples a second there is nothing to see.",
                                  "Give 1 to 9,999, as in -F 99.");
                  });
    options.flag("--idle", "also CPUs that have nothing to do", idle_);
    declare_stack_sums(options);
  }

 private:
  // One in each period on each CPU, each of another stack.
  [[nodiscard]] std::uint64_t most_rows() const override {
    const std::uint64_t ns = common().duration_ns ? common().duration_ns : common().interval_ns * common().max_events;
    return ns ? (ns / 1'000'000'000 + 1) * hertz_ * kernel::possible_cpus() : 0;
  }
  [[nodiscard]] bool stacks_of_probes() const override { return false; }
  [[nodiscard]] std::string sorted_by() const override { return "samples"; }
  void merge(Counts& into, const Counts& from) const override {
    into.samples += from.samples;
    sonde::merge(into.name, from.name);
  }
  Counts difference(const Counts& now, const Counts& before) const override {
    return {now.samples - before.samples, 0, {}};
  }
  [[nodiscard]] bool empty(const Counts& value) const override { return !value.samples; }

  [[nodiscard]] std::uint64_t amount(const Counts& value) const override { return value.samples; }
  [[nodiscard]] std::string unit() const override { return "samples"; }
  [[nodiscard]] std::string amount_text(std::uint64_t samples) const override { return counted(samples, "sample"); }

  void configure(Skeleton& skeleton) override { skeleton.rodata->conf = {by(), idle_}; }
  kernel::Ladder probes(Skeleton& s) override {
    using Clock = kernel::Sampling::Clock;
    kernel::Rung cycles{"cycles", {kernel::sampling(s.progs.sample, Clock::cycles, hertz_, idle_)}};
    kernel::Rung cpu_clock{"cpu-clock", {kernel::sampling(s.progs.sample, Clock::cpu_clock, hertz_, idle_)}};
    cpu_clock.sees_only("by a timer, not with interrupts off",
                        "What runs with interrupts off is met where they are let in again.");
    return {"samples", {cycles, cpu_clock}};
  }

  unsigned hertz_ = 99;
  bool idle_ = false;
};

const Register<Profile> registered("profile");

}  // namespace
}  // namespace sonde
