// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/value.h"

namespace sonde {

/// What is known of a column without an event. The table heading, the JSON keys, the schema and the help text all come
/// from here and from nowhere else.
struct ColumnInfo {
  /// The JSON key, lower case; a duration's ends in `_ns`. The heading is the key in capitals without that ending, and
  /// -C takes it with or without.
  std::string key;
  Value::Kind kind = Value::Kind::none;
  /// Width in a table, in terminal cells; longer values push the rest of their own line aside. The last column of a
  /// table is never padded.
  int width = 8;
  /// One phrase for --help and the schema.
  std::string help;
  /// Shown without being asked for.
  bool standard = true;
  /// Left out, unless it is asked for, where a terminal is too narrow for all columns: those with 1 first, then those
  /// with 2 and so on. 0: never.
  int yields = 0;
};

/// A column of events of type E. `get` must not keep its argument; what the Value points to must live until the sink
/// has taken the row.
template <class E>
struct Column : ColumnInfo {
  std::function<Value(const E&)> get;
};

/// The key as -C and headings use it: without a unit ending.
std::string_view column_name(const ColumnInfo& column);

/// True if a -C argument, list or edits, names the column.
bool is_named(std::string_view spec, const ColumnInfo& column);

/// Applies a -C argument to the columns a tool has: "a,b" shows exactly these in this order, "+a,-b" edits the standard
/// set. Returns indices into `all`. Throws Error(usage) with the nearest name for an unknown column, and for an empty
/// result. An empty spec yields the standard columns.
std::vector<std::size_t> choose_columns(const std::vector<const ColumnInfo*>& all, std::string_view spec);

}  // namespace sonde
