// SPDX-License-Identifier: GPL-2.0-or-later
// Arguments: whole, or marked.
#include <signal.h>
#include <unistd.h>

#include <numeric>

#include "execsnoop.h"

namespace sonde::test {
namespace {

constexpr std::size_t most = 100 * 1024, most_of_failed = 4096;

// As the kernel keeps them.
std::size_t bytes(const Words& argv) {
  return std::accumulate(argv.begin(), argv.end(), argv.size(),
                         [](std::size_t sum, const std::string& word) { return sum + word.size(); });
}

// Three strings that take so many bytes together.
Words of_size(std::size_t size) {
  return {"a", std::string(size / 2, 'b'), std::string(size - 2 - size / 2 - 1 - 1, 'c')};
}

// The strings of the first `limit` bytes.
Words first(Words argv, std::size_t limit) {
  std::size_t at = 0;
  for (auto word = argv.begin(); word != argv.end(); at += word->size() + 1, ++word) {
    if (at + word->size() + 1 <= limit) continue;
    const bool some = at < limit;
    word->resize(some ? limit - at : 0);
    argv.erase(some ? word + 1 : word, argv.end());
    break;
  }
  return argv;
}

void expect_argv(const Json& row, const Words& argv, std::size_t limit) {
  const bool cut = bytes(argv) > limit;
  EXPECT_EQ(row["argv_cut"].is_true(), cut) << bytes(argv);
  const Words shown = strings(row["argv"]);
  EXPECT_TRUE(shown == first(argv, limit)) << bytes(argv) << " bytes, shown are " << bytes(shown);
}

TEST_P(Execsnoop, ShowsArgumentsUpToALimit) {
  std::vector<Words> all{{"a"}, {"a", "", "", "b", ""}};
  for (const std::size_t border : {most_of_failed, std::size_t{16384}, std::size_t{5 * 16384}, most})
    for (const std::size_t size : {border - 1, border, border + 1}) all.push_back(of_size(size));
  all.push_back(of_size(150'000));
  all.emplace_back(30'000, "x");
  all.emplace_back(5'000, "");
  all.emplace_back(60'000, "yz");
  std::string hostile;
  for (int byte = 1; byte < 256; ++byte) hostile += static_cast<char>(byte);
  all.push_back({hostile, "\xE2\x80\xAE", "\x1B[2J"});
  const auto report = watch({"-C", "argv,errno"}, [&] {
    for (const auto& argv : all) {
      EXPECT_EQ(start_in_child({tiny_, argv}), tiny_code);
      EXPECT_EQ(start_in_child({folder_ / "none", argv}), 1);
    }
  });
  ASSERT_EQ(report.events.size(), 2 * all.size());
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "argv " << i << " of " << all[i].size() << " strings");
    expect_argv(report.events[2 * i], all[i], most);
    expect_argv(report.events[2 * i + 1], all[i], most_of_failed);
  }
  for (std::size_t i = 2 * all.size() - 2; i < report.events.size(); ++i) {
    const auto hex = strings(report.events[i]["argv_hex"]);
    ASSERT_EQ(hex.size(), 3U);
    EXPECT_EQ(hex[0].size(), 2 * 255U);
    EXPECT_EQ(hex[0].substr(0, 8) + hex[0].substr(500), "01020304fbfcfdfeff");
    EXPECT_EQ(hex[2], "1b5b324a");
  }
}

TEST_P(Execsnoop, ShowsTooManyArguments) {
  const Words argv{"a", std::string(200'000, 'b')};
  const auto report = watch({"-C", "argv,errno"}, [&] { EXPECT_EQ(start_in_child({tiny_, argv}), 1); });
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_EQ(report.events[0]["errno"].text(), "E2BIG");
  expect_argv(report.events[0], argv, most_of_failed);
}

// Parts of one argv stand among the records of other CPUs.
TEST_P(Execsnoop, KeepsPartsApart) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  constexpr int processes = 4, each = 20;
  const auto report = watch({"-C", "argv", "--buffer-size", "32M"}, [&] {
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < processes * each; ++i) {
      const auto name = static_cast<char>('a' + i % 26);
      children.push_back(std::make_unique<Child>([&, name] {
        start({tiny_, {std::string(1, name), std::string(90'000, name)}});
        return 1;
      }));
      if (i % processes == processes - 1)
        for (auto& child : children) child->wait();
    }
  });
  expect_law(report, processes * each);
  for (const auto& row : report.events) {
    const auto argv = strings(row["argv"]);
    ASSERT_EQ(argv.size(), 2U);
    EXPECT_TRUE(argv[1] == std::string(90'000, argv[0][0])) << argv[0];
  }
}

// The reader stands still and the ring fills up: the row comes with what there was room for, and says so.
TEST_P(Execsnoop, MarksArgumentsThatFoundNoRoom) {
  const Words argv{"a", std::string(100'000, 'b')};
  Words words = forced({"-C", "argv", "--buffer-size", "64k", "--strict"});
  words.insert(words.begin(), {"execsnoop", "--format", "json"});
  Sonde sonde(words);
  ASSERT_TRUE(sonde.ready());
  sonde.signal(SIGSTOP);
  EXPECT_EQ(start_in_child({tiny_, argv}), tiny_code);
  sonde.signal(SIGCONT);
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 5);
  EXPECT_EQ(report.lost(), 0);
  EXPECT_TRUE(report.noted("1 row is marked as cut")) << report.out;
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_TRUE(report.events[0]["argv_cut"].is_true());
  const auto shown = strings(report.events[0]["argv"]);
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_TRUE(shown[1] == std::string(3 * 16384 - 2, 'b')) << shown[1].size();
}

}  // namespace
}  // namespace sonde::test
