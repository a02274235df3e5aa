// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/column.h"
#include "core/value.h"

namespace sonde {

/// Events that passed the filter and still did not become rows.
struct Loss {
  std::string reason;       ///< a phrase: "ring buffer full"
  std::uint64_t count = 0;  ///< since the last report of this reason; in a Summary: over the run
};

/// One hook of the tool and the way it was attached.
struct RungUse {
  std::string hook;     ///< what is watched: "open"
  std::string rung;     ///< how: "fexit", "tracepoint"
  std::string scope{};  ///< what of the whole that way sees, if not all: "64-bit calls"
};

/// What one BPF program cost, from the kernel's own accounting (--stats).
struct ProgramCost {
  std::string program;
  std::uint64_t runs = 0;
  std::uint64_t run_time_ns = 0;  ///< over all runs
};

/// The end of a run that traced. Always the last thing a sink gets.
struct Summary {
  std::string tool;
  std::uint64_t events = 0;  ///< rows shown
  std::uint64_t lost = 0;    ///< the sum of `losses`
  std::vector<Loss> losses;
  std::vector<RungUse> rungs;
  std::uint64_t window_ns = 0;     ///< from the last attach to the end
  std::uint64_t closed_ns = 0;     ///< the end, monotonic
  std::uint64_t cpu_ns = 0;        ///< sonde's own CPU time, user and system
  std::uint64_t memory_bytes = 0;  ///< sonde's own peak resident memory
  std::vector<ProgramCost> costs;  ///< empty without --stats
  std::optional<std::string>
      command_status;  ///< how `-- COMMAND` ended: "exit 3", "killed by SIGTERM", "still running"
};

/// What a row stands for: something that happened, a line of an account of what is, or a sum over an interval.
enum class RowKind { event, row, sum };

/// The time that the rows after it sum up.
struct Interval {
  std::uint64_t number = 1;
  std::int64_t start = 0, end = 0;  ///< wall-clock ns since 1970 UTC
  std::uint64_t rows = 0;           ///< that follow
  std::uint64_t more = 0;           ///< that do not, as only the first were asked for
};

/// Where rows and diagnostics go. A sink never sees an event's struct; a tool never prints.
/// Any method that writes may throw OutputClosed or Error (see output.h).
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  /// Once, before the first row, when the probes are attached. The columns outlive the sink's use.
  virtual void begin(std::span<const ColumnInfo* const> columns) = 0;
  /// One Value for each column, in order. A Value of kind none is "no value".
  virtual void row(std::span<const Value> values) = 0;
  /// Before and after the rows of one interval, where a row is a sum.
  virtual void begin_interval(const Interval& interval) = 0;
  virtual void end_interval(const Interval& interval) = 0;
  virtual void lost(const Loss& loss) = 0;
  /// A sentence the reader should know: what the chosen rung cannot see, what was started differently.
  virtual void note(std::string_view sentence) = 0;
  virtual void summary(const Summary& summary) = 0;
  /// What stands in for the summary where nothing was traced: the last thing the sink gets.
  virtual void end(std::string_view tool, std::uint64_t rows) = 0;
  /// Hands everything written so far to the operating system: once a batch.
  virtual void flush() = 0;
};

}  // namespace sonde
