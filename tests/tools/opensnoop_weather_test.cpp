// SPDX-License-Identifier: GPL-2.0-or-later
// What goes on around a run that nobody asked for: who ends, who comes by the thousand, what is taken away.
#include <dirent.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <thread>

#include "opensnoop.h"

namespace sonde::test {
namespace {

struct KernelObject {
  bpf_cmd by_id;
  unsigned id;

  [[nodiscard]] bool exists() const {
    bpf_attr attributes{};
    attributes.prog_id = id;  // the same place for maps and links
    const Fd fd(static_cast<int>(syscall(SYS_bpf, by_id, &attributes, sizeof(attributes))));
    return fd.get() >= 0 || errno != ENOENT;
  }
};

// The programs, maps and links that a process holds.
std::vector<KernelObject> objects_of(pid_t pid) {
  std::vector<KernelObject> objects;
  const std::string folder = "/proc/" + std::to_string(pid) + "/fdinfo/";
  const std::unique_ptr<DIR, int (*)(DIR*)> files(opendir(folder.c_str()), &closedir);
  if (!files) fail("no " + folder);
  while (const dirent* entry = readdir(files.get())) {
    std::ifstream info(folder + entry->d_name);
    std::string key;
    for (unsigned id = 0; info >> key;) {
      if (key == "prog_id:" && info >> id) objects.push_back({BPF_PROG_GET_FD_BY_ID, id});
      if (key == "map_id:" && info >> id) objects.push_back({BPF_MAP_GET_FD_BY_ID, id});
      if (key == "link_id:" && info >> id) objects.push_back({BPF_LINK_GET_FD_BY_ID, id});
    }
  }
  return objects;
}

class Weather : public Opensnoop {};

TEST_P(Weather, LeavesNothingBehindWhenItIsKilled) {
  Sonde sonde(opensnoop(forced({"-C", "pid,latency", "--ppid", std::to_string(getpid()), "--follow"})));
  ASSERT_TRUE(sonde.ready());
  const auto objects = objects_of(sonde.pid());
  EXPECT_GE(objects.size(), 6U);
  for (const auto& object : objects) EXPECT_TRUE(object.exists());
  EXPECT_EQ(sonde.end(SIGKILL).code, 128 + SIGKILL);
  wait_until("all that sonde held to be gone", [&] {
    return std::none_of(objects.begin(), objects.end(), [](const auto& object) { return object.exists(); });
  });
}

// Each lives for one call.
TEST_P(Weather, ShowsProcessesThatAreGoneAtOnce) {
  std::multiset<long long> made, shown;
  const auto report = watch({"-C", "pid,ppid,path", "--ppid", std::to_string(getpid())}, [&] {
    for (int i = 0; i < scaled(2000); ++i) {
      const pid_t pid = fork();
      if (pid == 0) {
        syscall(SYS_openat, AT_FDCWD, "/short/life", O_RDONLY);
        _exit(0);
      }
      waitpid(pid, nullptr, 0);
      made.insert(pid);
    }
  });
  for (const auto& event : report.events) {
    shown.insert(event["pid"].number());
    EXPECT_EQ(event["path"].text(), "/short/life");
  }
  if (report.skipped() == 0) {
    EXPECT_EQ(shown, made);
  }
  EXPECT_TRUE(std::includes(made.begin(), made.end(), shown.begin(), shown.end()));
}

// Threads that are killed inside the call: what was remembered of them is forgotten, or the map would be full soon.
TEST_P(Weather, RemembersNothingOfTheKilled) {
  const int threads = in_guest() ? 20 : 100, waves = in_guest() ? 8 : 150;
  const Folder folder;
  const auto fifo = folder / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto wave = [&] {
    Shared<std::atomic<int>> started;
    Child child([&] {
      for (int i = 0; i < threads; ++i)
        std::thread([&] {
          ++*started;
          syscall(SYS_openat, AT_FDCWD, fifo.c_str(), O_RDONLY);
        }).detach();
      pause();
      return 0;
    });
    wait_until("the threads to start", [&] { return *started == threads; });
    const std::string tasks = "/proc/" + std::to_string(child.pid()) + "/task";
    const std::unique_ptr<DIR, int (*)(DIR*)> listed(opendir(tasks.c_str()), &closedir);
    while (const dirent* entry = readdir(listed.get())) {
      const pid_t tid = std::atoi(entry->d_name);
      if (!tid || tid == child.pid()) continue;
      const TaskView view(tid);
      wait_until("the thread to block", [&] { return view.blocked_in() == SYS_openat; });
    }
    child.signal(SIGKILL);
    EXPECT_EQ(child.wait(), 128 + SIGKILL);
  };
  // Room for one wave, and the few that the machine's other children of ours may need.
  const Words words{
      "-C", "errno,latency,path", "--ppid", std::to_string(getpid()), "--max-entries", std::to_string(threads + 50)};
  Sonde sonde(opensnoop(forced(words)));
  ASSERT_TRUE(sonde.ready());
  for (int i = 0; i < waves; ++i) wave();
  Child last([] { return make_load("/last", 1), 0; });
  last.wait();
  const auto report = sonde.end(SIGINT);
  tell_rung(report);
  EXPECT_FALSE(report.noted("no room")) << report.out.substr(report.out.size() - 600);
  const auto ended = report.where("path", "/last");
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_GT(ended[0]["latency_ns"].number(), 0);
  const auto killed = static_cast<long long>(report.where("errno", "EINTR").size());
  EXPECT_GE(killed + report.lost(), static_cast<long long>(threads) * waves) << report.summary;
  EXPECT_LE(killed + report.lost() - report.skipped(), static_cast<long long>(threads) * waves) << report.summary;
}

TEST_P(Weather, SharesTheMachineWithAnotherSonde) {
  const auto words = opensnoop(forced(own({"-C", "path"})));
  Sonde first(words);
  ASSERT_TRUE(first.ready());
  make_load("/first", 10);
  Sonde second(words);
  ASSERT_TRUE(second.ready());
  make_load("/both", 500);
  const auto of_second = second.end(SIGINT);
  make_load("/first", 10);
  const auto of_first = first.end(SIGINT);
  for (const auto* report : {&of_first, &of_second}) {
    EXPECT_EQ(report->code, 0) << report->err;
    EXPECT_EQ(report->lost(), report->skipped()) << report->summary;
    EXPECT_GE(static_cast<long long>(report->where("path", "/both").size()) + report->skipped(), 500);
  }
  EXPECT_GE(static_cast<long long>(of_first.where("path", "/first").size()) + of_first.skipped(), 20);
}

TEST_F(OpensnoopOnce, EndsWithTheProcessesItWatches) {
  const Gate go;
  const auto body = [&] {
    go.pass();
    make_load("/target", 3);
    return 0;
  };
  Child one(body), other(body);
  Sonde sonde(opensnoop({"-p", std::to_string(one.pid()) + "," + std::to_string(other.pid())}));
  ASSERT_TRUE(sonde.ready());
  go.open();
  wait_until("one to end", [&] { return sonde.output().find("/target") != std::string::npos; });
  go.open();
  const auto report = sonde.end();
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.where("path", "/target").size(), 6U);
  EXPECT_EQ(report.lost(), report.skipped());
  EXPECT_TRUE(report.noted("All processes of --pid have ended."));
}

TEST_F(OpensnoopOnce, OutlivesTheCgroupItWatches) {
  auto cgroup = std::make_unique<Cgroup>("sonde-weather");
  if (!cgroup->trouble().empty()) GTEST_SKIP() << cgroup->trouble();
  const Gate go;
  Child child([&] {
    cgroup->enter();
    go.pass();
    make_load("/in/cgroup", 3);
    return 0;
  });
  Sonde sonde(opensnoop({"--cgroup", cgroup->directory()}));
  ASSERT_TRUE(sonde.ready());
  go.open();
  child.wait();
  cgroup.reset();
  make_load("/not/in/cgroup", 3);
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(paths(report.events), Words(3, "/in/cgroup"));
}

TEST_F(OpensnoopOnce, OutlivesThePidNamespaceItWatches) {
  const Gate go, done;
  Child init(
      [&] {
        for (int i = 0; i < 3; ++i)
          if (fork() == 0) {
            go.pass();
            make_load("/in/namespace", 1);
            done.open();
            pause();
          }
        pause();
        return 0;
      },
      CLONE_NEWPID);
  Sonde sonde(opensnoop({"--follow", "-p", std::to_string(init.pid())}));
  ASSERT_TRUE(sonde.ready());
  go.open(3);
  for (int i = 0; i < 3; ++i) done.pass();
  init.signal(SIGKILL);  // and the namespace with it
  init.wait();
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.where("path", "/in/namespace").size(), 3U);
  EXPECT_EQ(report.lost(), report.skipped());
}

// A process that opens until it is told to stop, and how often it did.
class Busy {
 public:
  explicit Busy(const char* path)
      : child_([this, path] {
          go_.pass();
          while (!*stop_) {
            make_load(path, 1);
            ++*made_;
          }
          return 0;
        }) {}
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  void go() const { go_.open(); }
  void until_more(int more) const {
    const int before = *made_;
    wait_until("more opens", [&] { return *made_ >= before + more; });
  }
  int stop() {
    *stop_ = true;
    child_.wait();
    return *made_;
  }

 private:
  Gate go_;
  Shared<std::atomic<bool>> stop_;
  Shared<std::atomic<int>> made_;
  Child child_;
};

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) fail("cannot write " + path);
}

TEST_P(Weather, SeesACpuGoAndComeBack) {
  if (!in_guest()) GTEST_SKIP() << "takes a CPU from the machine: only in guests";
  const std::string online = "/sys/devices/system/cpu/cpu1/online";
  if (access(online.c_str(), W_OK) != 0) GTEST_SKIP() << "there is no second CPU that could go";
  Busy one("/cpu"), other("/cpu");
  const auto list = std::to_string(one.pid()) + "," + std::to_string(other.pid());
  Sonde sonde(opensnoop(forced({"-C", "path", "-p", list})));
  ASSERT_TRUE(sonde.ready());
  one.go();
  other.go();
  for (int i = 0; i < 2; ++i) {
    one.until_more(50);
    other.until_more(50);
    write_file(online, i ? "1" : "0");
  }
  one.until_more(50);
  other.until_more(50);
  const long long made = one.stop() + other.stop();
  const auto report = sonde.end();
  tell_rung(report);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_GE(static_cast<long long>(report.events.size()) + report.lost(), made);
  EXPECT_LE(static_cast<long long>(report.events.size()) + report.lost() - report.skipped(), made);
}

TEST_F(OpensnoopOnce, FollowsTheClockWhenItIsSet) {
  if (!in_guest()) GTEST_SKIP() << "sets the machine's clock: only in guests";
  constexpr std::int64_t day = 86'400'000'000'000;
  const auto set = [](std::int64_t by) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += by / 1'000'000'000;
    if (clock_settime(CLOCK_REALTIME, &now) != 0) fail("the clock cannot be set");
  };
  Diary diary;
  Sonde sonde(opensnoop(own({"-C", "time,path", "-n", "2"})));
  ASSERT_TRUE(sonde.ready());
  diary.make({Via::openat, "/today"});
  wait_until("the first event", [&] { return sonde.output().find("/today") != std::string::npos; });
  set(day);
  diary.make({Via::openat, "/tomorrow"});
  const auto report = sonde.end();
  set(-day);
  ASSERT_EQ(report.events.size(), 2U);
  const auto made = diary.entries();
  for (std::size_t i = 0; i < 2; ++i) {
    const auto time = wall_ns(report.events[i]["time"].text());
    EXPECT_GE(time, made[i].wall_before - 100'000'000);
    EXPECT_LE(time, made[i].wall_after + 100'000'000);
  }
  EXPECT_LT(report.summary["window_ns"].number(), day / 2);
}

INSTANTIATE_TEST_SUITE_P(Opensnoop, Weather, testing::Values("fexit", "tracepoint", "tp_btf", "kprobe"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace sonde::test
