// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/perf_map.h"

#include <algorithm>
#include <charconv>

#include "core/kernel_text.h"

namespace sonde {
namespace {

// "0x" is allowed and unusual.
bool take_hex(std::string_view& line, std::uint64_t& number) {
  if (line.starts_with("0x")) line.remove_prefix(2);
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number, 16);
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (error != std::errc{} || !line.starts_with(' ')) return false;
  line.remove_prefix(1);
  return true;
}

}  // namespace

PerfMap::PerfMap(std::string text) : text_(std::move(text)) {
  each_line(text_, [this](std::string_view line) {
    Function function{};
    if (!take_hex(line, function.start) || !take_hex(line, function.size) || line.empty() || !function.size) return;
    function.name = static_cast<std::size_t>(line.data() - text_.data());
    function.length = line.size();
    functions_.push_back(function);
  });
  std::stable_sort(functions_.begin(), functions_.end(), [](auto& a, auto& b) { return a.start < b.start; });
}

std::optional<PerfMap::Found> PerfMap::find(std::uint64_t address) const {
  const auto above = std::upper_bound(functions_.begin(), functions_.end(), address,
                                      [](std::uint64_t a, const Function& f) { return a < f.start; });
  if (above == functions_.begin()) return std::nullopt;
  const Function& function = *std::prev(above);
  if (address - function.start >= function.size) return std::nullopt;
  return Found{std::string_view(text_).substr(function.name, function.length), address - function.start};
}

}  // namespace sonde
