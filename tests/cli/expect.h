// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "support/sonde.h"

namespace sonde::test {

/// One line on stderr for a person: what is wrong, what to do; nothing on stdout.
inline void expect_refusal(const Report& report, int code, const std::string& says) {
  const std::string& text = report.err;
  SCOPED_TRACE(text);
  EXPECT_EQ(report.code, code);
  EXPECT_EQ(report.out, "");
  EXPECT_NE(text.find(says), std::string::npos) << "does not say: " << says;
  ASSERT_EQ(text.compare(0, 7, "sonde: "), 0);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const auto first = static_cast<unsigned char>(text[7]);
  EXPECT_TRUE(std::isupper(first) || !std::isalpha(first)) << "no sentence";
  const char last = text.size() > 9 ? text[text.size() - 2] : ' ';
  EXPECT_TRUE(last == '.' || last == '?') << "no end of a sentence";
  EXPECT_NE(text.find(". "), std::string::npos) << "no word on what to do";
  for (const char* raw : {"libbpf", "TEXT", "std::", "E4001", "524"})
    EXPECT_EQ(text.find(raw), std::string::npos) << "raw: " << raw;
}

}  // namespace sonde::test
