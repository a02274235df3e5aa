// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sonde {

/// A line of /etc/passwd.
struct Account {
  std::string name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;  ///< the primary group
  std::string home;
};

/// A whole text of decimal digits, as users and groups are numbered; none for anything else.
std::optional<std::uint32_t> parse_id(std::string_view text);

/// The accounts of a passwd(5) text, in its order. A line that is none is left out.
std::vector<Account> parse_passwd(std::string_view text);

/// The groups of a group(5) text that name `user` as a member.
std::vector<std::uint32_t> parse_memberships(std::string_view text, std::string_view user);

}  // namespace sonde
