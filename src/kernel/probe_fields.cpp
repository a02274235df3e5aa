// SPDX-License-Identifier: GPL-2.0-or-later
#include <cerrno>
#include <cstring>

#include "core/kernel_text.h"
#include "kernel/probes.h"

namespace sonde::kernel {
namespace {

// An argument that has no name in the kernel's types is known by its number.
std::string name_of_argument(std::string_view name, std::size_t number) {
  return name.empty() ? "arg" + std::to_string(number) : std::string(name);
}

std::vector<ProbeField> static_fields(std::string_view arguments) {
  std::vector<ProbeField> fields;
  for (const auto& argument : static_arguments(arguments)) {
    ProbeField field{name_of_argument({}, fields.size()), argument.type, {}, {}};
    if (argument.bytes) field.size = argument.bytes;
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace

std::vector<ProbeField> Probes::fields(const Probe& probe) {
  switch (probe.kind) {
    case ProbeKind::kprobe:
    case ProbeKind::fentry:
      return function_fields(probe);
    case ProbeKind::tracepoint:
      return tracepoint_fields(probe);
    case ProbeKind::raw_tp:
      return raw_tracepoint_fields(probe);
    case ProbeKind::usdt:
      return static_fields(probe.arguments);
    case ProbeKind::software:
    case ProbeKind::uprobe:
      break;
  }
  return {};
}

std::vector<ProbeField> Probes::tracepoint_fields(const Probe& probe) {
  const auto format = tracefs().read("events/" + std::string(probe.group) + "/" + std::string(probe.name) + "/format");
  if (!format) {
    say(probe.kind, std::string("The fields of some tracepoints cannot be read: ") + std::strerror(errno) + ".", false);
    return {};
  }
  std::vector<ProbeField> fields;
  for (auto& field : format_fields(*format))
    fields.push_back({std::string(field.name), std::move(field.type), field.offset, field.size});
  return fields;
}

std::vector<ProbeField> Probes::function_fields(const Probe& probe) {
  const Btf* types = probe.types;
  std::uint32_t type = probe.type;
  if (!types) {
    if (this->types().empty()) say(probe.kind, "Arguments are not told: " + why_no_types() + ".", false);
    const TypedFunction* function = typed({probe.name, probe.module});
    if (!function) return {};
    types = function->types;
    type = function->type;
  }
  const auto prototype = types->prototype(type);
  if (!prototype) return {};
  std::vector<ProbeField> fields;
  for (const auto& parameter : prototype->parameters) {
    const bool more = parameter.type == 0;  // "...", which no program can read
    fields.push_back({more ? "..." : name_of_argument(parameter.name, fields.size()),
                      more ? "..." : types->type(parameter.type),
                      {},
                      {}});
  }
  if (prototype->result) fields.push_back({"return", types->type(prototype->result), {}, {}});
  return fields;
}

// The typedef that BPF knows the tracepoint by has types only; the function that calls its probes has the names, too.
// The first argument is what the kernel passes to the probe itself.
std::vector<ProbeField> Probes::raw_tracepoint_fields(const Probe& probe) {
  const auto prototype = probe.types->prototype(probe.type);
  if (!prototype) return {};
  const std::string caller = "__traceiter_" + std::string(probe.name);
  const TypedFunction* function = typed({caller, probe.module});
  const auto named = function ? function->types->prototype(function->type) : std::nullopt;
  const bool same = named && named->parameters.size() == prototype->parameters.size();
  std::vector<ProbeField> fields;
  for (std::size_t i = 1; i < prototype->parameters.size(); ++i) {
    const auto name = same ? named->parameters[i].name : std::string_view();
    fields.push_back({name_of_argument(name, i - 1), probe.types->type(prototype->parameters[i].type), {}, {}});
  }
  return fields;
}

}  // namespace sonde::kernel
