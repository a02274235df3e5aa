// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/stack_tree.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace sonde {
namespace {

void add(StackTree& tree, std::initializer_list<const char*> names, std::uint64_t amount,
         StackTree::Recording recording = StackTree::Recording::now) {
  std::vector<GraphFrame> frames;
  for (const char* name : names) frames.push_back({name});
  tree.add(frames, amount, recording);
}

// "a(b:1 c:2)": names and what is their own.
std::string shape(const StackTree& tree) {
  std::string text;
  for (const auto& node : tree.preorder()) {
    text += std::string(node.depth, '.') + (node.depth ? std::string(tree.frames()[node.frame].name) : "all");
    if (node.own.now || node.own.before) text += ":" + std::to_string(node.own.now);
    if (node.own.before) text += "/" + std::to_string(node.own.before);
    text += ' ';
  }
  return text;
}

TEST(StackTree, JoinsWhatStacksHaveInCommon) {
  StackTree tree;
  add(tree, {"main", "z"}, 1);
  add(tree, {"main", "a", "x"}, 2);
  add(tree, {"main", "a"}, 3);
  add(tree, {"main", "z"}, 4);
  add(tree, {"main", "z"}, 0);
  add(tree, {"other"}, 5, StackTree::Recording::before);
  EXPECT_EQ(shape(tree), "all .main ..a:3 ...x:2 ..z:5 .other:0/5 ");
  EXPECT_EQ(tree.total(), (StackTree::Amounts{10, 5}));
  EXPECT_TRUE(tree.cuts().empty());
}

TEST(StackTree, TellsFramesApartByNameModuleAndKind) {
  StackTree tree;
  for (const GraphFrame& frame :
       {GraphFrame{"f", "a"}, {"f", "b"}, {"f", "a", FrameKind::kernel}, {"f", "a"}, {"fa", ""}})
    tree.add({&frame, 1}, 1);
  EXPECT_EQ(tree.frames().size(), 4U);
  EXPECT_EQ(tree.preorder().size(), 5U);
}

TEST(StackTree, IsBoundedAndLosesNoAmount) {
  StackTree tree({.depth = 3, .nodes = 6, .name = 5, .names = 1000});
  add(tree, {"a", "b", "c", "d", "e"}, 1);
  add(tree, {"a", "b", "c"}, 2);
  EXPECT_EQ(shape(tree), "all .a ..b ...c:2 ....[cut]:1 ");
  add(tree, {"a", "long name"}, 4);
  add(tree, {"x", "y"}, 8);
  add(tree, {"y"}, 16);
  EXPECT_EQ(shape(tree), "all .[cut]:24 .a ..b ...c:2 ....[cut]:1 ..long …:4 ");
  EXPECT_EQ(tree.total().now, 31U);
  add(tree, {"a"}, UINT64_MAX);
  EXPECT_EQ(tree.total().now, 31U);
  EXPECT_EQ(tree.cuts(),
            (std::vector<std::string>{"1 stack deeper than 3 frames: the inner ones are cut.",
                                      "2 stacks found no room and ended in [cut]: there are too many that differ.",
                                      "1 stack left out: the sum would not fit into 64 bits.",
                                      "Names longer than 5 bytes are cut, and end in an ellipsis."}));
}

TEST(StackTree, SumsAFrameOnceAStack) {
  StackTree tree;
  add(tree, {"main", "f", "g", "f"}, 3);
  add(tree, {"main", "f"}, 2);
  add(tree, {"main", "g"}, 4);
  add(tree, {"g"}, 1, StackTree::Recording::before);
  const auto sums = frame_sums(tree);
  ASSERT_EQ(sums.size(), 3U);
  const auto is = [&](std::size_t at, const char* name, StackTree::Amounts own, StackTree::Amounts total) {
    EXPECT_EQ(tree.frames()[sums[at].frame].name, name);
    EXPECT_EQ(sums[at].own, own);
    EXPECT_EQ(sums[at].total, total);
  };
  is(0, "f", {5, 0}, {5, 0});
  is(1, "g", {4, 1}, {7, 1});
  is(2, "main", {0, 0}, {9, 0});
}

TEST(StackTree, TakesFramesOfTheSymbolizer) {
  EXPECT_EQ(graph_frame({"main", "/bin/a", 4}, false), (GraphFrame{"main", "/bin/a", FrameKind::user}));
  EXPECT_EQ(graph_frame({"vfs_read", "[kernel]", 4}, true), (GraphFrame{"vfs_read", "[kernel]", FrameKind::kernel}));
  EXPECT_EQ(graph_frame({"LFoo.bar", "[anon]", 4}, false), (GraphFrame{"LFoo.bar", "[anon]", FrameKind::jit}));
  EXPECT_EQ(graph_frame({"", "[anon]", 4}, false), (GraphFrame{"", "[anon]", FrameKind::user}));
  EXPECT_EQ(graph_frame(marked(mark::gap), false), (GraphFrame{"[gap]", "", FrameKind::other}));
  EXPECT_EQ(frame_text({"", "/usr/lib/libc.so.6"}), "[libc.so.6]");
  EXPECT_EQ(frame_text({"", "[anon]"}), "[anon]");
  EXPECT_EQ(frame_text({"", ""}), "[unknown]");
}

}  // namespace
}  // namespace sonde
