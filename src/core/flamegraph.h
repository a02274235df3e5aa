// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/output.h"
#include "core/stack_tree.h"

namespace sonde {

/// What stands above the picture, and how it is drawn. All texts may be untrusted bytes.
struct GraphHeader {
  std::string title = "Flame graph";
  std::string unit = "samples";  ///< what amounts count, in the plural; "ns": a time, shown as such
  std::vector<std::pair<std::string, std::string>> facts{};  ///< "Host" and its name; in this order
  std::vector<std::string> warnings{};                       ///< losses, cuts: sentences
  bool icicle = false;                                       ///< the outermost frames on top
  /// Both recordings of the tree are compared: the width of a frame is the mean of its shares, the colour the change of
  /// its share. So runs of different length can be compared, and what is gone is still seen.
  bool difference = false;
};

enum class PictureKind : std::uint8_t { html, svg };

/// By the end of a file's name, ".html", ".htm" or ".svg" in any case. Empty: neither.
std::optional<PictureKind> picture_kind(std::string_view file);

/// Writes a whole file that needs no other: a page that can be zoomed and searched, or an SVG picture, which shows the
/// whole without script too, and in a browser becomes that page. Flushes nothing.
void write_flamegraph(const StackTree& tree, const GraphHeader& header, PictureKind kind, Output& out);

}  // namespace sonde
