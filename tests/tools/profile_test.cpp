// SPDX-License-Identifier: GPL-2.0-or-later
// Who computes is met where it does, as often as its CPU time allows.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "support/sonde.h"
#include "traced.h"

namespace sonde::test {
namespace {

constexpr long long second = 1'000'000'000;

/// A process that computes at the end of a chain of calls until it is told to end.
class Spinner {
 public:
  explicit Spinner(const std::string& name = "chain", int depth = 0)
      : child_([=] {
          execl(program("chain").c_str(), name.c_str(), "@", std::to_string(depth).c_str(), "0", nullptr);
          return 1;
        }) {}

  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  /// CPU time it has taken, ns.
  [[nodiscard]] long long cpu_time() const {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(child_.pid(), &clock) != 0 || clock_gettime(clock, &time) != 0) return -1;
    return time.tv_sec * second + time.tv_nsec;
  }
  /// Until it has taken so much more.
  void compute(long long ns) const {
    const long long until = cpu_time() + ns;
    wait_until("a process has computed", [&] { return cpu_time() >= until; });
  }
  void end() {
    child_.signal(SIGKILL);
    child_.wait();
  }

 private:
  Child child_;
};

long long samples(
    const Report& report, const std::function<bool(const Json&)>& of = [](const Json&) { return true; }) {
  long long sum = 0;
  for (const auto& row : report.rows)
    if (of(row)) sum += row["samples"].number();
  return sum;
}

long long samples_of(const Report& report, pid_t pid) {
  return samples(report, [pid](const Json& row) { return !row["pid"].null() && row["pid"].number() == pid; });
}

double share_of(const Json& row) {
  std::ostringstream text;
  text << row["share"];  // whole, or not
  return std::stod(text.str());
}

// So many samples at most, of whom the kernel gave so much CPU time in pieces: each of them may meet one more than it
// is long, if the scheduler and the timer go in step.
long long at_most(long long cpu_ns, long long hertz = 99) { return cpu_ns * hertz / second * 3 / 2 + 10; }

const Words chain{"third", "second", "first", "begin", "_start"};

Words words_of(Words more) {
  more.insert(more.begin(), {"profile", "--format", "json"});
  return more;
}

/// Around a process that computes for a moment.
Report beside_a_spinner(const Words& words) {
  Sonde sonde(words_of(words));
  if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
  const Spinner spinner;
  spinner.compute(second / 5);
  return sonde.end(SIGINT);
}

class Profile : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = refusal("profile", "")) GTEST_SKIP() << *why;
  }
};

TEST_F(Profile, MeetsAProgramWhereItComputes) {
  Sonde sonde(words_of({"-c", "chain"}));
  ASSERT_TRUE(sonde.ready());
  Spinner spinner("chain", 2);
  spinner.compute(second / 2);
  const long long cpu = spinner.cpu_time();
  spinner.end();  // its names are shown all the same
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  tell_rung(report);
  const long long all = samples_of(report, spinner.pid());
  EXPECT_EQ(all, samples(report)) << report.out;
  // Its CPU time goes on a little until it is gone.
  EXPECT_LE(all, at_most(cpu + second / 5)) << report.out;
  EXPECT_GE(all + report.lost(), 20) << report.out;
  const Words whole{"third", "second", "first", "first", "first", "begin", "_start"};
  long long there = 0;
  for (const auto& row : report.rows) {
    EXPECT_EQ(row["comm"].text(), "chain");
    EXPECT_NEAR(share_of(row), 100.0 * static_cast<double>(row["samples"].number()) / static_cast<double>(all), 0.01);
#ifdef __x86_64__
    const Words frames = names(row["stack"]);
    const bool ends = frames.size() >= whole.size() && std::equal(whole.rbegin(), whole.rend(), frames.rbegin());
    EXPECT_TRUE(ends || row["samples"].number() * 4 < all) << row;
    if (frames == whole) {
      there += row["samples"].number();
      for (const auto& frame : row["stack"].items())
        EXPECT_TRUE(frame["module"].text() == program("chain") && frame["offset"].null()) << row;
    }
  }
  EXPECT_GT(there * 2, all) << report.out;
#else
  }
#endif
}

TEST_F(Profile, TellsHowManyThereAre) {
  Sonde sonde(words_of({"-F", "999"}));
  ASSERT_TRUE(sonde.ready());
  const Spinner spinner;
  spinner.compute(second / 5);
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  std::string number = std::to_string(samples(report));
  for (int at = static_cast<int>(number.size()) - 3; at > 0; at -= 3) number.insert(static_cast<std::size_t>(at), ",");
  EXPECT_TRUE(report.noted(number + " samples in ")) << report.out;
  double share = 0;
  for (const auto& row : report.rows) share += share_of(row);
  EXPECT_NEAR(share, 100.0, 0.005 * static_cast<double>(report.rows.size()) + 0.01);
  EXPECT_EQ(samples_of(report, sonde.pid()), 0);
}

TEST_F(Profile, TellsThreadsApart) {
  std::atomic<bool> go{false}, done{false};
  std::atomic<pid_t> tids[2]{};
  std::atomic<long long> computed[2]{};
  const auto spin = [&](int which) {
    set_comm(which ? "the second" : "the first");
    tids[which] = gettid();
    go.wait(false);
    while (!done) {
      timespec time{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      computed[which] = time.tv_sec * second + time.tv_nsec;
    }
  };
  Sonde sonde(words_of({"-p", std::to_string(getpid()), "--by", "thread"}));
  // A row has the name that was met last: they have theirs before anything is met.
  std::thread one(spin, 0), other(spin, 1);
  wait_until("threads to have their names", [&] { return tids[0] && tids[1]; });
  const bool ready = sonde.ready();
  go = true;
  go.notify_all();
  wait_until("threads have computed", [&] { return computed[0] > second / 4 && computed[1] > second / 4; });
  done = true;
  one.join();
  other.join();
  ASSERT_TRUE(ready);
  const auto report = sonde.end(SIGINT);
  for (const int which : {0, 1}) {
    const long long count = samples(report, [&](const Json& row) {
      if (row["tid"].number() != tids[which]) return false;
      EXPECT_EQ(row["comm"].text(), which ? "the second" : "the first");
      EXPECT_TRUE(row["pid"].null());
      return true;
    });
    EXPECT_GE(count + report.lost(), 10) << report.out;
    EXPECT_LE(count, at_most(computed[which])) << report.out;
  }
}

TEST_F(Profile, MergesProcessesOfOneName) {
  Sonde sonde(words_of({"-c", "chain", "--by", "comm"}));
  ASSERT_TRUE(sonde.ready());
  Spinner one, other;
  one.compute(second / 4);
  other.compute(second / 4);
  const auto report = sonde.end(SIGINT);
  const auto cpu = one.cpu_time() + other.cpu_time();
  long long rows = 0;
  for (const auto& row : report.rows) {
    EXPECT_EQ(row["comm"].text(), "chain");
    EXPECT_TRUE(row["pid"].null());
    if (names(row["stack"]) == chain) ++rows;
  }
#ifdef __x86_64__
  EXPECT_EQ(rows, 1) << report.out;
#endif
  EXPECT_LE(samples(report), at_most(cpu)) << report.out;
  EXPECT_GE(samples(report) + report.lost(), 20) << report.out;
}

TEST_F(Profile, ShowsEachCpu) {
  const long cpus = sysconf(_SC_NPROCESSORS_CONF);
  const auto report = beside_a_spinner({"-c", "chain", "--by", "cpu"});
  EXPECT_FALSE(report.rows.empty());
  for (const auto& row : report.rows) EXPECT_LT(row["cpu"].number(), cpus) << row;
}

TEST_F(Profile, KeepsIdleCpusApart) {
  for (const auto& row : beside_a_spinner({}).rows) {
    EXPECT_NE(row["pid"].number(), 0) << row;
    EXPECT_NE(row["comm"].text().substr(0, 7), "swapper") << row;
  }
  for (const auto& row : beside_a_spinner({"--idle"}).rows)
    EXPECT_EQ(row["pid"].number() == 0, row["comm"].text().substr(0, 7) == "swapper") << row;
}

TEST_F(Profile, LosesNothingBetweenIntervals) {
  Spinner spinner;
  Sonde sonde(words_of({"-p", std::to_string(spinner.pid()), "-F", "999", "-i", "50ms"}));
  ASSERT_TRUE(sonde.ready());
  const long long before = spinner.cpu_time();
  spinner.compute(second / 2);
  const auto cpu = [&] { return spinner.cpu_time() - before; };
  const auto report = sonde.end(SIGINT);
  EXPECT_GT(report.rows.back()["interval"].number(), 1);
  EXPECT_LE(samples(report), at_most(cpu() + second / 10, 999));
  EXPECT_GE(samples(report) + report.lost(), 200);
}

TEST_F(Profile, ShowsOnePartOfStacks) {
  const auto look = [](const char* part) { return beside_a_spinner({"-c", "chain", part}); };
  const auto is_kernels = [](const Json& frame) { return frame["module"].text().substr(0, 1) == "["; };
  for (const auto& row : look("-U").rows) {
    ASSERT_FALSE(row["stack"].null()) << row;
    EXPECT_FALSE(is_kernels(row["stack"].items().front())) << row;
  }
  for (const auto& row : look("-K").rows)
    if (!row["stack"].null()) {
      EXPECT_TRUE(is_kernels(row["stack"].items().front())) << row;
    }
}

TEST_F(Profile, CountsWhereThereIsNoRoom) {
  const auto report = beside_a_spinner({"-F", "999", "--max-entries", "4", "--unwind", "fp"});
  EXPECT_LE(report.rows.size(), 64U);  // what there is room for at least
  EXPECT_EQ(report.code, 0);
}

TEST_F(Profile, CountsWhatDidNotGetThrough) {
  const auto report = beside_a_spinner({"-F", "9999", "--buffer-size", "4k"});
  EXPECT_EQ(report.code, 0) << report.err;
  const long long untold = samples(report, [](const Json& row) { return names(row["stack"]) == Words{"[untold]"}; });
  EXPECT_EQ(untold > 0, report.noted("did not get through")) << report.out;
  EXPECT_GT(samples(report) - untold, 0);
}

std::size_t perf_events(pid_t pid) {
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(file, gone) == "anon_inode:[perf_event]") ++count;
  }
  return count;
}

TEST_F(Profile, FollowsCpusThatComeAndGo) {
  const char* online = "/sys/devices/system/cpu/cpu1/online";
  if (!in_guest()) GTEST_SKIP() << "a CPU of the whole machine: only in a guest";
  if (!std::ofstream(online)) GTEST_SKIP() << "this kernel or guest has no CPU that can be switched off";
  const auto switch_cpu = [&](const char* how) { std::ofstream(online) << how; };
  Sonde sonde(words_of({"--by", "cpu", "-c", "chain"}));
  ASSERT_TRUE(sonde.ready());
  const std::size_t before = perf_events(sonde.pid());
  switch_cpu("0");
  wait_until("what was on the CPU is let go", [&] { return perf_events(sonde.pid()) < before; });
  switch_cpu("1");
  wait_until("the CPU is sampled again", [&] { return perf_events(sonde.pid()) == before; });
  Spinner spinner;
  cpu_set_t other;
  CPU_ZERO(&other);
  CPU_SET(1, &other);
  ASSERT_EQ(sched_setaffinity(spinner.pid(), sizeof(other), &other), 0);
  spinner.compute(second / 2);
  const auto report = sonde.end(SIGINT);
  EXPECT_GT(samples(report, [](const Json& row) { return row["cpu"].number() == 1; }), 0) << report.out;
}

TEST_F(Profile, RefusesWhatMakesNoSense) {
  for (const Words& words : {Words{"-F", "0"}, {"-F", "10000"}, {"-F", "x"}, {"-K", "-U"}, {"--by", "nobody"}}) {
    Words all = words_of(words);
    all.insert(all.end(), {"-d", "1ms"});
    EXPECT_EQ(run(all).code, 2) << words[0] << words[1];
  }
}

// The pictures of a run have what its rows have, of all intervals.
TEST_F(Profile, DrawsWhatItCounts) {
  const auto folder = std::filesystem::temp_directory_path() / ("profile-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const std::string folded = folder / "stacks.folded", page = folder / "stacks.html";
  const Spinner spinner;
  spinner.compute(1'000'000);
  Sonde sonde(words_of({"-p", std::to_string(spinner.pid()), "-i", "200ms", "--folded", folded, "--flamegraph", page}));
  ASSERT_TRUE(sonde.ready());
  spinner.compute(second / 2);
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  const long long counted = samples(report);
  ASSERT_GT(counted, 0);

  std::ifstream lines(folded);
  long long drawn = 0, at_the_end = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.rfind(' ');
    ASSERT_NE(space, line.npos) << line;
    EXPECT_TRUE(line.starts_with("chain;")) << line;
    const long long amount = std::stoll(line.substr(space));
    drawn += amount;
    if (line.substr(0, space) == "chain;_start;begin;first;second;third") at_the_end += amount;
  }
  EXPECT_EQ(drawn, counted);
  EXPECT_GT(at_the_end, 0);
  std::ifstream file(page);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  for (const char* part : {"<!DOCTYPE html>", "sonde profile", "third", "--flamegraph"})
    EXPECT_NE(text.find(part), text.npos) << part;
  EXPECT_TRUE(report.noted("The flame graph is '" + page + "'")) << report.out;
  std::filesystem::remove_all(folder);
}

TEST_F(Profile, LeavesPicturesAsTheyAreIfItIsRefused) {
  const auto file = std::filesystem::temp_directory_path() / ("profile-" + std::to_string(getpid()) + ".svg");
  std::ofstream(file) << "before";
  EXPECT_EQ(run({"profile", "--flamegraph", file, "-K", "-U"}).code, 2);
  EXPECT_EQ(run({"profile", "--flamegraph", file, "--folded", file}).code, 2);
  EXPECT_EQ(run({"profile", "--flamegraph", file, "--backend", "no such"}).code, 2);
  std::ifstream read(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(read), {}), "before");
  EXPECT_EQ(run({"profile", "--flamegraph", "picture.png", "-d", "1ms"}).code, 2);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace sonde::test
