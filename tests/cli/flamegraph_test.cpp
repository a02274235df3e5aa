// SPDX-License-Identifier: GPL-2.0-or-later
// sonde flamegraph: what it reads, refuses and writes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "expect.h"

namespace sonde::test {
namespace {

// A folder of its own that goes with it.
class Folder {
 public:
  Folder() { path_ = mkdtemp(name_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(at(name), std::ios::binary) << text;
    return at(name);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(at(name), std::ios::binary).rdbuf();
    return text.str();
  }

 private:
  char name_[32] = "/tmp/sonde-flamegraph-XXXXXX";
  std::string path_;
};

const char* const stacks = "bash;main;read_[i];vfs_read_[k] 30\nbash;main;[gap];f 10\nbash;main 60\n";

TEST(FlameGraph, ListsWhatCostsMost) {
  const Folder folder;
  const auto report =
      run({"flamegraph", folder.write("a", stacks), "-f", "json", "-C", "own,own_percent,total,kind,frame"});
  ASSERT_EQ(report.code, 0) << report.err;
  ASSERT_EQ(report.rows.size(), 6U);
  EXPECT_EQ(report.rows[0]["frame"].text(), "main");
  EXPECT_EQ(report.rows[0]["own"].number(), 60);
  EXPECT_EQ(report.rows[0]["total"].number(), 100);
  EXPECT_EQ(report.rows[1]["frame"].text(), "vfs_read");
  EXPECT_EQ(report.rows[1]["kind"].text(), "kernel");
  EXPECT_EQ(run({"flamegraph", folder.at("a"), "-f", "json", "--top", "2"}).rows.size(), 2U);
}

TEST(FlameGraph, WritesAPageAndAPicture) {
  const Folder folder;
  const auto file = folder.write("a", stacks);
  for (const std::string name : {"page.html", "picture.SVG"}) {
    const auto report =
        run({"flamegraph", file, "--title", "<i>T", "-o", folder.write(name, std::string(1 << 20, 'x'))});
    EXPECT_EQ(report.code, 0) << report.err;
    EXPECT_EQ(report.err, "");
    const auto text = folder.read(name);
    EXPECT_LT(text.size(), 60'000U);
    EXPECT_NE(text.find("\"vfs_read\""), std::string::npos);
    EXPECT_EQ(text.find("<i>T"), std::string::npos);
    for (const char* loads : {"src=", "href", "@import", "url(h", "fetch(", "innerHTML"})
      EXPECT_EQ(text.find(loads), std::string::npos) << loads;
  }
  EXPECT_EQ(folder.read("page.html").rfind("<!DOCTYPE html>", 0), 0U);
  EXPECT_EQ(folder.read("picture.SVG").rfind("<?xml", 0), 0U);
}

TEST(FlameGraph, ReadsStdin) {
  const Folder folder;
  const auto file = folder.write("a", stacks);
  const auto report = run({"flamegraph", "-", "-o", folder.at("x.html")},
                          {.out = -1, .prepare = [&] { dup2(open(file.c_str(), O_RDONLY), STDIN_FILENO); }});
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_NE(folder.read("x.html").find("\"total\":[\"100\"]"), std::string::npos);
}

TEST(FlameGraph, ComparesTwoFiles) {
  const Folder folder;
  const auto before = folder.write("a", stacks), after = folder.write("b", "bash;main 40\nbash;new 10\n");
  const auto report = run({"flamegraph", "--diff", before, after, "-o", folder.at("x.html")});
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_NE(folder.read("x.html").find("\"total\":[\"50\",\"100\"]"), std::string::npos);
  const auto rows = run({"flamegraph", "--diff", before, after, "-f", "json"}).rows;
  EXPECT_EQ(rows.at(0)["frame"].text(), "main");
  EXPECT_EQ(rows.at(0)["before"].number(), 60);
}

TEST(FlameGraph, SaysWhatItDoesNotUnderstand) {
  const Folder folder;
  const auto file = folder.write("a", "a;b 1\nnonsense\nmore 1.5\n");
  const auto report = run({"flamegraph", file, "-o", folder.at("x.svg")});
  EXPECT_EQ(report.code, 0);
  EXPECT_NE(report.err.find("has 2 lines that are no folded stacks, the first line 2: 'nonsense'."), std::string::npos)
      << report.err;
  EXPECT_NE(folder.read("x.svg").find("2 lines that are no folded stacks"), std::string::npos);
}

TEST(FlameGraph, RefusesWhatIsNone) {
  const Folder folder;
  const auto none = folder.write("none", "PERFILE2\x01\x02\n"), good = folder.write("good", stacks);
  const auto kept = folder.write("kept.html", "kept");
  expect_refusal(run({"flamegraph", none, "-o", kept}), 1,
                 "holds no folded stacks, see its line 1: 'PERFILE2\\x01\\x02'.");
  EXPECT_EQ(folder.read("kept.html"), "kept");
  expect_refusal(run({"flamegraph", folder.write("empty", "")}), 1, "holds no stacks.");
  expect_refusal(run({"flamegraph", folder.write("zero", "a;b 0\n")}), 1, "all their amounts are 0.");
  expect_refusal(run({"flamegraph", folder.at("nowhere")}), 1, "cannot be read: No such file");
  expect_refusal(run({"flamegraph", folder.at(".")}), 1, "cannot be read: Is a directory");
  expect_refusal(run({"flamegraph"}, {.out = -1, .prepare = [] { dup2(open("/dev/null", O_RDONLY), STDIN_FILENO); }}),
                 1, "Stdin holds no stacks.");
  expect_refusal(run({"flamegraph", good, "--top", "0"}), 2, "0 functions would show nothing.");
  expect_refusal(run({"flamegraph", good, good}), 2, "Only --diff takes two files.");
  expect_refusal(run({"flamegraph", "--diff", good}), 2, "--diff wants two files.");
  expect_refusal(run({"flamegraph", "--diff", "-", "-"}), 2, "Only one of two files can be stdin.");
  expect_refusal(run({"flamegraph", good, "-f", "json", "-o", kept}), 2, "A picture is no JSON.");
  EXPECT_EQ(folder.read("kept.html"), "kept");
}

}  // namespace
}  // namespace sonde::test
