// SPDX-License-Identifier: GPL-2.0-or-later
#include "cswitch.h"

#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

#include "traced.h"

namespace sonde::test {
namespace {

long long number_after(const std::string& text, const std::string& word) {
  const auto at = text.find(word);
  return at == text.npos ? -1 : std::atoll(text.c_str() + at + word.size());
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
  counts.wait_ns = std::strtoll(rest, nullptr, 10);
  return counts;
}

KernelCounts KernelCounts::operator-(const KernelCounts& other) const {
  return {voluntary - other.voluntary, involuntary - other.involuntary, migrations - other.migrations,
          on_ns - other.on_ns, wait_ns - other.wait_ns};
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

PingPong::PingPong(int turns)
    : turns_(turns),
      first_([this] { return play(back_, there_, true); }),
      second_([this] { return play(there_, back_, false); }) {}

int PingPong::play(const Pipe& in, const Pipe& out, bool begins) const {
  set_comm(begins ? "player one" : "player two");
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);  // so that each turn is a switch
  sched_setaffinity(0, sizeof(one), &one);
  go_.pass();
  char ball = 'o';
  for (int i = 0; i < turns_; ++i) {
    if (begins && write(out.in.get(), &ball, 1) != 1) return 1;
    if (read(in.out.get(), &ball, 1) != 1) return 1;
    if (!begins && write(out.in.get(), &ball, 1) != 1) return 1;
  }
  done_.open();
  leave_.pass();
  return 0;
}

void PingPong::ready() const {
  wait_for_state(first(), 'S');
  wait_for_state(second(), 'S');
}

void PingPong::play() const {
  go_.open(2);
  done_.pass();
  done_.pass();
  ready();
}

// sonde and the kernel look at the clock one after the other. The emulator of the guests runs their CPUs by turns of up
// to 100 ms (its TCG_KICK_PERIOD): a turn that ends between the two looks is in one of the lengths and not in the
// other.
double clock_slack(double lengths) { return in_guest() ? 1e8 + 400'000 * lengths : 20'000 * lengths; }

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
  wait_until("state " + std::string(1, state), [&] { return TaskView(tid).state() == state; });
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
