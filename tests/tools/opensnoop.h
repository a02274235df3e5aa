// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "support/calls.h"
#include "support/sonde.h"
#include "traced.h"

namespace sonde::test {

inline constexpr const char* all_columns =
    "time,pid,tid,ppid,uid,user,comm,fd,errno,latency_ns,flags,mode,cgroup,dirfd,cwd,path";

/// `opensnoop --format json` with these words added.
Words opensnoop(const Words& words);

/// These words, and --pid with this process or another one.
Words own(const Words& words = {}, pid_t pid = getpid());

/// Runs opensnoop around `work`, which begins when everything is seen. Nothing may be lost. Prints the rung.
Report watch(const Words& words, const std::function<void()>& work);

/// What a row says must be what the caller knows: all columns but cgroup, where they are shown.
void expect_same(const Json& row, const Made& made);
/// Exactly the calls of the diary, each once, and of each thread in its order.
void expect_shown(const Report& report, const Diary& diary);
/// The paths of the events, in order.
Words paths(const std::vector<Json>& events);

/// By one backend: the parameter.
class Opensnoop : public OfBackend {
 protected:
  Opensnoop() : OfBackend("opensnoop") {}
  /// At the function that native and 32-bit calls have in common, behind the checks of the arguments.
  [[nodiscard]] bool inside_the_call() const { return by("fexit") || by("kprobe"); }
};

/// What does not depend on the backend: runs with the one that sonde takes by itself.
class OpensnoopOnce : public testing::Test {
 protected:
  void SetUp() override;
};

/// What does not depend on the kernel either: left out where everything is slow.
class OpensnoopOutput : public OpensnoopOnce {
 protected:
  void SetUp() override;
};

}  // namespace sonde::test
