// SPDX-License-Identifier: GPL-2.0-or-later
// What is written, where, and how a run ends.
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "opensnoop.h"

namespace sonde::test {
namespace {

// A run that watches this process, ready.
std::unique_ptr<Sonde> start(Words words, const Sonde::Setup& setup = {}) {
  words.insert(words.begin(), {"opensnoop", "--pid", std::to_string(getpid())});
  auto sonde = std::make_unique<Sonde>(words, setup);
  if (!sonde->ready()) fail("sonde ended at once: " + sonde->end().err);
  return sonde;
}

const Words json{"-f", "json"};

TEST_F(OpensnoopOnce, EndsAfterSoManyEvents) {
  for (const int n : {1, 10}) {
    auto sonde = start({"-f", "json", "-n", std::to_string(n)});
    make_load("/counted", 25);
    const auto report = sonde->end();
    EXPECT_EQ(report.code, 0);
    EXPECT_EQ(report.events.size(), static_cast<std::size_t>(n));
    EXPECT_EQ(report.summary["events"].number(), n);
    EXPECT_EQ(report.lost(), report.skipped());
  }
}

TEST_F(OpensnoopOnce, EndsAfterATime) {
  const auto report = run(opensnoop({"-d", "30ms", "-p", std::to_string(getpid())}));
  EXPECT_EQ(report.code, 0);
  EXPECT_GE(report.summary["window_ns"].number(), 30'000'000);
}

TEST_F(OpensnoopOnce, EndsInOrderOnASignal) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    auto sonde = start(json);
    make_load("/signal", 3);
    const auto report = sonde->end(number);
    EXPECT_EQ(report.code, 0) << strsignal(number);
    EXPECT_EQ(report.events.size(), 3U) << strsignal(number);
    EXPECT_EQ(report.summary["tool"].text(), "opensnoop");
  }
}

TEST_F(OpensnoopOnce, EndsAtOnceOnASecondSignal) {
  Pipe pipe(4096);
  auto sonde = start(json, {.out = pipe.in.get(), .prepare = {}});
  make_load("/blocked", 1000);
  sonde->blocked_in(SYS_write);
  sonde->signal(SIGINT);
  sonde->blocked_in(SYS_write);  // it still wants to write its report
  EXPECT_EQ(sonde->end(SIGTERM).code, 1);
}

TEST_F(OpensnoopOnce, EndsQuietlyWhenNobodyReads) {
  for (const bool table : {false, true}) {
    Pipe pipe;
    auto sonde = start(table ? Words{} : json, {.out = pipe.in.get(), .prepare = {}});
    pipe.in.reset();
    make_load("/head", 1);
    char byte = 0;
    ASSERT_EQ(read(pipe.out.get(), &byte, 1), 1);
    pipe.out.reset();
    make_load("/head", 1);
    const auto report = sonde->end();
    EXPECT_EQ(report.code, 0);
    EXPECT_EQ(report.err, "");
  }
}

TEST_F(OpensnoopOnce, ShowsALineWhileItRuns) {
  auto sonde = start(json);
  for (int i = 1; i <= 3; ++i) {
    make_load("/line", 1);
    wait_until("line " + std::to_string(i), [&] {
      const auto text = sonde->output();
      return std::count(text.begin(), text.end(), '\n') == i;
    });
  }
  EXPECT_EQ(sonde->end(SIGINT).events.size(), 3U);
}

TEST_F(OpensnoopOnce, NeverShowsItself) {
  Sonde sonde(opensnoop({"-C", "pid,cgroup,path"}));
  ASSERT_TRUE(sonde.ready());
  make_load("/of/this/test", 1);
  wait_until("the event", [&] { return sonde.output().find("/of/this/test") != std::string::npos; });
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.where("path", "/of/this/test").size(), 1U);
  EXPECT_TRUE(report.where("pid", sonde.pid()).empty());
}

TEST_F(OpensnoopOutput, WritesAFileForItsOwnerOnly) {
  const Folder folder;
  const auto path = folder / "output";
  for (int i = 0; i < 2; ++i) {
    auto sonde = start({"-f", "json", "-o", path});
    make_load("/file", 2);
    const auto report = sonde->end(SIGINT);
    EXPECT_EQ(report.out + report.err, "");
    EXPECT_EQ(read_json(contents(path)).events.size(), 2U);
    struct stat status {};
    stat(path.c_str(), &status);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
  }
}

TEST_F(OpensnoopOutput, WritesAWholeTableIntoAPipe) {
  auto sonde = start({});
  const std::string path = "/" + std::string(3000, 'w');
  make_load(path, 2);
  const auto report = sonde->end(SIGINT);
  EXPECT_EQ(report.code, 0);
  EXPECT_EQ(std::count(report.out.begin(), report.out.end(), '\n'), 3) << report.out;
  EXPECT_EQ(report.out.compare(0, 4, "TIME"), 0) << report.out;
  EXPECT_NE(report.out.find("ENAMETOOLONG  O_RDONLY"), std::string::npos) << report.out;
  EXPECT_NE(report.out.find(path + "\n"), std::string::npos);
  EXPECT_NE(report.err.find("opensnoop: 2 events in "), std::string::npos) << report.err;
  EXPECT_NE(report.err.find("none lost"), std::string::npos) << report.err;
}

TEST_F(OpensnoopOutput, KeepsItsNotesButNotItsLosses) {
  for (const bool table : {false, true}) {
    auto sonde = start({"-q", "-f", table ? "table" : "json", "--max-rate", "1"});
    make_load("/quiet", 500);
    const auto report = sonde->end(SIGINT);
    EXPECT_EQ(report.code, 0);
    EXPECT_TRUE(report.notes.empty());
    const auto& text = table ? report.err : report.out;
    EXPECT_NE(text.find("over --max-rate"), std::string::npos) << text;
    EXPECT_EQ(report.err.find("cost"), std::string::npos) << report.err;
  }
  for (const bool table : {false, true}) {
    auto sonde = start({"-q", "-f", table ? "table" : "json"});
    EXPECT_EQ(sonde->end(SIGINT).err, "");
  }
}

TEST_F(OpensnoopOutput, IsStrictAboutLossesOnly) {
  auto complete = start({"-f", "json", "--strict"});
  make_load("/strict", 100);
  EXPECT_EQ(complete->end(SIGINT).code, 0);
  auto incomplete = start({"-f", "json", "--strict", "--max-rate", "1"});
  make_load("/strict", 500);
  EXPECT_EQ(incomplete->end(SIGINT).code, 5);
}

TEST_P(Opensnoop, TellsWhatItCosts) {
  Sonde sonde(opensnoop(forced(own({"--stats"}))));
  ASSERT_TRUE(sonde.ready());
  make_load("/costs", 100);
  const auto report = sonde.end(SIGINT);
  ASSERT_FALSE(report.summary["costs"].items().empty()) << report.summary;
  long long runs = 0, time = 0;
  for (const auto& cost : report.summary["costs"].items()) {
    EXPECT_FALSE(cost["program"].text().empty());
    runs += cost["runs"].number();
    time += cost["run_time_ns"].number();
  }
  EXPECT_GE(runs, 100);
  EXPECT_GT(time, 0);
  EXPECT_GT(report.summary["cpu_ns"].number(), 0);
  EXPECT_GT(report.summary["memory_bytes"].number(), 1 << 20);
  tell_rung(report);
}

TEST_F(OpensnoopOutput, PrintsTheSchemaOfItsEvents) {
  const auto printed = run({"opensnoop", "--schema", "-C", all_columns});
  EXPECT_EQ(printed.code, 0);
  const Json schema = Json::parse(printed.out);
  auto sonde = start({"-f", "json", "-C", all_columns});
  for (const auto* path : {"/", "/not-there", "/invalid\xFF"}) close(static_cast<int>(call({Via::openat, path})));
  call_at(Via::openat, nullptr);
  call({Via::openat, std::string(5000, 'x')});
  call({Via::openat, "x", O_CREAT, 0600, 4000});
  const auto report = sonde->end(SIGINT);
  ASSERT_EQ(report.events.size(), 6U);
  for (const auto& event : report.events) {
    for (const auto& [key, value] : event.members()) {
      const auto& property = schema["properties"][key];
      ASSERT_TRUE(property.is_object()) << key << " is not in the schema";
      const auto& type = property["type"];
      bool fits = property.has("const") || type.text() == (value.is_text() ? "string" : "integer");
      for (const auto& allowed : type.items())
        fits |= allowed.text() == (value.null() ? "null" : value.is_text() ? "string" : "integer");
      EXPECT_TRUE(fits) << key << ": " << value << " against " << property;
    }
    for (const auto& key : schema["required"].items()) EXPECT_TRUE(event.has(key.text())) << key;
  }
}

}  // namespace
}  // namespace sonde::test
