// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/column.h"

#include <algorithm>
#include <cstddef>

#include "core/error.h"
#include "core/text.h"

namespace sonde {

std::string_view column_name(const ColumnInfo& column) {
  std::string_view name = column.key;
  if ((column.kind == Value::Kind::duration || column.kind == Value::Kind::histogram) && name.ends_with("_ns"))
    name.remove_suffix(3);
  return name;
}

namespace {

using Columns = std::vector<const ColumnInfo*>;

constexpr const char* list_form = "Give names with single commas between them, as in pid,comm or +tid,-uid.";

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

[[noreturn]] void refuse_unknown(const Columns& all, std::string_view word) {
  std::vector<std::string_view> names;
  std::string known;
  for (const ColumnInfo* column : all) {
    names.push_back(column_name(*column));
    known.append(known.empty() ? "" : ", ").append(names.back());
  }
  const std::string_view meant = nearest(word, names);
  const std::string hint = meant.empty() ? "" : "Did you mean '" + std::string(meant) + "'? ";
  throw Error(Exit::usage, "There is no column '" + escaped(word) + "'.", hint + "The columns are " + known + ".");
}

std::size_t find(const Columns& all, std::string_view word) {
  for (std::size_t i = 0; i < all.size(); ++i)
    if (same_name(word, all[i]->key) || same_name(word, column_name(*all[i]))) return i;
  refuse_unknown(all, word);
}

std::vector<std::string_view> split(std::string_view spec) {
  std::vector<std::string_view> items;
  while (true) {
    const std::size_t comma = spec.find(',');
    items.push_back(spec.substr(0, comma));
    if (comma == spec.npos) return items;
    spec.remove_prefix(comma + 1);
  }
}

bool is_edit(std::string_view item) { return item.starts_with('+') || item.starts_with('-'); }

std::vector<std::size_t> exactly(const Columns& all, const std::vector<std::string_view>& items) {
  std::vector<std::size_t> chosen;
  for (const std::string_view item : items) {
    const std::size_t i = find(all, item);
    // Two equal keys in one JSON object would hide one of them.
    if (std::find(chosen.begin(), chosen.end(), i) != chosen.end())
      throw Error(Exit::usage, "The column '" + std::string(column_name(*all[i])) + "' is named twice.",
                  "Name it once.");
    chosen.push_back(i);
  }
  return chosen;
}

// Added columns appear where the tool has them, so that a long last column stays the last.
std::vector<std::size_t> edited(const Columns& all, const std::vector<std::string_view>& items) {
  std::vector<bool> shown;
  for (const ColumnInfo* column : all) shown.push_back(column->standard);
  for (const std::string_view item : items) shown[find(all, item.substr(1))] = item.front() == '+';
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (shown[i]) chosen.push_back(i);
  return chosen;
}

}  // namespace

bool is_named(std::string_view spec, const ColumnInfo& column) {
  const auto items = split(spec);
  return std::any_of(items.begin(), items.end(), [&](std::string_view item) {
    const auto name = item.substr(is_edit(item) ? 1 : 0);
    return same_name(name, column.key) || same_name(name, column_name(column));
  });
}

std::vector<std::size_t> choose_columns(const std::vector<const ColumnInfo*>& all, std::string_view spec) {
  if (spec.empty()) return edited(all, {});
  const std::vector<std::string_view> items = split(spec);
  const auto edits = static_cast<std::size_t>(std::count_if(items.begin(), items.end(), is_edit));
  const auto nameless = [](std::string_view item) { return item.substr(is_edit(item) ? 1 : 0).empty(); };
  if (std::any_of(items.begin(), items.end(), nameless))
    throw Error(Exit::usage, "A name is missing in the columns '" + escaped(spec) + "'.", list_form);
  if (edits != 0 && edits != items.size())
    throw Error(Exit::usage, "The columns '" + escaped(spec) + "' are partly a list and partly edits.", list_form);
  std::vector<std::size_t> chosen = edits != 0 ? edited(all, items) : exactly(all, items);
  if (chosen.empty())
    throw Error(Exit::usage, "'" + escaped(spec) + "' leaves no column to show.", "Keep at least one.");
  return chosen;
}

}  // namespace sonde
