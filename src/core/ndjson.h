// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/output.h"
#include "core/sink.h"

namespace sonde {

/// One JSON object a line, all of it to one output: {"type":"event",…} (or "row"), "lost", "note", and "summary" last.
///  - every key is always there, null where there is no value; a symbol gives KEY and KEY_raw; a text that is not UTF-8
///    gives KEY with U+FFFD and KEY_hex beside it (a list: the hex of each item); a cut one KEY_cut: true. Times are
///    ISO 8601 UTC with ns; durations and bytes are integers. Integers beyond 2^53 stay integers.
///  - quiet leaves out notes; losses and the summary stay.
class Ndjson final : public Sink {
 public:
  Ndjson(Output& out, bool quiet, RowKind kind = RowKind::event);

  void begin(std::span<const ColumnInfo* const> columns) override;
  void row(std::span<const Value> values) override;
  void begin_interval(const Interval& interval) override;
  void end_interval(const Interval& interval) override;
  void lost(const Loss& loss) override;
  void note(std::string_view sentence) override;
  void summary(const Summary& summary) override;
  void end(std::string_view tool, std::uint64_t rows) override;
  void flush() override;

 private:
  struct Member {
    std::string key;  // ,"key": ready to be written
    bool symbol;
  };
  void put_companion_key(const Member& member, std::string_view suffix);
  void put_member(const Member& member, const Value& value);
  void put_text(const Member& member, std::string_view bytes);
  void put_list(const Member& member, std::span<const std::string_view> items);
  void put_histogram(std::span<const Value::Bucket> buckets);
  void put_stack(std::span<const Frame> frames);
  void put_time(std::int64_t ns);
  void put_scalar(const Value& value);
  void put_losses(const Summary& summary);
  void put_rungs(const Summary& summary);
  void put_costs(const Summary& summary);

  Output& out_;
  bool quiet_;
  RowKind kind_;
  std::vector<Member> members_;
  Interval interval_;
  std::int64_t second_ = INT64_MIN;  // the one that date_ stands for
  std::string date_;                 // "2024-05-01T15:04:05.
};

/// A JSON string literal, quotes included: RFC 8259, invalid UTF-8 replaced by U+FFFD, and bidi controls escaped as
/// \uNNNN so that `cat` of a capture is as safe as the table.
void put_json_string(Output& out, std::string_view bytes);

/// How a row's "type" reads: "event", else "row".
std::string_view type_name(RowKind kind);

/// The JSON Schema (2020-12) of the objects these columns make, one line per property, with the help texts as
/// descriptions.
void put_schema(Output& out, std::string_view tool, RowKind kind, std::span<const ColumnInfo* const> columns);

}  // namespace sonde
