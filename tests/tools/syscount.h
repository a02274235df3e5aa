// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <string>

#include "support/calls.h"
#include "support/sonde.h"

namespace sonde::test {

/// Rows of the run as the sum of their counts under each value of `key`.
std::map<std::string, long long> sums(const Report& report, const std::string& key, const std::string& of = "count");

/// Runs of one backend: the parameter. Skips, with sonde's own reason, where this kernel has it not.
class Syscount : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override;

  /// Runs syscount around the `work` of a child, which alone is counted and waits for nothing meanwhile.
  [[nodiscard]] Report watch(const Words& words, const std::function<void()>& work);
  /// The same around what this process does; everybody is counted but who is filtered out.
  [[nodiscard]] Report watch_all(const Words& words, const std::function<void()>& work) const;
  [[nodiscard]] Words forced(const Words& words) const;
  pid_t child_ = 0;
};

}  // namespace sonde::test
