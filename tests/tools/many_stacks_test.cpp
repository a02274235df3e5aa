// SPDX-License-Identifier: GPL-2.0-or-later
// What is counted by stack adds up to the last one, however many stacks there are, and says so where there is no room.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/sonde.h"
#include "traced.h"

namespace sonde::test {
namespace {

constexpr int rounds = 3;

class ManyStacks : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = refusal("offcputime", "")) GTEST_SKIP() << *why;
#ifndef __x86_64__
    GTEST_SKIP() << "these chains of calls are for x86-64";
#endif
  }

  /// Around a program that sleeps in each of so many chains of calls, three times.
  static Report watch(int chains, const Words& more) {
    Words words{"offcputime", "--format", "json", "-U"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"--", program("branches"), "~", std::to_string(chains), std::to_string(rounds)});
    const auto report = run(words);
    EXPECT_EQ(report.code, 0) << report.err;
    tell_rung(report);
    return report;
  }

  /// How often it slept in each chain, which is told by its turns.
  static std::map<std::string, long long> sleeps(const Report& report) {
    std::map<std::string, long long> all;
    for (const auto& row : report.rows) {
      std::string turns;
      for (const auto& name : names(row["stack"]))
        if (name == "left" || name == "right") turns.push_back(name.front());
      if (!turns.empty()) all[turns] += row["count"].number();
    }
    return all;
  }
};

TEST_F(ManyStacks, AreCountedExactly) {
  const int chains = scaled(10'000);
  const auto report = watch(chains, {});
  const auto all = sleeps(report);
  long long missing = 0;
  for (const auto& [turns, count] : all) {
    EXPECT_LE(count, rounds) << turns;
    missing += rounds - count;
  }
  missing += rounds * (chains - static_cast<long long>(all.size()));
  EXPECT_LE(all.size(), static_cast<std::size_t>(chains));
  EXPECT_GE(missing, 0);
  EXPECT_LE(missing, report.lost()) << report.err;
  EXPECT_LE(report.lost(), chains / 10);  // what a system hides
}

TEST_F(ManyStacks, ThatHaveNoRoomAreReportedAsLost) {
  const int chains = scaled(10'000);
  const auto report = watch(chains, {"--max-entries", std::to_string(chains / 4)});
  long long shown = 0;
  for (const auto& [turns, count] : sleeps(report)) {
    EXPECT_LE(count, rounds) << turns;
    shown += count;
  }
  EXPECT_LT(shown, static_cast<long long>(rounds) * chains);
  EXPECT_GE(shown + report.lost(), static_cast<long long>(rounds) * chains) << report.err;
  long long without_room = 0;
  for (const auto& loss : report.summary["losses"].items())
    if (loss["reason"].text().find("no room to count") != std::string::npos) without_room += loss["count"].number();
  EXPECT_GT(without_room, 0) << report.err;
  EXPECT_LE(shown + without_room, static_cast<long long>(rounds) * chains + 100) << report.err;
}

}  // namespace
}  // namespace sonde::test
