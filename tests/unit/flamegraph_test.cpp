// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/flamegraph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>

#include "core/markup.h"
#include "core/text.h"
#include "json.h"
#include "written.h"

namespace sonde {
namespace {

using test::JsonCheck;
using test::Written;

const std::string hostile[] = {"</script><img src=x onerror=alert(1)>",
                               "]]>",
                               "<!--",
                               "\"'&`${x}",
                               std::string("\0\x1b[2J\n", 6),
                               "\xff\xc3(",
                               "\xEF\xBF\xBE",
                               "\xE2\x80\xAE",
                               "\xF0\x9F\x94\xA5 App\\Model"};

StackTree hostile_tree() {
  StackTree tree;
  std::vector<GraphFrame> frames;
  for (const auto& name : hostile) frames.push_back({name, name, FrameKind::jit});
  tree.add(frames, UINT64_MAX - 12);
  frames.resize(3);
  tree.add(frames, 12);
  tree.add(std::span(frames).first(1), 3, StackTree::Recording::before);
  return tree;
}

GraphHeader hostile_header() {
  GraphHeader header;
  header.title = hostile[0];
  header.unit = hostile[3];
  for (const auto& text : hostile) {
    header.facts.emplace_back(text, text);
    header.warnings.push_back(text);
  }
  return header;
}

std::string drawn(const StackTree& tree, const GraphHeader& header, PictureKind kind) {
  Written written;
  write_flamegraph(tree, header, kind, written.out);
  return written.text();
}

std::string between(const std::string& text, std::string_view begin, std::string_view end) {
  const auto from = text.find(begin);
  if (from == text.npos) return {};
  const auto start = from + begin.size();
  return text.substr(start, text.find(end, start) - start);
}

std::string data_of(const std::string& text) { return between(text, "id=\"graph-data\">", "</script>"); }

// "1,2,3"
std::vector<std::uint64_t> numbers(std::string_view text) {
  std::vector<std::uint64_t> all;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    std::uint64_t number = 0;
    EXPECT_EQ(std::from_chars(text.data(), text.data() + end, number).ptr, text.data() + end);
    all.push_back(number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; ++at) ++found;
  return found;
}

TEST(Markup, LetsNothingOut) {
  const auto markup = [](std::string_view bytes) {
    Written written;
    put_markup(written.out, bytes);
    return written.text();
  };
  const auto script = [](std::string_view bytes) {
    Written written;
    put_script_string(written.out, bytes);
    return written.text();
  };
  EXPECT_EQ(markup("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(markup("\xff\n\xEF\xBF\xBF é"), "\\xff\\n\xEF\xBF\xBD é");
  EXPECT_EQ(script("</script>&\"'\\"), "\"\\u003c/script\\u003e\\u0026\\u0022\\u0027\\u005c\"");
  EXPECT_EQ(script("é🔥\xE2\x80\xA8"), "\"\\u00e9\\ud83d\\udd25\\u005cu{2028}\"");
}

TEST(FlameGraphFile, KindIsTheEndOfItsName) {
  EXPECT_EQ(picture_kind("a.html"), PictureKind::html);
  EXPECT_EQ(picture_kind("/x/a.b.HTM"), PictureKind::html);
  EXPECT_EQ(picture_kind("a.Svg"), PictureKind::svg);
  for (const char* none : {"", "a", "a.png", ".svg", "html", "a.svg.gz"}) EXPECT_FALSE(picture_kind(none)) << none;
}

TEST(FlameGraphFile, HasTheExactAmounts) {
  const StackTree tree = hostile_tree();
  GraphHeader header;
  header.difference = true;
  for (const auto kind : {PictureKind::html, PictureKind::svg}) {
    const std::string data = data_of(drawn(tree, header, kind));
    EXPECT_TRUE(JsonCheck::valid(data)) << data;
    EXPECT_EQ(between(data, "\"total\":", "]"), "[\"18446744073709551615\",\"3\"");
    const std::string own = between(data, "\"own\":[\"", "\"]");
    const auto now = numbers(own.substr(0, own.find('"'))), before = numbers(own.substr(own.rfind('"') + 1));
    const auto depth = numbers(between(data, "\"depth\":[", "]")), frame = numbers(between(data, "\"frame\":[", "]"));
    EXPECT_EQ(now.size(), 10U);
    EXPECT_EQ(before.size(), now.size());
    EXPECT_EQ(depth.size(), now.size());
    EXPECT_EQ(frame.size(), now.size());
    std::uint64_t sum = 0, sum_before = 0;
    for (const auto amount : now) sum += amount;
    for (const auto amount : before) sum_before += amount;
    EXPECT_EQ(sum, UINT64_MAX);
    EXPECT_EQ(sum_before, 3U);
  }
}

TEST(FlameGraphFile, LetsNoNameOut) {
  for (const auto kind : {PictureKind::html, PictureKind::svg}) {
    const std::string text = drawn(hostile_tree(), hostile_header(), kind);
    const bool html = kind == PictureKind::html;
    EXPECT_TRUE(is_utf8(text));
    EXPECT_TRUE(
        std::none_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; }));
    EXPECT_EQ(count(text, "\xEF\xBF\xBE"), 0U) << "no character of XML";
    EXPECT_EQ(count(text, "<script"), 2U);
    EXPECT_EQ(count(text, "</script"), 2U);
    EXPECT_EQ(count(text, "<img"), 0U);
    EXPECT_EQ(count(text, "<!"), html ? 1U : 2U);
    EXPECT_EQ(count(text, "]]>"), html ? 0U : 2U);
    const std::string data = data_of(text);
    EXPECT_TRUE(JsonCheck::valid(data)) << data;
    EXPECT_EQ(data.find_first_of("<>&'"), std::string::npos);
  }
}

TEST(FlameGraphFile, OfNothingIsOne) {
  for (const auto kind : {PictureKind::html, PictureKind::svg}) {
    const std::string text = drawn(StackTree(), GraphHeader(), kind);
    EXPECT_TRUE(JsonCheck::valid(data_of(text)));
    EXPECT_EQ(count(text, "nan"), 0U);
  }
}

// Without a script each frame that can be seen is there, with its amount as a tooltip.
TEST(FlameGraphFile, DrawsThePictureWithoutAScript) {
  StackTree tree;
  const GraphFrame narrow[] = {{"main"}, {"narrow"}, {"inner"}},
                   wide[] = {{"main"}, {"wide", "/lib/x.so", FrameKind::kernel}};
  tree.add(narrow, 1);
  tree.add(wide, 1'000'000);
  GraphHeader header;
  header.unit = "ns";
  header.facts = {{"Host", "here"}};
  const std::string text = drawn(tree, header, PictureKind::svg);
  EXPECT_NE(text.find("<title>wide (/lib/x.so), kernel: 1.00ms (1,000,000 ns), 100 %</title>"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("narrow, user"), std::string::npos);
  EXPECT_NE(text.find("2 frames narrower than 0.3 px not drawn"), std::string::npos);
  EXPECT_NE(text.find("Host: here"), std::string::npos);
}

}  // namespace
}  // namespace sonde
