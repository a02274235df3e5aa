// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "support/process.h"
#include "support/sonde.h"

namespace sonde::test {

/// What the kernel itself has counted for a thread.
struct KernelCounts {
  long long voluntary = 0, involuntary = 0, migrations = 0;
  long long on_ns = 0, wait_ns = 0, slices = 0;  ///< of /proc/PID/schedstat
  long long left_out_ns = 0;  ///< on all CPUs, of interrupts and stolen by the hypervisor: it is nobody's time

  static KernelCounts of(pid_t tid);
  KernelCounts operator-(const KernelCounts& other) const;
};

/// Rows of a run whose `key` is `value`.
std::vector<Json> rows_where(const Report& report, const std::string& key, long long value);

/// The sum of all the times of a row.
long long times(const Json& row);

/// Two processes on CPU 0, "player one" and "player two": each does its part once after play() and then waits until
/// this object is gone.
class Players {
 public:
  Players(const std::function<void()>& one, const std::function<void()>& two);
  [[nodiscard]] pid_t first() const { return first_.pid(); }
  [[nodiscard]] pid_t second() const { return second_.pid(); }
  /// Returns when they wait for play().
  void ready() const;
  /// Starts the game and returns when both wait again.
  void play() const;

 private:
  int play(const char* name, const std::function<void()>& part) const;

  Gate go_, done_, leave_;
  Child first_, second_;
};

/// Bytes that go to and fro between two processes, `turns` times.
class PingPong : public Players {
 public:
  explicit PingPong(int turns);

 private:
  PingPong(int turns, const Pipe& there, const Pipe& back);
};

/// Of two players.
struct CountsOfBoth {
  KernelCounts each[2];

  const KernelCounts& operator[](int i) const { return each[i]; }
};

/// Two who want CPU 0 at the same time, for 60 ms of it each.
class Rivals : public Players {
 public:
  Rivals();
  [[nodiscard]] pid_t player(int i) const { return i ? second() : first(); }
  /// As -p takes them.
  [[nodiscard]] std::string both() const { return std::to_string(first()) + "," + std::to_string(second()); }
  /// Plays; what the kernel counted for each meanwhile.
  [[nodiscard]] CountsOfBoth compete() const;
};

/// How far sums of so many lengths may lie apart by the kernel's clock and by ours: the scheduler leaves interrupts out
/// and reads its clock at another moment of the switch; under emulation it runs unevenly.
double clock_slack(double lengths);

/// Of time on a CPU, in so many lengths, what the kernel counts of it and what we do: it leaves out what is nobody's.
void expect_on_cpu(long long ours_ns, long long kernels_ns, const KernelCounts& made, long long lengths);

/// The row of a run that has this number under `key`; fails the test if there is not exactly one.
Json only_row(const Report& report, const std::string& key, long long value);

/// How many are in all buckets of a histogram.
long long in_buckets(const Json& histogram);

/// What was shown is what was made; less only where a program was skipped by the kernel, which the report says.
void expect_counted(const Report& report, long long shown, long long made);

/// What a row says of lengths must be of one distribution.
void expect_distribution(const Json& row);

/// Lengths of two players are counted by all that runqlat and cpudist can group by; of each player there must be as
/// many as `expected` makes of what the kernel counted.
void expect_groupings(const Words& tool, const std::function<long long(const KernelCounts&)>& expected);

/// Waits until the thread sleeps, is stopped ... as /proc has it, in a system call, and has left its CPU.
void wait_for_state(pid_t tid, char state);

/// Returns when each CPU has switched since: a process may be waited for before it has left its CPU for good.
void let_cpus_switch();

/// Keeps a CPU busy for so long, by its own CPU time.
void burn(long long ns);

/// Of one backend of cswitch; skips where this kernel does not have it.
class Cswitch : public testing::Test {
 protected:
  void SetUp() override;
  /// Runs it around `work`; nothing may be lost.
  static Report watch(const Words& words, const std::function<void()>& work);
};

}  // namespace sonde::test
