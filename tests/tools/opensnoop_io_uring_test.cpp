// SPDX-License-Identifier: GPL-2.0-or-later
// --io-uring: opens that a ring was asked for, by the process itself, by its workers and by the kernel's poller.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "opensnoop.h"
#include "support/uring.h"

namespace sonde::test {
namespace {

constexpr const char* columns = "time,pid,tid,ppid,uid,comm,via,fd,errno,latency_ns,flags,mode,dirfd,path";

// Why opens by io_uring are not seen on this kernel; empty if they are.
const std::string& unseen() {
  static const std::string reason = [] {
    const auto report = run(opensnoop({"--io-uring", "-d", "1ms"}));
    const auto& rungs = report.summary["rungs"].items();
    if (rungs.size() != 2 || rungs[1]["hook"].text() != "opens by io_uring") fail("not in the summary: " + report.out);
    return rungs[1]["rung"].text() == "none" ? rungs[1]["scope"].text() : "";
  }();
  return reason;
}

class Uringed : public Opensnoop {
 protected:
  void SetUp() override {
    Opensnoop::SetUp();
    if (IsSkipped()) return;
    if (const Uring ring; !ring.trouble().empty()) GTEST_SKIP() << ring.trouble();
    if (!unseen().empty()) GTEST_SKIP() << unseen();
  }

  static void expect_all_shown(const Report& report, const Diary& diary) {
    expect_shown(report, diary);
    for (const auto& event : report.events) EXPECT_EQ(event["via"].text(), "io_uring");
  }
};

void make(const Diary& diary, Uring& ring, const Request& request, bool async) {
  diary.make(request, [&] { return ring.open(request, {async, 0}); });
}

TEST_P(Uringed, ShowsEachOpenOnce) {
  const Folder folder;
  const auto there = folder.file("there");
  const Fd directory(open((folder / "").c_str(), O_PATH | O_CLOEXEC));
  const Diary diary;
  Uring ring;
  const auto report = watch(own({"--io-uring", "-C", columns}), [&] {
    for (const Via via : {Via::openat, Via::openat2})
      for (const bool async : {false, true}) {
        make(diary, ring, {via, there, O_RDONLY | O_CLOEXEC}, async);
        make(diary, ring, {via, there, O_RDWR | O_NONBLOCK}, async);
        make(diary, ring, {via, folder / "not-there"}, async);
        make(diary, ring, {via, "there", O_WRONLY | O_APPEND, 0, directory.get()}, async);
        make(diary, ring, {via, folder / "made", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640},
             async);  // always a worker's
        unlink((folder / "made").c_str());
        make(diary, ring, {via, "not-there", O_RDONLY | O_DIRECTORY, 0, 4000}, async);
      }
  });
  EXPECT_EQ(diary.entries().size(), 24U);
  expect_all_shown(report, diary);
  const auto& rungs = report.summary["rungs"].items();
  EXPECT_EQ(report.rung(), GetParam());
  EXPECT_EQ(rungs[1]["rung"].text(), "fexit");
}

TEST_P(Uringed, ShowsWhoAskedNotWhoDid) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  const auto there = folder.file("there");
  const Diary diary;
  const auto report = watch(own({"--io-uring", "-C", columns, "--comm", "a thread"}), [&] {
    std::thread([&] {
      set_comm("a thread");
      Uring ring;
      for (const bool async : {false, true}) make(diary, ring, {Via::openat, there}, async);
    }).join();
  });
  EXPECT_EQ(diary.entries().size(), 2U);
  expect_all_shown(report, diary);
}

TEST_P(Uringed, ShowsThoseWithoutADescriptor) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  const auto there = folder.file("there");
  Uring ring;
  if (!ring.make_slots(4)) GTEST_SKIP() << "this kernel has no files without a descriptor";
  std::vector<long> results;
  const auto report = watch(own({"--io-uring", "--full-path", "-C", "via,fd,errno,path,full_path"}), [&] {
    results.push_back(ring.open({Via::openat, there, O_RDONLY}, {false, 1}));
    results.push_back(ring.open({Via::openat2, there, O_RDWR}, {true, 2}));
    results.push_back(ring.open({Via::openat, folder / "not-there", O_RDWR}, {false, 3}));
  });
  if (results[0] == -EINVAL) GTEST_SKIP() << "this kernel has no files without a descriptor";
  EXPECT_EQ(results, (std::vector<long>{0, 0, -ENOENT}));
  ASSERT_EQ(report.events.size(), 3U);
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_TRUE(report.events[i]["fd"].null());
    EXPECT_TRUE(report.events[i]["errno"].null());
    EXPECT_TRUE(report.events[i]["full_path"].null());
    EXPECT_EQ(report.events[i]["path"].text(), there);
  }
  EXPECT_EQ(report.events[2]["errno"].text(), "ENOENT");
}

TEST_P(Uringed, ShowsWhatThePollerOpens) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  const auto there = folder.file("there");
  std::string trouble;
  const auto report = watch(own({"--io-uring", "-C", "pid,errno,path"}), [&] {
    Uring ring(IORING_SETUP_SQPOLL);
    trouble = ring.trouble();
    if (!trouble.empty()) return;
    close(static_cast<int>(ring.open({Via::openat, there})));
    ring.open({Via::openat, folder / "not-there"});
  });
  if (!trouble.empty()) GTEST_SKIP() << trouble;
  EXPECT_EQ(paths(report.events), (Words{there, folder / "not-there"}));
  for (const auto& event : report.events) EXPECT_EQ(event["pid"].number(), getpid());
}

TEST_P(Uringed, PassThroughTheFilters) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  const auto there = folder.file("there");
  const auto shown = [&](Words words) {
    words.insert(words.begin(), {"--io-uring", "-C", "path"});
    return paths(watch(own(words), [&] {
                   Uring ring;
                   for (const bool async : {false, true}) {
                     close(static_cast<int>(ring.open({Via::openat, there}, {async, 0})));
                     close(static_cast<int>(ring.open({Via::openat2, there, O_RDWR}, {async, 0})));
                     ring.open({Via::openat, folder / "none"}, {async, 0});
                   }
                 }).events);
  };
  const auto none = folder / "none";
  EXPECT_EQ(shown({"-x"}), (Words{none, none}));
  EXPECT_EQ(shown({"--errno", "^ENOENT"}), Words{});
  EXPECT_EQ(shown({"--writes"}), (Words{there, there}));
  EXPECT_EQ(shown({"--path", "*/none"}), (Words{none, none}));
  EXPECT_EQ(shown({"--path", "^*/none"}), (Words{there, there, there, there}));
  EXPECT_EQ(shown({"--tid", "^" + std::to_string(getpid())}), Words{});
}

TEST_P(Uringed, LeadSomewhere) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  const auto there = folder.file("there");
  ASSERT_EQ(symlink("there", (folder / "link").c_str()), 0);
  Uring ring;
  const auto report = watch(own({"--io-uring", "--full-path", "-C", "path,path_from,full_path,fd"}), [&] {
    for (const bool async : {false, true})
      close(static_cast<int>(ring.open({Via::openat, folder / "link"}, {async, 0})));
    ring.open({Via::openat, folder / "none"});
  });
  ASSERT_EQ(report.events.size(), 3U);
  for (const auto& event : report.where("path", folder / "link")) {
    EXPECT_EQ(event["full_path"].text(), there);
    EXPECT_EQ(event["path_from"].text(), "resolved");
  }
  for (const auto& event : report.where("path", folder / "none")) {
    EXPECT_EQ(event["full_path"].text(), folder / "none");
    EXPECT_EQ(event["path_from"].text(), "joined");
  }
}

// What ends before it comes to the file tree is an open too.
TEST_P(Uringed, ShowThatThereWasNoDescriptorLeft) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  Uring ring;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto report = watch(own({"--io-uring", "-C", "errno,path"}), [&] {
    rlimit none = before;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    EXPECT_EQ(ring.open({Via::openat, "/"}), -EMFILE);
    setrlimit(RLIMIT_NOFILE, &before);
  });
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_EQ(report.events[0]["errno"].text(), "EMFILE");
}

TEST_P(Uringed, StandBesideSystemCalls) {
  const Folder folder;
  const auto there = folder.file("there");
  Uring ring;
  const auto open_both = [&] {
    close(static_cast<int>(call({Via::openat, there})));
    close(static_cast<int>(ring.open({Via::openat, there})));
  };
  const auto report = watch(own({"--io-uring"}), open_both);
  ASSERT_EQ(report.events.size(), 2U);
  EXPECT_EQ(report.events[0]["via"].text(), "call");
  EXPECT_EQ(report.events[1]["via"].text(), "io_uring");
  const auto without = watch(own(), open_both);
  ASSERT_EQ(without.events.size(), 1U);
  EXPECT_FALSE(without.events[0].has("via"));
  EXPECT_EQ(without.summary["rungs"].items().size(), 1U);
}

// All at full rate, by workers and without.
TEST_P(Uringed, AreAllAccountedFor) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  Uring ring;
  const int count = scaled(2000);
  Sonde sonde(opensnoop(forced(own({"--io-uring", "-C", "path"}))));
  ASSERT_TRUE(sonde.ready());
  for (int i = 0; i < count; ++i) ring.open({Via::openat, "/not/there"}, {i % 2 == 1, 0});
  const auto report = sonde.end(SIGINT);
  EXPECT_LE(static_cast<long long>(report.events.size()), count);
  EXPECT_GE(static_cast<long long>(report.events.size()) + report.lost(), count);
}

INSTANTIATE_TEST_SUITE_P(Opensnoop, Uringed, testing::Values("fexit", "tracepoint", "tp_btf", "kprobe"),
                         [](const auto& backend) { return backend.param; });

TEST_F(OpensnoopOnce, SaysIfUringIsNotSeen) {
  if (unseen().empty()) GTEST_SKIP() << "this kernel lets opens by io_uring be seen";
  const auto report = run(opensnoop({"--io-uring", "-d", "1ms"}));
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_TRUE(report.noted("Opens by io_uring are not seen: " + unseen())) << report.out;
  EXPECT_EQ(run(opensnoop({"--io-uring", "-d", "1ms", "--strict"})).code, 5);
}

}  // namespace
}  // namespace sonde::test
