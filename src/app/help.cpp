// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/help.h"

#include <algorithm>
#include <map>

#include "core/text.h"

namespace sonde {
namespace {

constexpr int width = 80;
constexpr std::size_t option_indent = 28;
constexpr std::size_t column_indent = 16;
constexpr const char* how_it_runs =
    "It runs until Ctrl-C, or until what -d, -n or a COMMAND says. With -- COMMAND the command is started, traced with "
    "its children from its first instruction, and the run ends with it; both write to the same stdout, which -o FILE "
    "keeps apart. Losses, notes and the summary go to stderr, with -f json to stdout.";

// "  left            right, wrapped behind its own column"
std::string entry(const std::string& left, const std::string& right, std::size_t indent) {
  std::string line = "  " + left;
  line += line.size() + 2 > indent ? "\n" + std::string(indent, ' ') : std::string(indent - line.size(), ' ');
  return line + wrapped(right, width - static_cast<int>(indent), static_cast<int>(indent)) + "\n";
}

std::string option_entries(const Options& options) {
  std::string text, group;
  for (const auto& option : options.all()) {
    if (option.group != group) text += "\n" + wrapped(option.group, width, 0) + "\n";
    group = option.group;
    const bool only_long = option.flag.size() > 2 && option.flag[1] == '-';
    text += entry((only_long ? "    " : "") + option.flag + (option.metavar.empty() ? "" : " " + option.metavar),
                  option.help, option_indent);
  }
  return text;
}

std::string column_entries(const Tool& tool, const std::string& under = {}) {
  std::string text =
      "\nColumns" + (under.empty() ? "" : " with " + under) +
      (under.empty() ? " (* shown by default; JSON has the same keys; durations end in _ns there)" : "") + "\n";
  for (const ColumnInfo* column : tool.columns())
    text += entry(std::string(column_name(*column)) + (column->standard ? " *" : ""), column->help, column_indent);
  return text;
}

std::string backend_entries(const Tool& tool, const std::string& under = {}) {
  std::string backends;
  for (const auto& [name, on_request] : tool.backends())
    backends += (backends.empty() ? "" : ", ") + name + (on_request ? " (on request)" : "");
  return "\nBackends" + (under.empty() ? "" : " with " + under) + ", the cheapest first: " + backends + "\n";
}

}  // namespace

std::string overview() {
  std::map<std::string, std::string> families;
  for (const auto& name : Registry::names()) {
    const auto tool = Registry::make(name);
    families[tool->info().family] += entry(name, tool->info().summary, column_indent);
  }
  std::string text = "sonde " SONDE_VERSION
                     ": looks into a running Linux kernel, at next to no cost\n\n"
                     "usage: sonde TOOL [options] [-- COMMAND...]\n";
  for (const auto& [family, tools] : families) text.append("\n").append(family).append("\n").append(tools);
  return text +
         "\nsonde TOOL --help tells the rest. Exit codes: 0 done, 1 run-time error, 2 usage,\n"
         "3 not permitted, 4 not supported by this kernel, 5 incomplete under --strict.\n";
}

std::string help_text(const Tool& tool, const Options& options) {
  const ToolInfo& info = tool.info();
  const bool traces = tool.row_kind() == RowKind::event || !tool.backends().empty();
  std::string text = "sonde " + info.name + ": " + info.summary + "\n\nusage: sonde " + info.name + " [options]";
  for (const auto& argument : options.arguments())
    text += argument.required ? " " + argument.metavar : " [" + argument.metavar + "]";
  text += (traces ? " [-- COMMAND...]\n\n" : "\n\n") + wrapped(info.prose, width, 0) + "\n";
  if (traces) text += "\n" + wrapped(how_it_runs, width, 0) + "\n";
  if (!options.arguments().empty()) text += "\n";
  for (const auto& argument : options.arguments()) text += entry(argument.metavar, argument.help, column_indent);
  text += option_entries(options) + column_entries(tool);
  for (const auto& form : tool.other_forms()) text += column_entries(*form.tool, form.option);
  if (traces) text += backend_entries(tool);
  for (const auto& form : tool.other_forms()) text += backend_entries(*form.tool, form.option);
  text += "\nExamples\n";
  for (const auto& example : info.examples) text += "  " + example.command + "\n      " + example.meaning + "\n";
  return text;
}

}  // namespace sonde
