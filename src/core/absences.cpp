// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/absences.h"

#include <algorithm>

namespace sonde {

std::optional<AbsencePart> part_in(const AbsenceInterval& interval, const absence& thread, const absence_conf& want) {
  // Still away, or back only since the interval was over.
  const bool away = thread.since && thread.since < interval.ended;
  if (!away && thread.crossed != interval.ended) return std::nullopt;
  const std::uint64_t row = away ? thread.row : thread.crossed_row;
  const std::uint64_t left = away ? thread.since : thread.crossed_since;
  const std::uint64_t since = std::max(left, interval.window_began);
  if (since >= interval.ended) return std::nullopt;
  const std::uint64_t whole = interval.ended - since;
  if (!want.bounded)
    return AbsencePart{static_cast<std::uint32_t>(row), interval.ended - std::max(since, interval.began)};
  // Whole lengths are counted where they end.
  if (!interval.last || whole < want.least || whole > want.most) return std::nullopt;
  return AbsencePart{static_cast<std::uint32_t>(row), whole};
}

void Absences::begin(const AbsenceInterval& interval) {
  interval_ = interval;
  added_.clear();
}

void Absences::add(const AbsencePart& part) {
  Added& added = added_[part.row];
  added.time += part.time;
  ++added.number;
}

void Absences::settle(std::uint32_t row, absence_sums& sums) {
  auto& rows = row & readers_own ? own_rows_ : rows_;
  const std::size_t number = row & ~readers_own;
  if (number >= rows.size()) rows.resize(std::max(number + 1, rows.size() * 2));
  Row& known = rows[number];
  const std::size_t place = interval_.began & 1;
  known.settled.time[place] = sums.time[place];
  known.settled.number[place] = sums.number[place];
  if (const auto added = added_.find(row); added != added_.end()) {
    known.time += added->second.time;
    known.number += added->second.number;
  }
  sums = {{known.settled.time[0] + known.settled.time[1] + known.time, 0},
          {known.settled.number[0] + known.settled.number[1] + known.number, 0}};
}

}  // namespace sonde
