// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "core/utf8.h"
#include "written.h"

namespace sonde {
namespace {

using namespace std::string_view_literals;
using test::Written;

struct Put {
  std::string text;
  int cells;
};

Put put(std::string_view bytes, int max_cells = -1, bool cut = false) {
  Written written;
  const int cells = put_escaped(written.out, bytes, max_cells, cut);
  return {written.text(), cells};
}

TEST(Escaped, LeavesPrintableTextAlone) {
  EXPECT_EQ(escaped("/usr/lib/x86_64-linux-gnu/libc.so.6"), "/usr/lib/x86_64-linux-gnu/libc.so.6");
  EXPECT_EQ(escaped("say \"hi\" ~`!@#$%^&*()"), "say \"hi\" ~`!@#$%^&*()");
  EXPECT_EQ(escaped("naïve 日本語 🙂 Ω"), "naïve 日本語 🙂 Ω");
  EXPECT_EQ(escaped(""), "");
}

TEST(Escaped, EveryAsciiByte) {
  for (int c = 0; c < 128; ++c) {
    const std::string one(1, static_cast<char>(c));
    std::string expected = one;
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(c));
    if (c < 32 || c == 127) expected = hex;
    if (c == '\n') expected = "\\n";
    if (c == '\t') expected = "\\t";
    if (c == '\r') expected = "\\r";
    if (c == '\\') expected = "\\\\";
    EXPECT_EQ(escaped(one), expected);
    // Wherever it stands in a word of eight bytes.
    for (std::size_t before = 0; before < 17; ++before) {
      const std::string around = std::string(before, 'a') + one + "bcdefghijk";
      EXPECT_EQ(escaped(around), std::string(before, 'a') + expected + "bcdefghijk");
    }
  }
}

struct Hostile {
  std::string_view bytes;
  std::string_view shown;
};

TEST(Escaped, HostileText) {
  const Hostile cases[] = {
      {"\x1b[2J\x1b[H", "\\x1b[2J\\x1b[H"},
      {"\x1b]0;title\x07", "\\x1b]0;title\\x07"},
      {"a\0b"sv, "a\\x00b"},
      {"line\nPID 1", "line\\nPID 1"},
      {"\\x1b", "\\\\x1b"},
      {"\xc2\x9b"
       "31m",
       "\\u{009b}31m"},
      {"\xc2\x80\xc2\x9f\xc2\xa0", "\\u{0080}\\u{009f}\xc2\xa0"},
      {"\x9b"
       "31m",
       "\\x9b31m"},
      {"\xe2\x80\xae"
       "gpj.exe",
       "\\u{202e}gpj.exe"},
      {"\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8b", "\\u{2066}\\u{2069}\\u{200b}"},
      {"\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}"},
      {"\xef\xbb\xbf", "\\u{feff}"},
      {"\xc2\xad", "\\u{00ad}"},
      {"\xf3\xa0\x80\x81", "\\u{e0001}"},
      {"\xc0\xaf", "\\xc0\\xaf"},
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
      {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"\xed\xbf\xbf", "\\xed\\xbf\\xbf"},
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"\xf5\xff\xfe", "\\xf5\\xff\\xfe"},
      {"\x80", "\\x80"},
      {"a\xbfz", "a\\xbfz"},
      {"\xe6\x97", "\\xe6\\x97"},
      {"\xf0\x9f\x99", "\\xf0\\x9f\\x99"},
      {"\xe6\x97/", "\\xe6\\x97/"},
      {"\xe6\xe6\x97\xa5", "\\xe6\xe6\x97\xa5"},
  };
  for (const Hostile& hostile : cases) EXPECT_EQ(escaped(hostile.bytes), hostile.shown);
}

// Whatever goes in, what comes out is UTF-8 without controls, and as wide as announced.
TEST(Escaped, RandomBytesNeverReachTheTerminal) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> any_byte(0, 255);
  std::uniform_int_distribution<int> size(0, 40);
  std::uniform_int_distribution<int> limit(-1, 30);
  const std::string_view pieces[] = {"\xe2\x80\xae", "日",       "e\xcc\x81", "\x1b[",
                                     "plain text",   "\xc2\x9b", "🙂",      "\\"};
  for (int round = 0; round < 20000; ++round) {
    std::string bytes;
    for (int n = size(random); n > 0; --n) {
      const int b = any_byte(random);
      if (b % 3 == 0)
        bytes += pieces[static_cast<std::size_t>(b / 3) % std::size(pieces)];
      else
        bytes += static_cast<char>(b);
    }
    const int most = limit(random);
    const Put result = put(bytes, most, round % 2 == 0);
    int cells = 0;
    for (std::string_view rest = result.text; !rest.empty();) {
      const Decoded decoded = decode_utf8(rest);
      ASSERT_TRUE(decoded.valid);
      const Cells of = cells_of(decoded.code);
      ASSERT_NE(of, Cells::control);
      cells += static_cast<int>(of);
      rest.remove_prefix(decoded.length);
    }
    ASSERT_EQ(cells, result.cells);
    if (most >= 0) {
      ASSERT_LE(cells, most);
      const bool whole = result.text == escaped(bytes) || most == 0;
      ASSERT_TRUE(whole || result.text.ends_with("…"));
    }
  }
}

TEST(PutEscaped, CutsAtTheExactWidth) {
  EXPECT_EQ(put("abcde", 5).text, "abcde");
  EXPECT_EQ(put("abcdef", 5).text, "abcd…");
  EXPECT_EQ(put("abcdef", 1).text, "…");
  EXPECT_EQ(put("abcdef", 0).text, "");
  EXPECT_EQ(put("", 0).text, "");
  EXPECT_EQ(put("abcdefghijklmnopqrstuvwxyz", 20).text, "abcdefghijklmnopqrs…");
}

TEST(PutEscaped, NeverCutsInsideACharacterOrAnEscape) {
  EXPECT_EQ(put("日本語", 6).text, "日本語");
  EXPECT_EQ(put("日本語", 5).text, "日本…");
  EXPECT_EQ(put("日本語", 4).text, "日…") << "half a wide character does not fit";
  EXPECT_EQ(put("日本語", 4).cells, 3);
  EXPECT_EQ(put("ab\x1b", 6).text, "ab\\x1b");
  EXPECT_EQ(put("ab\x1b", 5).text, "ab…");
  EXPECT_EQ(put("ab\x1bz", 6).text, "ab…");
  EXPECT_EQ(put("\xe2\x80\xae", 7).text, "…");
}

TEST(PutEscaped, CombiningCharactersTakeNoCell) {
  EXPECT_EQ(put("e\xcc\x81"
                "a",
                2)
                .text,
            "e\xcc\x81"
            "a");
  EXPECT_EQ(put("e\xcc\x81"
                "abc",
                2)
                .text,
            "e\xcc\x81…");
  EXPECT_EQ(put("abc\xcc\x81", 3).cells, 3);
}

TEST(PutEscaped, MarksWhatWasCutBefore) {
  EXPECT_EQ(put("abc", -1, true).text, "abc…");
  EXPECT_EQ(put("abc", -1, true).cells, 4);
  EXPECT_EQ(put("abc", 4, true).text, "abc…");
  EXPECT_EQ(put("abc", 3, true).text, "ab…") << "one ellipsis, not two";
  EXPECT_EQ(put("", -1, true).text, "…");
  EXPECT_EQ(put("", 1, true).text, "…");
  EXPECT_EQ(put("abc", 0, true).text, "");
}

TEST(Utf8, WellFormed) {
  for (const std::string_view good : {"", "ascii", "é", "日本", "🙂", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\x7f\x01"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const std::string_view bad : {"\x80", "abc\xff", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                                     "\xf4\x90\x80\x80", "\xe6\x97", "longer text before it\xe6\x97"})
    EXPECT_FALSE(is_utf8(bad)) << escaped(bad);
}

std::string encoded(char32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0 | code >> 6), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0 | code >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | code >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, EveryCodePoint) {
  for (char32_t code = 0; code <= 0x110010; ++code) {
    const std::string bytes = encoded(code);
    const Decoded decoded = decode_utf8(bytes);
    const bool exists = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    ASSERT_EQ(decoded.valid, exists) << static_cast<unsigned>(code);
    if (!exists) continue;
    ASSERT_EQ(decoded.code, code);
    ASSERT_EQ(decoded.length, bytes.size());
  }
}

TEST(Utf8, Cells) {
  EXPECT_EQ(cells_of(U'a'), Cells::one);
  EXPECT_EQ(cells_of(U'é'), Cells::one);
  EXPECT_EQ(cells_of(0x0301), Cells::none);
  EXPECT_EQ(cells_of(0xFE0F), Cells::none);
  EXPECT_EQ(cells_of(U'日'), Cells::two);
  EXPECT_EQ(cells_of(0xFF21), Cells::two);
  EXPECT_EQ(cells_of(0x1F642), Cells::two);
  EXPECT_EQ(cells_of(0x202E), Cells::control);
  EXPECT_EQ(cells_of(0x061C), Cells::control);
  EXPECT_EQ(cells_of(0x0378), Cells::one) << "unassigned";
  EXPECT_EQ(cells_of(0x10FFFF), Cells::one);
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::string_view columns[] = {"time", "pid", "tid", "comm", "latency", "errno", "path"};
  EXPECT_EQ(nearest("tmie", columns), "time");
  EXPECT_EQ(nearest("pdi", columns), "pid");
  EXPECT_EQ(nearest("command", columns), "comm") << "three letters too many of seven";
  EXPECT_EQ(nearest("lat", columns), "latency");
  EXPECT_EQ(nearest("ERNO", columns), "errno");
  EXPECT_EQ(nearest("pathh", columns), "path");
  EXPECT_EQ(nearest("zzzzz", columns), "");
  EXPECT_EQ(nearest("x", columns), "");
  EXPECT_EQ(nearest("", columns), "");
  EXPECT_EQ(nearest("pid", {}), "");
}

TEST(Wrapped, BreaksAtSpaces) {
  EXPECT_EQ(wrapped("", 10, 2), "");
  EXPECT_EQ(wrapped("one line", 80, 4), "one line");
  EXPECT_EQ(wrapped("exactly ten", 11, 4), "exactly ten");
  EXPECT_EQ(wrapped("exactly ten", 10, 4), "exactly\n    ten");
  EXPECT_EQ(wrapped("a bb ccc dddd", 6, 2), "a bb\n  ccc\n  dddd");
  EXPECT_EQ(wrapped("a bb ccc dd eee", 6, 20),
            "a bb" + std::string(1, '\n') + std::string(20, ' ') + "ccc dd\n" + std::string(20, ' ') + "eee")
      << "behind a column of that width";
  EXPECT_EQ(wrapped("unbreakable words stay whole", 5, 0), "unbreakable\nwords\nstay\nwhole");
  EXPECT_EQ(wrapped("  spaces   vanish  ", 80, 0), "spaces vanish");
  EXPECT_EQ(wrapped("ääääääääää b", 12, 0), "ääääääääää b") << "letters count, not bytes";
}

}  // namespace
}  // namespace sonde
