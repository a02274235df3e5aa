// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <string>

#include "support/calls.h"
#include "support/sonde.h"
#include "traced.h"

namespace sonde::test {

/// Rows of the run as the sum of their counts under each value of `key`.
std::map<std::string, long long> sums(const Report& report, const std::string& key, const std::string& of = "count");

/// What one child does, by one backend.
class Syscount : public OfCounter {
 protected:
  Syscount() : OfCounter("syscount", "the counted one") {}
};

}  // namespace sonde::test
