// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/stream.h"

#include <algorithm>

#include "app/stream_run.h"

namespace sonde {

std::unique_ptr<TracingRun> StreamBase::make_run(const CommonOptions& options) {
  return std::make_unique<StreamRun>(*this, options);
}

void StreamBase::declare_stacks(Options& options, CommonOptions& common) const {
  const auto ask = [&common](const char* column) {
    auto& asked = common.asked_columns;
    if (std::find(asked.begin(), asked.end(), column) == asked.end()) asked.emplace_back(column);
  };
  options.flag("--kstack", "the stack of the kernel beneath each row", [ask] { ask("kstack"); });
  if (has_user_stacks())
    options.flag("--ustack", "the stack of the program, by frame pointers", [ask] { ask("ustack"); });
}

}  // namespace sonde
