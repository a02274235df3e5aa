// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/syscall_names.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

namespace sonde::test {
namespace {

TEST(SyscallNames, AreThoseOfTheirTable) {
  EXPECT_EQ(syscall_name(native_calls, SYS_openat), "openat");
  EXPECT_EQ(syscall_name(native_calls, SYS_getppid), "getppid");
  EXPECT_EQ(syscall_name(CallTable::x86_64, 0), "read");
  EXPECT_EQ(syscall_name(CallTable::x86_64, 59), "execve");
  EXPECT_EQ(syscall_name(CallTable::ia32, 11), "execve");
  EXPECT_EQ(syscall_name(CallTable::ia32, 295), "openat");
  EXPECT_EQ(syscall_name(CallTable::arm64, 56), "openat");
  EXPECT_EQ(syscall_name(CallTable::arm64, 25), "fcntl");
  EXPECT_EQ(syscall_name(CallTable::arm64, 79), "newfstatat");
  EXPECT_EQ(syscall_name(CallTable::arm64, 221), "execve");
}

TEST(SyscallNames, AreTheSameForYoungCalls) {
  for (const auto table : {CallTable::x86_64, CallTable::ia32, CallTable::arm64}) {
    EXPECT_EQ(syscall_name(table, 437), "openat2");
    EXPECT_EQ(syscall_name(table, 462), "mseal");
  }
}

TEST(SyscallNames, AreEmptyWhereThereIsNone) {
  EXPECT_EQ(syscall_name(native_calls, 400'000), "");
  EXPECT_EQ(syscall_name(CallTable::x86_64, 400), "");
  EXPECT_EQ(syscall_name(CallTable::none, 0), "");
  EXPECT_EQ(syscall_numbers(CallTable::none), 0U);
  EXPECT_GT(syscall_numbers(CallTable::ia32), 450U);
  EXPECT_LT(syscall_numbers(CallTable::ia32), 1024U);  // SYSCALL_NUMBERS of bpf/lib/counts.h
}

}  // namespace
}  // namespace sonde::test
