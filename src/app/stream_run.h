// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "app/command.h"
#include "app/filter.h"
#include "app/lifecycle.h"
#include "app/losses.h"
#include "app/outputs.h"
#include "app/stream.h"
#include "app/targets.h"
#include "kernel/object.h"
#include "kernel/ring.h"

namespace sonde {

/// One run of a Stream from its start to its last byte.
class StreamRun {
 public:
  /// Everything that can fail before anything is shown: outputs, filter, command, load, attach.
  StreamRun(StreamBase& tool, const CommonOptions& options);

  /// What such a run with the tool's defaults would come to: nothing is shown, nothing stays attached.
  static kernel::Prospect prospect(StreamBase& tool, const kernel::Finding& tracepoints);

  /// Opens the window, shows what happens until something ends it, reports.
  Exit go();

 private:
  struct Unstarted {};
  StreamRun(StreamBase& tool, const CommonOptions& options, Unstarted);

  kernel::Plan plan(void* skeleton);
  void set_library(const LibraryParts& parts, const kernel::Rung& rung);
  kernel::Extras extras(const LibraryParts& parts, const kernel::Rung& rung) const;
  void fill_maps();
  void seed_followed();

  void open_window();
  void close_window();
  void loop();
  void watch_processes();
  std::size_t drain();
  bool take(const std::byte* record, std::size_t size);
  bool within_rate();
  [[nodiscard]] bool over() const;
  void wait(bool busy);
  void report_losses(bool now);
  void notes();
  [[nodiscard]] Summary summary() const;

  StreamBase& tool_;
  const CommonOptions& options_;
  Outputs outputs_;
  Sink& sink_;
  KernelFilter filter_;
  bool task_storage_ = false;
  std::optional<kernel::RunStats> stats_;
  std::optional<Command> command_;
  std::optional<Targets> targets_;
  std::unique_ptr<kernel::Object> object_;
  LibraryParts parts_;
  std::optional<kernel::Ring> ring_;
  Waiter waiter_;

  std::vector<Value> values_;
  Losses losses_;
  std::uint64_t skipped_before_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t opened_ = 0, closed_ = 0;  // the window, ns monotonic
  std::uint64_t reported_ = 0;             // when losses were last reported
  std::uint64_t rate_second_ = 0, rate_rows_ = 0;
  bool command_ended_ = false, targets_ended_ = false;
};

}  // namespace sonde
