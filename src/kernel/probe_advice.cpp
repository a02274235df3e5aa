// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>

#include "core/text.h"
#include "kernel/probes.h"

namespace sonde::kernel {
namespace {

constexpr std::size_t longest_glob = 60;

std::string quoted(const ProbePattern& pattern) { return "'" + escaped(pattern.text()) + "'"; }

std::string nearest_of(const std::vector<Probe>& probes, const ProbePattern& pattern) {
  std::vector<std::string> names;
  names.reserve(probes.size());
  for (const auto& probe : probes) {
    const bool whole = pattern.grouped() && !probe.group.empty();
    names.push_back(whole ? std::string(probe.group) + ":" + std::string(probe.name) : std::string(probe.name));
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  return std::string(nearest(pattern.glob(), views));
}

// "tracepont:..." is taken for a group, since it may be one.
std::string kind_meant(const ProbePattern& pattern) {
  const std::size_t colon = pattern.glob().find(':');
  if (pattern.kind() || colon == std::string::npos) return {};
  std::array<std::string_view, probe_kinds.size()> kinds;
  std::transform(probe_kinds.begin(), probe_kinds.end(), kinds.begin(), name_of);
  const std::string_view near = nearest(pattern.glob().substr(0, colon), kinds);
  return near.empty() ? std::string() : std::string(near) + pattern.glob().substr(colon);
}

}  // namespace

std::string Probes::advice(const ProbePattern& pattern) {
  if (const auto meant = kind_meant(pattern); !meant.empty()) return "Did you mean '" + escaped(meant) + "'?";
  if (pattern.literal() && pattern.glob().size() <= longest_glob) {
    const auto wider = pattern.with("*" + pattern.glob() + "*");
    const auto more = find(wider);
    if (!more.empty())
      return quoted(wider) + " matches " + std::to_string(more.size()) + ", as '" + escaped(more.front().text()) + "'.";
  }
  const auto every = pattern.with("*");
  const auto all = find(every);
  if (pattern.literal())
    if (const auto near = nearest_of(all, pattern); !near.empty())
      return "Did you mean " + quoted(pattern.with(near)) + "?";
  if (!pattern.binary().empty() && all.empty())
    return pattern.kind() == ProbeKind::usdt ? "It has no static probes." : "It has no symbols of functions.";
  return "List them with " + quoted(every) + " and look for what is meant.";
}

Error Probes::refusal(const ProbePattern& pattern) {
  const std::string cause = "No probe matches " + quoted(pattern) + ".";
  // What was asked for may be behind a door that is closed, which is another thing than not being there.
  if (pattern.kind())
    for (const auto& source : closed_)
      if (source.whole) return {source.code, cause, escaped(source.sentence)};
  return {Exit::run_time, cause, advice(pattern)};
}

}  // namespace sonde::kernel
