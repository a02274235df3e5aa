// SPDX-License-Identifier: GPL-2.0-or-later
// Every column of every call.
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "opensnoop.h"

namespace sonde::test {
namespace {

// Works in a new folder for a while: relative names are made there.
class Inside {
 public:
  explicit Inside(const std::string& path) {
    std::filesystem::create_directory(path);
    std::filesystem::current_path(path);
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { std::filesystem::current_path(before_); }

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
};

// Each call, well and badly, relative to the folder `fd` and from the working directory.
void make_all_calls(const Diary& diary, const Folder& folder, int fd) {
  for (const Via via : all_calls) {
    const bool creat = via == Via::creat;
    diary.make({via, folder / "there", O_RDONLY, creat ? 0640U : 0});
    diary.make({via, creat ? folder / "none/x" : folder / "not-there"});
    diary.make({via, folder / "made", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 04751});
    unlink((folder / "made").c_str());
    diary.make({via, "there", O_WRONLY | O_APPEND, creat ? 0600U : 0, fd});
    diary.make({via, folder / "", O_RDWR, 0, fd});
    diary.make({via, "not-there", O_RDONLY | O_DIRECTORY, 0, 4000});
  }
}

TEST_P(Opensnoop, ShowsEveryCallOfAThread) {
  const Folder folder;
  const Inside inside(folder / "work");
  folder.file("there");
  const Fd directory(open((folder / "").c_str(), O_PATH | O_CLOEXEC));
  const Diary diary;
  const auto report = watch(own({"-C", all_columns}), [&] {
    std::thread([&] {
      set_comm("a thread");
      make_all_calls(diary, folder, directory.get());
    }).join();
    make_all_calls(diary, folder, directory.get());
  });
  EXPECT_EQ(diary.entries().size(), 48U);
  expect_shown(report, diary);
}

TEST_P(Opensnoop, ShowsWhoCalled) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  const auto file = folder.file("file");
  const auto user = ordinary_user();
  const Cgroup cgroup("sonde-columns");
  if (!cgroup.trouble().empty()) GTEST_SKIP() << cgroup.trouble();
  const Gate prepared, go;
  const Diary diary;
  Child child([&] {
    cgroup.enter();
    if (chdir("/proc") != 0) return 1;
    become(user.uid);
    set_comm("fifteen letters");
    prepared.open();
    go.pass();
    diary.make({Via::openat, file});
    diary.make({Via::openat, file, O_RDWR});
    return 0;
  });
  prepared.pass();
  const auto report = watch(own({"-C", all_columns}, child.pid()), [&] {
    go.open();
    EXPECT_EQ(child.wait(), 0);
  });
  expect_shown(report, diary);
  ASSERT_EQ(report.events.size(), 2U);
  EXPECT_EQ(report.events[0]["user"].text(), user.name);
  EXPECT_EQ(report.events[0]["cwd"].text(), "/proc");
  EXPECT_EQ(report.events[1]["errno"].text(), "EACCES");
  for (const auto& event : report.events) EXPECT_EQ(event["cgroup"].text(), cgroup.path());
}

// A name is looked up when the row is shown, and then the cgroup may be gone.
TEST_F(OpensnoopOnce, TellsTheNumberOfACgroupThatIsGone) {
  const Gate go;
  std::optional<Cgroup> cgroup(std::in_place, "sonde-gone");
  if (!cgroup->trouble().empty()) GTEST_SKIP() << cgroup->trouble();
  struct stat status {};
  ASSERT_EQ(stat(cgroup->directory().c_str(), &status), 0);
  Child child([&] {
    cgroup->enter();
    go.pass();
    make_load("/", 1);
    return 0;
  });
  Sonde sonde(opensnoop({"-C", "cgroup", "--pid", std::to_string(child.pid())}));
  ASSERT_TRUE(sonde.ready());
  sonde.signal(SIGSTOP);
  go.open();
  child.wait();
  cgroup.reset();
  sonde.signal(SIGCONT);
  const auto report = sonde.end(SIGINT);
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_EQ(report.events[0]["cgroup"].text(), "cgroup:" + std::to_string(status.st_ino));
}

TEST_P(Opensnoop, ShowsTheWorkingDirectory) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  std::string deep = folder / "";
  deep.pop_back();
  const Gate go;
  const Diary diary;
  const Words names{"a", std::string(255, 'n'), "\xFF line\n"};
  std::vector<std::string> expected{deep};
  Child child([&] {
    go.pass();
    if (chdir(deep.c_str()) != 0) return 1;
    make_load(".", 1);
    for (const auto& name : names) {
      if (mkdir(name.c_str(), 0755) != 0 || chdir(name.c_str()) != 0) return 1;
      make_load(".", 1);
    }
    if (chdir("/") != 0) return 1;
    make_load(".", 1);
    // What the process calls its root is where its paths begin.
    if (chroot(deep.c_str()) != 0 || chdir("/a") != 0) return 1;
    make_load(".", 1);
    return 0;
  });
  const auto report = watch(own({"-C", "cwd,path"}, child.pid()), [&] {
    go.open();
    EXPECT_EQ(child.wait(), 0);
  });
  ASSERT_EQ(report.events.size(), 6U);
  EXPECT_EQ(report.events[0]["cwd"].text(), deep);
  EXPECT_EQ(report.events[1]["cwd"].text(), deep + "/a");
  EXPECT_EQ(report.events[2]["cwd"].text(), deep + "/a/" + names[1]);
  EXPECT_EQ(report.events[3]["cwd"].text(), deep + "/a/" + names[1] + "/\xEF\xBF\xBD line\n");
  EXPECT_TRUE(report.events[3].has("cwd_hex"));
  EXPECT_EQ(report.events[4]["cwd"].text(), "/");
  EXPECT_EQ(report.events[5]["cwd"].text(), "/a");
}

TEST_F(OpensnoopOutput, HasTheColumnsThatWereAskedFor) {
  const Words standard{"type", "time", "pid", "comm", "fd", "errno", "errno_raw", "flags", "flags_raw", "path"};
  const auto keys = [&](const Words& words) {
    Words keys;
    const auto report = watch(own(words), [] { make_load("/", 1); });
    if (report.events.size() != 1) fail("not one event");
    for (const auto& member : report.events[0].members()) keys.push_back(member.first);
    return keys;
  };
  EXPECT_EQ(keys({}), standard);
  EXPECT_EQ(keys({"-C", "path,pid"}), (Words{"type", "path", "pid"}));
  EXPECT_EQ(keys({"-C", "+latency,-time,-flags,-comm"}),
            (Words{"type", "pid", "fd", "errno", "errno_raw", "latency_ns", "path"}));
}

}  // namespace
}  // namespace sonde::test
