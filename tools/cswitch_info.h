// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "app/tool.h"

namespace sonde {

inline ToolInfo cswitch_info() {
  return {
      "cswitch",
      "Scheduling",
      "context switches: who runs, waits and sleeps, and for how long",
      "Shows for each process, thread or CPU how often it was switched, of its own accord or not, and how long it "
      "ran, waited for a CPU, slept and was blocked: every nanosecond of the window is accounted. With --events "
      "each switch, with --timeline a trace of them for ui.perfetto.dev, with --histogram-of how long slices, waits "
      "or sleeps are.",
      {{"sonde cswitch -i 1", "processes, the most often switched first, every second"},
       {"sonde cswitch --by thread -p 4711 -d 10", "what the threads of a process do with their time"},
       {"sonde cswitch --by cpu -i 1", "how busy each CPU is"},
       {"sonde cswitch --events -p 4711", "each switch to or from it, and who woke it"},
       {"sonde cswitch --timeline trace.pftrace -d 5", "what every CPU and thread did, to look at"},
       {"sonde cswitch --histogram-of wait -d 10", "how long each process waits for a CPU"}}};
}

}  // namespace sonde
