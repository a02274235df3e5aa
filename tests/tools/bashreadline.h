// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace sonde::test {

/// Returns the line from a function of the name that bash's has.
void type_line(const char* line);

}  // namespace sonde::test
