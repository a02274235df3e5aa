// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/accounts.h"

#include <gtest/gtest.h>

#include "corpus.h"

namespace sonde {
namespace {

TEST(Accounts, AreTheGoodLinesOfPasswd) {
  const auto accounts = parse_passwd(test::corpus("accounts/passwd"));
  ASSERT_EQ(accounts.size(), 2U);
  EXPECT_EQ(accounts[0].name, "root");
  EXPECT_EQ(accounts[0].uid, 0U);
  EXPECT_EQ(accounts[0].home, "/root");
  EXPECT_EQ(accounts[1].name, "daemon");
  EXPECT_EQ(accounts[1].uid, 1U);
  EXPECT_EQ(accounts[1].gid, 1U);
  EXPECT_EQ(accounts[1].home, "/usr/sbin");
}

TEST(Accounts, NeedNoLastFieldAndNoLastNewline) {
  EXPECT_TRUE(parse_passwd("").empty());
  EXPECT_TRUE(parse_passwd("a:x:1:2::").size() == 1);
  EXPECT_TRUE(parse_passwd("a:x:1:2:").empty());
  EXPECT_EQ(parse_passwd("a:x:1:2::/home").at(0).home, "/home");
}

TEST(Accounts, AreMembersOfGroupsByWholeNames) {
  const auto text = test::corpus("accounts/group");
  EXPECT_EQ(parse_memberships(text, "root"), (std::vector<std::uint32_t>{4, 6}));
  EXPECT_EQ(parse_memberships(text, "syslog"), std::vector<std::uint32_t>{4});
  EXPECT_TRUE(parse_memberships(text, "sys").empty());
  EXPECT_TRUE(parse_memberships(text, "").size() <= 1);
}

}  // namespace
}  // namespace sonde
