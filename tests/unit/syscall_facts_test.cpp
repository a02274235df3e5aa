// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/syscall_facts.h"

#include <gtest/gtest.h>

namespace sonde::test {
namespace {

TEST(SyscallFacts, AreKnownByName) {
  for (const char* name : {"read", "write", "close", "epoll_wait", "fsync", "_llseek", "writev"})
    EXPECT_TRUE(takes_descriptor(name)) << name;
  for (const char* name : {"openat", "mmap", "poll", "getppid", "", "rea", "readlinkat"})
    EXPECT_FALSE(takes_descriptor(name)) << name;
  for (const char* name : {"read", "sendmsg", "getdents64", "readlink", "getrandom"})
    EXPECT_TRUE(returns_size(name)) << name;
  for (const char* name : {"open", "close", "lseek", "ioctl", "epoll_wait"}) EXPECT_FALSE(returns_size(name)) << name;
  EXPECT_TRUE(goes_on_as_restart("nanosleep"));
  EXPECT_FALSE(goes_on_as_restart("read"));
}

TEST(SyscallFacts, NameTracepointsAsTheKernelDoes) {
  EXPECT_EQ(tracepoint_of_syscall("read"), "read");
  EXPECT_EQ(tracepoint_of_syscall("stat"), "newstat");
  EXPECT_EQ(tracepoint_of_syscall("umount2"), "umount");
}

}  // namespace
}  // namespace sonde::test
