// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/undecided.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace sonde::test {
namespace {

constexpr int most_runs = 3;
constexpr const char* which_run = "SONDE_TEST_RUN";

bool skips_told = false;

class Watch final : public testing::EmptyTestEventListener {
 public:
  [[nodiscard]] const std::vector<std::string>& undecided() const { return undecided_; }
  [[nodiscard]] bool failed_for_good() const { return failed_for_good_; }

 private:
  void OnTestStart(const testing::TestInfo&) override { skips_told = false; }
  void OnTestEnd(const testing::TestInfo& test) override {
    if (!test.result()->Failed()) return;
    if (skips_told)
      undecided_.push_back(std::string(test.test_suite_name()) + "." + test.name());
    else
      failed_for_good_ = true;
  }

  std::vector<std::string> undecided_;
  bool failed_for_good_ = false;
};

int runs_before() {
  const char* text = std::getenv(which_run);
  return text ? std::atoi(text) : 0;
}

}  // namespace

void skips_were_told() { skips_told = true; }

int run_tests(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  auto* watch = new Watch;  // gtest deletes it
  testing::UnitTest::GetInstance()->listeners().Append(watch);
  const int code = RUN_ALL_TESTS();
  const int runs = runs_before() + 1;
  if (code == 0 || watch->failed_for_good() || watch->undecided().empty() || runs == most_runs) return code;
  std::string filter = "--gtest_filter=";
  for (const auto& name : watch->undecided()) {
    std::printf("[again] %s\n", name.c_str());
    filter += name + ":";
  }
  std::fflush(stdout);
  setenv(which_run, std::to_string(runs).c_str(), 1);
  execl("/proc/self/exe", argv[0], filter.c_str(), "--gtest_color=no", nullptr);
  return code;
}

}  // namespace sonde::test
