// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sonde::trim {

/// A BPF object as `bpftool gen object` links it, without what only serves debugging and disassembling: line
/// information (trim_types) and labels of the compiler that no relocation refers to. Sections keep their order and
/// their numbers. Empty if it is no such object: little-endian ELF with one symbol table, one table of strings for all
/// names, and types.
std::optional<std::string> trim_object(std::string_view object);

}  // namespace sonde::trim
