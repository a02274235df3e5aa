// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/accounts.h"

#include <algorithm>
#include <string>

#include "require.h"
#include "targets.h"

namespace sonde::fuzz {

void accounts(std::string_view bytes) {
  for (const auto& account : parse_passwd(bytes)) {
    require(account.name.find_first_of(":\n") == account.name.npos);
    require(account.home.find_first_of(":\n") == account.home.npos);
    const std::string line = account.name + ":x:" + std::to_string(account.uid) + ":" + std::to_string(account.gid) +
                             "::" + account.home + ":";
    require(parse_passwd(line).size() == 1);
  }
  const auto lines = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n')) + 1;
  require(parse_memberships(bytes, "root").size() <= lines);
}

}  // namespace sonde::fuzz
