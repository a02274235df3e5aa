// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sonde::trim {

/// What an object says of its types (section .BTF), and of its code in terms of these (.BTF.ext).
struct TypeSections {
  std::string btf, ext;
};

/// The same types under the same numbers, functions and relocations as they were. Of the line information the first
/// line of each function is left, which keeps it valid: the kernel wants one wherever a function begins, and libbpf
/// warns of a program without. Strings that nothing refers to any more are gone. Empty if that is not understood.
std::optional<TypeSections> trim_types(std::string_view btf, std::string_view ext);

}  // namespace sonde::trim
