// SPDX-License-Identifier: GPL-2.0-or-later
// What sonde says about itself.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <sstream>

#include "support/sonde.h"

namespace sonde::test {
namespace {

Words lines(const std::string& text) {
  Words all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

// The names that `sonde` alone lists: "  name   what it does".
Words tools() {
  Words names;
  for (const auto& line : lines(run({}).out))
    if (line.size() > 2 && line.compare(0, 2, "  ") == 0 && line[2] != ' ')
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
  return names;
}

void expect_page(const std::string& text) {
  for (const auto& line : lines(text)) {
    EXPECT_LE(line.size(), 80U) << line;
    EXPECT_FALSE(!line.empty() && line.back() == ' ') << "a space at the end: " << line;
    EXPECT_EQ(line.find('\t'), std::string::npos) << line;
  }
}

TEST(Help, ListsTheTools) {
  for (const Words& words : {Words{}, Words{"--help"}, Words{"-h"}, Words{"help"}}) {
    const auto report = run(words);
    EXPECT_EQ(report.code, 0);
    EXPECT_EQ(report.err, "");
    expect_page(report.out);
    EXPECT_NE(report.out.find("\n  opensnoop "), std::string::npos) << report.out;
  }
}

TEST(Help, OfEveryToolFitsATerminal) {
  for (const auto& tool : tools()) {
    SCOPED_TRACE(tool);
    const auto report = run({tool, "--help"});
    EXPECT_EQ(report.code, 0);
    EXPECT_EQ(report.err, "");
    expect_page(report.out);
    EXPECT_EQ(report.out.compare(0, tool.size() + 8, "sonde " + tool + ": "), 0) << report.out;
    Words flags{"--format", "--columns", "--verbose", "--help"};
    if (report.out.find("[-- COMMAND...]") != std::string::npos)
      for (const char* flag : {"--pid", "--duration", "--backend"}) flags.push_back(flag);
    for (const auto& flag : flags) EXPECT_NE(report.out.find(flag), std::string::npos) << flag;
    EXPECT_EQ(run({tool, "-h"}).out, report.out);
  }
}

TEST(Help, OfEveryToolHasASchema) {
  for (const auto& tool : tools()) {
    SCOPED_TRACE(tool);
    const auto report = run({tool, "--schema"});
    EXPECT_EQ(report.code, 0);
    const Json schema = Json::parse(report.out);
    EXPECT_EQ(schema["type"].text(), "object");
    EXPECT_EQ(schema["required"].items().at(0).text(), "type");
    for (const auto& [key, property] : schema["properties"].members())
      EXPECT_TRUE(key == "type" || !property["description"].text().empty()) << key;
  }
}

TEST(Help, KnowsItsVersion) {
  const auto version = run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out, "sonde " SONDE_VERSION "\n");
  EXPECT_EQ(run({"opensnoop", "--version"}).out, version.out);
}

// Installed symbolic links: the name is the tool.
TEST(Help, FollowsTheNameOfTheProgram) {
  for (const char* name : {"opensnoop", "/usr/sbin/opensnoop", "./opensnoop"}) {
    const auto report = run({"--help"}, {.out = -1, .prepare = {}, .clone_flags = 0, .name = name});
    EXPECT_EQ(report.code, 0);
    EXPECT_EQ(report.out, run({"opensnoop", "--help"}).out);
  }
  const auto renamed = run({"opensnoop", "--help"}, {.out = -1, .prepare = {}, .clone_flags = 0, .name = "sonde-0.1"});
  EXPECT_EQ(renamed.code, 0);
}

}  // namespace
}  // namespace sonde::test
