// SPDX-License-Identifier: GPL-2.0-or-later
// The flags as the kernel took them.
#include <unistd.h>

#include "opensnoop.h"

namespace sonde::test {
namespace {

constexpr std::uint64_t o_largefile = O_DIRECTORY == 0x4000 ? 0x20000 : 0x8000;  // 0 in the library's headers

struct Case {
  Request request;
  std::string names;
  std::uint64_t raw;
};

TEST_P(Opensnoop, NamesTheFlagsThatTheKernelTook) {
  const Folder folder;
  const auto file = folder.file("file");
  const std::uint64_t tmpfile = O_TMPFILE;
  const Case cases[] = {
      {{Via::open, file, O_RDONLY}, "O_RDONLY", 0},
      {{Via::openat, file, O_RDWR | O_APPEND | O_CLOEXEC}, "O_RDWR|O_APPEND|O_CLOEXEC", O_RDWR | O_APPEND | O_CLOEXEC},
      {{Via::openat, file, O_WRONLY | O_SYNC | O_NOFOLLOW},
       "O_WRONLY|O_SYNC|O_NOFOLLOW",
       O_WRONLY | O_SYNC | O_NOFOLLOW},
      {{Via::openat2, file, O_RDONLY | O_DSYNC | O_NOCTTY}, "O_RDONLY|O_NOCTTY|O_DSYNC", O_DSYNC | O_NOCTTY},
      {{Via::openat, folder / "", tmpfile | O_RDWR, 0600}, "O_RDWR|O_TMPFILE", tmpfile | O_RDWR},
      {{Via::creat, file, 0, 0644}, "O_WRONLY|O_CREAT|O_TRUNC", O_WRONLY | O_CREAT | O_TRUNC},
      // The kernel adds this to native calls by itself.
      {{Via::openat, file, o_largefile}, "O_RDONLY", 0},
      // open() and openat() leave out what they do not know, and what O_PATH has no use for.
      {{Via::openat, file, O_RDONLY | 1U << 30}, "O_RDONLY", 0},
      {{Via::open, file, O_PATH | O_RDWR | O_APPEND | O_CLOEXEC}, "O_RDONLY|O_CLOEXEC|O_PATH", O_PATH | O_CLOEXEC},
      {{Via::openat, folder / "", O_PATH | O_CREAT | O_DIRECTORY, 0600},
       "O_RDONLY|O_DIRECTORY|O_PATH",
       O_PATH | O_DIRECTORY},
      {{Via::openat2, file, O_PATH | O_NOFOLLOW}, "O_RDONLY|O_NOFOLLOW|O_PATH", O_PATH | O_NOFOLLOW},
  };
  const auto report = watch(own({"-C", "flags,mode,fd,path"}), [&] {
    for (const auto& c : cases) {
      const long fd = call(c.request);
      EXPECT_GE(fd, 0) << c.names;
      close(static_cast<int>(fd));
    }
  });
  ASSERT_EQ(report.events.size(), std::size(cases));
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const auto& event = report.events[i];
    EXPECT_EQ(event["flags"].text(), cases[i].names) << "case " << i;
    EXPECT_EQ(event["flags_raw"].number(), static_cast<long long>(cases[i].raw)) << "case " << i;
  }
  EXPECT_EQ(report.events[4]["mode"].text(), "0600");
  EXPECT_EQ(report.events[5]["mode"].text(), "0644");
  EXPECT_TRUE(report.events[9]["mode"].null()) << "O_PATH makes nothing";
}

TEST_P(Opensnoop, ShowsAFlagWithoutANameByItsBit) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const auto report = watch(own({"-C", "flags,errno"}), [] { call({Via::openat2, "/", 1ULL << 40}); });
  if (inside_the_call()) {
    // 7.0 has moved some of these checks.
    EXPECT_LE(report.events.size(), 1U);
  } else {
    ASSERT_EQ(report.events.size(), 1U);
  }
  for (const auto& event : report.events) {
    EXPECT_EQ(event["flags"].text(), "O_RDONLY|0x10000000000");
    EXPECT_EQ(event["flags_raw"].number(), 1LL << 40);
    EXPECT_EQ(event["errno"].text(), "EINVAL");
  }
}

// The kernel refuses these before it opens anything: backends inside the call do not see them, and say so.
TEST_P(Opensnoop, ShowsOpenat2WithABadStruct) {
  struct {
    open_how how{O_RDONLY, 0, 0};
    std::uint64_t more = 1;
  } newer;
  const auto report = watch(own({"-v", "-C", "flags,mode,errno,path"}), [&] {
    call_openat2("/too-small", &newer, 8);
    call_openat2("/too-large", &newer, 65536);
    call_openat2("/newer", &newer, sizeof(newer));
    call_openat2("/unmapped", reinterpret_cast<void*>(8), sizeof(open_how));
  });
  if (inside_the_call()) {
    EXPECT_EQ(paths(report.events), Words());
    EXPECT_TRUE(report.noted("malformed struct"));
    return;
  }
  ASSERT_EQ(paths(report.events), (Words{"/too-small", "/too-large", "/newer", "/unmapped"}));
  const char* errors[] = {"EINVAL", "E2BIG", "E2BIG", "EFAULT"};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(report.events[i]["errno"].text(), errors[i]) << i;
  for (const std::size_t i : {0UL, 3UL}) {
    EXPECT_TRUE(report.events[i]["flags"].null());
    EXPECT_TRUE(report.events[i]["flags_raw"].null());
    EXPECT_TRUE(report.events[i]["mode"].null());
  }
  EXPECT_EQ(report.events[2]["flags"].text(), "O_RDONLY");
}

}  // namespace
}  // namespace sonde::test
