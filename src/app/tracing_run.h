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
#include "app/missed_samples.h"
#include "app/outputs.h"
#include "app/targets.h"
#include "app/tracing.h"
#include "kernel/object.h"

namespace sonde {

/// One run of a tool that traces, from its start to its last byte: what does not depend on how its programs hand over
/// what they found. StreamRun and SnapshotRun add that.
class TracingRun {
 public:
  TracingRun(Tracing& tool, const CommonOptions& options);
  TracingRun(const TracingRun&) = delete;
  TracingRun& operator=(const TracingRun&) = delete;
  virtual ~TracingRun() = default;

  /// What the start would come to: nothing is shown, nothing stays attached.
  kernel::Prospect prospect(const kernel::Finding& tracepoints);

  /// Everything that can fail before anything is shown: outputs, filter, command, load, attach.
  void start();

  /// Opens the window, shows what happens until something ends it, reports.
  Exit go();

 protected:
  [[nodiscard]] std::uint64_t now() const { return tool_.clock_.monotonic(); }
  [[nodiscard]] std::int64_t wall(std::uint64_t monotonic_ns) const { return tool_.wall_time_(monotonic_ns); }
  void follow_clock() { tool_.wall_time_.refresh(); }
  [[nodiscard]] const std::vector<std::size_t>& chosen() const { return tool_.chosen_; }
  /// Waits for `timeout_ns` (negative: for ever), a signal, the end of a process or the end of the run's time.
  void wait(std::int64_t timeout_ns);
  void report_losses(bool at_once);
  /// Gives the ring of `parts` its size: if --buffer-size says none, so many times the usual one.
  void size_ring(const LibraryParts& parts, std::uint32_t times = 1) const;
  /// Lets the tool's programs tell what has begun and not ended at `time`, ns monotonic.
  void ask_what_runs(std::uint64_t time);

  const CommonOptions& options_;
  Outputs outputs_;
  Sink& sink_;
  std::unique_ptr<kernel::Object> object_;
  LibraryParts parts_;
  Waiter waiter_;
  Losses losses_;
  std::uint64_t rows_ = 0;
  std::uint64_t opened_ = 0, closed_ = 0;  // the window, ns monotonic

 private:
  /// The sizes of the maps through which the programs hand over, before the load.
  virtual void size_maps(const LibraryParts& parts) = 0;
  virtual void unused_maps(const LibraryParts& /*parts*/, std::vector<bpf_map*>& /*unused*/) const {}
  /// The programs are loaded.
  virtual void loaded() = 0;
  /// The window is about to open.
  virtual void opening() {}
  /// The window is open.
  virtual void opened() {}
  /// Shows what has come; true if there may be more at once.
  virtual bool take() = 0;
  virtual void wait(bool busy) = 0;
  virtual bool enough() const = 0;
  /// The window is closed: shows the rest.
  virtual void take_rest() = 0;
  virtual void more_notes() {}
  /// What processes beside this one have cost, CPU time in ns.
  [[nodiscard]] virtual std::uint64_t cpu_beside() const { return 0; }

  kernel::Plan plan(void* skeleton);
  void set_library(const LibraryParts& parts, const kernel::Rung& rung);
  kernel::Extras extras(const LibraryParts& parts, const kernel::Rung& rung) const;
  void fill_maps();
  void seed_followed();

  void open_window();
  void close_window();
  void loop();
  void watch_processes();
  [[nodiscard]] bool over() const;
  [[nodiscard]] Remarks remarks() const;
  void notes();
  [[nodiscard]] Summary summary() const;

  Tracing& tool_;
  KernelFilter filter_;
  bool task_storage_ = false;
  std::optional<kernel::RunStats> stats_;
  std::optional<Command> command_;
  std::optional<Targets> targets_;
  std::uint64_t skipped_before_ = 0;  // but for forks that were not followed: those count from the start
  std::optional<MissedSamples> samples_;
  std::uint64_t reported_ = 0;  // when losses were last reported
  bool command_ended_ = false, targets_ended_ = false;
};

}  // namespace sonde
