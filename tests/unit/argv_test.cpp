// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/argv.h"

#include <gtest/gtest.h>

namespace sonde {
namespace {

std::vector<std::string_view> split(std::string_view bytes) {
  std::vector<std::string_view> strings{"left from before"};
  split_argv(bytes, strings);
  return strings;
}

TEST(Argv, IsSplitAtItsNuls) {
  using Strings = std::vector<std::string_view>;
  EXPECT_EQ(split({}), Strings{});
  EXPECT_EQ(split({"\0", 1}), Strings{""});
  EXPECT_EQ(split({"a\0b c\0", 6}), (Strings{"a", "b c"}));
  EXPECT_EQ(split({"\0\0a\0\0", 5}), (Strings{"", "", "a", ""}));
  EXPECT_EQ(split({"a\0cut of", 8}), (Strings{"a", "cut of"}));
}

TEST(Parts, OfEachSourceMakeOneText) {
  Parts parts;
  EXPECT_EQ(parts.all(0, 7), "");
  parts.take(0, 7, "ab");
  parts.take(1, 7, "other");
  parts.take(0, 7, "cd");
  EXPECT_EQ(parts.all(0, 7), "abcd");
  EXPECT_EQ(parts.all(1, 7), "other");
  EXPECT_EQ(parts.all(0, 8), "");
}

TEST(Parts, OfATextThatNeverEndedAreForgotten) {
  Parts parts;
  parts.take(0, 7, "ab");
  parts.take(0, 8, "x");
  EXPECT_EQ(parts.all(0, 7), "");
  EXPECT_EQ(parts.all(0, 8), "x");
}

}  // namespace
}  // namespace sonde
