// SPDX-License-Identifier: GPL-2.0-or-later
// Command lines of tools that count, refused before root is asked for: --schema needs none.
#include "expect.h"

namespace sonde::test {
namespace {

TEST(Counts, RefuseWhatCannotBeCounted) {
  expect_refusal(run({"syscount", "--by", "process,colour", "--schema"}), 2,
                 "Calls cannot be counted by 'process,colour'. They can by process, thread, comm, syscall, "
                 "process,syscall, cgroup or user.");
  expect_refusal(run({"syscount", "--syscall", "read,no_such_call", "--schema"}), 2,
                 "There is no system call 'no_such_call'.");
  expect_refusal(run({"syscount", "--syscall", "xyz*", "--schema"}), 2, "There is no system call 'xyz*'.");
}

}  // namespace
}  // namespace sonde::test
