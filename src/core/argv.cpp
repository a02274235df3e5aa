// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/argv.h"

#include <algorithm>

namespace sonde {

void split_argv(std::string_view bytes, std::vector<std::string_view>& strings) {
  strings.clear();
  while (!bytes.empty()) {
    const auto end = std::min(bytes.find('\0'), bytes.size());
    strings.push_back(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
}

void Parts::take(std::uint32_t source, std::uint64_t text, std::string_view part) {
  Text& current = texts_[source];
  if (current.id != text) {
    current.id = text;
    current.bytes.clear();
  }
  current.bytes += part;
}

std::string_view Parts::all(std::uint32_t source, std::uint64_t text) const {
  const auto found = texts_.find(source);
  return found == texts_.end() || found->second.id != text ? std::string_view() : found->second.bytes;
}

}  // namespace sonde
