// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/capture.h"

#include <algorithm>
#include <cstddef>

#include "core/show.h"
#include "core/text.h"

namespace sonde {

namespace {

std::string text(std::string_view bytes, bool cut) { return escaped(bytes) + (cut ? "…" : ""); }

std::string shown(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::text:
      if (value.begins_later()) return "…" + escaped(value.as_text());
      return value.as_text().empty() && !value.cut() ? "\"\"" : text(value.as_text(), value.cut());
    case Value::Kind::list: {
      if (value.as_list().empty() && !value.cut()) return "-";
      std::string joined;
      join(value.as_list(), joined);
      return text(joined, value.cut());
    }
    case Value::Kind::time:
      return std::string(TimeOfDay(false)(value.as_integer()));
    case Value::Kind::histogram: {
      std::string buckets;
      for (const auto& bucket : value.as_histogram())
        buckets += (buckets.empty() ? "" : " ") + std::to_string(bucket.min) + ".." + std::to_string(bucket.max) + ":" +
                   std::to_string(bucket.count);
      return buckets.empty() ? "-" : buckets;
    }
    case Value::Kind::stack: {
      std::string frames, frame;
      for (const auto& one : value.as_stack()) {
        show_frame(one, frame);
        frames += (frames.empty() ? "" : "; ") + escaped(frame);
      }
      return frames.empty() ? "-" : frames;
    }
    default:
      break;
  }
  ShowBuffer buffer;
  return escaped(show(value, buffer));
}

}  // namespace

void Capture::begin(std::span<const ColumnInfo* const> columns) {
  keys.clear();
  for (const ColumnInfo* column : columns) keys.push_back(column->key);
}

void Capture::row(std::span<const Value> values) {
  Row& row = rows.emplace_back();
  for (std::size_t i = 0; i < std::min(keys.size(), values.size()); ++i) row[keys[i]] = shown(values[i]);
}

}  // namespace sonde
