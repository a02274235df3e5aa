// SPDX-License-Identifier: GPL-2.0-or-later
// Each wait for a CPU is counted once, as the kernel counts it, and a long one names who was in the way.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "cswitch.h"
#include "support/calls.h"
#include "traced.h"

namespace sonde::test {
namespace {

constexpr long long ms = 1'000'000;

std::string number(pid_t id) { return std::to_string(id); }

class Runqlat : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& reason = refusal("runqlat", "")) GTEST_SKIP() << *reason;
  }
  static Report watch(const Words& words, const std::function<void()>& work) { return trace("runqlat", words, work); }
};

TEST_F(Runqlat, CountsWhatTheKernelCounts) {
  const Rivals rivals;
  CountsOfBoth made;
  const auto report = watch({"--by", "thread", "-p", rivals.both(), "--percentiles", "-C", "+avg,+min"},
                            [&] { made = rivals.compete(); });
  ASSERT_EQ(report.rows.size(), 2U) << report.out;
  long long waited = 0;
  for (int i : {0, 1}) {
    const auto row = only_row(report, "tid", rivals.player(i));
    EXPECT_EQ(row["comm"].text(), i ? "player two" : "player one");
    expect_counted(report, row["count"].number(), made[i].slices);
    expect_counted(report, row["total_ns"].number(), made[i].wait_ns);
    expect_distribution(row);
    waited += row["total_ns"].number();
  }
  EXPECT_GE(waited, 60 * ms);  // while one ran, the other waited
}

TEST_F(Runqlat, GroupsByAllThatIsAsked) {
  expect_groupings({"runqlat"}, [](const KernelCounts& made) { return made.slices; });
}

TEST_F(Runqlat, IsOfTheWholeSystemIfNothingIsSaid) {
  const PingPong game(scaled(500));
  game.ready();
  const auto report = watch({}, [&] { game.play(); });
  ASSERT_EQ(report.rows.size(), 1U);
  EXPECT_GE(report.rows[0]["count"].number(), scaled(500));
  for (const char* key : {"pid", "tid", "comm", "cpu"}) EXPECT_TRUE(report.rows[0][key].null()) << key;
}

TEST_F(Runqlat, KeepsIdleApart) {
  for (const char* by : {"thread", "comm"}) {
    const auto report = watch({"--by", by}, [&] { let_cpus_switch(); });
    EXPECT_TRUE(rows_where(report, "tid", 0).empty()) << report.out;
    for (const auto& row : report.rows) EXPECT_FALSE(row["comm"].text().starts_with("swapper")) << row;
  }
}

TEST_F(Runqlat, TellsPidNamespacesApart) {
  const Gate go, done, leave;
  const Child inside(
      [&] {
        go.pass();
        for (int i = 0; i < 10; ++i) usleep(1000);
        done.open();
        leave.pass();
        return 0;
      },
      CLONE_NEWPID);
  wait_for_state(inside.pid(), 'S');
  struct stat its_namespace {
  }, own{};
  ASSERT_EQ(stat(("/proc/" + number(inside.pid()) + "/ns/pid").c_str(), &its_namespace), 0);
  ASSERT_EQ(stat("/proc/self/ns/pid", &own), 0);
  ASSERT_NE(its_namespace.st_ino, own.st_ino);
  KernelCounts before, after;
  const auto report = watch({"--by", "pidns", "-p", number(inside.pid())}, [&] {
    before = KernelCounts::of(inside.pid());
    go.open();
    done.pass();
    wait_for_state(inside.pid(), 'S');
    after = KernelCounts::of(inside.pid());
  });
  leave.open();
  ASSERT_EQ(report.rows.size(), 1U) << report.out;
  EXPECT_EQ(report.rows[0]["pidns"].number(), static_cast<long long>(its_namespace.st_ino));
  EXPECT_EQ(report.rows[0]["count"].number(), (after - before).slices);
}

TEST_F(Runqlat, CountsByCgroup) {
  const Cgroup cgroup("sonde-waits");
  if (!cgroup.trouble().empty()) GTEST_SKIP() << cgroup.trouble();
  const Gate go, done, leave;
  const Child member([&] {
    cgroup.enter();
    go.pass();
    for (int i = 0; i < 10; ++i) usleep(1000);
    done.open();
    leave.pass();
    return 0;
  });
  wait_for_state(member.pid(), 'S');
  const auto report = watch({"--by", "cgroup", "--cgroup", cgroup.path()}, [&] {
    go.open();
    done.pass();
  });
  leave.open();
  ASSERT_EQ(report.rows.size(), 1U) << report.out;
  EXPECT_EQ(report.rows[0]["cgroup"].text(), cgroup.path());
  EXPECT_GE(report.rows[0]["count"].number(), 10);
}

// What each interval counted, added up, is what there was.
TEST_F(Runqlat, LosesNothingBetweenIntervals) {
  const Rivals rivals;
  CountsOfBoth made;
  const auto report = watch({"--by", "process", "-p", rivals.both(), "-i", "20ms", "--linear", "0,4ms,1ms"},
                            [&] { made = rivals.compete(); });
  long long counts[2] = {}, totals[2] = {}, distributed[2] = {};
  std::set<long long> intervals;
  for (const auto& row : report.rows) {
    const int i = row["pid"].number() == rivals.second();
    counts[i] += row["count"].number();
    totals[i] += row["total_ns"].number();
    intervals.insert(row["interval"].number());
    distributed[i] += in_buckets(row["histogram_ns"]);
    for (const auto& bucket : row["histogram_ns"].items()) {
      EXPECT_EQ(bucket["min"].number() % ms, 0);
      EXPECT_LE(bucket["min"].number(), 4 * ms);
    }
  }
  EXPECT_GE(intervals.size(), 3U);
  for (int i : {0, 1}) {
    expect_counted(report, counts[i], made[i].slices);
    expect_counted(report, totals[i], made[i].wait_ns);
    // In one interval they may differ by what was being counted just then, which is read in two places.
    EXPECT_EQ(distributed[i], counts[i]);
  }
}

const Words all_columns{"-C", "+uid,+user,+prio,+cgroup,+prev_pid,+prev_prio"};

TEST_F(Runqlat, ShowsEachWait) {
  const Rivals rivals;
  CountsOfBoth made;
  Words words{"--slower", "0ns", "-p", rivals.both()};
  words.insert(words.end(), all_columns.begin(), all_columns.end());
  const auto report = watch(words, [&] { made = rivals.compete(); });
  long long preempted = 0, behind_the_other = 0;
  for (int i : {0, 1}) {
    const auto waits = report.where("tid", rivals.player(i));
    expect_counted(report, static_cast<long long>(waits.size()), made[i].slices);
    long long waited = 0, last = 0;
    for (const auto& wait : waits) {
      EXPECT_GT(wall_ns(wait["time"].text()), last);
      last = wall_ns(wait["time"].text());
      EXPECT_EQ(wait["cpu"].number(), 0);
      EXPECT_EQ(wait["pid"].number(), rivals.player(i));
      EXPECT_EQ(wait["uid"].number(), getuid());
      EXPECT_EQ(wait["user"].text(), user_name(getuid()));
      EXPECT_EQ(wait["comm"].text(), i ? "player two" : "player one");
      EXPECT_EQ(wait["prio"].number(), 120);
      EXPECT_TRUE(wait["cgroup"].text().starts_with('/')) << wait;
      const auto& reason = wait["queued_as"];
      const bool first = &wait == &waits.front();  // it slept before anybody looked
      EXPECT_TRUE(first ? reason.null() || reason.text() == "woken"
                        : reason.text() == "woken" || reason.text() == "preempted")
          << wait;
      EXPECT_TRUE(wait["prev_tid"].is_integer() && wait["prev_pid"].is_integer()) << wait;
      EXPECT_NE(wait["prev_tid"].number(), rivals.player(i));
      waited += wait["waited_ns"].number();
      preempted += reason.text() == "preempted";
      if (wait["prev_tid"].number() != rivals.player(1 - i)) continue;
      ++behind_the_other;
      EXPECT_EQ(wait["prev_pid"].number(), rivals.player(1 - i));
      EXPECT_EQ(wait["prev_comm"].text(), i ? "player one" : "player two");
      EXPECT_EQ(wait["prev_prio"].number(), 120);
      EXPECT_GT(wait["prev_ran_ns"].number(), 0);
      EXPECT_LE(wait["prev_ran_ns"].number(), report.summary["window_ns"].number());
    }
    expect_counted(report, waited, made[i].wait_ns);
  }
  EXPECT_GT(preempted, 0);
  EXPECT_GT(behind_the_other, 0);
}

// Sums and events are of the same waits.
TEST_F(Runqlat, ShowsThoseThatAreLongEnough) {
  const Rivals rivals;
  Sonde sums({"runqlat", "-f", "json", "-p", rivals.both(), "--linear", "0,1ms,1ms"});
  Sonde waits({"runqlat", "-f", "json", "-p", rivals.both(), "--slower", "1ms"});
  ASSERT_TRUE(sums.ready() && waits.ready());
  rivals.play();
  const auto counted = sums.end(SIGINT), shown = waits.end(SIGINT);
  ASSERT_EQ(counted.rows.size(), 1U) << counted.out;
  long long beyond = 0;
  for (const auto& bucket : counted.rows[0]["histogram_ns"].items())
    if (bucket["min"].number() >= ms) beyond += bucket["count"].number();
  EXPECT_EQ(static_cast<long long>(shown.events.size()), beyond);
  EXPECT_GT(beyond, 0);
  for (const auto& wait : shown.events) EXPECT_GE(wait["waited_ns"].number(), ms);
}

TEST_F(Runqlat, KnowsWhoIsNew) {
  const Gate go;
  Child parent([&] {
    go.pass();
    std::thread([] { pthread_setname_np(pthread_self(), "newcomer"); }).join();
    return 0;
  });
  wait_for_state(parent.pid(), 'S');
  Sonde sonde({"runqlat", "-f", "json", "--slower", "0ns", "-p", number(parent.pid())});
  ASSERT_TRUE(sonde.ready());
  go.open();
  parent.wait();
  const auto report = sonde.end();  // with its process
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.lost(), 0);
  const auto newcomers = report.where("queued_as", "new");
  ASSERT_EQ(newcomers.size(), 1U) << report.out;
  EXPECT_EQ(newcomers[0]["pid"].number(), parent.pid());
  EXPECT_NE(newcomers[0]["tid"].number(), parent.pid());
}

// It gets next to nothing beside others that spin: most likely it waits when the run ends.
TEST_F(Runqlat, ShowsWhoWaitsAtTheEnd) {
  std::vector<std::unique_ptr<Child>> spinners;
  spinners.reserve(3);
  for (int i = 0; i < 3; ++i)
    spinners.push_back(std::make_unique<Child>([i] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(0, &one);
      sched_setaffinity(0, sizeof(one), &one);
      const sched_param none{};
      if (i == 2 && sched_setscheduler(0, SCHED_IDLE, &none) != 0) return 1;
      while (true) burn(ms);
      return 0;
    }));
  const pid_t starving = spinners.back()->pid();
  wait_until("its policy", [&] { return sched_getscheduler(starving) == SCHED_IDLE; });
  Json waiting;
  wait_until("a wait that does not end", [&] {
    const auto report =
        run({"runqlat", "-f", "json", "--slower", "20ms", "-p", number(starving), "-d", in_guest() ? "1s" : "200ms"});
    EXPECT_EQ(report.code, 0) << report.err;
    const auto found = report.where("queued_as", "waiting");
    if (!found.empty()) waiting = found.front();
    return !found.empty();
  });
  EXPECT_EQ(waiting["tid"].number(), starving);
  EXPECT_GE(waiting["waited_ns"].number(), 20 * ms);
  EXPECT_EQ(waiting["cpu"].number(), 0);
  for (const char* key : {"prev_tid", "prev_ran_ns", "prev_comm"}) EXPECT_TRUE(waiting[key].null()) << key;
}

TEST_F(Runqlat, KeepsTheLawWhereARingIsSmall) {
  const PingPong game(scaled(20'000));
  game.ready();
  Sonde sonde({"runqlat", "-f", "json", "--slower", "0ns", "-t", number(game.first()), "--buffer-size", "4k"});
  ASSERT_TRUE(sonde.ready());
  const auto before = KernelCounts::of(game.first());
  game.play();
  const auto made = KernelCounts::of(game.first()) - before;
  expect_law(sonde.end(SIGINT), made.slices);
}

TEST_F(Runqlat, SaysWhoHasNoRoom) {
  std::vector<std::unique_ptr<Child>> sleepers;
  sleepers.reserve(8);
  for (int i = 0; i < 8; ++i)
    sleepers.push_back(std::make_unique<Child>([] {
      while (true) usleep(1000);
      return 0;
    }));
  const auto report = run({"runqlat", "-f", "json", "--by", "thread", "-d", "200ms", "--max-entries", "4", "--strict"});
  EXPECT_EQ(report.code, 5) << report.err;
  EXPECT_TRUE(report.noted("no room to remember a thread that left its CPU"));
}

TEST_F(Runqlat, RefusesWhatMakesNoSense) {
  const struct {
    Words words;
    const char* says;
  } cases[] = {
      {{"--by", "colour"}, "cannot be counted by 'colour'"},
      {{"--slower", "5"}, "'5' is not a length of time"},
      {{"--slower", "5ms", "--by", "thread"}, "--by is for sums"},
      {{"--slower", "5ms", "--linear", "0,1ms,50us"}, "--linear is for sums"},
      {{"--slower", "5ms", "-i", "1s"}, "-i is for sums"},
      {{"--linear", "0,64k,4k"}, "'0,64k,4k' are sizes"},
      {{"--kstack"}, "--kstack is for events"},
  };
  for (const auto& c : cases) {
    Words words{"runqlat"};
    words.insert(words.end(), c.words.begin(), c.words.end());
    const auto report = run(words);
    EXPECT_EQ(report.code, 2) << c.says;
    EXPECT_NE(report.err.find(c.says), std::string::npos) << report.err;
  }
}

}  // namespace
}  // namespace sonde::test
