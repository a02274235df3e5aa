// SPDX-License-Identifier: GPL-2.0-or-later
// The timeline is read back as Perfetto reads it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "cswitch.h"
#include "support/trace.h"
#include "traced.h"

namespace sonde::test {
namespace {

std::string number(pid_t id) { return std::to_string(id); }

class CswitchTimeline : public Cswitch {
 protected:
  struct Seen {
    Report report;
    Trace trace;
    bool lossy;
    pid_t sonde;
  };
  /// What it writes around `work`, with its trouble looked at if nothing was lost.
  Seen watch(const Words& words, const std::function<void()>& work) {
    Words all{"cswitch", "--timeline", path()};
    all.insert(all.end(), words.begin(), words.end());
    Sonde sonde(all);
    if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
    work();
    const Report report = sonde.end(SIGINT);
    EXPECT_EQ(report.code, 0) << report.err;
    EXPECT_EQ(report.out, "");
    Seen seen{report, Trace(contents(path())), report.err.find("none lost") == std::string::npos, sonde.pid()};
    EXPECT_TRUE(seen.trace.whole);
    if (!seen.lossy)
      for (const auto& trouble : seen.trace.trouble) ADD_FAILURE() << trouble;
    std::printf("[rung] tp_btf\n");
    return seen;
  }
  [[nodiscard]] std::string path() const { return folder_ / "trace.pftrace"; }

  Folder folder_;
};

TEST_F(CswitchTimeline, ShowsEachSwitchOfAGameAndWhoWokeWhom) {
  const int turns = scaled(500);
  const PingPong game(turns);
  game.ready();
  const Gate leave;
  const Child sleeper([&] {
    set_comm("sleeper");
    leave.pass();
    return 0;
  });
  wait_for_state(sleeper.pid(), 'S');
  const pid_t players[] = {game.first(), game.second()};
  KernelCounts before[2], after[2];
  const auto seen = watch({"-p", number(players[0]) + "," + number(players[1]) + "," + number(sleeper.pid())}, [&] {
    for (int i : {0, 1}) before[i] = KernelCounts::of(players[i]);
    game.play();
    for (int i : {0, 1}) after[i] = KernelCounts::of(players[i]);
  });
  leave.open();
  const auto& trace = seen.trace;
  const auto length = trace.window.end - trace.window.begin;
  ASSERT_GT(length, 0);
  long long by_the_other = 0;
  for (int i : {0, 1}) {
    ASSERT_TRUE(trace.threads.contains(players[i]));
    const auto& player = trace.threads.at(players[i]);
    EXPECT_EQ(player.name, i ? "player two" : "player one");
    EXPECT_EQ(player.pid, players[i]);
    EXPECT_EQ(trace.processes.at(players[i]), player.name);
    EXPECT_EQ(player.states.front().state, "S");
    EXPECT_EQ(player.states.back().state, "S");
    EXPECT_EQ(player.spent(), length);
    if (seen.lossy) continue;
    const auto made = after[i] - before[i];
    EXPECT_EQ(player.count("Running"), made.voluntary + made.involuntary);
    EXPECT_EQ(player.count("R+"), made.involuntary);
    EXPECT_EQ(player.count("S"), made.voluntary + 1);
    const long long lengths = made.voluntary + made.involuntary;
    const auto on = player.spent("Running"), wait = player.spent("R") + player.spent("R+");
    expect_on_cpu(on + wait, made.on_ns + made.wait_ns, made, lengths);
    if (!in_guest()) {
      expect_on_cpu(on, made.on_ns, made, lengths);
    }
    for (const auto& state : player.states) by_the_other += state.waker == players[1 - i];
  }
  // Whoever sleeps is woken by the other. The other need not sleep: it may be preempted by whom it woke.
  EXPECT_TRUE(seen.lossy || by_the_other >= turns / 2) << by_the_other;
  // Who only sleeps is there all the time.
  ASSERT_TRUE(trace.threads.contains(sleeper.pid()));
  const auto& slept = trace.threads.at(sleeper.pid());
  EXPECT_EQ(slept.name, "sleeper");
  EXPECT_EQ(slept.spent("S"), length);
  EXPECT_EQ(slept.states.size(), 1U);
  // Where none of them runs it is not told who does.
  ASSERT_TRUE(trace.cpus.contains(0));
  for (const auto& slice : trace.cpus.at(0)) {
    const bool chosen = slice.tid == players[0] || slice.tid == players[1] || slice.tid == sleeper.pid();
    EXPECT_TRUE(chosen || seen.lossy || trace.name_of(slice.tid) == "(other tasks, or idle)");
  }
}

TEST_F(CswitchTimeline, AccountsForEveryCpuAllTheTime) {
  const PingPong game(scaled(100));
  game.ready();
  const auto seen = watch({}, [&] { game.play(); });
  const auto& trace = seen.trace;
  for (const auto& [cpu, slices] : trace.cpus) {
    EXPECT_EQ(slices.front().begin, trace.window.begin) << cpu;
    EXPECT_EQ(slices.back().end, trace.window.end) << cpu;
  }
  EXPECT_TRUE(trace.cpus.contains(0));
  // sonde itself is no gap.
  ASSERT_TRUE(trace.threads.contains(seen.sonde));
  EXPECT_GT(trace.threads.at(seen.sonde).count("Running"), 0);
}

TEST_F(CswitchTimeline, ShowsABirthAndADeath) {
  const Gate go;
  pid_t born = 0;
  const Shared<pid_t> child;
  const Child parent([&] {
    set_comm("parent");
    go.pass();
    const pid_t pid = fork();
    if (pid == 0) {
      set_comm("newborn");
      usleep(1000);
      _exit(0);
    }
    *child = pid;
    int status = 0;
    waitpid(pid, &status, 0);
    pause();
    return 0;
  });
  wait_for_state(parent.pid(), 'S');
  const auto seen = watch({"--ppid", number(parent.pid()) + "," + number(getpid())}, [&] {
    go.open();
    wait_until("the child's end", [&] { return *child && kill(*child, 0) != 0; });
    born = *child;
    let_cpus_switch();
  });
  ASSERT_TRUE(seen.trace.threads.contains(born));
  const auto& thread = seen.trace.threads.at(born);
  EXPECT_EQ(thread.name, "newborn");
  EXPECT_EQ(seen.trace.processes.at(born), "newborn");
  ASSERT_FALSE(thread.states.empty());
  if (!seen.lossy) {
    EXPECT_EQ(thread.states.front().state, "R");
    EXPECT_EQ(thread.states.front().waker, parent.pid());
    EXPECT_EQ(thread.states.back().state, "X");
    EXPECT_GE(thread.spent("S"), 1'000'000);
  }
}

TEST_F(CswitchTimeline, MarksWhereEventsAreLost) {
  const PingPong game(scaled(20'000));
  game.ready();
  const auto seen = watch({"--buffer-size", "4k"}, [&] { game.play(); });
  ASSERT_TRUE(seen.lossy) << seen.report.err;
  bool marked = false, on_a_cpu = false;
  for (const auto& [name, slices] : seen.trace.tracks)
    for (const auto& slice : slices) marked |= slice.name == "events lost" && slice.end > slice.begin;
  for (const auto& [cpu, slices] : seen.trace.cpus)
    for (const auto& slice : slices)
      on_a_cpu |= slice.end > slice.begin && seen.trace.name_of(slice.tid) == "(events lost)";
  EXPECT_TRUE(marked);
  EXPECT_TRUE(on_a_cpu);
}

TEST_F(CswitchTimeline, CanBeReadWhereItEndsEarly) {
  const PingPong game(scaled(2000));
  game.ready();
  Sonde sonde({"cswitch", "--timeline", path()});
  ASSERT_TRUE(sonde.ready());
  game.play();
  wait_until("bytes", [&] { return contents(path()).size() > 4096; });
  sonde.end(SIGKILL);
  const auto bytes = contents(path());
  const Trace all(bytes), part(bytes.substr(0, bytes.size() - 100));
  EXPECT_GT(all.cpus.size(), 0U);
  EXPECT_FALSE(part.whole);
  EXPECT_GE(part.packets + 2, all.packets);
}

TEST_F(CswitchTimeline, IsWhatProtocReadsToo) {
  if (in_guest() || std::system("command -v protoc >/dev/null") != 0)
    GTEST_SKIP() << "there is no protoc (Debian: protobuf-compiler)";
  const PingPong game(50);
  game.ready();
  watch({}, [&] { game.play(); });
  EXPECT_EQ(std::system(("protoc --decode_raw < " + path() + " > " + (folder_ / "raw") + " 2>&1").c_str()), 0);
  const auto raw = contents(folder_ / "raw");
  EXPECT_NE(raw.find("player one"), std::string::npos);
  EXPECT_NE(raw.find("\"window\""), std::string::npos);
}

TEST_F(CswitchTimeline, RefusesWhatDoesNotGoTogether) {
  const auto file = folder_.file("old", "old");
  const std::vector<Words> others = {{"--events"},
                                     {"-f", "json"},
                                     {"-o", path()},
                                     {"-C", "time"},
                                     {"--kstack"},
                                     {"--schema"},
                                     {"--max-rate", "5"},
                                     {"-n", "5"},
                                     {"--by", "cpu"},
                                     {"-i", "1"},
                                     {"--histogram-of", "wait"}};
  for (const auto& other : others) {
    Words words{"cswitch", "--timeline", file};
    words.insert(words.end(), other.begin(), other.end());
    const auto report = run(words);
    EXPECT_EQ(report.code, 2) << other[0] << report.err;
    EXPECT_EQ(contents(file), "old");
  }
  EXPECT_EQ(run({"cswitch", "--timeline", file, "-p", "999999999"}).code, 1);
  EXPECT_EQ(contents(file), "old");
}

TEST_F(CswitchTimeline, SaysThatADiskIsFull) {
  const auto report = run({"cswitch", "--timeline", "/dev/full", "-d", "1"});
  EXPECT_EQ(report.code, 1);
  EXPECT_NE(report.err.find("/dev/full"), std::string::npos) << report.err;
}

}  // namespace
}  // namespace sonde::test
