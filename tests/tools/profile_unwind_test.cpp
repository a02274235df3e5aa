// SPDX-License-Identifier: GPL-2.0-or-later
// Programs and libraries without frame pointers: who called whom is known all the same.
#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>

#include "support/sonde.h"
#include "traced.h"

namespace sonde::test {
namespace {

constexpr long long second = 1'000'000'000;

/// A process that computes where a library called it back, and knows how deep it is.
class Callback {
 public:
  Callback(const std::string& file, const std::string& how)
      : child_([this, file, how] {
          dup2(said_.get(), STDOUT_FILENO);
          execl(program(file).c_str(), "callbacks", how.c_str(), nullptr);
          return 1;
        }) {
    wait_until("a program has come to its end", [this] { return contents(said_.get()).ends_with('\n'); });
    depth_ = std::stoul(contents(said_.get()));
  }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] std::size_t depth() const { return depth_; }
  void compute(long long ns) const {
    const long long until = cpu_time() + ns;
    wait_until("a process has computed", [&] { return cpu_time() >= until; });
  }

 private:
  [[nodiscard]] long long cpu_time() const {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(child_.pid(), &clock) != 0 || clock_gettime(clock, &time) != 0) return -1;
    return time.tv_sec * second + time.tv_nsec;
  }
  Fd said_ = memory_file("depth");
  Child child_;
  std::size_t depth_ = 0;
};

// A chain of calls whose inner functions and outer ones are known, and how many there are.
struct Chain {
  Words inner, outer;
  std::size_t depth;

  [[nodiscard]] bool is(const Words& frames) const {
    return frames.size() == depth && std::equal(inner.begin(), inner.end(), frames.begin()) &&
           std::equal(outer.rbegin(), outer.rend(), frames.rbegin());
  }
};

struct Counted {
  long long whole = 0, all = 0;
};

Counted count(const Report& report, const Chain& chain, long long from_interval = 0) {
  Counted counted;
  for (const auto& row : report.rows) {
    if (row["interval"].number() < from_interval) continue;
    counted.all += row["samples"].number();
    if (chain.is(names(row["stack"]))) counted.whole += row["samples"].number();
  }
  return counted;
}

Report profile(const Callback& callback, Words more, long long ns = second / 2) {
  more.insert(more.begin(), {"profile", "--format", "json", "-U", "-p", std::to_string(callback.pid())});
  Sonde sonde(more);
  if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
  callback.compute(ns);
  return sonde.end(SIGINT);
}

struct Way {
  std::string file, how;
  Words inner, outer;

  friend void PrintTo(const Way& way, std::ostream* out) { *out << way.file << " " << way.how; }
};

bool is_shared(const Way& way) { return !way.file.ends_with(".static"); }

std::vector<Way> all_ways() {
  std::vector<Way> all;
  for (const std::string file : {"callbacks", "callbacks.static"}) {
    all.push_back({file, "qsort", {"spin", "compare"}, {"_start"}});
    all.push_back({file, "bsearch", {"spin", "compare"}, {"_start"}});
    all.push_back({file, "once", {"spin", "begin"}, {"_start"}});
    all.push_back({file, "signal", {"spin", "handle"}, {"_start"}});
    all.push_back({file, "thread", {"spin", "compute"}, {}});
  }
  for (const std::string file : {"calls", "calls.static"}) {
    for (const std::string how : {"sort", "function", "once"}) all.push_back({file, how, {"spin"}, {"_start"}});
    all.push_back({file, "terminate", {"spin", "give_up"}, {"_start"}});
    all.push_back({file, "destructor", {"spin", "Guard::~Guard()"}, {"_start"}});
    all.push_back({file, "caught", {"spin"}, {"_start"}});
  }
  return all;
}

class ProfileUnwind : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (const auto& why = refusal("profile", "")) GTEST_SKIP() << *why;
#ifndef __x86_64__
    GTEST_SKIP() << "these chains of calls are for x86-64";
#endif
    if (in_guest() && is_shared(GetParam())) GTEST_SKIP() << "there are no libraries in a guest";
  }
};

TEST_P(ProfileUnwind, FindsTheCallersOfWhatALibraryCalled) {
  const auto& [file, how, inner, outer] = GetParam();
  const Callback callback(file, how);
  const auto report = profile(callback, {"--unwind", "dwarf"});
  EXPECT_EQ(report.code, 0) << report.err;
  const auto counted = count(report, {inner, outer, callback.depth()});
  EXPECT_GT(counted.all + report.lost(), 20) << report.out;
  EXPECT_GE(counted.whole * 100, counted.all * 95) << callback.depth() << "\n" << report.out;
  if (how == "thread") return;
  for (const auto& row : report.rows) {
    const Words frames = names(row["stack"]);
    EXPECT_NE(std::find(frames.begin(), frames.end(), "main"), frames.end()) << row;
  }
}

// What gdb calls the functions from the innermost to main(), without those that were compiled into others or left by a
// jump. Empty: there is no gdb, or it may not look.
Words by_gdb(pid_t pid) {
  const std::string script =
      R"py(python exec("f = gdb.newest_frame()\nwhile f:\n)py"
      R"py(  if f.type() in (gdb.NORMAL_FRAME, gdb.SIGTRAMP_FRAME): print(\"# \" + str(f.name()))\n)py"
      R"py(  f = f.older()"))py";
  const std::string command =
      "DEBUGINFOD_URLS= gdb -nx -batch -p " + std::to_string(pid) + " -ex '" + script + "' 2>/dev/null </dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> out(popen(command.c_str(), "r"), pclose);
  std::string text(std::size_t{1} << 16, '\0');
  text.resize(out ? fread(text.data(), 1, text.size(), out.get()) : 0);
  Words all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("# ")) all.push_back(line.substr(2));
  return all;
}

TEST_P(ProfileUnwind, GoesWhereGdbGoes) {
  if (GetParam().how == "thread") GTEST_SKIP() << "gdb looks at the first thread, which does nothing here";
  const Callback callback(GetParam().file, GetParam().how);
  const Words expected = by_gdb(callback.pid());
  if (expected.empty()) GTEST_SKIP() << "there is no gdb here that may look at a process";
  const auto report = profile(callback, {"--unwind", "dwarf"}, second / 5);
  EXPECT_FALSE(report.rows.empty()) << report.out;
  // Of functions without a name gdb tells the one before them in the file.
  const Words own{"spin", "compare", "begin", "handle", "compute", "sort", "search", "once",    "interrupt",
                  "main", "order",   "apply", "first",  "give_up", "fail", "pass",   "attempt", "recover"};
  // A part of a function that is rarely run, which the compiler put elsewhere, is that function to gdb.
  const auto whole = [](std::string name) {
    if (name.ends_with(".cold")) name.resize(name.size() - std::string_view(".cold").size());
    return name;
  };
  const auto is_own = [&](const auto& name) { return std::find(own.begin(), own.end(), name) != own.end(); };
  for (const auto& row : report.rows) {
    Words frames = names(row["stack"]);
    ASSERT_GE(frames.size(), expected.size()) << row;
    std::transform(frames.begin(), frames.end(), frames.begin(), whole);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(is_own(frames[i]), is_own(expected[i])) << i << " " << expected[i] << " " << row;
      if (is_own(frames[i])) {
        EXPECT_EQ(frames[i], expected[i]) << row;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, ProfileUnwind, testing::ValuesIn(all_ways()), [](const auto& info) {
  return info.param.file.substr(0, info.param.file.find('.')) + "_" + info.param.how +
         (is_shared(info.param) ? "_shared" : "_static");
});

class ProfileUnwinds : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = refusal("profile", "")) GTEST_SKIP() << *why;
#ifndef __x86_64__
    GTEST_SKIP() << "these chains of calls are for x86-64";
#endif
  }
  static constexpr const char* file = "callbacks.static";
};

TEST_F(ProfileUnwinds, MarksWhatFramePointersDoNotShow) {
  const Callback callback(file, "qsort");
  const auto report = profile(callback, {"--unwind", "fp"});
  const auto counted = count(report, {{"spin", "compare"}, {"_start"}, callback.depth()});
  EXPECT_EQ(counted.whole, 0) << report.out;
  EXPECT_GT(counted.all + report.lost(), 20) << report.out;
  for (const auto& row : report.rows) {
    const Words frames = names(row["stack"]);
    EXPECT_TRUE(std::any_of(frames.begin(), frames.end(), [](const auto& n) {
      return n == "[gap]" || n == "[broken]";
    })) << row;
  }
}

// What frame pointers do not show is seen at the first look, and unwound from then on.
TEST_F(ProfileUnwinds, WhereItIsNeeded) {
  const Callback callback(file, "qsort");
  const auto report = profile(callback, {"--unwind", "auto", "-i", "500ms"}, 2 * second);
  const Chain chain{{"spin", "compare"}, {"_start"}, callback.depth()};
  ASSERT_FALSE(report.rows.empty()) << report.out;
  const auto last = report.rows.back()["interval"].number();
  ASSERT_GE(last, 3) << report.out;
  const auto counted = count(report, chain, last - 1);
  EXPECT_GT(counted.all, 0) << report.out;
  EXPECT_EQ(counted.whole, counted.all) << report.out;
}

// A process that begins later is of a known program.
TEST_F(ProfileUnwinds, AllProcessesOfAProgram) {
  Sonde sonde({"profile", "--format", "json", "-U", "-c", "callbacks*", "-i", "500ms"});
  ASSERT_TRUE(sonde.ready());
  { Callback(file, "qsort").compute(second); }
  const Callback callback(file, "bsearch");
  callback.compute(second / 2);
  const auto report = sonde.end(SIGINT);
  Counted counted;
  const Chain chain{{"spin", "compare"}, {"_start"}, callback.depth()};
  for (const auto& row : report.rows) {
    const Words frames = names(row["stack"]);
    if (row["pid"].number() != callback.pid() || frames.empty() || frames.front() != "spin") continue;
    counted.all += row["samples"].number();
    if (chain.is(frames)) counted.whole += row["samples"].number();
  }
  EXPECT_GT(counted.all + report.lost(), 10) << report.out;
  EXPECT_GE(counted.whole * 100, counted.all * 95) << report.out;
}

TEST_F(ProfileUnwinds, SaysWhereTheCopyEnds) {
  const Callback callback(file, "deep");
  const auto report = profile(callback, {"--unwind", "dwarf"});
  long long cut = 0, all = 0;
  for (const auto& row : report.rows) {
    all += row["samples"].number();
    if (names(row["stack"]) == Words{"spin", "dig", "[cut]"}) cut += row["samples"].number();
  }
  EXPECT_GT(all + report.lost(), 20) << report.out;
  EXPECT_GE(cut * 100, all * 95) << report.out;
}

// A large file takes its time: stacks that come meanwhile are kept elsewhere than in the ring, which holds half of
// them.
TEST_F(ProfileUnwinds, TakesStacksWhileAFileIsRead) {
  Sonde sonde({"profile", "--format", "json", "-U", "-c", "callbacks*", "--unwind", "dwarf", "-F", "199",
               "--buffer-size", "256k"});
  ASSERT_TRUE(sonde.ready());
  const std::string number = std::to_string(sonde.pid());
  const std::string children = contents("/proc/" + number + "/task/" + number + "/children");
  if (children.empty()) GTEST_SKIP() << "this kernel does not list children";
  const auto reader = static_cast<pid_t>(std::stoi(children));
  kill(reader, SIGSTOP);
  const Callback callback(file, "qsort");
  callback.compute(second * 6 / 10);
  kill(reader, SIGCONT);
  callback.compute(second / 10);
  const auto report = sonde.end(SIGINT);
  if (report.noted("not read for names")) GTEST_SKIP() << "it took too long here";
  EXPECT_FALSE(report.noted("no room for copies")) << report.out;
  const auto counted = count(report, {{"spin", "compare"}, {"_start"}, callback.depth()});
  EXPECT_GT(counted.all + report.lost(), 80) << report.out;
  EXPECT_GE(counted.whole * 100, counted.all * 95) << report.out;
}

// What has no room in the ring is counted all the same: a whole copy, which is longer than the ring.
TEST_F(ProfileUnwinds, CountsWhereThereIsNoRoom) {
  const Callback callback(file, "deep");
  const auto report = profile(callback, {"--unwind", "dwarf", "--buffer-size", "4k"});
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_TRUE(report.noted("no room for copies")) << report.out;
  long long all = 0;
  for (const auto& row : report.rows) {
    all += row["samples"].number();
    EXPECT_NE(names(row["stack"]), (Words{"spin", "dig", "[cut]"}));
  }
  EXPECT_GT(all + report.lost(), 20) << report.out;
}

TEST_F(ProfileUnwinds, LosesNothingBetweenIntervals) {
  const Callback callback(file, "qsort");
  const auto report = profile(callback, {"--unwind", "dwarf", "-F", "499", "-i", "50ms"});
  long long all = 0;
  for (const auto& row : report.rows) all += row["samples"].number();
  EXPECT_GT(report.rows.back()["interval"].number(), 1);
  EXPECT_GT(all + report.lost(), 100) << report.out;
  EXPECT_LE(all, 499 * 2) << report.out;
}

TEST_F(ProfileUnwinds, InKnownWaysOnly) {
  for (const Words& words : {Words{"--unwind", "lbr"}, {"--unwind", ""}, {"-K", "--unwind", "dwarf"}}) {
    Words all{"profile", "-d", "1ms"};
    all.insert(all.end(), words.begin(), words.end());
    EXPECT_EQ(run(all).code, 2) << words[0] << words[1];
  }
}

}  // namespace
}  // namespace sonde::test
