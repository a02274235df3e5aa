// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/options.h"
#include "core/glob.h"
#include "core/sink.h"
#include "core/units.h"

namespace sonde {

/// "GLOB" or "^GLOB".
struct GlobChoice {
  Glob glob;
  bool negated = false;

  static GlobChoice parse(std::string_view text);
};

/// Which tasks are wanted, as given on the command line.
struct TaskFilter {
  std::optional<ItemList> pids, tids, users, ppids;
  std::optional<GlobChoice> comm;
  std::string cgroup;  ///< empty: any
  bool cgroup_negated = false;
  bool follow = false;

  [[nodiscard]] bool any() const { return pids || tids || users || ppids || comm || !cgroup.empty(); }
};

/// What every tool takes.
struct CommonOptions {
  TaskFilter filter;
  std::vector<std::string> command;  ///< behind `--`; empty: none
  std::string as_user;

  std::uint64_t duration_ns = 0;  ///< 0: until a signal
  std::uint64_t max_events = 0;   ///< of what counts: intervals; 0: no end
  std::uint64_t interval_ns = 0;  ///< 0: one report, at the end
  std::uint64_t max_rate = 0;     ///< rows a second; 0: all
  bool strict = false;
  bool compat = false;

  bool json = false;
  std::string output;                      ///< a file; empty: stdout
  std::string columns;                     ///< as -C has it
  std::vector<std::string> asked_columns;  ///< shown whatever -C says: options of their own ask for them
  std::string by, sort;
  std::uint64_t top = 0;  ///< 0: all, or what a terminal bears
  bool utc = false;
  bool schema = false;

  std::string backend;
  std::string btf_file;
  std::uint64_t buffer_bytes = 0;  ///< 0: the tool's own
  std::uint32_t max_entries = 0;   ///< of maps that grow with the system; 0: the library's own

  bool verbose = false;
  bool quiet = false;
  bool stats = false;
  bool help = false;
  bool version = false;

  void declare_filter(Options& options);
  void declare_run(Options& options);
  void declare_intervals(Options& options);         ///< in place of declare_run()
  void declare_run_or_intervals(Options& options);  ///< of a tool that shows events or sums
  void declare_output(Options& options);
  void declare_probe(Options& options);
  void declare_backend(Options& options);  ///< the part of it that does not concern a ring buffer
  void declare_buffer(Options& options);
  void declare_telling(Options& options);

  /// What choose_columns() takes.
  [[nodiscard]] std::string column_spec() const;

  /// Throws Error(usage) if options that are good by themselves do not go together.
  void check() const;

 private:
  void declare_duration(Options& options);
  void declare_count(Options& options, const std::string& what);
  void declare_interval(Options& options);
  void declare_rate(Options& options);
  void declare_strict(Options& options);
  void declare_order(Options& options);
};

}  // namespace sonde
