// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace sonde {

/// The path of a library by its name ("libc.so.6", or the beginning of that: "libc", "c") in the bytes of
/// /etc/ld.so.cache, for this architecture. Empty if it has none. Points into the bytes.
std::string_view find_library(std::string_view cache, std::string_view name);

/// Whether a file name is one of a library asked for like that.
bool is_library(std::string_view file, std::string_view name);

}  // namespace sonde
