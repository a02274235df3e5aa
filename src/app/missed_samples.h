// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

#include "kernel/rows.h"
#include "kernel/sampling.h"

struct bpf_map;

namespace sonde {

/// Counts the samples that should have been there in a window and were not: the kernel tells of none, so all CPUs are
/// sampled, idle or not, and what was taken is compared with the clock.
class MissedSamples {
 public:
  /// `taken` has how many each CPU was sampled for (bpf/lib/samples.bpf.h). Both outlive this. Throws Error.
  MissedSamples(kernel::Sampler& sampler, bpf_map* taken) : sampler_(sampler), taken_(taken) {}

  /// When the window opens and when all that was in it is over, ns monotonic.
  void begin(std::uint64_t time);
  void end(std::uint64_t time);

  /// At most so many, which nothing explains.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  /// So many there could not be, as a hypervisor let others run.
  [[nodiscard]] std::uint64_t stolen() const { return stolen_; }

 private:
  [[nodiscard]] std::uint64_t taken();

  kernel::Sampler& sampler_;
  kernel::Rows taken_;
  std::uint64_t due_before_ = 0;
  kernel::Sampler::Times times_before_;
  std::uint64_t lost_ = 0, stolen_ = 0;
};

}  // namespace sonde
