// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/names.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace sonde {
namespace {

TEST(ErrnoName, AgreesWithTheCLibrary) {
  for (int number = 1; number <= 133; ++number) {
    if (number == 41 || number == 58) continue;  // never given out
    const std::string name(errno_name(number));
    if (number == EOPNOTSUPP)
      EXPECT_EQ(name, "EOPNOTSUPP");  // glibc says ENOTSUP, the kernel has no such name
    else
      EXPECT_EQ(name, strerrorname_np(number));
    EXPECT_EQ(errno_number(name), number);
  }
}

TEST(ErrnoName, KernelInternal) {
  EXPECT_EQ(errno_name(512), "ERESTARTSYS");
  EXPECT_EQ(errno_name(516), "ERESTART_RESTARTBLOCK");
  EXPECT_EQ(errno_name(521), "EBADHANDLE");
  EXPECT_EQ(errno_name(524), "ENOTSUPP");
  EXPECT_EQ(errno_name(531), "ENOGRACE");
  EXPECT_EQ(errno_number("enotsupp"), 524);
}

TEST(ErrnoName, WithoutAName) {
  EXPECT_EQ(errno_name(41), "E41");
  EXPECT_EQ(errno_name(134), "E134");
  EXPECT_EQ(errno_name(520), "E520");
  EXPECT_EQ(errno_name(532), "E532");
  EXPECT_EQ(errno_name(4095), "E4095");
  EXPECT_EQ(errno_name(0), "E0");
  EXPECT_EQ(errno_name(-2), "E-2");
  const std::string_view kept = errno_name(3000);
  for (int i = 1000; i < 3000; ++i) EXPECT_EQ(errno_name(i), "E" + std::to_string(i));
  EXPECT_EQ(kept, "E3000");
  EXPECT_EQ(kept.data(), errno_name(3000).data());
}

TEST(ErrnoNumber, TakesNamesAndNumbers) {
  EXPECT_EQ(errno_number("ENOENT"), 2);
  EXPECT_EQ(errno_number("enoent"), 2);
  EXPECT_EQ(errno_number("2"), 2);
  EXPECT_EQ(errno_number("E41"), 41);
  EXPECT_EQ(errno_number("4095"), 4095);
  EXPECT_EQ(errno_number("EWOULDBLOCK"), EAGAIN);
  EXPECT_EQ(errno_number("EDEADLOCK"), EDEADLK);
  EXPECT_EQ(errno_number("ENOTSUP"), EOPNOTSUPP);
}

TEST(ErrnoNumber, RefusesTheRest) {
  for (const char* bad : {"", "E", "ENOSUCH", "-2", "+2", "2x", " 2", "0", "4096", "99999999999999999999", "ENOENT "})
    EXPECT_EQ(errno_number(bad), std::nullopt) << bad;
}

TEST(OpenFlags, AccessModes) {
  EXPECT_EQ(open_flag_names(0), "O_RDONLY");
  EXPECT_EQ(open_flag_names(1), "O_WRONLY");
  EXPECT_EQ(open_flag_names(2), "O_RDWR");
  EXPECT_EQ(open_flag_names(3), "O_ACCMODE");
}

TEST(OpenFlags, Combinations) {
  EXPECT_EQ(open_flag_names(0x80000), "O_RDONLY|O_CLOEXEC");
  EXPECT_EQ(open_flag_names(0x241), "O_WRONLY|O_CREAT|O_TRUNC");
  EXPECT_EQ(open_flag_names(0x8000), "O_RDONLY|O_LARGEFILE");
  EXPECT_EQ(open_flag_names(0x200000 | 0x20000), "O_RDONLY|O_NOFOLLOW|O_PATH");
  EXPECT_EQ(open_flag_names(0x2 | 0x40 | 0x80 | 0x100 | 0x400 | 0x800 | 0x2000 | 0x4000 | 0x40000),
            "O_RDWR|O_CREAT|O_EXCL|O_NOCTTY|O_APPEND|O_NONBLOCK|O_ASYNC|O_DIRECT|O_NOATIME");
}

TEST(OpenFlags, CompoundOnesAreNamedOnce) {
  EXPECT_EQ(open_flag_names(0x101000), "O_RDONLY|O_SYNC");
  EXPECT_EQ(open_flag_names(0x1000), "O_RDONLY|O_DSYNC");
  EXPECT_EQ(open_flag_names(0x410002), "O_RDWR|O_TMPFILE");
  EXPECT_EQ(open_flag_names(0x10000), "O_RDONLY|O_DIRECTORY");
}

TEST(OpenFlags, NamelessBitsInHex) {
  EXPECT_EQ(open_flag_names(0x8000002), "O_RDWR|0x8000000");
  EXPECT_EQ(open_flag_names(0x100000), "O_RDONLY|0x100000") << "half of O_SYNC";
  EXPECT_EQ(open_flag_names(0x400000), "O_RDONLY|0x400000") << "half of O_TMPFILE";
  EXPECT_EQ(open_flag_names(0xFFFFFFFF00000004), "O_RDONLY|0xffffffff00000004");
}

TEST(OpenFlags, MadeOnce) {
  OpenFlagNames names;
  const std::string_view first = names(0x80000);
  EXPECT_EQ(first, "O_RDONLY|O_CLOEXEC");
  EXPECT_EQ(names(0x80000).data(), first.data());
  for (std::uint64_t flags = 0; flags < 20000; ++flags) EXPECT_EQ(names(flags), open_flag_names(flags));
}

TEST(JoinedPath, HasOneSlashBetween) {
  EXPECT_EQ(joined_path("/a/b", "c"), "/a/b/c");
  EXPECT_EQ(joined_path("/", "c"), "/c");
  EXPECT_EQ(joined_path("/a", "/c"), "/a/c");
  EXPECT_EQ(joined_path("/a", "../b"), "/a/../b");
  EXPECT_EQ(joined_path("/a", ""), "/a/");
}

}  // namespace
}  // namespace sonde
