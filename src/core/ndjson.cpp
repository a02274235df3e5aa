// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ndjson.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include "core/text.h"
#include "core/units.h"
#include "core/utf8.h"

namespace sonde {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void put_escape(Output& out, char32_t code) {
  switch (code) {
    case '"':
      return out.put("\\\"");
    case '\\':
      return out.put("\\\\");
    case '\n':
      return out.put("\\n");
    case '\t':
      return out.put("\\t");
    case '\r':
      return out.put("\\r");
    default:
      break;
  }
  put_utf16_escape(out, code);
}

void put_hex(Output& out, std::string_view bytes) {
  out.put('"');
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.put(hex_digits[byte >> 4]);
    out.put(hex_digits[byte & 15]);
  }
  out.put('"');
}

// [first,second,…] of whatever `put_one` makes of an item.
template <class Items, class PutOne>
void put_array(Output& out, const Items& items, const PutOne& put_one) {
  out.put('[');
  bool first = true;
  for (const auto& item : items) {
    if (!first) out.put(',');
    put_one(item);
    first = false;
  }
  out.put(']');
}

}  // namespace

void put_json_string(Output& out, std::string_view bytes) {
  out.put('"');
  while (true) {
    const std::size_t plain = plain_length(bytes);
    out.put(bytes.substr(0, plain));
    bytes.remove_prefix(plain);
    if (bytes.empty()) break;
    const Decoded decoded = decode_utf8(bytes);
    if (!decoded.valid)
      out.put("\xEF\xBF\xBD");
    else if (decoded.code == '"' || decoded.code == '\\' || cells_of(decoded.code) == Cells::control)
      put_escape(out, decoded.code);
    else
      out.put(bytes.substr(0, decoded.length));
    bytes.remove_prefix(decoded.length);
  }
  out.put('"');
}

std::string_view type_name(RowKind kind) { return kind == RowKind::event ? "event" : "row"; }

Ndjson::Ndjson(Output& out, bool quiet, RowKind kind) : out_(out), quiet_(quiet), kind_(kind) {}

void Ndjson::begin(std::span<const ColumnInfo* const> columns) {
  members_.clear();
  for (const ColumnInfo* column : columns)
    members_.push_back({.key = ",\"" + column->key + "\":", .symbol = column->kind == Value::Kind::symbol});
}

void Ndjson::row(std::span<const Value> values) {
  out_.put(kind_ == RowKind::event ? R"({"type":"event")" : R"({"type":"row")");
  if (kind_ == RowKind::sum) {
    out_.put(R"(,"interval":)");
    out_.put_natural(interval_.number);
    out_.put(R"(,"start":)");
    put_time(interval_.start);
    out_.put(R"(,"end":)");
    put_time(interval_.end);
  }
  static constexpr Value missing{};
  for (std::size_t i = 0; i < members_.size(); ++i) put_member(members_[i], i < values.size() ? values[i] : missing);
  out_.put("}\n");
}

void Ndjson::put_companion_key(const Member& member, std::string_view suffix) {
  out_.put(std::string_view(member.key).substr(0, member.key.size() - 2));
  out_.put(suffix);
  out_.put("\":");
}

void Ndjson::put_member(const Member& member, const Value& value) {
  const bool named = value.kind() == Value::Kind::symbol && !value.as_text().empty();
  if (value.kind() == Value::Kind::text) {
    put_text(member, value.as_text());
  } else if (value.kind() == Value::Kind::list) {
    put_list(member, value.as_list());
  } else {
    out_.put(member.key);
    if (named)
      put_json_string(out_, value.as_text());
    else
      put_scalar(value);
  }
  if (member.symbol) {
    put_companion_key(member, "_raw");
    if (value.kind() == Value::Kind::symbol)
      out_.put_integer(value.as_integer());
    else
      out_.put("null");
  }
  if (value.cut()) {
    put_companion_key(member, "_cut");
    out_.put("true");
  }
}

void Ndjson::put_text(const Member& member, std::string_view bytes) {
  out_.put(member.key);
  put_json_string(out_, bytes);
  if (is_utf8(bytes)) return;
  put_companion_key(member, "_hex");
  put_hex(out_, bytes);
}

void Ndjson::put_list(const Member& member, std::span<const std::string_view> items) {
  out_.put(member.key);
  put_array(out_, items, [&](std::string_view item) { put_json_string(out_, item); });
  if (std::all_of(items.begin(), items.end(), is_utf8)) return;
  put_companion_key(member, "_hex");
  put_array(out_, items, [&](std::string_view item) { put_hex(out_, item); });
}

void Ndjson::put_scalar(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::boolean:
      return out_.put(value.as_natural() != 0 ? "true" : "false");
    case Value::Kind::integer:
      return out_.put_integer(value.as_integer());
    case Value::Kind::natural:
    case Value::Kind::duration:
    case Value::Kind::bytes:
      return out_.put_natural(value.as_natural());
    case Value::Kind::time:
      return put_time(value.as_integer());
    case Value::Kind::real: {
      if (!std::isfinite(value.as_real())) break;
      std::array<char, 32> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value.as_real()).ptr;
      return out_.put({digits.data(), static_cast<std::size_t>(end - digits.data())});
    }
    case Value::Kind::histogram:
      return put_histogram(value.as_histogram());
    case Value::Kind::stack:
      return put_stack(value.as_stack());
    case Value::Kind::none:
    case Value::Kind::text:
    case Value::Kind::list:
    case Value::Kind::symbol:
      break;
  }
  out_.put("null");
}

void Ndjson::put_histogram(std::span<const Value::Bucket> buckets) {
  put_array(out_, buckets, [&](const Value::Bucket& bucket) {
    out_.put(R"({"min":)");
    out_.put_natural(bucket.min);
    out_.put(R"(,"max":)");
    if (bucket.max == UINT64_MAX)
      out_.put("null");
    else
      out_.put_natural(bucket.max);
    out_.put(R"(,"count":)");
    out_.put_natural(bucket.count);
    out_.put('}');
  });
}

void Ndjson::put_stack(std::span<const Frame> frames) {
  const auto put_name = [&](std::string_view name) {
    if (name.empty())
      out_.put("null");
    else
      put_json_string(out_, name);
  };
  put_array(out_, frames, [&](const Frame& frame) {
    out_.put(R"({"symbol":)");
    put_name(frame.symbol);
    out_.put(R"(,"module":)");
    put_name(frame.module);
    out_.put(R"(,"offset":)");
    if (frame.is_mark || frame.offset == Frame::anywhere)
      out_.put("null");
    else
      out_.put_natural(frame.offset);
    out_.put('}');
  });
}

void Ndjson::put_time(std::int64_t ns) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  std::int64_t second = ns / second_ns;
  std::int64_t rest = ns % second_ns;
  if (rest < 0) {
    --second;
    rest += second_ns;
  }
  if (second != second_) {
    const std::time_t when = second;
    std::tm parts{};
    gmtime_r(&when, &parts);
    std::array<char, 32> text{};
    date_.assign(text.data(), std::strftime(text.data(), text.size(), "\"%Y-%m-%dT%H:%M:%S.", &parts));
    second_ = second;
  }
  out_.put(date_);
  out_.put_padded(static_cast<std::uint64_t>(rest), 9);
  out_.put("Z\"");
}

void Ndjson::begin_interval(const Interval& interval) { interval_ = interval; }

void Ndjson::end_interval(const Interval& interval) {
  if (interval.more)
    note(format_count(interval.more) + " more rows in interval " + std::to_string(interval.number) + ".");
}

void Ndjson::lost(const Loss& loss) {
  out_.put(R"({"type":"lost","reason":)");
  put_json_string(out_, loss.reason);
  out_.put(R"(,"count":)");
  out_.put_natural(loss.count);
  out_.put("}\n");
}

void Ndjson::note(std::string_view sentence) {
  if (quiet_) return;
  out_.put(R"({"type":"note","text":)");
  put_json_string(out_, sentence);
  out_.put("}\n");
}

void Ndjson::summary(const Summary& summary) {
  out_.put(R"({"type":"summary","tool":)");
  put_json_string(out_, summary.tool);
  out_.put(R"(,"events":)");
  out_.put_natural(summary.events);
  out_.put(R"(,"lost":)");
  out_.put_natural(summary.lost);
  put_losses(summary);
  put_rungs(summary);
  out_.put(R"(,"window_ns":)");
  out_.put_natural(summary.window_ns);
  out_.put(R"(,"cpu_ns":)");
  out_.put_natural(summary.cpu_ns);
  out_.put(R"(,"memory_bytes":)");
  out_.put_natural(summary.memory_bytes);
  out_.put(R"(,"command_status":)");
  if (summary.command_status)
    put_json_string(out_, *summary.command_status);
  else
    out_.put("null");
  put_costs(summary);
  out_.put("}\n");
}

void Ndjson::end(std::string_view tool, std::uint64_t rows) {
  out_.put(R"({"type":"summary","tool":)");
  put_json_string(out_, tool);
  out_.put(R"(,"rows":)");
  out_.put_natural(rows);
  out_.put("}\n");
}

void Ndjson::put_losses(const Summary& summary) {
  out_.put(R"(,"losses":)");
  put_array(out_, summary.losses, [&](const Loss& loss) {
    out_.put(R"({"reason":)");
    put_json_string(out_, loss.reason);
    out_.put(R"(,"count":)");
    out_.put_natural(loss.count);
    out_.put('}');
  });
}

void Ndjson::put_rungs(const Summary& summary) {
  out_.put(R"(,"rungs":)");
  put_array(out_, summary.rungs, [&](const RungUse& use) {
    out_.put(R"({"hook":)");
    put_json_string(out_, use.hook);
    out_.put(R"(,"rung":)");
    put_json_string(out_, use.rung);
    out_.put(R"(,"scope":)");
    if (use.scope.empty())
      out_.put("null");
    else
      put_json_string(out_, use.scope);
    out_.put('}');
  });
}

void Ndjson::put_costs(const Summary& summary) {
  out_.put(R"(,"costs":)");
  put_array(out_, summary.costs, [&](const ProgramCost& cost) {
    out_.put(R"({"program":)");
    put_json_string(out_, cost.program);
    out_.put(R"(,"runs":)");
    out_.put_natural(cost.runs);
    out_.put(R"(,"run_time_ns":)");
    out_.put_natural(cost.run_time_ns);
    out_.put('}');
  });
}

void Ndjson::flush() { out_.flush(); }

}  // namespace sonde
