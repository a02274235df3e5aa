// SPDX-License-Identifier: GPL-2.0-or-later
// The only file that includes CLI11: it costs ten seconds to compile.
#include <CLI/CLI.hpp>

#include "app/options.h"
#include "core/error.h"
#include "core/text.h"

namespace sonde {
namespace {

const char* const see_help = "The tool's -h lists its options.";

// "-p, --pid" as "-p" and "--pid"
std::vector<std::string> names_of(const Options::Option& option) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < option.flag.size();) {
    const auto end = std::min(option.flag.find(", ", at), option.flag.size());
    names.push_back(option.flag.substr(at, end - at));
    at = end + 2;
  }
  return names;
}

const Options::Option* find(const Options& options, const std::string& name) {
  for (const auto& option : options.all())
    for (const auto& known : names_of(option))
      if (known == name) return &option;
  return nullptr;
}

[[noreturn]] void refuse_unknown(const Options& options, const std::string& word) {
  std::vector<std::string> names;
  for (const auto& option : options.all())
    for (const auto& name : names_of(option)) names.push_back(name);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string name = word.substr(0, word.find('='));
  const auto near = nearest(name, views);
  const bool option = word.size() > 1 && word[0] == '-';
  throw Error(Exit::usage,
              (option ? "There is no option '" + escaped(name) : "Unexpected argument '" + escaped(word)) + "'.",
              option && !near.empty() ? "Did you mean " + std::string(near) + "?" : see_help);
}

[[noreturn]] void refuse_no_value(const Options::Option& option) {
  throw Error(Exit::usage, "Option " + names_of(option).back() + " wants a value (" + option.metavar + ").", see_help);
}

// CLI11 takes "-C -uid" for two options, and the word behind "--comm=" for its value. A word behind an option that
// wants a value is that value, whatever it looks like, so it is joined to it; an empty one is refused.
std::vector<std::string> joined(const Options& options, const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto equals = words[i].find('=');
    const Options::Option* option = find(options, words[i].substr(0, equals));
    if (!option || option->metavar.empty()) {
      out.push_back(words[i]);
      continue;
    }
    if (equals == std::string::npos && i + 1 == words.size()) refuse_no_value(*option);
    const std::string value = equals == std::string::npos ? words[++i] : words[i].substr(equals + 1);
    if (value.empty()) refuse_no_value(*option);
    out.push_back(names_of(*option).back() + "=" + value);
  }
  return out;
}

// The words that are left: arguments in their order, or nothing that we know.
void take_arguments(const Options& options, const std::vector<std::string>& words) {
  const auto& arguments = options.arguments();
  for (const auto& word : words)
    if (word.size() > 1 && word[0] == '-') refuse_unknown(options, word);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i >= arguments.size()) refuse_unknown(options, words[i]);
    arguments[i].set(words[i]);
  }
  if (words.size() < arguments.size() && arguments[words.size()].required)
    throw Error(Exit::usage, "The argument " + arguments[words.size()].metavar + " is missing.", see_help);
}

}  // namespace

void parse_command_line(const Options& options, const std::vector<std::string>& words) {
  CLI::App app;
  app.set_help_flag();
  for (const auto& option : options.all()) {
    std::string names;
    for (const auto& name : names_of(option)) names += (names.empty() ? "" : ",") + name;
    if (option.metavar.empty()) {
      app.add_flag_callback(names, [&option] { option.set({}); });
    } else {
      app.add_option_function<std::string>(
             names, [&option](const std::string& value) { option.set(value); }, option.help)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
  app.allow_extras();
  auto reversed = joined(options, words);
  std::reverse(reversed.begin(), reversed.end());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    throw Error(Exit::usage, "The command line makes no sense: " + escaped(error.what()) + ".", see_help);
  }
  take_arguments(options, app.remaining());
}

}  // namespace sonde
