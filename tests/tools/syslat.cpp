// SPDX-License-Identifier: GPL-2.0-or-later
#include "syslat.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace sonde::test {

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
