// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel that is locked down. The modes can only be tightened, in the order of these tests.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "support/process.h"
#include "support/sonde.h"

namespace sonde::test {
namespace {

constexpr const char* file = "/sys/kernel/security/lockdown";

class Lockdown : public testing::Test {
 protected:
  void SetUp() override {
    if (!in_guest()) GTEST_SKIP() << "only a reboot lifts it: only in guests";
    if (access(file, W_OK) != 0) mount("none", "/sys/kernel/security", "securityfs", 0, nullptr);
    if (access(file, W_OK) != 0) GTEST_SKIP() << "this kernel cannot be locked down";
  }

  static void lock(const std::string& mode) {
    std::ofstream(file) << mode << std::flush;
    ASSERT_NE(contents(std::string(file)).find("[" + mode + "]"), std::string::npos);
  }
};

std::string state(const Report& doctor, const std::string& name) {
  for (const auto& row : doctor.rows)
    if (row["name"].text() == name) return row["state"].text();
  return {};
}

TEST_F(Lockdown, ForIntegrityChangesNothing) {
  const int before = run({"doctor"}).code;  // not 0 where there is no bash, for instance
  lock("integrity");
  EXPECT_EQ(run({"opensnoop", "-d", "1ms"}).code, 0);
  const auto doctor = run({"doctor", "-f", "json"});
  EXPECT_EQ(doctor.code, before) << doctor.out;
  EXPECT_EQ(state(doctor, "lockdown"), "ok");
}

TEST_F(Lockdown, ForConfidentialityIsNamed) {
  lock("confidentiality");
  const auto report = run({"opensnoop", "-d", "1ms"});
  EXPECT_EQ(report.code, 3) << report.err;
  EXPECT_EQ(report.out, "");
  EXPECT_NE(report.err.find("locked down (confidentiality)"), std::string::npos) << report.err;
  EXPECT_EQ(std::count(report.err.begin(), report.err.end(), '\n'), 1) << report.err;
  const auto doctor = run({"doctor", "-f", "json"});
  EXPECT_EQ(doctor.code, 3);
  EXPECT_EQ(state(doctor, "lockdown"), "refused");
  EXPECT_EQ(state(doctor, "opensnoop"), "refused");
  EXPECT_EQ(run({"list", "software:*"}).code, 0);
}

}  // namespace
}  // namespace sonde::test
