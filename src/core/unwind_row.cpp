// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/unwind_row.h"

#include <type_traits>

#include "core/bytes.h"

namespace sonde {
namespace {

struct Head {
  std::uint64_t start, end;
  UnwindRule cfa;
  std::uint32_t rules, expressions;  // how many, and how many bytes
  std::uint32_t return_column, signal;
};
static_assert(std::is_trivially_copyable_v<UnwindRule> && sizeof(UnwindRule) == 16);

template <class T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace

void put_row(const UnwindRow& row, std::string& bytes) {
  append(bytes, Head{row.start, row.end, row.cfa, static_cast<std::uint32_t>(row.rules.size()),
                     static_cast<std::uint32_t>(row.expressions.size()), row.return_column, row.signal});
  for (const auto& rule : row.rules) append(bytes, rule);
  bytes.append(row.expressions);
}

std::optional<UnwindRow> row_of(std::string_view bytes) {
  const auto head = read_at<Head>(bytes, 0);
  if (!head || head->rules > unwind_registers) return std::nullopt;
  UnwindRow row{head->start, head->end, head->cfa, {}, {}, head->return_column, head->signal != 0};
  std::uint64_t at = sizeof(Head);
  for (std::uint32_t i = 0; i < head->rules; ++i, at += sizeof(UnwindRule)) {
    const auto rule = read_at<UnwindRule>(bytes, at);
    if (!rule) return std::nullopt;
    row.rules.push_back(*rule);
  }
  row.expressions = part(bytes, at, head->expressions);
  return row;
}

}  // namespace sonde
