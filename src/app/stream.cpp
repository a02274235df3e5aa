// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/stream.h"

#include "app/stream_run.h"

namespace sonde {

std::unique_ptr<TracingRun> StreamBase::make_run(const CommonOptions& options) {
  return std::make_unique<StreamRun>(*this, options);
}

}  // namespace sonde
