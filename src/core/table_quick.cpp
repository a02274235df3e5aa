// SPDX-License-Identifier: GPL-2.0-or-later
// Nearly all rows go to a file or a pipe and have nothing in them to escape or to mark. Such a row is written straight
// into the buffer, which counts it only when it is whole: where a value wants more care, Table begins again.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <tuple>

#include "core/show.h"
#include "core/table.h"
#include "core/utf8.h"

namespace sonde {
namespace {

constexpr std::ptrdiff_t gap = 2;
constexpr std::ptrdiff_t most_spaces = 32;
constexpr std::size_t longest_word = std::tuple_size_v<ShowBuffer>;
constexpr std::size_t longest_texts = 8192;  // of one row together

// A fixed number is cheaper than the right one; there is room.
char* pad(char* at, std::ptrdiff_t spaces) {
  std::memset(at, ' ', most_spaces);
  if (spaces > most_spaces) std::memset(at, ' ', static_cast<std::size_t>(spaces));
  return at + std::max<std::ptrdiff_t>(spaces, 0);
}

}  // namespace

std::size_t Table::quick_room() const {
  std::size_t room = longest_texts + most_spaces + 1;
  for (const Shown& column : columns_) room += static_cast<std::size_t>(gap + column.width) + longest_word;
  return room;
}

bool Table::put_quickly(std::span<const Value> values) {
  char* const line = values.size() == columns_.size() ? rows_.reserve(quick_room_) : nullptr;
  if (!line) return false;
  char* at = line;
  std::size_t texts = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Shown& column = columns_[i];
    const Value& value = values[i];
    const std::ptrdiff_t next = at == line ? 0 : at - line + gap;
    const std::string_view text = value.as_text();
    if (!text.empty()) {
      at = pad(at, line + std::max<std::ptrdiff_t>(column.start, next) - at);
      texts += text.size();
      if (value.cut() || texts > longest_texts || !copy_plain(at, text)) return false;
      at += text.size();
      continue;
    }
    ShowBuffer buffer;
    std::string_view word;
    switch (value.kind()) {
      case Value::Kind::text:
      case Value::Kind::list:
      case Value::Kind::histogram:
        return false;
      case Value::Kind::time:
        word = cut_time(time_(value.as_integer()), column.width);
        break;
      default:
        word = show(value, buffer);
    }
    const std::ptrdiff_t left = column.right ? column.width - static_cast<std::ptrdiff_t>(word.size()) : 0;
    at = pad(at, line + std::max(column.start + left, next) - at);
    std::memcpy(at, word.data(), word.size());
    at += word.size();
  }
  *at++ = '\n';
  rows_.advance(at);
  return true;
}

}  // namespace sonde
