// SPDX-License-Identifier: GPL-2.0-or-later
// Runs of any tool that traces.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "support/sonde.h"

namespace sonde::test {

/// Why this kernel does not offer the backend ("": the one of sonde's choice) of a tool; nothing if it does.
const std::optional<std::string>& refusal(const std::string& tool, const std::string& backend);

/// Runs `tool --format json` with these words around `work`, which begins when everything is seen. Nothing may be lost.
/// Prints the rung.
Report trace(const std::string& tool, const Words& words, const std::function<void()>& work);

/// Prints the rung that a run used, for those who collect them.
void tell_rung(const Report& report);

/// What was made is what was shown and what was reported as lost.
void expect_law(const Report& report, long long made);

}  // namespace sonde::test
