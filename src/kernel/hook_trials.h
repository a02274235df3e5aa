// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernel/trial.h"

namespace sonde::kernel {

/// A trial of each kind of hook, one after the other; what several need is found once.
class HookTrials {
 public:
  HookTrials();

  Outcome kprobe();
  Outcome kprobe_multi();
  Outcome fentry();
  Outcome tracepoint();  ///< by perf
  Outcome raw_tracepoint();
  Outcome typed_tracepoint();
  Outcome uprobe();
  Outcome uprobe_multi();
  Outcome clock_sampling();
  Outcome hardware_sampling();
  Outcome ring();
  Outcome task_storage();
  Outcome iterator();

 private:
  [[nodiscard]] Outcome no_type() const;
  Outcome with_type(std::uint32_t type, const ProgramKind& kind, const std::function<void(int)>& make_event,
                    const std::function<void(Instructions&)>& body = {});
  Outcome sampling(std::uint32_t type, std::uint64_t event);
  void stay_busy() const;

  Bench bench_;
  std::vector<std::uint32_t> types_;
};

}  // namespace sonde::kernel
