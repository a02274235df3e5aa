// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sonde {

/// "ENOENT" for 2, "E524" style for a number without a name (kernel-internal ones such as ENOTSUPP are named too).
/// The result lives for ever.
std::string_view errno_name(int number);

/// 2 for "ENOENT", "enoent" or "2"; aliases (EWOULDBLOCK) too. Nothing beyond the kernel's 1 to 4095.
std::optional<int> errno_number(std::string_view name);

/// "O_RDONLY|O_CLOEXEC" for what open(2) takes; bits without a name are shown in hex at the end ("O_RDWR|0x8000000").
/// Compound flags are named once (O_SYNC, not O_SYNC|O_DSYNC; O_TMPFILE, not with O_DIRECTORY). O_LARGEFILE is named
/// when set. The flag values are the generic ones (x86-64).
std::string open_flag_names(std::uint64_t flags);

/// Names of the few sets of flags a run sees, made once each. A name is good until the next call.
class OpenFlagNames {
 public:
  std::string_view operator()(std::uint64_t flags);

 private:
  std::unordered_map<std::uint64_t, std::string> made_;  // bounded: see the definition
};

/// A path from its names, leaf first, each with a NUL behind it ("c\0b\0a\0" is /a/b/c): how a walk up the tree finds
/// them. No names are the root.
std::string path_from_names(std::string_view names);

/// Where `path`, as a program gave it, would be found from `directory`, which is absolute; nothing is resolved:
/// "/a/../b" for "/a" and "../b".
std::string joined_path(std::string directory, std::string_view path);

/// "0x1f" for 31.
std::string hexadecimal(std::uint64_t number);

/// Permissions as chmod(1) takes them: "0644".
std::string octal_mode(unsigned mode);

}  // namespace sonde
