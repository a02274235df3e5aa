// SPDX-License-Identifier: GPL-2.0-or-later
// Each switch is an event, with what went before it.
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "cswitch.h"
#include "support/calls.h"
#include "traced.h"

namespace sonde::test {
namespace {

std::string number(pid_t id) { return std::to_string(id); }

class CswitchEvents : public Cswitch {
 protected:
  static Report stream(const Words& words, const std::function<void()>& work) {
    Words all{"--events", "-C", "+prev_pid,+next_pid,+prev_prio,+next_prio,+waker_comm"};
    all.insert(all.end(), words.begin(), words.end());
    return trace("cswitch", all, work);
  }
};

struct Seen {
  std::vector<Json> leaving, coming;
};

Seen of(const Report& report, pid_t tid) { return {report.where("prev_tid", tid), report.where("next_tid", tid)}; }

TEST_F(CswitchEvents, ShowsEachSwitchOfAGame) {
  const int turns = scaled(500);
  const PingPong game(turns);
  game.ready();
  const pid_t players[] = {game.first(), game.second()};
  KernelCounts before[2], after[2];
  const auto report = stream({"-p", number(players[0]) + "," + number(players[1])}, [&] {
    for (int i : {0, 1}) before[i] = KernelCounts::of(players[i]);
    game.play();
    for (int i : {0, 1}) after[i] = KernelCounts::of(players[i]);
  });
  for (int i : {0, 1}) {
    const auto seen = of(report, players[i]);
    const auto made = after[i] - before[i];
    EXPECT_EQ(static_cast<long long>(seen.leaving.size()), made.voluntary + made.involuntary);
    ASSERT_EQ(seen.coming.size(), seen.leaving.size());  // it slept before and after
    long long preempted = 0, on = 0, waited = 0;
    for (std::size_t n = 0; n < seen.leaving.size(); ++n) {
      const auto &comes = seen.coming[n], &leaves = seen.leaving[n];
      EXPECT_EQ(leaves["prev_comm"].text(), i ? "player two" : "player one");
      EXPECT_EQ(comes["next_comm"].text(), leaves["prev_comm"].text());
      EXPECT_EQ(leaves["prev_pid"].number(), players[i]);
      EXPECT_EQ(comes["next_pid"].number(), players[i]);
      EXPECT_EQ(leaves["prev_prio"].number(), 120);
      EXPECT_EQ(leaves["cpu"].number(), 0);
      EXPECT_EQ(leaves["ran_ns"].number(), wall_ns(leaves["time"].text()) - wall_ns(comes["time"].text()));
      EXPECT_FALSE(comes["waited_ns"].null());
      preempted += leaves["state"].text() == "R+";
      on += leaves["ran_ns"].number();
      waited += comes["waited_ns"].number();
      EXPECT_TRUE(leaves["state"].text() == "R+" || leaves["state"].text() == "S") << leaves;
    }
    EXPECT_EQ(preempted, made.involuntary);
    // The kernel's own clock is read at another moment of the switch.
    const double slack = clock_slack(static_cast<double>(seen.leaving.size()));
    expect_on_cpu(on, made.on_ns, made, static_cast<long long>(seen.leaving.size()));
    EXPECT_NEAR(static_cast<double>(waited), static_cast<double>(made.wait_ns), slack);
  }
  // Whoever sleeps is woken by the other. The other need not sleep: it may be preempted by whom it woke.
  long long by_the_other = 0;
  for (int i : {0, 1})
    for (const auto& event : report.where("next_tid", players[i]))
      if (event["waker_tid"].is_integer() && event["waker_tid"].number() == players[1 - i]) {
        EXPECT_EQ(event["waker_comm"].text(), i ? "player one" : "player two");
        ++by_the_other;
      }
  EXPECT_GE(by_the_other, turns / 2);
}

TEST_F(CswitchEvents, TellsWhatALeavingThreadDoes) {
  const Gate go;
  Child child([&] {
    go.pass();
    const pid_t grandchild = vfork();
    if (grandchild == 0) {
      burn(5'000'000);
      _exit(0);
    }
    raise(SIGSTOP);
    return 0;
  });
  wait_for_state(child.pid(), 'S');
  Sonde sonde({"cswitch", "--events", "-f", "json", "-t", number(child.pid())});
  ASSERT_TRUE(sonde.ready());
  go.open();
  const auto shows = [&](const char* state) {
    const auto text = std::string(R"("state":")") + state + '"';
    wait_until("state " + text, [&] { return sonde.output().find(text) != std::string::npos; });
  };
  shows("T");
  child.signal(SIGCONT);
  child.wait();
  shows("X");
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  std::string states;
  for (const auto& event : report.where("prev_tid", child.pid()))
    if (event["state"].text() != "R+") states += event["state"].text();
  EXPECT_NE(states.find('D'), std::string::npos) << states;
  EXPECT_NE(states.find('T'), std::string::npos) << states;
  EXPECT_EQ(states.back(), 'X') << states;
}

TEST_F(CswitchEvents, KeepsTheLawWhereARingIsSmall) {
  const PingPong game(scaled(20'000));
  game.ready();
  const pid_t player = game.first();
  KernelCounts before, after;
  Sonde sonde({"cswitch", "--events", "-f", "json", "-t", number(player), "--buffer-size", "4k"});
  ASSERT_TRUE(sonde.ready());
  before = KernelCounts::of(player);
  game.play();
  after = KernelCounts::of(player);
  const auto report = sonde.end(SIGINT);
  const auto made = after - before;
  // As often it leaves as it comes; where it goes from itself to itself is no switch.
  expect_law(report, 2 * (made.voluntary + made.involuntary));
}

TEST_F(CswitchEvents, RefusesWhatDoesNotGoTogether) {
  EXPECT_EQ(run({"cswitch", "--events", "--by", "thread"}).code, 2);
  EXPECT_EQ(run({"cswitch", "--events", "--histogram-of", "wait"}).code, 2);
  EXPECT_EQ(run({"cswitch", "--events", "-i", "1"}).code, 2);
  EXPECT_EQ(run({"cswitch", "--histogram-of", "nothing"}).code, 2);
}

class CswitchLengths : public Cswitch {
 protected:
  static Json row_of(const Report& report, pid_t pid) { return only_row(report, "pid", pid); }
};

TEST_F(CswitchLengths, AreOfEachSliceAndWait) {
  for (const char* what : {"slice", "wait", "block"}) {
    const PingPong game(scaled(1000));
    game.ready();
    const pid_t player = game.second();
    KernelCounts before, after;
    const auto report = watch({"--histogram-of", what, "-p", number(player), "-C", "+total,+min"}, [&] {
      before = KernelCounts::of(player);
      game.play();
      after = KernelCounts::of(player);
    });
    const auto made = after - before;
    const auto row = row_of(report, player);
    EXPECT_EQ(row["comm"].text(), "player two");
    expect_distribution(row);
    const double slack = clock_slack(static_cast<double>(row["count"].number()));
    const auto count = row["count"].number(), total = row["total_ns"].number();
    EXPECT_LE(total, report.summary["window_ns"].number() * 2) << what;
    if (std::string(what) == "slice") {
      EXPECT_EQ(count, made.voluntary + made.involuntary);
      expect_on_cpu(total, made.on_ns, made, count);
    } else if (std::string(what) == "wait") {
      EXPECT_NEAR(static_cast<double>(count), static_cast<double>(made.voluntary + made.involuntary), 1);
      EXPECT_NEAR(static_cast<double>(total), static_cast<double>(made.wait_ns), slack);
    } else {
      EXPECT_NEAR(static_cast<double>(count), static_cast<double>(made.voluntary), 1);
    }
  }
}

// A sleep of known length, and one that ends before the next begins.
TEST_F(CswitchLengths, AreAsLongAsTheSleepsWere) {
  const Gate go, leave;
  const Child child([&] {
    go.pass();
    for (int i = 0; i < 20; ++i) usleep(5'000);
    leave.pass();
    return 0;
  });
  wait_for_state(child.pid(), 'S');
  const auto before = KernelCounts::of(child.pid());
  const auto report = watch({"--histogram-of", "block", "-p", number(child.pid()), "-C", "+min"}, [&] {
    go.open();
    wait_until("its sleeps", [&] { return KernelCounts::of(child.pid()).voluntary >= before.voluntary + 21; });
  });
  leave.open();
  const auto row = row_of(report, child.pid());
  EXPECT_GE(row["count"].number(), 18);  // it may be woken on the way to sleep
  EXPECT_GE(row["p50_ns"].number(), 5'000'000);
  long long long_enough = 0;
  for (const auto& bucket : row["histogram_ns"].items())
    if (bucket["max"].number() > 5'000'000) long_enough += bucket["count"].number();
  EXPECT_GE(long_enough, 18);
}

}  // namespace
}  // namespace sonde::test
