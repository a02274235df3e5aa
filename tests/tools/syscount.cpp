// SPDX-License-Identifier: GPL-2.0-or-later
#include "syscount.h"

#include <signal.h>

namespace sonde::test {

std::map<std::string, long long> sums(const Report& report, const std::string& key, const std::string& of) {
  std::map<std::string, long long> sums;
  for (const auto& row : report.rows)
    sums[row[key].is_integer() ? std::to_string(row[key].number()) : row[key].text()] += row[of].number();
  return sums;
}

Words Syscount::forced(const Words& words) const {
  Words all{"syscount", "--format", "json", "--backend", GetParam()};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

void Syscount::SetUp() {
  static std::map<std::string, Report> tried;
  if (!tried.count(GetParam())) tried[GetParam()] = run(forced({"-d", "1ms"}));
  const auto& report = tried[GetParam()];
  if (report.code == 3 || report.code == 4) GTEST_SKIP() << report.err.substr(0, report.err.find('\n'));
  ASSERT_EQ(report.code, 0) << report.err;
}

Report Syscount::watch_all(const Words& words, const std::function<void()>& work) const {
  Sonde sonde(forced(words));
  if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
  work();
  const Report report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.lost(), report.skipped()) << report.summary;
  std::printf("[rung] %s\n", report.rung().c_str());
  return report;
}

Report Syscount::watch(const Words& words, const std::function<void()>& work) {
  const Gate go, done, leave;
  Child child([&] {
    set_comm("the counted one");
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

INSTANTIATE_TEST_SUITE_P(Backends, Syscount, testing::Values("tp_btf", "raw_tp"),
                         [](const auto& backend) { return backend.param; });

}  // namespace sonde::test
