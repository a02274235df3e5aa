// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/elf.h"

#include <algorithm>

#include "core/bytes.h"
#include "require.h"
#include "targets.h"

namespace sonde::fuzz {

void elf(std::string_view bytes) {
  for (const auto& argument : static_arguments(bytes)) {
    touch(argument.place);
    require(argument.bytes <= 16);
  }
  auto elf =
      Elf::read([bytes](std::uint64_t offset, std::uint64_t size) { return std::string(part(bytes, offset, size)); });
  if (!elf) return;
  const auto functions = elf->functions();
  require(std::is_sorted(functions.begin(), functions.end()));
  for (const auto& name : functions) {
    require(!name.empty());
    touch(name);
  }
  static_cast<void>(elf->function_offset("work"));
  for (const auto& library : elf->libraries()) require(!library.empty());
  for (const auto& probe : elf->static_probes()) {
    require(!probe.provider.empty() && !probe.name.empty());
    for (const auto& text : {probe.provider, probe.name, probe.arguments}) touch(text);
    require(static_arguments(probe.arguments).size() <= probe.arguments.size());
  }
}

}  // namespace sonde::fuzz
