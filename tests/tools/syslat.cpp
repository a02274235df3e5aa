// SPDX-License-Identifier: GPL-2.0-or-later
#include "syslat.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <map>

namespace sonde::test {

Words Syslat::forced(const Words& words) const {
  Words all{"syslat", "--format", "json", "--backend", GetParam()};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

void Syslat::SetUp() {
  static std::map<std::string, Report> tried;
  if (!tried.count(GetParam())) tried[GetParam()] = run(forced({"getppid", "-d", "1ms"}));
  const auto& report = tried[GetParam()];
  if (report.code == 3 || report.code == 4) GTEST_SKIP() << report.err.substr(0, report.err.find('\n'));
  ASSERT_EQ(report.code, 0) << report.err;
}

Report Syslat::watch_all(const Words& words, const std::function<void()>& work) const {
  Sonde sonde(forced(words));
  if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
  work();
  const Report report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.lost(), report.skipped()) << report.summary;
  std::printf("[rung] %s\n", report.rung().c_str());
  return report;
}

Report Syslat::watch(const Words& words, const std::function<void()>& work) {
  const Gate go, done, leave;
  Child child([&] {
    set_comm("measured one");
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

INSTANTIATE_TEST_SUITE_P(Backends, Syslat, testing::Values("tracepoint", "tp_btf", "raw_tp"),
                         [](const auto& backend) { return backend.param; });

void sleep_for(long long ns) {
  const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
  syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, nullptr);
}

Json row_of(const Report& report, const std::string& key, const std::string& text) {
  Json found;
  int times = 0;
  for (const auto& row : report.rows) {
    if (row[key].text() != text) continue;
    found = row;
    ++times;
  }
  EXPECT_EQ(times, 1) << key << " " << text << "\n" << report.out;
  return found;
}

}  // namespace sonde::test
