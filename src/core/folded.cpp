// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/folded.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/text.h"

namespace sonde {
namespace {

constexpr std::size_t longest_line = std::size_t{16} << 20;
constexpr std::size_t shown_of_refused = 60;
constexpr std::string_view spaces = " \t";

constexpr std::array<std::pair<FrameKind, std::string_view>, 3> annotations{
    {{FrameKind::kernel, "_[k]"}, {FrameKind::jit, "_[j]"}, {FrameKind::inlined, "_[i]"}}};

std::string_view without_end(std::string_view text) { return text.substr(0, text.find_last_not_of(" \t\r") + 1); }

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// "a stack 12" as "a stack" and "12"
std::pair<std::string_view, std::string_view> last_word(std::string_view text) {
  const auto space = text.find_last_of(spaces);
  if (space == text.npos) return {{}, text};
  return {without_end(text.substr(0, space)), text.substr(space + 1)};
}

// What the last frame must not end in, or the number in its name would be taken for an amount.
void guard_number(std::string& line) {
  const auto space = line.find_last_of(' ');
  if (space != line.npos && whole_number(std::string_view(line).substr(space + 1))) line.replace(space, 1, "\\x20");
}

void append_frame(const GraphFrame& frame, bool modules, std::string& line) {
  for (const char c : graph_text(frame_text(frame)))
    if (c == ';')
      line += "\\x3b";
    else
      line += c;
  if (modules && !frame.name.empty() && !frame.module.empty()) {
    const bool bracketed = frame.module.starts_with('[') || frame.module.starts_with('/');
    std::string module = graph_text(frame.module);
    for (std::size_t at = 0; (at = module.find(';', at)) != module.npos;) module.replace(at, 1, "\\x3b");
    if (bracketed) line += " (" + module + ")";
  }
  for (const auto& [kind, annotation] : annotations)
    if (frame.kind == kind) line += annotation;
}

}  // namespace

std::optional<FoldedLine> parse_folded_line(std::string_view line) {
  line = without_end(line);
  const auto [stack, number] = last_word(line);
  const auto amount = whole_number(number);
  if (!amount || number.size() == line.size()) return std::nullopt;
  const auto before = last_word(stack);
  return FoldedLine{stack, *amount, !before.first.empty() && whole_number(before.second)};
}

GraphFrame parse_folded_frame(std::string_view text) {
  GraphFrame frame{text, {}, FrameKind::user};
  for (const auto& [kind, annotation] : annotations) {
    if (frame.name.size() <= annotation.size() || !frame.name.ends_with(annotation)) continue;
    frame.name.remove_suffix(annotation.size());
    frame.kind = kind;
    break;
  }
  const auto bracket = std::max({frame.name.rfind(" (/") + 1, frame.name.rfind(" ([") + 1});
  if (bracket > 1 && frame.name.ends_with(')')) {
    frame.module = frame.name.substr(bracket + 1, frame.name.size() - bracket - 2);
    frame.name = frame.name.substr(0, bracket - 1);
  }
  const bool word = frame.name.starts_with('[') && frame.name.ends_with(']');
  const bool nothing = frame.name.empty() || frame.name == "-" || frame.name == "--";
  if (frame.kind == FrameKind::user && (word || nothing)) frame.kind = FrameKind::other;
  return frame;
}

void FoldedReader::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto piece = bytes.substr(0, end);
    too_long_ |= rest_.size() + piece.size() > longest_line;
    if (end != bytes.npos && rest_.empty() && !too_long_) {
      take_line(piece);
    } else {
      if (!too_long_) rest_.append(piece);
      if (end != bytes.npos) this->end();
    }
    bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  }
}

void FoldedReader::end() {
  const std::string line = std::exchange(rest_, {});
  if (std::exchange(too_long_, false)) {
    ++line_;
    refuse(line);
  } else if (!line.empty()) {
    take_line(line);
  }
}

void FoldedReader::take_line(std::string_view line) {
  ++line_;
  if (without_end(line).empty() || line.starts_with('#')) return;
  const auto parsed = parse_folded_line(line);
  if (!parsed) return refuse(line);
  ++stacks_;
  with_two_ += parsed->two_amounts;
  frames_.clear();
  for (std::string_view stack = parsed->stack; !stack.empty();) {
    const auto end = std::min(stack.find(';'), stack.size());
    frames_.push_back(parse_folded_frame(stack.substr(0, end)));
    stack.remove_prefix(std::min(end + 1, stack.size()));
  }
  if (choice_.reverse) std::reverse(frames_.begin(), frames_.end());
  tree_.add(frames_, parsed->amount, choice_.recording);
}

void FoldedReader::refuse(std::string_view line) {
  if (refused_++) return;
  first_refused_ = line_;
  refused_text_ = line.substr(0, shown_of_refused);
}

void write_folded(const StackTree& tree, Output& out, bool modules) {
  std::string line;
  std::vector<std::size_t> ends;  // of the frames in `line`
  for (const auto& node : tree.preorder()) {
    if (node.depth > 0) {
      ends.resize(node.depth - 1);
      line.resize(ends.empty() ? 0 : ends.back());
      if (!ends.empty()) line += ';';
      append_frame(tree.frames()[node.frame], modules, line);
      ends.push_back(line.size());
    }
    if (!node.own.now) continue;
    std::string written = node.depth > 0 ? line : "[no stack]";
    guard_number(written);
    if (written.starts_with('#')) written.replace(0, 1, "\\x23");
    out.put(written);
    out.put(' ');
    out.put_natural(node.own.now);
    out.put('\n');
  }
}

std::string graph_text(std::string_view bytes) {
  std::string text;
  while (true) {
    const auto backslash = bytes.find('\\');
    text += escaped(bytes.substr(0, backslash));
    if (backslash == bytes.npos) return text;
    text += '\\';
    bytes.remove_prefix(backslash + 1);
  }
}

}  // namespace sonde
