// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel tells in lines of text. Everything that is returned points into what was given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace sonde {

/// Calls `take` for each line, without its end.
template <class Take>
void each_line(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    take(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
}

struct KernelFunction {
  std::string_view name;
  std::string_view module;  ///< empty: the kernel itself

  bool operator==(const KernelFunction&) const = default;
  bool operator<(const KernelFunction& other) const {
    return std::tie(name, module) < std::tie(other.name, other.module);
  }
};

/// A line of available_filter_functions: "name" or "name [module]". Empty for a place that was given up.
std::optional<KernelFunction> traceable_function(std::string_view line);
/// A line of /proc/kallsyms that is a function: "ffffffff81000000 T name" or "... t name\t[module]". Empty for
/// everything else, as for what BPF and ftrace generate, and for parts of functions.
std::optional<KernelFunction> kallsyms_function(std::string_view line);
/// A line of kprobes/blacklist: "0x...-0x...\tname".
std::optional<KernelFunction> blacklisted_function(std::string_view line);

/// A list of CPUs as sysfs has them, "0-3,8\n", in order; empty if it is none.
std::vector<unsigned> cpu_list(std::string_view text);

/// What all CPUs did since the start of the machine, in ticks of USER_HZ.
struct CpuTicks {
  std::uint64_t busy = 0;    ///< ran something, interrupts included
  std::uint64_t stolen = 0;  ///< wanted to run, and a hypervisor let others
};
/// Of /proc/stat. Empty if it does not tell that.
std::optional<CpuTicks> cpu_ticks(std::string_view stat);

struct TracepointName {
  std::string_view category, name;

  bool operator==(const TracepointName&) const = default;
  bool operator<(const TracepointName& other) const {
    return std::tie(category, name) < std::tie(other.category, other.name);
  }
};
/// A line of available_events: "category:name".
std::optional<TracepointName> tracepoint_name(std::string_view line);

struct FormatField {
  std::string_view name;
  std::string type;  ///< with the size of an array behind it: "char[16]"
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};
/// The fields that a tracepoint's `format` file names, without the common ones.
std::vector<FormatField> format_fields(std::string_view format);

}  // namespace sonde
