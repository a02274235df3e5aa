// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/files.h"

namespace sonde {

/// "regular", "pipe", "eventfd"; what the kernel calls a nameless file that is not known here. Empty for FILE_NONE.
std::string file_kind_name(std::uint64_t kind);

/// A file as its program's /proc/PID/fd shows it: "/etc/passwd", "socket:[123]", "anon_inode:[eventfd]".
struct FileName {
  std::string text;
  bool begins_later = false;  ///< the upper end of the path is missing
};
/// `names` as put_file_path() finds them, `bits` its FILE_NAMES_…; names that are cut end somewhere in the middle of
/// one.
FileName file_name(std::uint64_t kind, std::uint64_t inode, std::string_view names, unsigned bits);

}  // namespace sonde
