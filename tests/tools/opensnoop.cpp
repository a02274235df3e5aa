// SPDX-License-Identifier: GPL-2.0-or-later
#include "opensnoop.h"

#include <cstdio>
#include <cstring>

namespace sonde::test {
namespace {

constexpr std::int64_t clock_step = 100'000'000;  // the clock may be set a little while a test runs

}  // namespace

Words opensnoop(const Words& words) {
  Words all{"opensnoop", "--format", "json"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Words own(const Words& words, pid_t pid) {
  Words all{"--pid", std::to_string(pid)};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Report watch(const Words& words, const std::function<void()>& work) { return trace("opensnoop", words, work); }

void expect_same(const Json& row, const Made& made) {
  SCOPED_TRACE(testing::Message() << "row " << row);
  const auto id = [&](const char* key, long long value) {
    if (row.has(key)) {
      EXPECT_EQ(row[key].number(), value) << key;
    }
  };
  const auto text = [&](const char* key, const std::string& value) {
    if (row.has(key)) {
      EXPECT_EQ(row[key].text(), value) << key;
    }
  };
  const auto is_null = [&](const char* key) {
    if (row.has(key)) {
      EXPECT_TRUE(row[key].null()) << key;
    }
  };
  id("pid", made.pid);
  id("tid", made.tid);
  id("ppid", made.ppid);
  id("uid", made.uid);
  text("user", user_name(made.uid));
  text("comm", made.comm);
  text("path", made.path);
  text("cwd", made.cwd);
  id("flags_raw", static_cast<long long>(made.flags));
  id("dirfd_raw", made.dirfd);
  if (made.dirfd == AT_FDCWD)
    text("dirfd", "AT_FDCWD");
  else
    is_null("dirfd");  // a number without a name
  if (made.result >= 0) {
    id("fd", made.result);
    is_null("errno");
    is_null("errno_raw");
  } else {
    is_null("fd");
    id("errno_raw", -made.result);
    text("errno", strerrorname_np(static_cast<int>(-made.result)));
  }
  if (made.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
    char octal[8];
    std::snprintf(octal, sizeof(octal), "%04o", made.mode & 07777);
    text("mode", octal);
  } else {
    is_null("mode");
  }
  if (row.has("time")) {
    const auto time = wall_ns(row["time"].text());
    EXPECT_GE(time, made.wall_before - clock_step);
    EXPECT_LE(time, made.wall_after + clock_step);
  }
  if (row.has("latency_ns")) {
    EXPECT_GT(row["latency_ns"].number(), 0);
    EXPECT_LE(row["latency_ns"].number(), made.after - made.before);
  }
}

void expect_shown(const Report& report, const Diary& diary) {
  const auto entries = diary.entries();
  const auto missing = static_cast<long long>(entries.size()) - static_cast<long long>(report.events.size());
  EXPECT_GE(missing, 0) << "something is shown twice";
  EXPECT_LE(missing, report.skipped()) << "something is neither shown nor counted";
  std::map<pid_t, std::size_t> shown;
  for (const auto& made : entries) {
    const auto rows = report.where("tid", made.tid);
    auto& i = shown[made.tid];
    SCOPED_TRACE(testing::Message() << "call " << i << " of thread " << made.tid << ": " << made.path);
    const auto its_path = [&] { return rows[i]["path"].is_text() && rows[i]["path"].text() == made.path; };
    const bool its_own = i < rows.size() && (missing == 0 || its_path());
    if (its_own)
      expect_same(rows[i++], made);
    else if (missing == 0)
      ADD_FAILURE() << "not shown";
  }
}

Words paths(const std::vector<Json>& events) {
  Words all;
  for (const auto& event : events) all.push_back(event["path"].text());
  return all;
}

void OpensnoopOnce::SetUp() {
  if (const auto& reason = refusal("opensnoop", "")) GTEST_SKIP() << *reason;
}

void OpensnoopOutput::SetUp() {
  if (in_guest()) GTEST_SKIP() << "does not depend on the kernel, and the guest is slow";
  OpensnoopOnce::SetUp();
}

INSTANTIATE_TEST_SUITE_P(Backends, Opensnoop, testing::Values("fexit", "tracepoint", "tp_btf", "kprobe"),
                         [](const auto& backend) { return backend.param; });

}  // namespace sonde::test
