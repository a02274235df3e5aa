// SPDX-License-Identifier: GPL-2.0-or-later
// Who waits beneath functions without frame pointers is found all the same, for as long as it does.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "cswitch.h"
#include "support/calls.h"
#include "support/sonde.h"
#include "traced.h"

namespace sonde::test {
namespace {

constexpr long long us = 1'000, ms = 1'000'000;

/// The time that is measured: until so much of it has passed.
void let_pass(long long ns) {
  timespec left{ns / 1'000'000'000, ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

/// A process that naps where a library called it back, and knows how deep it is.
class Napper {
 public:
  Napper(const std::string& file, const std::string& how, long long nap_ns, const Gate* go = nullptr)
      : child_([this, file, how, nap = std::to_string(nap_ns / us), go] {
          if (go) go->pass();
          dup2(said_.get(), STDOUT_FILENO);
          execl(program(file).c_str(), "callbacks", how.c_str(), nap.c_str(), nullptr);
          return 1;
        }) {
    if (!go) wait();
  }
  /// Until it naps.
  void wait() {
    wait_until("a program has come to its end", [this] { return contents(said_.get()).ends_with('\n'); });
    depth_ = std::stoul(contents(said_.get()));
  }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] std::size_t depth() const { return depth_; }
  void kill() { child_.signal(SIGKILL), child_.wait(); }

 private:
  Fd said_ = memory_file("depth");
  Child child_;
  std::size_t depth_ = 0;
};

struct Chain {
  std::string file, how;
  Words inner, outer;  // from the function that naps outwards
};

/// Whether a stack has all functions of the chain, from that which naps outwards.
bool is_whole(const Json& row, const Chain& chain, std::size_t depth) {
  Words frames = names(row["stack"]);
  frames.erase(frames.begin(), std::find(frames.begin(), frames.end(), chain.inner.front()));
  return frames.size() == depth && std::equal(chain.inner.begin(), chain.inner.end(), frames.begin()) &&
         std::equal(chain.outer.rbegin(), chain.outer.rend(), frames.rbegin());
}

bool has_mark(const Json& row, const Words& marks) {
  const Words frames = names(row["stack"]);
  return std::any_of(frames.begin(), frames.end(),
                     [&](const auto& frame) { return std::find(marks.begin(), marks.end(), frame) != marks.end(); });
}

struct Counted {
  long long count = 0, ns = 0;
};

template <class Of>
Counted counted(const Report& report, const Of& of) {
  Counted all;
  for (const auto& row : report.rows) {
    if (!of(row)) continue;
    all.count += row["count"].number();
    all.ns += row["total_ns"].number();
  }
  return all;
}

bool any(const Json& /*row*/) { return true; }

Report watch(const Words& more, const std::function<void()>& work) {
  Words words{"offcputime", "--format", "json", "--min", "1ms"};
  words.insert(words.end(), more.begin(), more.end());
  Sonde sonde(words);
  if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
  work();
  auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  tell_rung(report);
  return report;
}

void may_be_unwound() {
  if (const auto& why = refusal("offcputime", "")) GTEST_SKIP() << *why;
#ifndef __x86_64__
  GTEST_SKIP() << "these chains of calls are for x86-64";
#endif
}

class OffcputimeUnwind : public testing::TestWithParam<Chain> {
 protected:
  void SetUp() override {
    may_be_unwound();
    if (in_guest() && GetParam().file == "callbacks") GTEST_SKIP() << "there are no libraries in a guest";
  }
};

TEST_P(OffcputimeUnwind, FindsTheCallersOfWhatALibraryCalled) {
  const auto& chain = GetParam();
  const Gate go;
  Napper napper(chain.file, chain.how, 4 * ms, &go);
  wait_for_state(napper.pid(), 'S');
  const auto report = watch({"--unwind", "dwarf", "--state", "S", "-p", std::to_string(napper.pid())}, [&] {
    go.open();
    napper.wait();
    let_pass(400 * ms);
  });
  // Before it is at its end, it may wait for other things.
  const auto naps = counted(report, [](const Json& row) { return has_mark(row, {"hrtimer_nanosleep"}); });
  const auto whole = counted(report, [&](const Json& row) { return is_whole(row, chain, napper.depth()); });
  EXPECT_GT(naps.count, 10) << report.out;
  EXPECT_GE(whole.ns * 100, naps.ns * 95) << napper.depth() << "\n" << report.out;
}

INSTANTIATE_TEST_SUITE_P(Ways, OffcputimeUnwind,
                         testing::Values(Chain{"callbacks", "qsort", {"spin", "compare"}, {"_start"}},
                                         Chain{"callbacks", "bsearch", {"spin", "compare"}, {"_start"}},
                                         Chain{"callbacks", "signal", {"spin", "handle"}, {"_start"}},
                                         Chain{"callbacks", "thread", {"spin", "compute"}, {}},
                                         Chain{"callbacks.static", "qsort", {"spin", "compare"}, {"_start"}},
                                         Chain{"callbacks.static", "once", {"spin", "begin"}, {"_start"}},
                                         Chain{"callbacks.static", "signal", {"spin", "handle"}, {"_start"}},
                                         Chain{"callbacks.static", "thread", {"spin", "compute"}, {}}),
                         [](const auto& info) {
                           return info.param.how + (info.param.file == "callbacks" ? "_shared" : "_static");
                         });

class OffcputimeUnwinds : public testing::Test {
 protected:
  void SetUp() override { may_be_unwound(); }
  const Chain chain{"callbacks.static", "qsort", {"spin", "compare"}, {"_start"}};
};

TEST_F(OffcputimeUnwinds, MarksWhatFramePointersDoNotShow) {
  const Napper napper(chain.file, chain.how, 4 * ms);
  for (const Words& how : {Words{}, {"--unwind", "fp"}}) {
    Words words{"-p", std::to_string(napper.pid())};
    words.insert(words.end(), how.begin(), how.end());
    const auto report = watch(words, [] { let_pass(100 * ms); });
    EXPECT_GT(counted(report, any).count, 3) << report.out;
    for (const auto& row : report.rows) EXPECT_TRUE(has_mark(row, {"[gap]", "[broken]", "[unknown]"})) << row;
  }
}

TEST_F(OffcputimeUnwinds, WhereItIsNeeded) {
  const Napper napper(chain.file, chain.how, 4 * ms);
  const auto report =
      watch({"--unwind", "auto", "-i", "500ms", "-p", std::to_string(napper.pid())}, [] { let_pass(2000 * ms); });
  ASSERT_FALSE(report.rows.empty()) << report.out;
  const auto last = report.rows.back()["interval"].number();
  ASSERT_GE(last, 3) << report.out;
  const auto late = counted(report, [&](const Json& row) { return row["interval"].number() == last - 1; });
  const auto whole = counted(report, [&](const Json& row) {
    return row["interval"].number() == last - 1 && is_whole(row, chain, napper.depth());
  });
  EXPECT_GT(late.count, 3) << report.out;
  EXPECT_EQ(whole.ns, late.ns) << report.out;
}

// What the switches themselves say, by another program: how often and for how long it was away.
TEST_F(OffcputimeUnwinds, AddsUpToWhatSwitchesTell) {
  const int turns = scaled(60);
  const Gate go;
  Child child([&] {
    go.pass();
    const timespec naps[]{{0, 3 * ms}, {0, 200 * us}, {0, 5 * ms}};
    for (int i = 0; i < turns; ++i) nanosleep(&naps[i % 3], nullptr);
    return 0;
  });
  wait_for_state(child.pid(), 'S');
  const std::string pid = std::to_string(child.pid());
  Sonde raw({"cswitch", "--events", "-C", "time,prev_tid,next_tid,state", "-p", pid, "-f", "json"});
  ASSERT_TRUE(raw.ready());
  // The window of the counts lies in the other one.
  const auto report = watch({"--unwind", "dwarf", "-i", "20ms", "-p", pid}, [&] {
    go.open();
    EXPECT_EQ(child.wait(), 0);
    let_cpus_switch();
  });
  const auto events = raw.end(SIGINT);
  if (events.lost() || report.lost()) GTEST_SKIP() << "this system hid a task meanwhile";
  EXPECT_FALSE(report.noted("frame pointers")) << report.out;
  long long left = 0, count = 0, time = 0, undecided = 0;
  for (const auto& event : events.events) {
    const long long at = wall_ns(event["time"].text());
    if (event["prev_tid"].number() == child.pid() && event["state"].text() != "R+") left = at;
    if (event["next_tid"].number() != child.pid() || !left) continue;
    const long long away = at - left;
    left = 0;
    // Each program has a clock reading of its own.
    if (std::abs(away - ms) < 100 * us) ++undecided;
    if (away < ms) continue;
    ++count;
    time += away;
  }
  // The child was away as the window opened: that is a row without its program's part, and not among the events.
  const auto naps = counted(report, [](const Json& row) { return !has_mark(row, {"[unknown]"}); });
  EXPECT_GE(count, turns / 2);
  EXPECT_LE(std::abs(naps.count - count), undecided) << report.out;
  EXPECT_NEAR(static_cast<double>(naps.ns), static_cast<double>(time),
              clock_slack(static_cast<double>(count)) + 0.01 * static_cast<double>(time) +
                  static_cast<double>(undecided * 2 * ms));
}

// Its files are looked into when it is gone.
TEST_F(OffcputimeUnwinds, KeepsThoseOfAProcessThatIsGone) {
  const Gate go;
  Napper napper(chain.file, chain.how, 4 * ms, &go);
  wait_for_state(napper.pid(), 'S');
  const auto report = watch({"--unwind", "dwarf", "-p", std::to_string(napper.pid())}, [&] {
    go.open();
    napper.wait();
    let_pass(100 * ms);
    napper.kill();
    let_cpus_switch();
  });
  const auto whole = counted(report, [&](const Json& row) { return is_whole(row, chain, napper.depth()); });
  EXPECT_GT(whole.count, 3) << report.out;
}

// Who goes on sleeping as the run ends is the one that sleeps longest.
TEST_F(OffcputimeUnwinds, AlsoThoseThatAreStillAway) {
  const Gate go;
  Napper napper(chain.file, chain.how, 900 * ms, &go);
  wait_for_state(napper.pid(), 'S');
  const auto report = watch({"--unwind", "dwarf", "-p", std::to_string(napper.pid())}, [&] {
    go.open();
    napper.wait();
    wait_for_state(napper.pid(), 'S');
    let_pass(20 * ms);
  });
  const auto whole = counted(report, [&](const Json& row) { return is_whole(row, chain, napper.depth()); });
  EXPECT_GE(whole.count, 1) << report.out;
  EXPECT_GE(whole.ns, 20 * ms) << report.out;
}

TEST_F(OffcputimeUnwinds, TellsWhoWokeIt) {
  const Napper napper(chain.file, chain.how, 4 * ms);
  const auto report =
      watch({"--unwind", "dwarf", "--wakers", "-U", "-p", std::to_string(napper.pid())}, [] { let_pass(200 * ms); });
  long long whole = 0, woken = 0;
  for (const auto& row : report.rows) {
    const Words frames = names(row["stack"]);
    if (std::find(frames.begin(), frames.end(), "compare") == frames.end()) continue;
    const auto waker =
        std::find_if(frames.begin(), frames.end(), [](const auto& f) { return f.starts_with("[woken"); });
    whole += row["count"].number();
    if (waker == frames.end()) continue;
    woken += row["count"].number();
    EXPECT_EQ(*(waker - 1), "_start") << row;
  }
  EXPECT_GT(whole, 3) << report.out;
  EXPECT_GE(woken, whole - 2) << report.out;  // one that goes on was woken by nobody yet
}

// What has no room in the ring is counted all the same, and in as much time.
TEST_F(OffcputimeUnwinds, CountsWhereThereIsNoRoom) {
  const Napper napper(chain.file, "deep", 4 * ms);
  const auto report = watch({"--unwind", "dwarf", "--buffer-size", "4k", "-p", std::to_string(napper.pid())},
                            [] { let_pass(200 * ms); });
  EXPECT_TRUE(report.noted("no room for copies")) << report.out;
  const auto all = counted(report, any);
  EXPECT_GT(all.count, 10) << report.out;
  EXPECT_GE(all.ns * 10, report.summary["window_ns"].number() * 8) << report.out;
}

// More threads than there is room for copies of.
TEST_F(OffcputimeUnwinds, CountsThreadsThatThereIsNoRoomFor) {
  constexpr int threads = 1100;
  const Gate go;
  Child child([&] {
    go.pass();
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    for (int i = 0; i < threads; ++i) {
      pthread_t one{};
      const auto nap = [](void*) -> void* {
        let_pass(300 * ms);
        for (;;) ::pause();
      };
      if (pthread_create(&one, &small, nap, nullptr) != 0) return 1;
    }
    for (;;) pause();
  });
  wait_for_state(child.pid(), 'S');
  const auto report = watch({"--unwind", "dwarf", "--by", "thread", "-p", std::to_string(child.pid())}, [&] {
    go.open();
    wait_until("all threads are there", [&] {
      return contents("/proc/" + std::to_string(child.pid()) + "/status").find("Threads:\t1101") != std::string::npos;
    });
    let_pass(in_guest() ? 2000 * ms : 500 * ms);
  });
  EXPECT_TRUE(report.noted("no room for the copies of so many threads")) << report.err;
  std::vector<long long> tids;
  for (const auto& row : report.rows) tids.push_back(row["tid"].number());
  std::sort(tids.begin(), tids.end());
  tids.erase(std::unique(tids.begin(), tids.end()), tids.end());
  EXPECT_EQ(tids.size(), threads + 1U);
}

TEST_F(OffcputimeUnwinds, OnlyLongAbsences) {
  const std::vector<Words> refused{{"--unwind", "dwarf"},
                                   {"--unwind", "auto"},
                                   {"--unwind", "dwarf", "--min", "999us"},
                                   {"--unwind", "dwarf", "--max", "5s"},
                                   {"--unwind", "lbr", "--min", "1ms"},
                                   {"-K", "--unwind", "dwarf", "--min", "1ms"}};
  for (const Words& words : refused) {
    Words all{"offcputime", "-d", "1ms"};
    all.insert(all.end(), words.begin(), words.end());
    const auto report = run(all);
    EXPECT_EQ(report.code, 2) << words[0] << " " << words[1];
    if (words[1] == "dwarf" || words[1] == "auto") {
      EXPECT_NE(report.err.find("--min 1ms"), std::string::npos) << report.err;
    }
  }
  for (const Words& words : {Words{"--unwind", "fp"}, {"--unwind", "dwarf", "--min", "1ms"}}) {
    Words all{"offcputime", "-d", "1ms"};
    all.insert(all.end(), words.begin(), words.end());
    EXPECT_EQ(run(all).code, 0) << words[1];
  }
}

}  // namespace
}  // namespace sonde::test
