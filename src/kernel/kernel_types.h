// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "kernel/fd.h"

struct btf;

namespace sonde::kernel {

/// The part of the kernel's BTF that one object's CO-RE relocations can ask for. libbpf reads all of it (5 MB in pages
/// of 4 KB) and compares the name of each of its 150,000 types with each type of the object, which takes longer than
/// everything else at the start of a tool.
///
/// `full` is BTF as the kernel exports it (Documentation/bpf/btf.rst). Returns BTF with every struct, union and enum of
/// one of the `names` and what these hold by value; pointers point to void, since relocations never follow them. Empty
/// if `full` is not understood: then libbpf has to do it.
std::vector<char> extract_types(std::span<const char> full, const std::unordered_set<std::string_view>& names);

/// The names of an object's own types, without the suffixes of flavors (cgroup___ids is cgroup).
std::unordered_set<std::string_view> type_names(const btf* types);

/// A type by its name and its kind (BTF_KIND_FUNC, ...).
struct TypeName {
  std::string_view name;
  unsigned kind = 0;
};
/// The numbers by which the running kernel knows these types, in their order; 0 for one that it does not have.
std::vector<std::uint32_t> kernel_type_numbers(std::span<const TypeName> wanted);

/// Whether a struct of the running kernel has a member of this name.
bool kernel_has_member(std::string_view structure, std::string_view member);

/// A file in memory that libbpf can be given as the kernel's types before it is filled.
class TypesFile {
 public:
  TypesFile();
  /// Empty if there can be no such file; then libbpf should read the kernel's.
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Fills it for an object with these types. False if that cannot be done.
  bool fill(const btf* types);

 private:
  Fd file_;
  std::string path_;
};

}  // namespace sonde::kernel
