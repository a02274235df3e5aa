// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/options.h"

#include <utility>

namespace sonde {

void Options::flag(std::string flag, std::string help, bool& target) {
  this->flag(std::move(flag), std::move(help), [&target] { target = true; });
}

void Options::flag(std::string flag, std::string help, std::function<void()> set) {
  add({std::move(flag), {}, std::move(help), group_, [set = std::move(set)](std::string_view) { set(); }});
}

void Options::value(std::string flag, std::string metavar, std::string help,
                    std::function<void(std::string_view)> set) {
  add({std::move(flag), std::move(metavar), std::move(help), group_, std::move(set)});
}

void Options::add(Option option) {
  if (used_)
    option.set = [used = used_, flag = option.flag, set = std::move(option.set)](std::string_view text) {
      if (used->empty()) *used = flag.substr(flag.rfind(' ') + 1);
      set(text);
    };
  options_.push_back(std::move(option));
}

void Options::argument(std::string metavar, std::string help, bool required,
                       std::function<void(std::string_view)> set) {
  arguments_.push_back({std::move(metavar), std::move(help), required, std::move(set)});
}

void Options::text(std::string flag, std::string metavar, std::string help, std::string& target) {
  value(std::move(flag), std::move(metavar), std::move(help), [&target](std::string_view v) { target = v; });
}

}  // namespace sonde
