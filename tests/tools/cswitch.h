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
  long long on_ns = 0, wait_ns = 0;

  static KernelCounts of(pid_t tid);
  KernelCounts operator-(const KernelCounts& other) const;
};

/// Rows of a run whose `key` is `value`.
std::vector<Json> rows_where(const Report& report, const std::string& key, long long value);

/// The sum of all the times of a row.
long long times(const Json& row);

/// Bytes that go to and fro between this process and another one, `turns` times.
class PingPong {
 public:
  explicit PingPong(int turns);
  /// The two players: they play once after start() and then wait until this object is gone.
  [[nodiscard]] pid_t first() const { return first_.pid(); }
  [[nodiscard]] pid_t second() const { return second_.pid(); }
  /// Returns when they wait for start().
  void ready() const;
  /// Starts the game and returns when both wait again.
  void play() const;

 private:
  int play(const Pipe& in, const Pipe& out, bool begins) const;

  int turns_;
  Pipe there_, back_;
  Gate go_, done_, leave_;
  Child first_, second_;
};

/// How far sums of so many lengths may lie apart by the kernel's clock and by ours: the scheduler leaves interrupts out
/// and reads its clock at another moment of the switch; under emulation it runs unevenly.
double clock_slack(double lengths);

/// Waits until the thread sleeps, is stopped ... as /proc has it.
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
