// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kernel_text.h"

#include <algorithm>

#include "require.h"
#include "targets.h"

namespace sonde::fuzz {
namespace {

void look_at(const std::optional<KernelFunction>& function) {
  if (!function) return;
  require(!function->name.empty());
  touch(function->name);
  touch(function->module);
}

}  // namespace

void kernel_text(std::string_view bytes) {
  each_line(bytes, [](std::string_view line) {
    require(line.find('\n') == line.npos);
    look_at(traceable_function(line));
    look_at(kallsyms_function(line));
    look_at(blacklisted_function(line));
    if (const auto name = tracepoint_name(line)) {
      require(!name->category.empty() && !name->name.empty());
      touch(name->category);
      touch(name->name);
    }
  });
  cpu_ticks(bytes);
  const auto cpus = cpu_list(bytes);
  require(std::is_sorted(cpus.begin(), cpus.end()));
  for (const auto& field : format_fields(bytes)) {
    require(!field.name.empty());
    touch(field.name);
    touch(field.type);
  }
}

}  // namespace sonde::fuzz
