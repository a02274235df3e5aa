// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/flamegraph.h"

#include <algorithm>
#include <unordered_map>

#include "core/flamegraph_svg.h"
#include "core/markup.h"
#include "flamegraph_page.h"

namespace sonde {
namespace {

using Nodes = std::vector<StackTree::Node>;

// Items with commas between them, each as `put_one` writes it.
template <class Items, class PutOne>
void put_list(Output& out, const Items& items, const PutOne& put_one) {
  bool first = true;
  for (const auto& item : items) {
    if (!first) out.put(',');
    put_one(item);
    first = false;
  }
}

// Every text once, by its number: modules are shared by many frames.
class Texts {
 public:
  std::size_t number(std::string text) {
    const auto [found, fresh] = numbers_.try_emplace(std::move(text), all_.size());
    if (fresh) all_.push_back(found->first);
    return found->second;
  }
  [[nodiscard]] const std::vector<std::string_view>& all() const { return all_; }

 private:
  std::unordered_map<std::string, std::size_t> numbers_;
  std::vector<std::string_view> all_;
};

void put_header(Output& out, const GraphHeader& header) {
  out.put(R"({"title":)");
  put_script_string(out, header.title);
  out.put(R"(,"unit":)");
  put_script_string(out, header.unit);
  out.put(R"(,"icicle":)");
  out.put(header.icicle ? "true" : "false");
  out.put(R"(,"difference":)");
  out.put(header.difference ? "true" : "false");
  out.put(R"(,"facts":[)");
  put_list(out, header.facts, [&](const auto& fact) {
    out.put('[');
    put_script_string(out, fact.first);
    out.put(',');
    put_script_string(out, fact.second);
    out.put(']');
  });
  out.put(R"(],"warnings":[)");
  put_list(out, header.warnings, [&](const auto& warning) { put_script_string(out, warning); });
}

void put_frames(Output& out, const StackTree& tree) {
  Texts texts;
  out.put(R"(],"frames":[)");
  put_list(out, tree.frames(), [&](const GraphFrame& frame) {
    out.put_natural(texts.number(frame_text(frame)));
    out.put(',');
    out.put_natural(texts.number(std::string(frame.module)));
    out.put(',');
    out.put_natural(static_cast<std::uint64_t>(frame.kind));
  });
  out.put(R"(],"names":[)");
  put_list(out, texts.all(), [&](std::string_view text) { put_script_string(out, text); });
}

// Amounts are text: a double would round them.
void put_amounts(Output& out, const StackTree& tree, const Nodes& nodes, bool difference) {
  const auto put_own = [&](const auto& of) {
    out.put('"');
    put_list(out, nodes, [&](const StackTree::Node& node) { out.put_natural(of(node.own)); });
    out.put('"');
  };
  out.put(R"(],"total":[")");
  out.put_natural(tree.total().now);
  if (difference) {
    out.put(R"(",")");
    out.put_natural(tree.total().before);
  }
  out.put(R"("],"own":[)");
  put_own([](const StackTree::Amounts& own) { return own.now; });
  if (difference) {
    out.put(',');
    put_own([](const StackTree::Amounts& own) { return own.before; });
  }
}

void put_data(Output& out, const StackTree& tree, const Nodes& nodes, const GraphHeader& header) {
  put_header(out, header);
  put_frames(out, tree);
  put_amounts(out, tree, nodes, header.difference);
  out.put(R"(],"depth":[)");
  put_list(out, nodes, [&](const StackTree::Node& node) { out.put_natural(node.depth); });
  out.put(R"(],"frame":[)");
  put_list(out, nodes, [&](const StackTree::Node& node) { out.put_natural(node.frame); });
  out.put("]}");
}

void write_page(const StackTree& tree, const Nodes& nodes, const GraphHeader& header, Output& out) {
  out.put(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\""
      "Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; form-action 'none'; script-src '");
  out.put(embedded::script_digest);
  out.put("'; style-src '");
  out.put(embedded::style_digest);
  out.put(
      "'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"generator\" content=\"sonde " SONDE_VERSION "\">\n<title>");
  put_markup(out, header.title);
  out.put("</title>\n<style>");
  out.put(embedded::style);
  out.put(
      "</style>\n</head>\n<body>\n<noscript>This page is drawn by its own script, which is not run here. An SVG "
      "picture "
      "shows the whole without: sonde flamegraph -o FILE.svg.</noscript>\n"
      "<script type=\"application/json\" id=\"graph-data\">");
  put_data(out, tree, nodes, header);
  out.put("</script>\n<script>");
  out.put(embedded::script);
  out.put("</script>\n</body>\n</html>\n");
}

void write_picture(const StackTree& tree, const Nodes& nodes, const GraphHeader& header, Output& out) {
  begin_static_picture(tree, nodes, header, out);
  out.put("<style><![CDATA[");
  out.put(embedded::style);
  out.put("]]></style>\n<script type=\"application/json\" id=\"graph-data\">");
  put_data(out, tree, nodes, header);
  out.put("</script>\n<script><![CDATA[");
  out.put(embedded::script);
  out.put("]]></script>\n</svg>\n");
}

}  // namespace

std::optional<PictureKind> picture_kind(std::string_view file) {
  const auto ends_in = [file](std::string_view end) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return file.size() > end.size() &&
           std::equal(end.begin(), end.end(), file.end() - static_cast<std::ptrdiff_t>(end.size()),
                      [&](char a, char b) { return a == lower(b); });
  };
  if (ends_in(".html") || ends_in(".htm")) return PictureKind::html;
  if (ends_in(".svg")) return PictureKind::svg;
  return std::nullopt;
}

void write_flamegraph(const StackTree& tree, const GraphHeader& header, PictureKind kind, Output& out) {
  const auto nodes = tree.preorder();
  if (kind == PictureKind::html)
    write_page(tree, nodes, header, out);
  else
    write_picture(tree, nodes, header, out);
}

}  // namespace sonde
