// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/common.h"
#include "app/lifecycle.h"
#include "app/tracing.h"
#include "kernel/system_symbolizer.h"
#include "lib/abi.h"

namespace sonde {

/// What a run that shows stacks has beside its programs: where the names of the kernel and of programs come from.
class StackSources {
 public:
  /// Before anything is loaded: the process that looks up names has nothing of ours.
  explicit StackSources(stack_conf wanted);
  StackSources(const StackSources&) = delete;
  StackSources& operator=(const StackSources&) = delete;

  [[nodiscard]] Symbolizer& symbolizer() { return symbolizer_; }
  /// Frames by which a probe came to be run are frames like any other: a sample may have met them.
  void show_probes() { symbolizer_.show_probes(); }
  /// Before the load: takes the stacks that are wanted, and hides the process that looks up names.
  void set(const LibraryParts& parts) const;
  /// The programs are loaded: begins to write down what is mapped. What it waits for is added to `waiter`.
  void start(const LibraryParts& parts, const CommonOptions& options, Waiter& waiter);
  /// Is called now and then while a file is read, which may take seconds. It must not ask for names.
  void meanwhile(std::function<void()> todo) const {
    if (symbolizer_.user()) symbolizer_.user()->meanwhile(std::move(todo));
  }
  /// Takes note of what was mapped until `time`, ns monotonic: now and then.
  void catch_up(std::uint64_t time);
  /// CPU time of the process that looks up names, ns.
  [[nodiscard]] std::uint64_t cpu_time() const;
  [[nodiscard]] std::vector<std::string> notes() const { return symbolizer_.notes(); }

 private:
  void hide(int pid);
  void watch_mappings(kernel::UserStacks& stacks, const CommonOptions& options, Waiter& waiter);

  stack_conf wanted_;
  kernel::SystemSymbolizer symbolizer_;
  run_state* run_ = nullptr;
};

}  // namespace sonde
