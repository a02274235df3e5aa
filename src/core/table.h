// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/output.h"
#include "core/show.h"
#include "core/sink.h"

namespace sonde {

struct TableStyle {
  int width = 0;        ///< terminal cells to fit each line into; 0: a pipe or file, where nothing is cut
  bool utc = false;     ///< times in UTC instead of local time
  bool sums = false;    ///< rows are sums over intervals: each interval has a heading of its own
  bool quiet = false;   ///< -q: no notes and no summary; losses are shown all the same
  std::string asked{};  ///< columns asked for by name, as -C takes them: these are never left out
};

/// Heading and rows to `rows` (stdout), everything else to `diagnostics` (stderr), in the right order.
///  - time as 15:04:05.123456; durations as format_duration; numbers right-aligned, text left; no value as "-";
///    a Value marked cut ends in "…" even in a pipe.
///  - the heading is printed by begin(), at once.
///  - a histogram stands beneath its row, a line a bucket, or one for four and more that are empty; if there are
///    several, each beneath its name. A stack likewise, a line a frame.
///  - with a width, a line never exceeds it: columns that may yield are left out, and a note says which; then the last
///    columns shrink, cut with "…".
class Table final : public Sink {
 public:
  Table(Output& rows, Output& diagnostics, TableStyle style);

  void begin(std::span<const ColumnInfo* const> columns) override;
  void row(std::span<const Value> values) override;
  void begin_interval(const Interval& interval) override;
  void end_interval(const Interval& interval) override;
  void lost(const Loss& loss) override;
  void note(std::string_view sentence) override;
  void summary(const Summary& summary) override;
  void end(std::string_view, std::uint64_t) override {}
  void flush() override;

 private:
  struct Shown {
    int width;
    int least;   // what it may shrink to where the terminal is narrow; numbers and times are of no use when cut
    bool right;  // numbers
    bool beneath = false;  // a histogram, a stack: in lines of its own below the row
    bool left_out = false;
    bool bytes = false;  // a histogram: of sizes, not of times
    std::string heading{};
    int start = 0;   // the cell it begins in if nothing before it is too long
    int behind = 0;  // the cells that the columns after it need
    [[nodiscard]] bool in_line() const { return !beneath && !left_out; }
  };
  static Shown plan(const ColumnInfo& column, bool last);
  void put_heading();
  void leave_out(std::span<const ColumnInfo* const> columns);
  struct Line {
    Value::Bucket bucket;
    std::size_t merged;  // of the histogram's buckets
  };
  static Line histogram_line(std::span<const Value::Bucket> buckets);
  void put_histogram(const Shown& column, std::span<const Value::Bucket> buckets);
  void put_stack(std::string_view heading, std::span<const Frame> frames);
  void fit();
  void place();
  [[nodiscard]] int excess() const;  // cells that a line is too long

  [[nodiscard]] int next_cell() const;  // where the next column may begin at the earliest
  [[nodiscard]] int room(int from) const;
  bool put_word(const Shown& column, std::string_view word);
  bool put_text(const Shown& column, std::string_view bytes, bool cut);
  bool put_text_end(const Shown& column, std::string_view bytes);
  bool put_value(const Shown& column, const Value& value);

  // Of table_quick.cpp: false if a value needs more care.
  bool put_quickly(std::span<const Value> values);
  [[nodiscard]] std::size_t quick_room() const;  // what it may need
  static std::string_view cut_time(std::string_view time, int width);

  void put_losses(const Summary& summary);
  void put_details(const Summary& summary);

  Output& rows_;
  Output& diagnostics_;
  TableStyle style_;
  std::vector<Shown> columns_;
  bool quick_ = false;  // lines are not fitted into a width, and nothing stands beneath them
  std::size_t quick_room_ = 0;
  std::size_t last_ = 0;  // of those that stand in the row
  TimeOfDay time_;
  std::string joined_;  // of an argv and the like: its memory is kept from row to row
  bool first_interval_ = true;
  int cell_ = 0;  // where the line being written has come to
};

}  // namespace sonde
