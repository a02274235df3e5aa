// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/folded.h"

#include <gtest/gtest.h>

#include "written.h"

namespace sonde {
namespace {

using test::Written;

std::string folded(const StackTree& tree, bool modules = false) {
  Written written;
  write_folded(tree, written.out, modules);
  return written.text();
}

std::string read_and_written(std::string_view text, bool modules = false) {
  StackTree tree;
  FoldedReader reader(tree);
  reader.take(text);
  reader.end();
  return folded(tree, modules);
}

TEST(Folded, LineEndsInItsAmount) {
  const auto line = parse_folded_line("main;operator new(unsigned long) 42");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->stack, "main;operator new(unsigned long)");
  EXPECT_EQ(line->amount, 42U);
  EXPECT_FALSE(line->two_amounts);
  EXPECT_TRUE(parse_folded_line("a;b 10 12")->two_amounts);
  EXPECT_EQ(parse_folded_line("a;b 12 \r")->amount, 12U);
  EXPECT_EQ(parse_folded_line("a\t7")->stack, "a");
  EXPECT_EQ(parse_folded_line("a 18446744073709551615")->amount, UINT64_MAX);
  for (const char* none : {"", "a", "a;b", "12", "a -1", "a 1.5", "a 18446744073709551616", "a 0x10", "a 1e3"})
    EXPECT_FALSE(parse_folded_line(none)) << none;
}

TEST(Folded, FrameHasKindAndModule) {
  const auto is = [](std::string_view text, std::string_view name, std::string_view module, FrameKind kind) {
    EXPECT_EQ(parse_folded_frame(text), (GraphFrame{name, module, kind})) << text;
  };
  is("main", "main", "", FrameKind::user);
  is("vfs_read_[k]", "vfs_read", "", FrameKind::kernel);
  is("LFoo.bar_[j]", "LFoo.bar", "", FrameKind::jit);
  is("min_[i]", "min", "", FrameKind::inlined);
  is("ext4_read ([ext4])_[k]", "ext4_read", "[ext4]", FrameKind::kernel);
  is("malloc (/lib/libc.so.6)", "malloc", "/lib/libc.so.6", FrameKind::user);
  is("f(int) (/a b/(c).so)_[i]", "f(int)", "/a b/(c).so", FrameKind::inlined);
  is("operator() (clone)", "operator() (clone)", "", FrameKind::user);
  is("[gap]", "[gap]", "", FrameKind::other);
  is("[kernel]_[k]", "[kernel]", "", FrameKind::kernel);
  is("-", "-", "", FrameKind::other);
  is("", "", "", FrameKind::other);
  is("_[k]", "_[k]", "", FrameKind::user);
  is(" (/x)", " (/x)", "", FrameKind::user);
}

TEST(Folded, IsReadInAnyPieces) {
  const std::string text = "a;b 1\r\n\n# a remark\na;c 2\na;b 3\nno stack\nroot only;x 4";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    StackTree tree;
    FoldedReader reader(tree);
    for (std::size_t at = 0; at < text.size(); at += size) reader.take(std::string_view(text).substr(at, size));
    reader.end();
    EXPECT_EQ(folded(tree), "a;b 4\na;c 2\nroot only;x 4\n") << size;
    EXPECT_EQ(reader.stacks(), 4U);
    EXPECT_EQ(reader.refused(), 1U);
    EXPECT_EQ(reader.first_refused(), 6U);
    EXPECT_EQ(reader.refused_text(), "no stack");
    EXPECT_FALSE(reader.is_difference());
  }
}

TEST(Folded, KnowsTheOutputOfADifference) {
  StackTree tree;
  FoldedReader reader(tree);
  reader.take("a;b 1 2\na;c 3 4\n");
  EXPECT_TRUE(reader.is_difference());
}

TEST(Folded, IsReversedOnRequest) {
  StackTree tree;
  FoldedReader reader(tree, {StackTree::Recording::now, true});
  reader.take("main;f;g 1\nmain;g 2\n");
  EXPECT_EQ(folded(tree), "g;f;main 1\ng;main 2\n");
}

TEST(Folded, IsWrittenSoThatEachLineIsOneStack) {
  StackTree tree;
  const auto add = [&](std::initializer_list<GraphFrame> frames, std::uint64_t amount) {
    tree.add({frames.begin(), frames.size()}, amount);
  };
  add({{"main", "/bin/a"}, {"a;b\nc", "", FrameKind::kernel}}, 1);
  add({{"ends in 12"}}, 2);
  add({{"", "/lib/libc.so.6"}, {"", "[vdso]"}, {""}}, 3);
  add({{"App\\Model"}, {"\xFF\x1B[2J", "", FrameKind::jit}}, 4);
  add({{"# no remark"}}, 5);
  add({}, 6);
  EXPECT_EQ(folded(tree),
            "[no stack] 6\n"
            "[libc.so.6];[vdso];[unknown] 3\n"
            "\\x23 no remark 5\n"
            "App\\Model;\\xff\\x1b[2J_[j] 4\n"
            "ends in\\x2012 2\n"
            "main;a\\x3bb\\nc_[k] 1\n");
}

TEST(Folded, ComesBackAsItWasWritten) {
  const std::string text =
      "[gap];f 1\nbash;main (/bin/bash);read (/lib/libc.so.6);vfs_read_[k];ext4 ([ext4])_[k] 18446744073709551000\n"
      "java;L;x_[j];y_[i] 7\n";
  EXPECT_EQ(read_and_written(text, true), text);
  EXPECT_EQ(read_and_written(read_and_written(text), true), read_and_written(text));
}

}  // namespace
}  // namespace sonde
