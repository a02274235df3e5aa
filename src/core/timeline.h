// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/perfetto.h"
#include "core/sink.h"

namespace sonde {

/// Writes what the scheduler did as a trace that ui.perfetto.dev opens: rows into the file, all else to `telling`.
///
/// Switches and wakeups are written as those of ftrace, from which Perfetto itself makes the tracks of CPUs and
/// threads, the states of threads and who woke whom. Each CPU's switches follow one upon the other: who leaves is who
/// came. Where rows are missing, a thread "(events lost)" takes the CPU, and a track of the CPU's marks the time.
/// Packets are whole and are written with each flush(), so that a file that ends early can be read up to there.
class Timeline final : public Sink {
 public:
  /// What a row tells.
  enum What : std::int64_t {
    switched,  ///< `by` left the CPU in `state`, `to` came
    woken,     ///< `by` woke `to`; the state is "run" if it is among the chosen ones
    there,     ///< `to` is in `state` when it is asked; switches and wakeups of the time until `start` count more
    start      ///< the trace begins at this time: all that were there have been told of
  };
  /// The columns that a row has, in this order. Times are natural, ns monotonic; `state` is a letter of ps or "run",
  /// `comm` is the name of `to`, of `by` where that woke. A thread has no tid where it is not among those chosen.
  /// `lost`: the time since which rows of that CPU are missing, if any are.
  static constexpr std::string_view keys[] = {"time",   "what",   "cpu",  "by_tid", "by_pid", "state",
                                              "to_tid", "to_pid", "prio", "comm",   "lost"};

  struct Machine {
    std::string release, hardware;  ///< as uname(2) has them
    std::int64_t boot_ahead = 0;    ///< of CLOCK_BOOTTIME to CLOCK_MONOTONIC, ns
    std::int64_t wall_ahead = 0;    ///< of CLOCK_REALTIME
  };

  /// `out` and `telling` outlive this.
  Timeline(Output& out, Sink& telling, Machine machine);

  void begin(std::span<const ColumnInfo* const> columns) override;
  void row(std::span<const Value> values) override;
  void begin_interval(const Interval&) override {}
  void end_interval(const Interval&) override {}
  void lost(const Loss& loss) override { telling_.lost(loss); }
  void note(std::string_view sentence) override { telling_.note(sentence); }
  void summary(const Summary& summary) override;
  void end(std::string_view, std::uint64_t) override {}
  void flush() override;

 private:
  struct Thread {
    std::uint32_t pid = 0;
    bool described = false;
    char state = 0;  // before the start: 'r' runs, else a letter of ps; 0: not known
    Perfetto::Name name;
  };
  struct Cpu {
    bool begun = false, lossy = false;
    bool running_known = false;  // before the start
    std::uint32_t runs = 0;
    std::uint64_t last = 0;  // the time of its last switch or wakeup
  };

  Thread& describe(std::uint32_t tid, std::uint32_t pid, std::string_view comm);
  Cpu& cpu_at(std::uint32_t number);
  void remember(What what, std::span<const Value> values);
  void begin_trace();
  void begin_cpu(std::uint32_t number, std::uint32_t tid);
  void follow(What what, std::span<const Value> values);
  void catch_up(std::uint32_t number, std::uint32_t runs, const Value& lost, std::uint64_t time, bool comes_from_it);
  void put_switch(std::uint32_t number, std::uint64_t time, std::uint32_t state, std::uint32_t tid,
                  std::int64_t priority);
  [[nodiscard]] std::uint64_t boot(std::uint64_t time) const {
    return time + static_cast<std::uint64_t>(machine_.boot_ahead);
  }

  std::string name_;  // of the file
  Sink& telling_;
  Machine machine_;
  Perfetto trace_;
  std::unordered_map<std::uint32_t, Thread> threads_;
  std::vector<Cpu> cpus_;
  std::uint64_t opened_ = 0, start_ = 0, last_ = 0, events_ = 0;
  bool begun_ = false;
};

}  // namespace sonde
