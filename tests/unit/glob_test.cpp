// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/glob.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>

#include "core/error.h"

namespace sonde {
namespace {

using namespace std::string_view_literals;

bool matches(std::string_view pattern, std::string_view subject) { return Glob::compile(pattern).matches(subject); }

TEST(Glob, Literals) {
  EXPECT_TRUE(matches("sshd", "sshd"));
  EXPECT_FALSE(matches("sshd", "ssh"));
  EXPECT_FALSE(matches("sshd", "sshd2"));
  EXPECT_FALSE(matches("sshd", "Sshd"));
  EXPECT_FALSE(matches("a", ""));
}

TEST(Glob, Stars) {
  for (const char* subject : {"", "a", "/etc/passwd"}) EXPECT_TRUE(matches("*", subject));
  EXPECT_TRUE(matches("***", "x"));
  EXPECT_TRUE(matches("/etc/*", "/etc/ssl/certs/a.pem")) << "* takes / too";
  EXPECT_TRUE(matches("*.so*", "libc.so.6"));
  EXPECT_FALSE(matches("*.so", "libc.so.6"));
  EXPECT_TRUE(matches("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(matches("a*b*c", "aXcYb"));
  EXPECT_TRUE(matches("*aab", "aaaaab"));
}

TEST(Glob, QuestionMarkTakesOneByte) {
  EXPECT_TRUE(matches("cpu?", "cpu0"));
  EXPECT_FALSE(matches("cpu?", "cpu"));
  EXPECT_FALSE(matches("cpu?", "cpu10"));
  EXPECT_TRUE(matches("??", "é"));
}

TEST(Glob, Sets) {
  EXPECT_TRUE(matches("tty[0-9]", "tty7"));
  EXPECT_FALSE(matches("tty[0-9]", "ttyS"));
  EXPECT_TRUE(matches("[abc]x", "bx"));
  EXPECT_FALSE(matches("[!abc]x", "bx"));
  EXPECT_TRUE(matches("[!abc]x", "\xffx"));
  EXPECT_FALSE(matches("[!abc]", ""));
  EXPECT_TRUE(matches("[a-]", "-"));
  EXPECT_TRUE(matches("[-a]", "-"));
  EXPECT_TRUE(matches("[]a]", "]"));
  EXPECT_FALSE(matches("[!]a]", "]"));
  EXPECT_TRUE(matches("[a!]", "!"));
  EXPECT_TRUE(matches("[^a]", "^"));
  EXPECT_TRUE(matches("[*?]", "?"));
  EXPECT_FALSE(matches("[*?]", "x"));
  EXPECT_TRUE(matches("[a-cx-z][\x80-\xff]", "y\xe6"));
}

TEST(Glob, BackslashTakesTheNextByteAsItIs) {
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "x"));
  EXPECT_TRUE(matches("\\[kworker\\]", "[kworker]"));
  EXPECT_TRUE(matches("\\\\", "\\"));
  EXPECT_TRUE(matches("[\\]\\-a]", "]"));
  EXPECT_TRUE(matches("[\\]\\-a]", "-"));
  EXPECT_FALSE(matches("[\\]\\-a]", "\\"));
}

TEST(Glob, AnyByte) {
  EXPECT_TRUE(matches("a?c", "a\0c"sv));
  EXPECT_TRUE(matches("a\xff*", "a\xff\xfe"));
}

TEST(Glob, UpTo63Tokens) {
  const std::string longest(63, 'a');
  EXPECT_TRUE(matches(longest, longest));
  EXPECT_TRUE(matches("*" + longest + "*", "b" + longest + "b"));
  EXPECT_FALSE(matches(longest, longest + "a"));
  EXPECT_EQ(Glob::compile(longest).tokens, 63U);
  EXPECT_THROW(Glob::compile(longest + "a"), Error);
  EXPECT_THROW(Glob::compile(longest + "?"), Error);
}

TEST(Glob, Refused) {
  for (const char* bad : {"", "[", "[a", "[!", "[]", "[!]", "[a-", "x[", "\\", "abc\\", "[\\", "[a-\\", "[z-a]"}) {
    try {
      Glob::compile(bad);
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Exit::usage);
      EXPECT_NE(error.remedy(), "");
    }
  }
}

// The obvious way, by trying everything.
class Reference {
 public:
  static bool matches(std::string_view pattern, std::string_view subject) {
    if (pattern.empty()) return subject.empty();
    if (pattern.front() == '*')
      return matches(pattern.substr(1), subject) || (!subject.empty() && matches(pattern, subject.substr(1)));
    if (subject.empty()) return false;
    const std::optional<bool> taken = take(pattern, subject.front());
    return *taken && matches(pattern, subject.substr(1));
  }

 private:
  static std::optional<bool> take(std::string_view& pattern, char c) {
    const char token = next(pattern);
    if (token == '?') return true;
    if (token == '\\') return next(pattern) == c;
    if (token != '[') return token == c;
    const bool negated = pattern.front() == '!';
    if (negated) pattern.remove_prefix(1);
    bool found = false;
    do {
      const char low = next(pattern);
      char high = low;
      if (pattern[0] == '-' && pattern[1] != ']') {
        pattern.remove_prefix(1);
        high = next(pattern);
      }
      found = found || (low <= c && c <= high);
    } while (pattern.front() != ']');
    pattern.remove_prefix(1);
    return found != negated;
  }
  static char next(std::string_view& pattern) {
    const char c = pattern.front();
    pattern.remove_prefix(1);
    return c;
  }
};

TEST(Glob, AgreesWithTheReference) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  const std::string_view tokens[] = {"a", "b", "c", "*", "*", "?", "[ab]", "[!a]", "[a-b]", "[!b-c]", "\\*", "[]a]"};
  const std::string_view letters = "abc*]";
  int matched = 0;
  for (int round = 0; round < 100000; ++round) {
    std::string pattern;
    for (std::size_t n = 1 + below(8); n > 0; --n) pattern += tokens[below(std::size(tokens))];
    std::string subject;
    for (std::size_t n = below(10); n > 0; --n) subject += letters[below(letters.size())];
    const bool expected = Reference::matches(pattern, subject);
    ASSERT_EQ(matches(pattern, subject), expected) << pattern << " on " << subject;
    matched += expected ? 1 : 0;
  }
  EXPECT_GT(matched, 5000) << "the patterns should be neither hopeless nor trivial";
}

}  // namespace
}  // namespace sonde
