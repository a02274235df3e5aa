// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/tracing.h"

#include <algorithm>

#include "app/tracing_run.h"
#include "kernel/capabilities.h"
#include "kernel/reason.h"

namespace sonde {

Tracing::Tracing(ToolInfo info) : info_(std::move(info)) {}
Tracing::~Tracing() = default;

Exit Tracing::run(const CommonOptions& options) {
  common_ = &options;
  chosen_ = choose_columns(columns(), options.column_spec());
  prepare();
  kernel::require_capabilities();
  kernel::raise_memory_limit();
  kernel::require_descriptors();
  const auto run = make_run(options);
  run->start();
  return run->go();
}

std::optional<kernel::Prospect> Tracing::prospect(const kernel::Finding& tracepoints) {
  if (const auto missing = kernel::missing_capabilities(); !missing.empty())
    return kernel::Prospect{{}, {}, {{"", kernel::lack_of(missing), true, kernel::capability_remedy()}}};
  kernel::raise_memory_limit();
  kernel::raise_descriptor_limit();
  if (!kernel::enough_descriptors())
    return kernel::Prospect{{}, {}, {{"", "too few files may be open", true, "Raise the limit (ulimit -n)."}}};
  chosen_ = choose_columns(columns(), {});
  const CommonOptions defaults;
  const auto run = make_run(defaults);
  try {
    return run->prospect(tracepoints);
  } catch (const Error& error) {  // what the tool looks at is not on this machine
    const bool refused = error.code() == Exit::not_permitted;
    return kernel::Prospect{{}, {}, {{"", kernel::phrase_of(error.cause()), refused, error.remedy()}}};
  }
}

bool Tracing::shown(std::string_view key) const {
  const auto all = columns();
  return std::any_of(chosen_.begin(), chosen_.end(), [&](std::size_t i) { return all[i]->key == key; });
}

bool Tracing::any_shown(std::initializer_list<std::string_view> keys) const {
  return std::any_of(keys.begin(), keys.end(), [this](std::string_view key) { return shown(key); });
}

std::uint32_t Tracing::room_for_threads() const {
  return common().max_entries ? common().max_entries : std::max(16384U, kernel::count_tasks() * 2);
}

unsigned Tracing::wanted(Wants columns) const {
  unsigned bits = 0;
  for (const auto& [key, bit] : columns)
    if (shown(key)) bits |= bit;
  return bits;
}

}  // namespace sonde
