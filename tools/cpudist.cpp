// SPDX-License-Identifier: GPL-2.0-or-later
#include "sched_lengths.h"

namespace sonde {
namespace {

class Cpudist final : public SchedLengths {
 public:
  Cpudist()
      : SchedLengths({"cpudist",
                      "Scheduling",
                      "how long tasks are on a CPU at a time, or off it, as histograms",
                      "Measures how long each slice is that a thread has on a CPU, from the switch to it to the switch "
                      "away from it, or with --off how long it is away between two slices, asleep, blocked or waiting "
                      "for its turn. One histogram for the system, or one for each process, thread, CPU and so on.",
                      {{"sonde cpudist -d 10", "how long slices are, on the whole system"},
                       {"sonde cpudist --by process -i 1", "of each process, every second; TOTAL is its CPU time"},
                       {"sonde cpudist --off --by thread -p 4711", "how long the threads of a process are off CPU"},
                       {"sonde cpudist --linear 0,10ms,1ms --by cpu", "by steps of a millisecond, each CPU"}}},
                     "slices", all_groupings(), "slices, or absences, that ended") {
    show({"total_ns", "avg_ns", "max_ns", "histogram_ns"});
  }

  void options(Options& options) override {
    declare_grouping(options);
    options.flag("--off", "how long they are off a CPU, between two slices",
                 [this] { measure(SCHED_TIMES_OF_ABSENCES); });
    declare_distribution(options);
  }
};

const Register<Cpudist> registered("cpudist");

}  // namespace
}  // namespace sonde
