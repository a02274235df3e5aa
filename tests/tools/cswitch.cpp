// SPDX-License-Identifier: GPL-2.0-or-later
#include "cswitch.h"

#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "traced.h"

namespace sonde::test {
namespace {

long long number_after(const std::string& text, const std::string& word) {
  const auto at = text.find(word);
  return at == text.npos ? -1 : std::atoll(text.c_str() + at + word.size());
}

constexpr long long proc_step = 10'000'000;  // of /proc/stat

// "cpu user nice system idle iowait irq softirq steal ..."
long long nobodys_time() {
  const std::string text = contents("/proc/stat");
  const char* rest = text.c_str() + std::min(text.size(), text.find(' '));
  long long sum = 0;
  for (int field = 1; field <= 8; ++field) {
    char* end = nullptr;
    const long long value = std::strtoll(rest, &end, 10);
    if (field >= 6) sum += value * proc_step;
    rest = end;
  }
  return sum;
}

void pass_on(int turns, const Pipe& in, const Pipe& out, bool begins) {
  char ball = 'o';
  for (int i = 0; i < turns; ++i) {
    if (begins && write(out.in.get(), &ball, 1) != 1) _exit(1);
    if (read(in.out.get(), &ball, 1) != 1) _exit(1);
    if (!begins && write(out.in.get(), &ball, 1) != 1) _exit(1);
  }
}

}  // namespace

KernelCounts KernelCounts::of(pid_t tid) {
  const std::string folder = "/proc/" + std::to_string(tid) + "/task/" + std::to_string(tid) + "/";
  const std::string status = contents(folder + "status"), times = contents(folder + "schedstat");
  KernelCounts counts;
  counts.voluntary = number_after(status, "\nvoluntary_ctxt_switches:");
  counts.involuntary = number_after(status, "\nnonvoluntary_ctxt_switches:");
  char* rest = nullptr;
  counts.on_ns = std::strtoll(times.c_str(), &rest, 10);
  counts.wait_ns = std::strtoll(rest, &rest, 10);
  counts.slices = std::strtoll(rest, nullptr, 10);
  counts.left_out_ns = nobodys_time();
  return counts;
}

KernelCounts KernelCounts::operator-(const KernelCounts& other) const {
  return {
      voluntary - other.voluntary, involuntary - other.involuntary, migrations - other.migrations,  on_ns - other.on_ns,
      wait_ns - other.wait_ns,     slices - other.slices,           left_out_ns - other.left_out_ns};
}

std::vector<Json> rows_where(const Report& report, const std::string& key, long long value) {
  std::vector<Json> rows;
  for (const auto& row : report.rows)
    if (row[key].is_integer() && row[key].number() == value) rows.push_back(row);
  return rows;
}

long long times(const Json& row) {
  long long sum = 0;
  for (const char* key : {"on_ns", "wait_ns", "sleep_ns", "block_ns", "stop_ns"}) sum += row[key].number();
  return sum;
}

Players::Players(const std::function<void()>& one, const std::function<void()>& two)
    : first_([&] { return play("player one", one); }), second_([&] { return play("player two", two); }) {}

int Players::play(const char* name, const std::function<void()>& part) const {
  set_comm(name);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);  // so that each turn is a switch
  sched_setaffinity(0, sizeof(one), &one);
  go_.pass();
  part();
  done_.open();
  leave_.pass();
  return 0;
}

void Players::ready() const {
  wait_for_state(first(), 'S');
  wait_for_state(second(), 'S');
}

void Players::play() const {
  go_.open(2);
  done_.pass();
  done_.pass();
  ready();
}

PingPong::PingPong(int turns) : PingPong(turns, Pipe(), Pipe()) {}

PingPong::PingPong(int turns, const Pipe& there, const Pipe& back)
    : Players([&] { pass_on(turns, back, there, true); }, [&] { pass_on(turns, there, back, false); }) {}

Rivals::Rivals() : Players([] { burn(60'000'000); }, [] { burn(60'000'000); }) { ready(); }

CountsOfBoth Rivals::compete() const {
  const KernelCounts before[] = {KernelCounts::of(first()), KernelCounts::of(second())};
  play();
  return {{KernelCounts::of(first()) - before[0], KernelCounts::of(second()) - before[1]}};
}

// sonde and the kernel look at the clock one after the other. The emulator of the guests runs their CPUs by turns of up
// to 100 ms (its TCG_KICK_PERIOD): a turn that ends between the two looks is in one of the lengths and not in the
// other.
double clock_slack(double lengths) { return in_guest() ? 1e8 + 400'000 * lengths : 20'000 * lengths; }

void expect_on_cpu(long long ours_ns, long long kernels_ns, const KernelCounts& made, long long lengths) {
  const double slack = clock_slack(static_cast<double>(lengths));
  EXPECT_GE(static_cast<double>(ours_ns), static_cast<double>(kernels_ns) - slack);
  EXPECT_LE(static_cast<double>(ours_ns), static_cast<double>(kernels_ns + made.left_out_ns + proc_step) + slack);
}

Json only_row(const Report& report, const std::string& key, long long value) {
  const auto rows = rows_where(report, key, value);
  if (rows.size() != 1) fail("not one row of " + key + " " + std::to_string(value) + ": " + report.out);
  return rows.front();
}

long long in_buckets(const Json& histogram) {
  long long sum = 0;
  for (const auto& bucket : histogram.items()) sum += bucket["count"].number();
  return sum;
}

void expect_counted(const Report& report, long long shown, long long made) {
  EXPECT_LE(shown, made) << report.summary;
  if (!report.lost()) {
    EXPECT_EQ(shown, made) << report.summary;
  }
}

void expect_distribution(const Json& row) {
  EXPECT_EQ(in_buckets(row["histogram_ns"]), row["count"].number());
  EXPECT_EQ(row["avg_ns"].number(), row["total_ns"].number() / row["count"].number());
  EXPECT_LE(row["min_ns"].number(), row["p50_ns"].number());
  EXPECT_LE(row["p50_ns"].number(), row["p90_ns"].number());
  EXPECT_LE(row["p90_ns"].number(), row["p99_ns"].number());
  EXPECT_LE(row["p99_ns"].number(), row["max_ns"].number());
  EXPECT_LE(row["max_ns"].number(), row["total_ns"].number());
}

void expect_groupings(const Words& tool, const std::function<long long(const KernelCounts&)>& expected) {
  struct stat own_namespace {};
  ASSERT_EQ(stat("/proc/self/ns/pid", &own_namespace), 0);
  for (const std::string by : {"system", "process", "thread", "comm", "user", "cpu", "cgroup", "pidns"}) {
    SCOPED_TRACE(by);
    const PingPong game(scaled(200));
    game.ready();
    const pid_t players[] = {game.first(), game.second()};
    long long made[2] = {};
    Words words{"--by", by, "-p", std::to_string(players[0]) + "," + std::to_string(players[1])};
    words.insert(words.begin(), tool.begin() + 1, tool.end());
    const auto report = trace(tool.front(), words, [&] {
      const KernelCounts before[] = {KernelCounts::of(players[0]), KernelCounts::of(players[1])};
      game.play();
      for (int i : {0, 1}) made[i] = expected(KernelCounts::of(players[i]) - before[i]);
    });
    const bool apart = by == "process" || by == "thread" || by == "comm";
    ASSERT_EQ(report.rows.size(), apart ? 2U : 1U) << report.out;
    long long sum = 0;
    for (const auto& row : report.rows) {
      sum += row["count"].number();
      EXPECT_EQ(in_buckets(row["histogram_ns"]), row["count"].number());
    }
    expect_counted(report, sum, made[0] + made[1]);
    const auto& row = report.rows.front();
    if (by == "process" || by == "thread")
      for (int i : {0, 1}) {
        const auto own = only_row(report, by == "thread" ? "tid" : "pid", players[i]);
        expect_counted(report, own["count"].number(), made[i]);
        EXPECT_EQ(own["comm"].text(), i ? "player two" : "player one");
      }
    if (by == "comm") {
      for (const auto& own : report.rows)
        EXPECT_EQ(own["count"].number(), made[own["comm"].text() == "player two"]) << own;
    }
    if (by == "user") {
      EXPECT_EQ(row["uid"].number(), getuid());
      EXPECT_EQ(row["user"].text(), user_name(getuid()));
    }
    if (by == "cpu") {
      EXPECT_TRUE(row["cpu"].is_integer());
      EXPECT_EQ(row["cpu"].number(), 0);
    }
    if (by == "cgroup") {
      EXPECT_TRUE(row["cgroup"].text().starts_with('/')) << row;
    }
    if (by == "pidns") {
      EXPECT_EQ(row["pidns"].number(), static_cast<long long>(own_namespace.st_ino));
    }
  }
}

void let_cpus_switch() {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &all)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);  // this process is there when it returns
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
}

void wait_for_state(pid_t tid, char state) {
  // A thread bears its new state a little before it has left its CPU, and before that switch is counted; its system
  // call is told only once it has.
  wait_until("state " + std::string(1, state), [&] {
    const TaskView view(tid);
    return view.state() == state && (state == 'R' || view.blocked_in() >= 0);
  });
}

void burn(long long ns) {
  const auto spent = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
  };
  for (const auto begin = spent(); spent() - begin < ns;) {
  }
}

void Cswitch::SetUp() {
  if (const auto& reason = refusal("cswitch", "")) GTEST_SKIP() << *reason;
}

Report Cswitch::watch(const Words& words, const std::function<void()>& work) { return trace("cswitch", words, work); }

}  // namespace sonde::test
