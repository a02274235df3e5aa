// SPDX-License-Identifier: GPL-2.0-or-later
#include "syscount.h"

namespace sonde::test {

std::map<std::string, long long> sums(const Report& report, const std::string& key, const std::string& of) {
  std::map<std::string, long long> sums;
  for (const auto& row : report.rows)
    sums[row[key].is_integer() ? std::to_string(row[key].number()) : row[key].text()] += row[of].number();
  return sums;
}

INSTANTIATE_TEST_SUITE_P(Backends, Syscount, testing::Values("tp_btf", "raw_tp"),
                         [](const auto& backend) { return backend.param; });

}  // namespace sonde::test
