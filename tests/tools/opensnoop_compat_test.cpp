// SPDX-License-Identifier: GPL-2.0-or-later
// Calls made with the 32-bit ABI, by `int $0x80` from this 64-bit program and by a 32-bit program made here.
#include <unistd.h>

#include "opensnoop.h"

namespace sonde::test {
namespace {

class Compat : public Opensnoop {
 protected:
  void SetUp() override {
    if (!has_compat()) GTEST_SKIP() << "this kernel runs no 32-bit calls";
    Opensnoop::SetUp();
  }
};

void make_both(const Diary& diary, const Folder& folder, bool native) {
  for (const Via via : all_calls) {
    for (const bool compat : {false, true}) {
      if (!compat && !native) continue;
      const mode_t mode = via == Via::creat ? 0640 : 0;
      diary.make({via, folder / (via == Via::creat ? "made" : "there"), O_RDONLY | O_CLOEXEC, mode, AT_FDCWD, compat});
      diary.make({via, folder / "none/there", O_RDWR, mode, AT_FDCWD, compat});
    }
  }
}

TEST_P(Compat, AreShownLikeOthers) {
  const Folder folder;
  folder.file("there");
  const Diary diary;
  const auto report = watch(own({"--compat", "-C", all_columns}), [&] { make_both(diary, folder, true); });
  EXPECT_EQ(diary.entries().size(), 16U);
  expect_shown(report, diary);
  EXPECT_EQ(report.rung(), GetParam());
  EXPECT_NE(report.scope(), "64-bit calls");
}

TEST_P(Compat, AreShownUnlessTheSummarySaysNot) {
  const Folder folder;
  folder.file("there");
  const Diary diary;
  const auto report = watch(own({"-C", "tid,path,errno,fd,flags"}), [&] { make_both(diary, folder, false); });
  if (by("tracepoint")) {
    EXPECT_EQ(report.scope(), "64-bit calls");
    EXPECT_TRUE(report.events.empty());
  } else {
    expect_shown(report, diary);
  }
}

TEST_P(Compat, OfAProgramAreShownOrNoted) {
  const Folder folder;
  const auto program = folder.file("small", tiny_program("/from/32/bits", true), 0755);
  for (const bool asked : {false, true}) {
    Words words = opensnoop(forced({"-C", "comm,path,errno"}));
    if (asked) words.push_back("--compat");
    words.insert(words.end(), {"--", program});
    const auto report = run(words);
    EXPECT_EQ(report.code, 0) << report.err;
    EXPECT_EQ(report.summary["command_status"].text(), "exit 7");
    const bool seen = asked || !by("tracepoint");
    EXPECT_EQ(paths(report.events), seen ? Words{"/from/32/bits"} : Words{});
    EXPECT_EQ(report.noted("1 32-bit program was started"), !seen);
    tell_rung(report);
  }
}

// The kernel adds it to nearly every call, so that no backend could tell whose choice it was.
TEST_P(Compat, LeaveOutLargefile) {
  const auto report = watch(own({"--compat", "-C", "flags"}), [] {
    for (const std::uint64_t flags : {0x8000UL, 0UL})
      close(static_cast<int>(call({Via::openat, "/", flags, 0, AT_FDCWD, true})));
  });
  ASSERT_EQ(report.events.size(), 2U);
  EXPECT_EQ(report.events[0]["flags"].text(), "O_RDONLY");
  EXPECT_EQ(report.events[1]["flags"].text(), "O_RDONLY");
}

INSTANTIATE_TEST_SUITE_P(Opensnoop, Compat, testing::Values("fexit", "tracepoint", "tp_btf", "kprobe"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace sonde::test
