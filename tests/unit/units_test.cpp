// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/units.h"

#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace sonde {
namespace {

template <class Parse>
void expect_refused(std::string_view text, const Parse& parse) {
  try {
    parse(text);
    ADD_FAILURE() << "accepted \"" << text << '"';
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Exit::usage) << text;
    EXPECT_NE(error.remedy(), "") << text;
  }
}

std::uint64_t duration(std::string_view text) { return parse_duration(text, BareNumber::refused); }

TEST(ParseDuration, Units) {
  EXPECT_EQ(duration("10ns"), 10U);
  EXPECT_EQ(duration("250us"), 250'000U);
  EXPECT_EQ(duration("500ms"), 500'000'000U);
  EXPECT_EQ(duration("10s"), 10'000'000'000U);
  EXPECT_EQ(duration("2m"), 120'000'000'000U);
  EXPECT_EQ(duration("1h"), 3'600'000'000'000U);
  EXPECT_EQ(duration("0s"), 0U);
  EXPECT_EQ(duration("007ms"), 7'000'000U);
}

TEST(ParseDuration, FractionsAreExact) {
  EXPECT_EQ(duration("1.5s"), 1'500'000'000U);
  EXPECT_EQ(duration("0.1s"), 100'000'000U);
  EXPECT_EQ(duration("1.000000001s"), 1'000'000'001U);
  EXPECT_EQ(duration("0.25us"), 250U);
  EXPECT_EQ(duration("1.5m"), 90'000'000'000U);
  EXPECT_EQ(duration("0.5h"), 1'800'000'000'000U);
  EXPECT_EQ(duration("1.50000000000000000000000s"), 1'500'000'000U);
  EXPECT_EQ(duration("2.0ns"), 2U);
}

TEST(ParseDuration, BareNumbers) {
  EXPECT_EQ(parse_duration("10", BareNumber::seconds), 10'000'000'000U);
  EXPECT_EQ(parse_duration("1.5", BareNumber::seconds), 1'500'000'000U);
  expect_refused("10", duration);
  expect_refused("0", duration);
}

TEST(ParseDuration, Refused) {
  for (const char* bad : {"",
                          "s",
                          "ms",
                          "-1s",
                          "+1s",
                          " 1s",
                          "1s ",
                          "1 s",
                          "1x",
                          "1S",
                          "1sec",
                          "1.s",
                          ".5s",
                          "1.",
                          "1..5s",
                          "1.5.2s",
                          "1e3s",
                          "0x1s",
                          "1,5s",
                          "0.5ns",
                          "1s1",
                          "1m30s",
                          "1.0000000001s",
                          "18446744074s",
                          "18446744073709551616ns",
                          "99999999999999999999h"})
    expect_refused(bad, duration);
  EXPECT_EQ(duration("18446744073709551615ns"), UINT64_MAX);
  EXPECT_EQ(duration("18446744073.709551615s"), UINT64_MAX);
  expect_refused("18446744073.709551616s", duration);
}

TEST(ParseDuration, QuotesWhatItRefusesEscaped) {
  try {
    duration("1\x1b[2J");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.cause(), "'1\\x1b[2J' is not a length of time.");
    EXPECT_NE(error.remedy().find("250us"), std::string::npos);
  }
}

TEST(ParseSize, Units) {
  EXPECT_EQ(parse_size("4096"), 4096U);
  EXPECT_EQ(parse_size("4096B"), 4096U);
  for (const char* text : {"64k", "64K", "64kB", "64KB", "64kiB", "64KiB"}) EXPECT_EQ(parse_size(text), 65536U) << text;
  EXPECT_EQ(parse_size("8M"), 8U << 20);
  EXPECT_EQ(parse_size("1G"), 1U << 30);
  EXPECT_EQ(parse_size("2T"), std::uint64_t{2} << 40);
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("18446744073709551615"), UINT64_MAX);
}

TEST(ParseSize, Refused) {
  for (const char* bad : {"", "k", "-1", "+1", "1.5M", "1 M", "1M ", "1x", "1iB", "1Mi", "1MBB", "1kk", "17179869184G",
                          "18446744073709551616"})
    expect_refused(bad, parse_size);
}

TEST(ParseNatural, DigitsUpToTheMaximum) {
  EXPECT_EQ(parse_natural("0"), 0U);
  EXPECT_EQ(parse_natural("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_natural("4194304", 4194304), 4194304U);
  EXPECT_EQ(parse_natural("0007"), 7U);
  for (const char* bad :
       {"", "-1", "+1", "1 ", " 1", "0x10", "1e3", "1.0", "one", "18446744073709551616", "99999999999999999999999"})
    expect_refused(bad, [](std::string_view text) { parse_natural(text); });
  expect_refused("4194305", [](std::string_view text) { parse_natural(text, 4194304); });
  expect_refused("1", [](std::string_view text) { parse_natural(text, 0); });
}

TEST(ParseList, ItemsAndNegation) {
  const ItemList one = parse_list("a");
  EXPECT_FALSE(one.negated);
  EXPECT_EQ(one.items, std::vector<std::string>{"a"});
  const ItemList all_but = parse_list("^1,2,^3");
  EXPECT_TRUE(all_but.negated);
  EXPECT_EQ(all_but.items, (std::vector<std::string>{"1", "2", "^3"}));
  for (const char* bad : {"", "^", ",", "a,", ",a", "a,,b", "^,a"}) expect_refused(bad, parse_list);
}

TEST(FormatDuration, ThreeSignificantDigits) {
  EXPECT_EQ(format_duration(0), "0us");
  EXPECT_EQ(format_duration(5), "0.005us");
  EXPECT_EQ(format_duration(800), "0.8us");
  EXPECT_EQ(format_duration(812), "0.812us");
  EXPECT_EQ(format_duration(999), "0.999us");
  EXPECT_EQ(format_duration(1000), "1.00us");
  EXPECT_EQ(format_duration(12'345), "12.3us");
  EXPECT_EQ(format_duration(123'456), "123us");
  EXPECT_EQ(format_duration(12'300'000), "12.3ms");
  EXPECT_EQ(format_duration(4'560'000'000), "4.56s");
  EXPECT_EQ(format_duration(10'000'000'000), "10.0s");
  EXPECT_EQ(format_duration(123'000'000'000), "2m03s");
  EXPECT_EQ(format_duration(3'723'000'000'000), "1h02m");
  EXPECT_EQ(format_duration(359'940'000'000'000), "99h59m");
}

TEST(FormatDuration, RoundingCarriesIntoTheNextUnit) {
  EXPECT_EQ(format_duration(9'994), "9.99us");
  EXPECT_EQ(format_duration(9'995), "10.0us");
  EXPECT_EQ(format_duration(99'949), "99.9us");
  EXPECT_EQ(format_duration(99'950), "100us");
  EXPECT_EQ(format_duration(999'499), "999us");
  EXPECT_EQ(format_duration(999'500), "1.00ms");
  EXPECT_EQ(format_duration(999'500'000), "1.00s");
  EXPECT_EQ(format_duration(59'949'999'999), "59.9s");
  EXPECT_EQ(format_duration(59'950'000'000), "1m00s");
  EXPECT_EQ(format_duration(3'599'400'000'000), "59m59s");
  EXPECT_EQ(format_duration(3'599'500'000'000), "1h00m");
}

TEST(FormatDuration, NeverWiderThanSevenBelowAHundredHours) {
  for (std::uint64_t ns = 1; ns < 359'000'000'000'000; ns += 1 + ns / 97)
    EXPECT_LE(format_duration(ns).size(), 7U) << ns;
  EXPECT_LE(format_duration(UINT64_MAX).size(), 12U);
}

TEST(FormatBytes, OneDecimal) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(812), "812 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(3'565'158), "3.4 MiB");
  EXPECT_EQ(format_bytes(1024 * 1024 - 1), "1.0 MiB") << "not 1024.0 KiB";
  EXPECT_EQ(format_bytes(1023 * 1024), "1023.0 KiB");
  EXPECT_EQ(format_bytes(std::uint64_t{1} << 40), "1.0 TiB");
  EXPECT_EQ(format_bytes(UINT64_MAX), "16.0 EiB");
}

TEST(FormatBytes, NeverShows1024OfAUnit) {
  for (std::uint64_t bytes = 1; bytes < UINT64_MAX / 2; bytes += 1 + bytes / 1009) {
    ASSERT_EQ(format_bytes(bytes).find("1024"), std::string::npos) << bytes;
    ASSERT_NE(format_bytes(bytes).front(), '0') << bytes;
  }
}

TEST(FormatCount, GroupsDigits) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_count(UINT64_MAX), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace sonde
