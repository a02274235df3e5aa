// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sonde {

/// What a command line may hold. Declared by tools and by the library, parsed in cli.cpp, printed in help.cpp.
class Options {
 public:
  struct Option {
    std::string flag;     ///< "-p, --pid" or "--path"
    std::string metavar;  ///< empty: takes no value
    std::string help;     ///< one or two phrases
    std::string group;    ///< heading in the help
    /// Given the value (empty for a flag). Throws Error(usage).
    std::function<void(std::string_view)> set;
  };

  /// The options declared from here on (null: no longer) leave their flag there when they are given, the first of them.
  void tell_use(std::string* used) { used_ = used; }
  /// The options declared from here on stand under this heading.
  void group(std::string heading) { group_ = std::move(heading); }
  void flag(std::string flag, std::string help, bool& target);
  void flag(std::string flag, std::string help, std::function<void()> set);
  void value(std::string flag, std::string metavar, std::string help, std::function<void(std::string_view)> set);
  /// A word without a flag, at its place among such words; those that may be left out come last.
  void argument(std::string metavar, std::string help, bool required, std::function<void(std::string_view)> set);
  void text(std::string flag, std::string metavar, std::string help, std::string& target);

  struct Argument {
    std::string metavar, help;
    bool required;
    std::function<void(std::string_view)> set;  ///< throws Error(usage)
  };

  [[nodiscard]] const std::vector<Option>& all() const { return options_; }
  [[nodiscard]] const std::vector<Argument>& arguments() const { return arguments_; }

 private:
  void add(Option option);

  std::string group_;
  std::string* used_ = nullptr;
  std::vector<Option> options_;
  std::vector<Argument> arguments_;
};

/// Parses `words` (without the program's and the tool's name, and without `-- COMMAND`). Throws Error(usage) that
/// quotes the offending word and names the nearest option.
void parse_command_line(const Options& options, const std::vector<std::string>& words);

}  // namespace sonde
