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

bool StreamBase::shown(std::string_view key) const {
  const auto all = columns();
  return std::any_of(chosen_.begin(), chosen_.end(), [&](std::size_t i) { return all[i]->key == key; });
}

}  // namespace sonde
