// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "support/calls.h"
#include "support/sonde.h"
#include "traced.h"

namespace sonde::test {

/// What one child does, by one backend.
class Syslat : public OfCounter {
 protected:
  Syslat() : OfCounter("syslat", "measured one", {"getppid"}) {}
};

/// Sleeps by clock_nanosleep(2).
void sleep_for(long long ns);

/// The row of which `key` has this text; fails the test if there is not exactly one.
Json row_of(const Report& report, const std::string& key, const std::string& text);

}  // namespace sonde::test
