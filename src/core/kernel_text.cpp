// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kernel_text.h"

#include <charconv>

namespace sonde {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Takes the next word off the front.
std::string_view word(std::string_view& rest) {
  rest = trimmed(rest);
  const std::string_view taken = rest.substr(0, rest.find_first_of(blanks));
  rest.remove_prefix(taken.size());
  return taken;
}

// "name", "name [module]"
std::optional<KernelFunction> function(std::string_view rest) {
  KernelFunction found{word(rest), word(rest)};
  if (found.name.empty()) return std::nullopt;
  if (found.module.empty()) return found;
  if (!found.module.starts_with('[') || !found.module.ends_with(']') || found.module.size() < 3) return std::nullopt;
  found.module = found.module.substr(1, found.module.size() - 2);
  return found;
}

bool is_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The number behind "key:" in a line of a format file.
std::optional<std::uint32_t> number(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == line.npos) return std::nullopt;
  const std::string_view digits = line.substr(at + key.size());
  std::uint32_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

// "char comm[16]", "const char * filename", "__data_loc char[] name"
bool split_declaration(std::string_view declaration, FormatField& field) {
  std::string_view array;
  const std::size_t open = declaration.find('[');
  if (open != declaration.npos && declaration.ends_with(']')) {
    array = declaration.substr(open);
    declaration = trimmed(declaration.substr(0, open));
  }
  std::size_t start = declaration.size();
  while (start > 0 && is_identifier(declaration[start - 1])) --start;
  field.name = declaration.substr(start);
  field.type = std::string(trimmed(declaration.substr(0, start))) + std::string(array);
  return !field.name.empty();
}

}  // namespace

std::optional<KernelFunction> traceable_function(std::string_view line) {
  auto found = function(line);
  if (found && found->name.starts_with("__ftrace_invalid_address__")) return std::nullopt;
  return found;
}

std::optional<KernelFunction> kallsyms_function(std::string_view line) {
  word(line);  // the address, which is 0 for those who may not know it
  const std::string_view kind = word(line);
  if (kind != "T" && kind != "t" && kind != "W" && kind != "w") return std::nullopt;
  auto found = function(line);
  if (!found) return std::nullopt;
  const std::string_view name = found->name;
  const bool generated = found->module == "bpf" || found->module.starts_with("__builtin__");
  // Padding before functions, and the halves that the compiler moved out of the way, are not entered by a call.
  const bool piece = name.starts_with("__pfx_") || name.starts_with("__cfi_") || name.find(".cold") != name.npos;
  return generated || piece ? std::nullopt : found;
}

std::optional<KernelFunction> blacklisted_function(std::string_view line) {
  if (!word(line).starts_with("0x")) return std::nullopt;
  return function(line);
}

std::vector<unsigned> cpu_list(std::string_view text) {
  constexpr unsigned most = 65536;
  std::vector<unsigned> cpus;
  const char *at = text.data(), *end = at + text.size();
  while (at != end && *at != '\n') {
    unsigned first = 0, last = 0;
    auto number = std::from_chars(at, end, first);
    if (number.ec != std::errc{}) return {};
    last = first;
    if (number.ptr != end && *number.ptr == '-') number = std::from_chars(number.ptr + 1, end, last);
    const bool ascends = cpus.empty() || first > cpus.back();
    if (number.ec != std::errc{} || last < first || last >= most || !ascends) return {};
    for (unsigned cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    at = number.ptr;
    if (at != end && *at == ',')
      ++at;
    else if (at != end && *at != '\n')
      return {};
  }
  return cpus;
}

std::optional<CpuTicks> cpu_ticks(std::string_view stat) {
  constexpr std::size_t places = 8, idle = 3, waiting = 4, steal = 7;
  if (!stat.starts_with("cpu ")) return std::nullopt;
  std::string_view line = stat.substr(0, stat.find('\n'));
  CpuTicks ticks;
  for (std::size_t i = 0; i < places; ++i) {
    const std::size_t space = line.find(' ');
    const std::size_t digit = space == line.npos ? space : line.find_first_not_of(' ', space);
    if (digit == line.npos) return std::nullopt;
    line.remove_prefix(digit);
    std::uint64_t value = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), value).ec != std::errc{}) return std::nullopt;
    if (i == steal)
      ticks.stolen = value;
    else if (i != idle && i != waiting)
      ticks.busy += value;
  }
  return ticks;
}

std::optional<TracepointName> tracepoint_name(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return std::nullopt;
  const TracepointName found{line.substr(0, colon), line.substr(colon + 1)};
  return found.category.empty() || found.name.empty() ? std::nullopt : std::optional(found);
}

std::vector<FormatField> format_fields(std::string_view format) {
  constexpr std::string_view mark = "field:";
  std::vector<FormatField> fields;
  // The expression behind "print fmt" may quote anything.
  each_line(format.substr(0, format.find("\nprint fmt:")), [&](std::string_view line) {
    line = trimmed(line);
    if (!line.starts_with(mark)) return;
    const std::size_t end = line.find(';');
    if (end == line.npos) return;
    FormatField field;
    const auto offset = number(line.substr(end), "offset:"), size = number(line.substr(end), "size:");
    if (!offset || !size || !split_declaration(trimmed(line.substr(mark.size(), end - mark.size())), field)) return;
    if (field.name.starts_with("common_")) return;
    field.offset = *offset;
    field.size = *size;
    fields.push_back(std::move(field));
  });
  return fields;
}

}  // namespace sonde
