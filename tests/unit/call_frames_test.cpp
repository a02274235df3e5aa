// SPDX-License-Identifier: GPL-2.0-or-later
// What compilers say of where callers are: read from bytes that are written here, and from this program's own.
#include "core/call_frames.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "corpus.h"

namespace sonde {
namespace {

using Bytes = std::vector<int>;

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string text_of(const Bytes& bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

/// A section of .eh_frame with one CIE, made for an address of 0: "zR", absolute addresses of 8 bytes; -8 is the unit.
class Section {
 public:
  explicit Section(const Bytes& common, std::string letters = "zR") {
    std::string body;
    append(body, std::uint32_t{0});
    body += '\1';  // version
    body += letters + '\0';
    body += text_of({1, 0x78, 16, 1, 0});  // units 1 and -8, the return column, one byte: how addresses are written
    body += text_of(common);
    entry(body);
  }
  void function(std::uint64_t start, std::uint64_t size, const Bytes& instructions) {
    std::string body;
    append(body, static_cast<std::uint32_t>(bytes.size() + 4));
    append(body, start);
    append(body, size);
    body += '\0';
    body += text_of(instructions);
    entry(body);
  }
  std::string bytes;

 private:
  void entry(std::string body) {
    body.resize((body.size() + 3) / 4 * 4, '\0');
    append(bytes, static_cast<std::uint32_t>(body.size()));
    bytes += body;
  }
};

const Bytes usual{0x0c, 7, 8, 0x90, 1};  // CFA = sp + 8; the return address lies 8 below it

const UnwindRule* rule_for(const UnwindRow& row, unsigned number) {
  const auto found = std::find_if(row.rules.begin(), row.rules.end(), [&](const auto& r) { return r.of == number; });
  return found == row.rules.end() ? nullptr : &*found;
}

TEST(CallFrames, FollowAFunction) {
  Section section(usual);
  // push %rbp; mov %rsp,%rbp at 1 and 4; leave at 0x20
  section.function(0x1000, 0x30, {0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x02, 0x1c, 0xc6, 0x0c, 7, 8});
  const CallFrames frames(section.bytes, 0, CallFrames::Format::eh_frame);
  ASSERT_EQ(frames.size(), 1U);

  const auto first = frames.find(0x1000);
  EXPECT_EQ(first.start, 0x1000U);
  EXPECT_EQ(first.end, 0x1001U);
  EXPECT_EQ(first.cfa, (UnwindRule{UnwindRule::sum, 0, 7, 0, 0, 8}));
  ASSERT_TRUE(rule_for(first, 16));
  EXPECT_EQ(*rule_for(first, 16), (UnwindRule{UnwindRule::saved, 16, 0, 0, 0, -8}));
  EXPECT_FALSE(rule_for(first, 6));

  const auto pushed = frames.find(0x1003);
  EXPECT_EQ(pushed.start, 0x1001U);
  EXPECT_EQ(pushed.end, 0x1004U);
  EXPECT_EQ(pushed.cfa.offset, 16);
  ASSERT_TRUE(rule_for(pushed, 6));
  EXPECT_EQ(rule_for(pushed, 6)->offset, -16);

  const auto inside = frames.find(0x101f);
  EXPECT_EQ(inside.cfa, (UnwindRule{UnwindRule::sum, 0, 6, 0, 0, 16}));
  EXPECT_EQ(inside.end, 0x1020U);

  const auto left = frames.find(0x102f);
  EXPECT_EQ(left.cfa, first.cfa);
  EXPECT_EQ(left.end, 0x1030U);
  EXPECT_FALSE(rule_for(left, 6));
  EXPECT_EQ(left.return_column, 16U);
  EXPECT_FALSE(left.signal);
}

TEST(CallFrames, SayNothingBetweenFunctions) {
  Section section(usual);
  section.function(0x3000, 0x10, {});
  section.function(0x1000, 0x10, {});
  const CallFrames frames(section.bytes, 0, CallFrames::Format::eh_frame);
  EXPECT_TRUE(frames.find(0x100f).known());
  const auto gap = frames.find(0x1010);
  EXPECT_FALSE(gap.known());
  EXPECT_EQ(gap.start, 0x1010U);
  EXPECT_EQ(gap.end, 0x3000U);
  EXPECT_EQ(frames.find(0).end, 0x1000U);
  EXPECT_EQ(frames.find(0x3010).end, UINT64_MAX);
  EXPECT_FALSE(CallFrames({}, 0, CallFrames::Format::eh_frame).find(5).known());
}

TEST(CallFrames, RememberAndRestore) {
  Section section(usual);
  section.function(0x1000, 0x10, {0x0e, 32, 0x83, 4, 0x0a, 0x44, 0x0e, 8, 0xc3, 0x44, 0x0b});
  const CallFrames frames(section.bytes, 0, CallFrames::Format::eh_frame);
  EXPECT_EQ(frames.find(0x1004).cfa.offset, 8);
  EXPECT_FALSE(rule_for(frames.find(0x1004), 3));
  EXPECT_EQ(frames.find(0x1008).cfa.offset, 32);
  EXPECT_TRUE(rule_for(frames.find(0x1008), 3));
}

TEST(CallFrames, KeepExpressionsAndKindsOfRules) {
  Section section(usual, "zRS");
  section.function(0x1000, 0x10, {0x0f, 2,  0x77, 8,  0x10, 6,  1,  0x30, 0x16, 3, 1,    0x31,
                                  0x07, 12, 0x08, 13, 0x09, 14, 15, 0x14, 7,    2, 0x2e, 5});
  const auto row = CallFrames(section.bytes, 0, CallFrames::Format::eh_frame).find(0x1000);
  EXPECT_TRUE(row.signal);
  EXPECT_EQ(row.cfa.kind, UnwindRule::expression);
  EXPECT_EQ(row.expressions.size(), 4U);
  EXPECT_EQ(row.expressions.substr(static_cast<std::size_t>(row.cfa.offset), row.cfa.size), "\x77\x08");
  EXPECT_EQ(rule_for(row, 6)->kind, UnwindRule::saved_at_expression);
  EXPECT_EQ(rule_for(row, 3)->kind, UnwindRule::expression);
  EXPECT_EQ(rule_for(row, 12)->kind, UnwindRule::undefined);
  EXPECT_EQ(rule_for(row, 13)->kind, UnwindRule::same);
  EXPECT_EQ(*rule_for(row, 14), (UnwindRule{UnwindRule::moved, 14, 15, 0, 0, 0}));
  EXPECT_EQ(*rule_for(row, 7), (UnwindRule{UnwindRule::sum, 7, 0, 0, 0, -16}));

  std::string bytes;
  put_row(row, bytes);
  EXPECT_EQ(row_of(bytes), row);
  EXPECT_FALSE(row_of(bytes.substr(0, 60)));
}

TEST(CallFrames, BearNonsense) {
  Section section(usual);
  section.function(0x1000, 0x10, {0x0b});            // restores what was not remembered
  section.function(0x2000, 0x10, {0x3f});            // no instruction
  section.function(0x3000, 0x10, {0x0f, 0x7f, 0});   // an expression beyond its end
  section.function(UINT64_MAX - 5, 0x10, {});        // around the end of memory
  section.function(0x4000, 0x10, Bytes(100, 0x0a));  // remembers without end
  const CallFrames frames(section.bytes, 0, CallFrames::Format::eh_frame);
  EXPECT_EQ(frames.size(), 4U);
  for (const std::uint64_t at : {0x1000UL, 0x2000UL, 0x3000UL, 0x4000UL}) EXPECT_FALSE(frames.find(at).known()) << at;
  for (std::size_t size = 0; size < section.bytes.size(); ++size) {
    const CallFrames cut(std::string_view(section.bytes).substr(0, size), 0, CallFrames::Format::eh_frame);
    EXPECT_FALSE(cut.find(0x1000).known());
  }
}

// What the assembler and the linker write, with addresses relative to their place: tests/fuzz/seeds/frames.S
TEST(CallFrames, AreReadAsTheLinkerWritesThem) {
  const std::string bytes = test::corpus("call_frames/eh_frame");
  const CallFrames frames(bytes, 0x402000, CallFrames::Format::eh_frame);
  EXPECT_EQ(frames.size(), 4U);
  EXPECT_EQ(frames.find(0x400000).cfa, (UnwindRule{UnwindRule::sum, 0, 7, 0, 0, 8}));
  EXPECT_EQ(frames.find(0x400004).cfa, (UnwindRule{UnwindRule::sum, 0, 6, 0, 0, 16}));
  const auto plt = frames.find(0x401000);
  EXPECT_EQ(plt.cfa.kind, UnwindRule::expression);
  const auto signal = frames.find(0x401012);
  EXPECT_TRUE(signal.signal);
  EXPECT_EQ(rule_for(signal, 16)->kind, UnwindRule::saved_at_expression);
  const auto start = frames.find(0x401013);
  ASSERT_TRUE(rule_for(start, 16));
  EXPECT_EQ(rule_for(start, 16)->kind, UnwindRule::undefined);

  const std::string debug = test::corpus("call_frames/debug_frame");
  const CallFrames same(debug, 0, CallFrames::Format::debug_frame);
  EXPECT_EQ(same.size(), 4U);
  EXPECT_EQ(same.find(0x400ff4).cfa, (UnwindRule{UnwindRule::sum, 0, 6, 0, 0, 16}));
}

}  // namespace
}  // namespace sonde
