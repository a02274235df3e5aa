// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/flamegraph_svg.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/folded.h"
#include "core/markup.h"
#include "core/text.h"
#include "core/units.h"
#include "core/utf8.h"

namespace sonde {
namespace {

constexpr double picture_width = 1200, narrowest = 0.3, row = 17, cell = 7.25, margin = 10, line = 17;

// The colours are those of flamegraph.css; what is under a row tells the kinds apart without them.
constexpr std::string_view style_and_patterns = R"(<style>
text{font:12px "DejaVu Sans Mono",Menlo,Consolas,monospace;fill:#111}
.h{font:bold 17px sans-serif}.f{font:13px sans-serif}
.h,.f{fill:#1b1b1b}.back{fill:#fff}
.u{fill:#f0a860}.kb{fill:#86b6e8}.ib{fill:#f7e39c}.jb{fill:#3fb28e}.ob{fill:#dcdcdc}
.m{fill:#333;fill-opacity:.6}.k{fill:url(#pk)}.i{fill:url(#pi)}.j{fill:url(#pj)}.o{fill:url(#po)}
.l2{fill:#5b9bd5}.l1{fill:#a6c4e1}.s{fill:#ececec}.m1{fill:#edb69d}.m2{fill:#ee7f4d}
</style>
<defs>
<pattern id="pk" width="8" height="17" patternUnits="userSpaceOnUse"><rect class="kb" width="8" height="17"/><rect class="m" y="13" width="8" height="3"/></pattern>
<pattern id="pi" width="5" height="17" patternUnits="userSpaceOnUse"><rect class="ib" width="5" height="17"/><rect class="m" y="13" width="2" height="3"/></pattern>
<pattern id="pj" width="11" height="17" patternUnits="userSpaceOnUse"><rect class="jb" width="11" height="17"/><rect class="m" y="13" width="7" height="3"/></pattern>
<pattern id="po" width="8" height="17" patternUnits="userSpaceOnUse"><rect class="ob" width="8" height="17"/><path d="M0 17L8 0" stroke="#555" stroke-opacity=".5"/></pattern>
</defs>
)";

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kinds{
    {{"u", "user"}, {"k", "kernel"}, {"i", "inlined"}, {"j", "JIT"}, {"o", "no function"}}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> changes{{{"l2", "▼ much smaller share"},
                                                                                {"l1", "▼ smaller"},
                                                                                {"s", "the same"},
                                                                                {"m1", "▲ larger"},
                                                                                {"m2", "▲ much larger share"}}};

// Two digits behind the point, as few as needed.
void put_number(Output& out, double number) {
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), std::round(number * 100) / 100);
  out.put({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void put_attribute(Output& out, std::string_view name, double number) {
  out.put(' ');
  out.put(name);
  out.put("=\"");
  put_number(out, number);
  out.put('"');
}

void put_percent(Output& out, double part) {
  put_number(out, 100 * part);
  out.put(" %");
}

std::string amount_text(std::uint64_t amount, const std::string& unit) {
  if (unit == "ns") return format_duration(amount) + " (" + format_count(amount) + " ns)";
  return format_count(amount) + " " + unit;
}

double share(std::uint64_t amount, std::uint64_t total) {
  return total ? static_cast<double>(amount) / static_cast<double>(total) : 0;
}

// As much as fits into so many cells.
std::string fitted(const std::string& name, int cells) {
  const std::string text = graph_text(name);
  std::size_t length = 0, cut = 0;
  int used = 0;
  while (length < text.size()) {
    const Decoded decoded = decode_utf8(std::string_view(text).substr(length));
    used += static_cast<int>(cells_of(decoded.code));
    if (used > cells) return text.substr(0, cut) + "…";
    length += decoded.length;
    if (used < cells) cut = length;
  }
  return text;
}

// Sums, widths and places of all nodes: computed from the exact amounts.
class Layout {
 public:
  Layout(const StackTree& tree, std::span<const StackTree::Node> nodes, bool difference);

  struct Place {
    StackTree::Amounts sum;
    std::size_t end = 0;  // behind the last node below this one
    double left = 0, width = 0, next = 0;
  };
  [[nodiscard]] const Place& at(std::size_t i) const { return places_[i]; }
  /// -1: gone, 1: new
  [[nodiscard]] double change(std::size_t i) const {
    const double now = share(places_[i].sum.now, total_.now), before = share(places_[i].sum.before, total_.before);
    return now + before > 0 ? (now - before) / (now + before) : 0;
  }

 private:
  StackTree::Amounts total_;
  std::vector<Place> places_;
};

Layout::Layout(const StackTree& tree, std::span<const StackTree::Node> nodes, bool difference)
    : total_(tree.total()), places_(nodes.size()) {
  std::vector<std::size_t> open, parents(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (; open.size() > nodes[i].depth; open.pop_back()) places_[open.back()].end = i;
    parents[i] = open.empty() ? 0 : open.back();
    open.push_back(i);
    places_[i].sum = nodes[i].own;
  }
  for (const auto i : open) places_[i].end = nodes.size();
  for (std::size_t i = nodes.size() - 1; i > 0; --i) {
    places_[parents[i]].sum.now += places_[i].sum.now;
    places_[parents[i]].sum.before += places_[i].sum.before;
  }
  const int recordings = !difference ? 1 : (total_.now ? 1 : 0) + (total_.before ? 1 : 0);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Place& place = places_[i];
    const double shares = share(place.sum.now, total_.now) + (difference ? share(place.sum.before, total_.before) : 0);
    place.width = recordings ? shares / recordings * (picture_width - 2 * margin) : 0;
    place.left = i ? places_[parents[i]].next : margin;
    if (i) places_[parents[i]].next += place.width;
    place.next = place.left;
  }
}

class StaticPicture {
 public:
  StaticPicture(const StackTree& tree, std::span<const StackTree::Node> nodes, const GraphHeader& header, Output& out)
      : tree_(tree), nodes_(nodes), header_(header), out_(out), layout_(tree, nodes, header.difference) {
    for (std::size_t i = 0; i < nodes_.size();) {
      const bool drawn = layout_.at(i).width >= narrowest || i == 0;
      if (drawn) {
        drawn_.push_back(i);
        deepest_ = std::max(deepest_, nodes_[i].depth);
      } else {
        hidden_ += layout_.at(i).end - i;
      }
      i = drawn ? i + 1 : layout_.at(i).end;
    }
  }

  void write() {
    heading();
    legend();
    out_.put("<g>\n");
    for (const auto i : drawn_) frame(i);
    out_.put("</g>\n");
  }

 private:
  void text(std::string_view style, double x, double y, std::string_view bytes) {
    out_.put("<text class=\"");
    out_.put(style);
    out_.put('"');
    put_attribute(out_, "x", x);
    put_attribute(out_, "y", y);
    out_.put('>');
    put_markup(out_, bytes);
    out_.put("</text>\n");
  }

  std::vector<std::string> heading_lines() const {
    std::vector<std::string> lines;
    std::string facts;
    for (const auto& [key, value] : header_.facts) facts += key + ": " + value + " · ";
    facts += (header_.difference ? "After: " : "Total: ") + amount_text(tree_.total().now, header_.unit);
    if (header_.difference) facts += " · Before: " + amount_text(tree_.total().before, header_.unit);
    lines.push_back(facts);
    for (const auto& warning : header_.warnings) lines.push_back("⚠ " + warning);
    if (hidden_)
      lines.push_back(format_count(hidden_) + (hidden_ == 1 ? " frame" : " frames") +
                      " narrower than 0.3 px not drawn");
    return lines;
  }

  void heading() {
    const auto lines = heading_lines();
    // Patterns are laid from the picture's origin: what shows them stands where a row can be.
    legend_ = std::ceil((32 + line * static_cast<double>(lines.size())) / row) * row;
    top_ = legend_ + 2 * row;
    const double height = top_ + row * (deepest_ + 1) + margin;
    out_.put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"");
    put_attribute(out_, "width", picture_width);
    put_attribute(out_, "height", height);
    out_.put(" viewBox=\"0 0 ");
    put_number(out_, picture_width);
    out_.put(' ');
    put_number(out_, height);
    out_.put("\" lang=\"en\">\n<title>");
    put_markup(out_, header_.title);
    out_.put("</title>\n");
    out_.put(style_and_patterns);
    out_.put("<g>\n<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n");
    text("h", margin, 24, header_.title);
    double y = 26;
    for (const auto& each : lines) text("f", margin, y += line, each);
  }

  void legend() {
    double x = margin;
    std::array<bool, kinds.size()> present{};
    for (const auto i : drawn_)
      if (i) present[static_cast<std::size_t>(tree_.frames()[nodes_[i].frame].kind)] = true;
    const auto& entries = header_.difference ? changes : kinds;
    for (std::size_t k = 0; k < entries.size(); ++k) {
      if (!header_.difference && !present[k]) continue;
      rectangle(entries[k].first, x, legend_, 26);
      text("f", x + 31, legend_ + 12, entries[k].second);
      x += 52 + 8 * static_cast<double>(entries[k].second.size());
    }
    out_.put("</g>\n");
  }

  void rectangle(std::string_view style, double x, double y, double width) {
    out_.put("<rect class=\"");
    out_.put(style);
    out_.put('"');
    put_attribute(out_, "x", x);
    put_attribute(out_, "y", y);
    put_attribute(out_, "width", width);
    put_attribute(out_, "height", row - 1);
    out_.put("/>");
  }

  [[nodiscard]] std::string_view style_of(std::size_t i) const {
    if (!i) return "s";
    if (!header_.difference) return kinds[static_cast<std::size_t>(tree_.frames()[nodes_[i].frame].kind)].first;
    const double change = layout_.change(i);
    return changes[static_cast<std::size_t>(change < -0.4    ? 0
                                            : change < -0.05 ? 1
                                            : change <= 0.05 ? 2
                                            : change <= 0.4  ? 3
                                                             : 4)]
        .first;
  }

  void tooltip(std::size_t i, const std::string& name) {
    const auto& sum = layout_.at(i).sum;
    const auto& total = tree_.total();
    out_.put("<title>");
    put_markup(out_, name);
    if (i) {
      const auto& frame = tree_.frames()[nodes_[i].frame];
      if (!frame.module.empty()) put_markup(out_, " (" + std::string(frame.module) + ")");
      out_.put(", ");
      out_.put(kinds[static_cast<std::size_t>(frame.kind)].second);
    }
    out_.put(": ");
    if (header_.difference) {
      put_markup(out_, "before " + amount_text(sum.before, header_.unit) + ", ");
      put_percent(out_, share(sum.before, total.before));
      out_.put("; after ");
    }
    put_markup(out_, amount_text(sum.now, header_.unit) + ", ");
    put_percent(out_, share(sum.now, total.now));
    out_.put("</title>");
  }

  void frame(std::size_t i) {
    const auto& place = layout_.at(i);
    const std::uint32_t depth = header_.icicle ? nodes_[i].depth : deepest_ - nodes_[i].depth;
    const double y = top_ + row * depth;
    std::string name = i ? frame_text(tree_.frames()[nodes_[i].frame]) : "all";
    out_.put("<g>");
    tooltip(i, name);
    rectangle(style_of(i), place.left, y, std::max(place.width - (place.width > 3 ? 0.8 : 0), 0.2));
    const double change = header_.difference && i ? layout_.change(i) : 0;
    if (std::abs(change) > 0.05) name.insert(0, change > 0 ? "▲ " : "▼ ");
    const int cells = static_cast<int>((place.width - 6) / cell);
    if (cells >= 3) {
      out_.put("<text");
      put_attribute(out_, "x", place.left + 3);
      put_attribute(out_, "y", y + 11.5);
      out_.put('>');
      put_markup(out_, fitted(name, cells));
      out_.put("</text>");
    }
    out_.put("</g>\n");
  }

  const StackTree& tree_;
  std::span<const StackTree::Node> nodes_;
  const GraphHeader& header_;
  Output& out_;
  Layout layout_;
  std::vector<std::size_t> drawn_;
  std::uint32_t deepest_ = 0;
  std::uint64_t hidden_ = 0;
  double legend_ = 0, top_ = 0;
};

}  // namespace

void begin_static_picture(const StackTree& tree, std::span<const StackTree::Node> nodes, const GraphHeader& header,
                          Output& out) {
  StaticPicture(tree, nodes, header, out).write();
}

}  // namespace sonde
