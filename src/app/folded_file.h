// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/folded.h"

namespace sonde {

/// Reads a file of folded stacks, or stdin for "-" or nothing, into the tree; `note` gets a sentence on what was not
/// understood. Throws Error if it cannot be read or holds none.
void read_folded(const std::string& path, StackTree& tree, FoldedReader::Choice choice,
                 const std::function<void(std::string_view)>& note);

}  // namespace sonde
