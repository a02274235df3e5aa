// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/sink.h"

namespace sonde {

/// Keeps what it is given, as text: for tests.
class Capture final : public Sink {
 public:
  using Row = std::map<std::string, std::string>;  ///< key to value as the table would show it, unpadded; "-" if none

  void begin(std::span<const ColumnInfo* const> columns) override;
  void row(std::span<const Value> values) override;
  void begin_interval(const Interval& interval) override { intervals.push_back(interval); }
  void end_interval(const Interval&) override {}
  void lost(const Loss& loss) override { losses.push_back(loss); }
  void note(std::string_view sentence) override { notes.emplace_back(sentence); }
  void summary(const Summary& summary) override { summaries.push_back(summary); }
  void end(std::string_view, std::uint64_t) override {}
  void flush() override { ++flushes; }

  std::vector<std::string> keys;
  std::vector<Row> rows;
  std::vector<Interval> intervals;
  std::vector<Loss> losses;
  std::vector<std::string> notes;
  std::vector<Summary> summaries;
  int flushes = 0;
};

}  // namespace sonde
