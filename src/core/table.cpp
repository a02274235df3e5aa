// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/table.h"

#include <algorithm>
#include <climits>
#include <cstddef>
#include <utility>

#include "core/text.h"
#include "core/units.h"

namespace sonde {

namespace {

constexpr int gap = 2;
constexpr int least_text = 8;
constexpr int least_last_text = 16;
constexpr int fair_last_text = 24;
constexpr int least_time = 12;  // to the millisecond

bool is_number(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::integer:
    case Value::Kind::natural:
    case Value::Kind::real:
    case Value::Kind::duration:
    case Value::Kind::bytes:
      return true;
    case Value::Kind::none:
    case Value::Kind::boolean:
    case Value::Kind::text:
    case Value::Kind::list:
    case Value::Kind::time:
    case Value::Kind::symbol:
    case Value::Kind::histogram:
    case Value::Kind::stack:
      break;
  }
  return false;
}

bool stands_beneath(Value::Kind kind) { return kind == Value::Kind::histogram || kind == Value::Kind::stack; }

std::string heading(const ColumnInfo& column) {
  std::string name(column_name(column));
  for (char& c : name)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return name;
}

}  // namespace

Table::Table(Output& rows, Output& diagnostics, TableStyle style)
    : rows_(rows), diagnostics_(diagnostics), style_(style), time_(style.utc) {}

// A column that had to give up cells shows milliseconds.
std::string_view Table::cut_time(std::string_view time, int width) {
  return width >= least_time ? time.substr(0, static_cast<std::size_t>(width)) : time;
}

void Table::begin(std::span<const ColumnInfo* const> columns) {
  columns_.clear();
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (!stands_beneath(columns[i]->kind)) last_ = i;
  for (std::size_t i = 0; i < columns.size(); ++i) columns_.push_back(plan(*columns[i], i == last_));
  place();
  leave_out(columns);
  fit();
  quick_ =
      style_.width <= 0 && std::all_of(columns_.begin(), columns_.end(), [](const auto& c) { return c.in_line(); });
  quick_room_ = quick_room();
  if (style_.sums) return;
  put_heading();
  rows_.flush();
}

void Table::put_heading() {
  for (const Shown& column : columns_)
    if (column.in_line() && !put_word(column, column.heading)) break;
  rows_.put('\n');
  cell_ = 0;
}

void Table::begin_interval(const Interval& interval) {
  if (!first_interval_) rows_.put('\n');
  first_interval_ = false;
  rows_.put(time_(interval.start).substr(0, least_time));
  rows_.put(" to ");
  rows_.put(time_(interval.end).substr(0, least_time));
  rows_.put(", ");
  rows_.put(format_duration(static_cast<std::uint64_t>(std::max<std::int64_t>(0, interval.end - interval.start))));
  rows_.put(interval.rows ? "\n" : ": nothing\n");
  if (interval.rows) put_heading();
}

void Table::end_interval(const Interval& interval) {
  if (interval.more) rows_.put(format_count(interval.more) + " more\n");
}

Table::Shown Table::plan(const ColumnInfo& column, bool last) {
  const int title = static_cast<int>(column_name(column).size());
  const int width = std::max(column.width, title);
  if (stands_beneath(column.kind)) {
    const std::string name(column_name(column));
    const bool bytes = column.kind == Value::Kind::histogram && column.key.ends_with("bytes");
    return {.width = 0,
            .least = 0,
            .right = false,
            .beneath = true,
            .bytes = bytes,
            .heading = bytes                 ? "sizes"
                       : name == "histogram" ? "times"
                                             : name.substr(0, name.rfind("_histogram"))};
  }
  const bool fixed = is_number(column.kind);
  const int enough = column.kind == Value::Kind::time ? least_time : last ? least_last_text : least_text;
  const int least = std::max(title, std::min(width, enough));
  return {.width = width, .least = fixed ? width : least, .right = is_number(column.kind), .heading = heading(column)};
}

void Table::place() {
  int start = 0;
  for (Shown& column : columns_) {
    column.start = start;
    if (column.in_line()) start += column.width + gap;
  }
  const int end = start;
  for (Shown& column : columns_) column.behind = end - gap - column.start - column.width;
}

int Table::excess() const {
  if (style_.width <= 0 || columns_.empty()) return 0;
  int longest = 0;
  for (const Shown& column : columns_)
    if (column.in_line()) longest = column.start + column.width;
  return longest - style_.width;
}

void Table::leave_out(std::span<const ColumnInfo* const> columns) {
  std::vector<std::size_t> yielding;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i]->yields && !is_named(style_.asked, *columns[i])) yielding.push_back(i);
  std::stable_sort(yielding.begin(), yielding.end(),
                   [&](std::size_t a, std::size_t b) { return columns[a]->yields < columns[b]->yields; });
  std::string names;
  for (const std::size_t i : yielding) {
    if (excess() <= 0) break;
    columns_[i].left_out = true;
    names.append(names.empty() ? "" : ", ").append(column_name(*columns[i]));
    place();
  }
  if (!names.empty()) note("Too narrow for all columns, left out: " + names + ". -C +NAME shows them.");
}

// Where the terminal is too narrow, takes from the last columns first, but from the very last one, which is what a tool
// is about, only what the others cannot give.
void Table::fit() {
  int excess = this->excess();
  if (excess <= 0) return;
  Shown& last = columns_[last_];
  const auto take = [&](Shown& column, int least) {
    const int given = std::clamp(excess, 0, std::max(0, column.width - least));
    column.width -= given;
    excess -= given;
  };
  take(last, std::max(last.least, fair_last_text));
  for (std::size_t i = last_; i-- > 0;)
    if (columns_[i].in_line()) take(columns_[i], columns_[i].least);
  take(last, last.least);
  place();
}

void Table::row(std::span<const Value> values) {
  if (quick_ && put_quickly(values)) return;
  const std::size_t count = std::min(values.size(), columns_.size());
  for (std::size_t i = 0; i < count; ++i)
    if (columns_[i].in_line() && !put_value(columns_[i], values[i])) break;
  rows_.put('\n');
  cell_ = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (values[i].kind() == Value::Kind::stack)
      put_stack(columns_[i].heading, values[i].as_stack());
    else if (columns_[i].beneath)
      put_histogram(columns_[i], values[i].as_histogram());
}

bool Table::put_value(const Shown& column, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::text:
      if (value.as_text().empty() && !value.cut()) return put_word(column, "\"\"");
      if (value.begins_later()) return put_text_end(column, value.as_text());
      return put_text(column, value.as_text(), value.cut());
    case Value::Kind::list:
      if (value.as_list().empty() && !value.cut()) return put_word(column, "-");
      join(value.as_list(), joined_);
      return put_text(column, joined_, value.cut());
    case Value::Kind::symbol:
      if (!value.as_text().empty()) return put_text(column, value.as_text(), false);
      break;
    case Value::Kind::time:
      return put_word(column, cut_time(time_(value.as_integer()), column.width));
    default:
      break;
  }
  ShowBuffer buffer;
  return put_word(column, show(value, buffer));
}

// The bucket at the front, or one that stands for many without a count: a few show how far apart their neighbours are,
// a page of them only hides those.
Table::Line Table::histogram_line(std::span<const Value::Bucket> buckets) {
  constexpr std::size_t many = 4;
  std::size_t empty = 0;
  while (empty < buckets.size() && !buckets[empty].count) ++empty;
  if (empty < many) return {buckets[0], 1};
  return {{buckets[0].min, buckets[empty - 1].max, 0}, empty};
}

//     4.1us to 8.2us       1234 |@@@@@@@@@@          |
void Table::put_histogram(const Shown& column, std::span<const Value::Bucket> buckets) {
  constexpr int indent = 4, number = 12, least_bar = 10, fair_bar = 40;
  const int edge = column.bytes ? 10 : 7;
  const int before_bar = indent + 2 * edge + 4 + number + 2;
  const int bar = style_.width > 0 ? std::clamp(style_.width - before_bar - 1, least_bar, fair_bar) : fair_bar;
  std::uint64_t most = 1;
  for (const auto& bucket : buckets) most = std::max(most, bucket.count);
  const auto right = [&](std::string_view word, int width) {
    rows_.put_spaces(std::max(0, width - static_cast<int>(word.size())));
    rows_.put(word);
  };
  const auto shown = [&](std::uint64_t value) { return column.bytes ? format_bytes(value) : format_duration(value); };
  const auto several =
      std::count_if(columns_.begin(), columns_.end(), [](const Shown& one) { return one.beneath; }) > 1;
  if (several && !buckets.empty()) rows_.put("    " + column.heading + "\n");
  while (!buckets.empty()) {
    const auto [bucket, merged] = histogram_line(buckets);
    buckets = buckets.subspan(merged);
    const bool open = bucket.max == UINT64_MAX;
    rows_.put_spaces(indent);
    right(shown(bucket.min), edge);
    rows_.put(open ? " or " : " to ");
    right(open ? "more" : shown(bucket.max), edge);
    right(format_count(bucket.count), number);
    const auto share = static_cast<double>(bucket.count) / static_cast<double>(most);
    const int filled = bucket.count ? std::max(1, static_cast<int>(share * bar)) : 0;
    rows_.put(" |" + std::string(static_cast<std::size_t>(filled), '@'));
    rows_.put_spaces(bar - filled);
    rows_.put("|\n");
  }
}

//     kstack: do_sys_openat2+0x1 [ext4]
//             main+0x12 (/usr/bin/true)
void Table::put_stack(std::string_view heading, std::span<const Frame> frames) {
  constexpr int indent = 4;
  const int behind = indent + static_cast<int>(heading.size()) + 2;
  bool first = true;
  for (const Frame& frame : frames) {
    rows_.put_spaces(first ? indent : behind);
    if (std::exchange(first, false)) {
      rows_.put(heading);
      rows_.put(": ");
    }
    show_frame(frame, joined_);
    put_escaped(rows_, joined_, style_.width > 0 ? std::max(1, style_.width - behind) : -1);
    rows_.put('\n');
  }
}

int Table::next_cell() const { return cell_ == 0 ? 0 : cell_ + gap; }

int Table::room(int from) const { return style_.width > 0 ? style_.width - from : INT_MAX; }

// The put_… below return false when the line is full.

bool Table::put_word(const Shown& column, std::string_view word) {
  int start = column.start;
  if (column.right) start = std::min(start + column.width, room(0)) - static_cast<int>(word.size());
  start = std::max(start, next_cell());
  if (room(start) <= 0) return false;
  rows_.put_spaces(start - cell_);
  if (word.size() <= static_cast<std::size_t>(room(start))) {
    rows_.put(word);
    cell_ = start + static_cast<int>(word.size());
  } else {
    cell_ = start + put_escaped(rows_, word, room(start));
  }
  return true;
}

bool Table::put_text(const Shown& column, std::string_view bytes, bool cut) {
  const int start = std::max(column.start, next_cell());
  if (room(start) <= 0) return false;
  rows_.put_spaces(start - cell_);
  // Beyond its width a text takes only what the columns after it do not need.
  const int free = room(start);
  const int most = style_.width > 0 ? std::max(std::min(free, column.width), free - column.behind) : -1;
  cell_ = start + put_escaped(rows_, bytes, most, cut);
  return true;
}

bool Table::put_text_end(const Shown& column, std::string_view bytes) {
  joined_.assign("…").append(bytes);
  return put_text(column, joined_, false);
}

void Table::lost(const Loss& loss) {
  rows_.flush();
  diagnostics_.put("lost: ");
  diagnostics_.put(counted(loss.count, "event"));
  diagnostics_.put(": ");
  put_escaped(diagnostics_, loss.reason);
  diagnostics_.put('\n');
  diagnostics_.flush();
}

void Table::note(std::string_view sentence) {
  if (style_.quiet) return;
  rows_.flush();
  diagnostics_.put("note: ");
  put_escaped(diagnostics_, sentence);
  diagnostics_.put('\n');
  diagnostics_.flush();
}

void Table::summary(const Summary& summary) {
  rows_.flush();
  if (style_.quiet && summary.lost == 0) return;
  diagnostics_.put(summary.tool);
  diagnostics_.put(": ");
  if (!style_.quiet) {
    diagnostics_.put(counted(summary.events, style_.sums ? "row" : "event"));
    diagnostics_.put(" in ");
    diagnostics_.put(format_duration(summary.window_ns));
    diagnostics_.put(", ");
  }
  put_losses(summary);
  if (!style_.quiet) put_details(summary);
  diagnostics_.put('\n');
  diagnostics_.flush();
}

void Table::put_losses(const Summary& summary) {
  if (summary.lost == 0) {
    diagnostics_.put("none lost");
    return;
  }
  diagnostics_.put(format_count(summary.lost));
  diagnostics_.put(" LOST");
  std::string_view before = ": ";
  for (const Loss& loss : summary.losses) {
    if (loss.count == 0) continue;
    diagnostics_.put(before);
    diagnostics_.put(format_count(loss.count));
    diagnostics_.put(' ');
    put_escaped(diagnostics_, loss.reason);
    before = ", ";
  }
}

void Table::put_details(const Summary& summary) {
  diagnostics_.put("; cost ");
  diagnostics_.put(format_duration(summary.cpu_ns));
  diagnostics_.put(" CPU, ");
  diagnostics_.put(format_bytes(summary.memory_bytes));
  std::string_view before = "\n  ";
  for (const RungUse& use : summary.rungs) {
    diagnostics_.put(before);
    put_escaped(diagnostics_, use.hook);
    diagnostics_.put(": ");
    put_escaped(diagnostics_, use.rung);
    if (!use.scope.empty()) {
      diagnostics_.put(" (");
      put_escaped(diagnostics_, use.scope);
      diagnostics_.put(')');
    }
    before = "; ";
  }
  if (summary.command_status) {
    diagnostics_.put(before);
    diagnostics_.put("command: ");
    put_escaped(diagnostics_, *summary.command_status);
  }
  for (const ProgramCost& cost : summary.costs) {
    diagnostics_.put("\n  ");
    put_escaped(diagnostics_, cost.program);
    diagnostics_.put(": ");
    diagnostics_.put(counted(cost.runs, "run"));
    if (cost.runs == 0) continue;
    diagnostics_.put(", ");
    diagnostics_.put_natural(cost.run_time_ns / cost.runs);
    diagnostics_.put(" ns a run");
  }
}

void Table::flush() { rows_.flush(); }

}  // namespace sonde
