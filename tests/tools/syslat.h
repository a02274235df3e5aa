// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "support/calls.h"
#include "support/sonde.h"

namespace sonde::test {

/// Runs of one backend: the parameter. Skips, with sonde's own reason, where this kernel has it not.
class Syslat : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override;

  /// Runs syslat around the `work` of a child, which alone is measured. The child itself reads and writes to wait.
  [[nodiscard]] Report watch(const Words& words, const std::function<void()>& work);
  /// The same around what this process does; everybody is measured but who is filtered out.
  [[nodiscard]] Report watch_all(const Words& words, const std::function<void()>& work) const;
  [[nodiscard]] Words forced(const Words& words) const;
  pid_t child_ = 0;
};

/// Sleeps by clock_nanosleep(2).
void sleep_for(long long ns);

/// The row of which `key` has this text; fails the test if there is not exactly one.
Json row_of(const Report& report, const std::string& key, const std::string& text);

}  // namespace sonde::test
