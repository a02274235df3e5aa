// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/missed_samples.h"

#include <algorithm>

namespace sonde {

void MissedSamples::begin(std::uint64_t time) {
  times_before_ = sampler_.times();
  due_before_ = sampler_.due(time);
}

std::uint64_t MissedSamples::taken() {
  std::uint64_t sum = 0;
  for (std::uint32_t cpu = 0; cpu < taken_.size(); ++cpu)
    sum += __atomic_load_n(reinterpret_cast<const std::uint64_t*>(taken_.at(cpu)), __ATOMIC_RELAXED);
  return sum;
}

// Of each CPU the window may begin and end anywhere between two samples.
void MissedSamples::end(std::uint64_t time) {
  const auto& sampling = sampler_.sampling();
  if (sampling.clock != kernel::Sampling::Clock::cpu_clock) return;
  const std::uint64_t due = sampler_.due(time) - due_before_, come = taken() + sampler_.cpus();
  const auto times = sampler_.times();
  lost_ = due - std::min(due, come);
  // An idle CPU may sleep through its timers, and nobody who is asked for was there.
  if (!sampling.idle) lost_ = std::min(lost_, times.busy - times_before_.busy);
  if (!times.stolen) return;
  // The kernel tells it in ticks of 10 ms: one of each CPU may not have come to its end.
  const std::uint64_t tick = sampling.hertz / 100 + 1;
  stolen_ = std::min(lost_, times.stolen - times_before_.stolen + tick * sampler_.cpus());
  lost_ -= stolen_;
}

}  // namespace sonde
