// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>

#include "core/flamegraph.h"

namespace sonde {

/// Writes the start of an SVG document, up to what draws it where no script runs: heading, legend, and the frames that
/// are at least 0.3 px wide, each with its text as a tooltip. `nodes` is the tree's preorder().
void begin_static_picture(const StackTree& tree, std::span<const StackTree::Node> nodes, const GraphHeader& header,
                          Output& out);

}  // namespace sonde
