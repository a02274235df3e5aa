// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <time.h>

#include <functional>
#include <string>
#include <vector>

#include "traced.h"

namespace sonde::test {

inline constexpr std::int64_t millisecond = 1'000'000, second = 1'000'000'000;
inline constexpr const char* sleep_columns =
    "time,pid,tid,ppid,uid,user,comm,cgroup,clock,mode,requested,actual,overshoot,remaining,result";

std::int64_t now(clockid_t clock = CLOCK_MONOTONIC);
timespec to_timespec(std::int64_t ns);

/// One sleep as the sleeper knows it. Plain, as it lies in shared memory.
struct Slept {
  pid_t tid;
  clockid_t clock;
  bool absolute;
  std::int64_t request;        ///< ns, or the deadline
  std::int64_t before, after;  ///< by `clock`
  std::int64_t left;           ///< what the kernel said was left
  int result;                  ///< 0 or -errno
};

/// What some threads slept, in the order of each.
class Dreams {
 public:
  /// By the bare calls: nanosleep(2) for a relative sleep by CLOCK_MONOTONIC if `old_call`.
  int sleep(clockid_t clock, std::int64_t request, bool absolute = false, bool old_call = false) const;
  /// The same, where the call is made by `call`, which returns 0 or -errno.
  int sleep_by(clockid_t clock, std::int64_t request, bool absolute, const std::function<int(timespec*)>& call) const;
  [[nodiscard]] std::vector<Slept> all() const;

 private:
  static constexpr int most = 512;
  struct Book {
    int used;
    Slept slept[most];
  };
  Shared<Book> book_;
};

/// What the row says must be what the sleeper knows.
void expect_same(const Json& row, const Slept& slept);
/// Exactly these sleeps, each once, in their order.
void expect_shown(const Report& report, const std::vector<Slept>& slept);

/// By one backend: the parameter.
class Naptime : public OfBackend {
 protected:
  Naptime() : OfBackend("naptime") {}
  /// Runs naptime around what a child does, and waits for the child's end.
  Report watch(const Words& words, const std::function<int()>& body) const;
  /// Around a child that begins when everything is seen, and what is done meanwhile.
  Report watch(const Words& words, const std::function<int()>& body,
               const std::function<void(const Child&)>& meddle) const;
};

}  // namespace sonde::test
