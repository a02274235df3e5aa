// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/accounts.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace sonde {
namespace {

// Takes the text up to the separator, or to the end, off its front.
std::string_view take(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto field = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return field;
}

}  // namespace

std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<Account> parse_passwd(std::string_view text) {
  std::vector<Account> accounts;
  while (!text.empty()) {
    auto line = take(text, '\n');
    const auto colons = std::count(line.begin(), line.end(), ':');
    const auto name = take(line, ':');
    take(line, ':');  // the password
    const auto uid = parse_id(take(line, ':'));
    const auto gid = parse_id(take(line, ':'));
    take(line, ':');  // the full name
    const auto home = take(line, ':');
    if (colons >= 5 && uid && gid) accounts.push_back({std::string(name), *uid, *gid, std::string(home)});
  }
  return accounts;
}

std::vector<std::uint32_t> parse_memberships(std::string_view text, std::string_view user) {
  std::vector<std::uint32_t> groups;
  while (!text.empty()) {
    auto line = take(text, '\n');
    take(line, ':');  // the group's name
    take(line, ':');  // the password
    const auto gid = parse_id(take(line, ':'));
    auto members = take(line, ':');
    bool found = false;
    while (!members.empty()) found |= take(members, ',') == user;
    if (gid && found) groups.push_back(*gid);
  }
  return groups;
}

}  // namespace sonde
