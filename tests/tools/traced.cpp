// SPDX-License-Identifier: GPL-2.0-or-later
#include "traced.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>

#include "support/calls.h"

namespace sonde::test {
namespace {

Words with(const std::string& tool, const Words& words) {
  Words all{tool, "--format", "json"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

}  // namespace

const std::optional<std::string>& refusal(const std::string& tool, const std::string& backend, const Words& needed) {
  static std::map<std::string, std::optional<std::string>> known;
  const auto found = known.find(tool + "/" + backend);
  if (found != known.end()) return found->second;
  Words words = needed;
  words.insert(words.end(), {"--duration", "1ms"});
  if (!backend.empty()) words.insert(words.end(), {"--backend", backend});
  const Report report = run(with(tool, words));
  auto& reason = known[tool + "/" + backend];
  if (report.code == 3 || report.code == 4)
    reason = report.err.substr(0, report.err.find('\n'));
  else if (report.code != 0)
    fail("exit code " + std::to_string(report.code) + ": " + report.err);
  return reason;
}

Report trace(const std::string& tool, const Words& words, const std::function<void()>& work) {
  Sonde sonde(with(tool, words));
  if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
  work();
  const Report report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.lost(), report.skipped()) << report.summary;
  EXPECT_EQ(report.summary["events"].number(), static_cast<long long>(report.events.size() + report.rows.size()));
  tell_rung(report);
  return report;
}

void tell_rung(const Report& report) { std::printf("[rung] %s\n", report.rung().c_str()); }

std::string program(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

Words names(const Json& stack) {
  Words all;
  if (stack.null()) return all;
  for (const auto& frame : stack.items()) all.push_back(frame["symbol"].null() ? "?" : frame["symbol"].text());
  return all;
}

void expect_law(const Report& report, long long made) {
  EXPECT_EQ(report.code, 0) << report.err;
  const auto shown = static_cast<long long>(report.events.size());
  EXPECT_EQ(report.summary["events"].number(), shown);
  EXPECT_GE(shown + report.lost(), made) << report.summary;
  EXPECT_LE(shown + report.lost() - report.skipped(), made) << report.summary;
  long long objects = 0, reasons = 0;
  for (const auto& loss : report.losses) {
    objects += loss["count"].number();
    EXPECT_GT(loss["count"].number(), 0);
    EXPECT_FALSE(loss["reason"].text().empty());
  }
  for (const auto& loss : report.summary["losses"].items()) reasons += loss["count"].number();
  EXPECT_EQ(objects, report.lost());
  EXPECT_EQ(reasons, report.lost());
  tell_rung(report);
}

void expect_child(const Json& row, const Who& who) {
  constexpr std::int64_t clock_step = 100'000'000;  // the clock may be set a little while a test runs
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const auto time = wall_ns(row["time"].text());
  EXPECT_GE(time, who.since - clock_step);
  EXPECT_LE(time, std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec + clock_step);
  EXPECT_EQ(row["pid"].number(), who.pid);
  EXPECT_EQ(row["tid"].number(), who.pid);
  EXPECT_EQ(row["ppid"].number(), getpid());
  EXPECT_EQ(row["uid"].number(), who.user.uid);
  EXPECT_EQ(row["user"].text(), who.user.name);
  EXPECT_EQ(row["comm"].text(), who.comm);
  EXPECT_EQ(row["cgroup"].text(), who.cgroup);
}

void OfBackend::SetUp() {
  if (const auto& reason = refusal(tool_, GetParam(), needed_)) GTEST_SKIP() << *reason;
}

bool OfBackend::left_to_another() const {
  if (!in_guest()) return false;
  const auto& suite = *testing::UnitTest::GetInstance()->current_test_suite();
  std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
  test.resize(test.rfind('/') + 1);
  Words backends;
  for (int i = 0; i < suite.total_test_count(); ++i) {
    const std::string other = suite.GetTestInfo(i)->name();
    if (other.starts_with(test) && !refusal(tool_, other.substr(test.size()), needed_))
      backends.push_back(other.substr(test.size()));
  }
  utsname kernel{};
  uname(&kernel);
  const std::size_t turn = std::hash<std::string>{}(suite.name() + test + kernel.release);
  return !by(backends.at(turn % backends.size()));
}

Words OfBackend::forced(Words words) const {
  words.insert(words.begin(), {"--backend", GetParam()});
  return words;
}

Words OfCounter::forced(const Words& words) const { return with(tool_, OfBackend::forced(words)); }

Report OfCounter::watch_all(const Words& words, const std::function<void()>& work) const {
  return trace(tool_, OfBackend::forced(words), work);
}

Report OfCounter::watch(const Words& words, const std::function<void()>& work) {
  const Gate go, done, leave;
  Child child([&] {
    set_comm(comm_.c_str());
    go.pass();
    work();
    done.open();
    leave.pass();
    return 0;
  });
  child_ = child.pid();
  Words all{"-p", std::to_string(child_)};
  all.insert(all.end(), words.begin(), words.end());
  const auto report = watch_all(all, [&] {
    go.open();
    done.pass();
  });
  leave.open();
  return report;
}

}  // namespace sonde::test
