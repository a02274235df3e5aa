// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "sched_lengths.h"

#include <string>

#include "core/text.h"
#include "cswitch_info.h"

namespace sonde {

/// How long slices, waits and sleeps are.
class CswitchLengths final : public SchedLengths {
 public:
  CswitchLengths()
      : SchedLengths(cswitch_info(), "lengths",
                     {{"process", {COUNT_OF_PROCESS, 0}, {"pid", "comm"}},
                      {"thread", {COUNT_OF_THREAD, 0}, {"tid", "comm"}},
                      {"cpu", {COUNT_OF_CPU, 0}, {"cpu"}}},
                     "slices, waits or sleeps that ended") {
    show({"avg_ns", "max_ns", "p50_ns", "p90_ns", "p99_ns", "histogram_ns"});
  }

  void options(Options&) override {}

  void choose(std::string_view what) {
    if (what == "slice")
      measure(SCHED_TIMES_OF_SLICES);
    else if (what == "wait")
      measure(SCHED_TIMES_OF_WAITS);
    else if (what == "block")
      measure(SCHED_TIMES_OF_BLOCKS);
    else
      throw Error(Exit::usage, "There are no lengths of '" + escaped(what) + "'.",
                  "There are of slice (on a CPU), wait (for one) and block (asleep or blocked).");
  }
};

}  // namespace sonde
