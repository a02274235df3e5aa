// SPDX-License-Identifier: GPL-2.0-or-later
// Linux 7.x skips a program that is already running on its CPU for whoever preempts it, and counts that. A test that
// asserts on one certain event proves nothing where this happened in its run: it is undecided, and run again.
#pragma once

namespace sonde::test {

/// The test that runs now has met a report that told of skipped programs.
void skips_were_told();

/// Runs all tests. Those that failed and were undecided are run again in a fresh process, twice at the most, unless
/// another failed for good. Prints "[again] NAME" for each. Returns the exit code.
int run_tests(int argc, char** argv);

}  // namespace sonde::test
