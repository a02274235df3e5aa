// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/output.h"
#include "core/stack_tree.h"

namespace sonde {

/// A line of folded stacks: "main;read;vfs_read_[k] 42", outermost first. Points into the line.
struct FoldedLine {
  std::string_view stack;  ///< without the amount; may be empty
  std::uint64_t amount = 0;
  bool two_amounts = false;  ///< another number stands before the amount, as difffolded.pl writes them
};
/// Empty if the line does not end in a whole number below 2^64.
std::optional<FoldedLine> parse_folded_line(std::string_view line);

/// "name (module)_[k]": a module is "(/a/path)" or "([word])", the annotation one of _[k] kernel, _[j] compiled at run
/// time, _[i] inlined. A name that is a word in brackets alone is no function. Points into the text.
GraphFrame parse_folded_frame(std::string_view text);

/// Reads folded text, in pieces as they come, into a tree. Any bytes are taken.
class FoldedReader {
 public:
  struct Choice {
    StackTree::Recording recording = StackTree::Recording::now;
    bool reverse = false;  ///< innermost first: which functions, then by whom they were called
  };

  explicit FoldedReader(StackTree& tree) : FoldedReader(tree, Choice()) {}
  FoldedReader(StackTree& tree, Choice choice) : tree_(tree), choice_(choice) {}

  void take(std::string_view bytes);
  /// The last line may lack its end.
  void end();

  [[nodiscard]] std::uint64_t stacks() const { return stacks_; }
  /// Lines that are none of folded stacks; blank ones and those that begin with # are not counted.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  [[nodiscard]] std::uint64_t first_refused() const { return first_refused_; }     ///< its number, from 1 on
  [[nodiscard]] const std::string& refused_text() const { return refused_text_; }  ///< its beginning, raw
  /// Every stack has two numbers behind it: this is rather the output of difffolded.pl.
  [[nodiscard]] bool is_difference() const { return stacks_ > 0 && with_two_ == stacks_; }

 private:
  void take_line(std::string_view line);
  void refuse(std::string_view line);

  StackTree& tree_;
  Choice choice_;
  std::string rest_;  // of the last piece, without its line's end
  bool too_long_ = false;
  std::vector<GraphFrame> frames_;
  std::uint64_t line_ = 0, stacks_ = 0, refused_ = 0, first_refused_ = 0, with_two_ = 0;
  std::string refused_text_;
};

/// Writes each stack of the tree (what was recorded now) on a line, for flamegraph.pl, speedscope or ourselves.
/// Semicolons, controls and bytes that are no UTF-8 are escaped (\x3b, \n). `modules`: also where the functions are,
/// "malloc (/lib/libc.so.6)".
void write_folded(const StackTree& tree, Output& out, bool modules = false);

/// Printable text of untrusted bytes, as escaped() has it, but with backslashes as they are: names of PHP are full of
/// them, and what is escaped once is not to be escaped again.
std::string graph_text(std::string_view bytes);

}  // namespace sonde
