// SPDX-License-Identifier: GPL-2.0-or-later
#include <map>

#include "app/tool.h"

namespace sonde {
namespace {

// A function's static: tools register before main, in any order.
std::map<std::string, ToolFactory, std::less<>>& tools() {
  static std::map<std::string, ToolFactory, std::less<>> all;
  return all;
}

}  // namespace

void Tool::common_options(Options& options, CommonOptions& common) {
  common.declare_filter(options);
  common.declare_run(options);
  common.declare_output(options);
  stack_options(options, common);
  common.declare_probe(options);
  common.declare_telling(options);
}

void Registry::add(std::string name, ToolFactory make) { tools().emplace(std::move(name), std::move(make)); }

std::vector<std::string> Registry::names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : tools()) names.push_back(name);
  return names;
}

std::unique_ptr<Tool> Registry::make(std::string_view name) {
  const auto found = tools().find(name);
  return found == tools().end() ? nullptr : found->second();
}

}  // namespace sonde
