// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/stream.h"

#include <algorithm>

#include "app/stream_run.h"
#include "kernel/capabilities.h"

namespace sonde {

StreamBase::StreamBase(ToolInfo info) : info_(std::move(info)) {}
StreamBase::~StreamBase() = default;

Exit StreamBase::run(const CommonOptions& options) {
  kernel::require_capabilities();
  kernel::raise_memory_limit();
  kernel::require_descriptors();
  common_ = &options;
  chosen_ = choose_columns(columns(), options.columns);
  return StreamRun(*this, options).go();
}

std::optional<kernel::Prospect> StreamBase::prospect(const kernel::Finding& tracepoints) {
  if (const auto missing = kernel::missing_capabilities(); !missing.empty())
    return kernel::Prospect{{}, {}, {{"", kernel::lack_of(missing), true, kernel::capability_remedy()}}};
  kernel::raise_memory_limit();
  kernel::raise_descriptor_limit();
  if (!kernel::enough_descriptors())
    return kernel::Prospect{{}, {}, {{"", "too few files may be open", true, "Raise the limit (ulimit -n)."}}};
  chosen_ = choose_columns(columns(), {});
  return StreamRun::prospect(*this, tracepoints);
}

bool StreamBase::shown(std::string_view key) const {
  const auto all = columns();
  return std::any_of(chosen_.begin(), chosen_.end(), [&](std::size_t i) { return all[i]->key == key; });
}

}  // namespace sonde
