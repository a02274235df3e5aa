// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/syscall_names.h"

#include <algorithm>
#include <span>

namespace sonde {
namespace {

struct Entry {
  std::uint32_t number;
  const char* name;
};

#include "core/syscall_names.inc"

std::span<const Entry> entries(CallTable table) {
  switch (table) {
    case CallTable::x86_64:
      return x86_64;
    case CallTable::ia32:
      return ia32;
    case CallTable::arm64:
      return arm64;
    case CallTable::none:
      break;
  }
  return {};
}

}  // namespace

std::string_view syscall_name(CallTable table, std::uint32_t number) {
  const auto all = entries(table);
  const auto found = std::lower_bound(all.begin(), all.end(), number,
                                      [](const Entry& entry, std::uint32_t wanted) { return entry.number < wanted; });
  return found != all.end() && found->number == number ? found->name : std::string_view();
}

std::uint32_t syscall_numbers(CallTable table) {
  const auto all = entries(table);
  return all.empty() ? 0 : all.back().number + 1;
}

}  // namespace sonde
