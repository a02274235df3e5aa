// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "app/options.h"
#include "app/tool.h"

namespace sonde {

/// What `sonde` alone prints: the tools by family.
std::string overview();

/// What `sonde TOOL --help` prints, in 80 columns.
std::string help_text(const Tool& tool, const Options& options);

}  // namespace sonde
