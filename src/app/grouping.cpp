// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/grouping.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace sonde {
namespace {

bool tells(const Grouping& grouping, std::string_view column) {
  return std::find(grouping.columns.begin(), grouping.columns.end(), column) != grouping.columns.end();
}

}  // namespace

Groupings::Groupings(std::string things, std::vector<Grouping> all) : things_(std::move(things)), all_(std::move(all)) {
  things_.front() = static_cast<char>(things_.front() & ~0x20);  // it begins a sentence
}

void Groupings::choose(std::string_view name) {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const Grouping& one) { return one.name == name; });
  if (found == all_.end())
    throw Error(Exit::usage, things_ + " cannot be counted by '" + escaped(name) + "'.",
                "They can by " + names() + ".");
  chosen_ = static_cast<std::size_t>(found - all_.begin());
}

std::string Groupings::names() const {
  std::string names;
  for (std::size_t i = 0; i < all_.size(); ++i)
    names += (i == 0 ? "" : i + 1 == all_.size() ? " or " : ", ") + all_[i].name;
  return names;
}

bool Groupings::told_by(std::string_view column) const { return tells(chosen(), column); }

bool Groupings::ever_told_by(std::string_view column) const {
  return std::any_of(all_.begin(), all_.end(), [&](const Grouping& one) { return tells(one, column); });
}

std::vector<std::string_view> Groupings::columns() const {
  std::vector<std::string_view> columns;
  for (const auto& grouping : all_)
    for (const auto column : grouping.columns)
      if (std::find(columns.begin(), columns.end(), column) == columns.end()) columns.push_back(column);
  return columns;
}

}  // namespace sonde
