// SPDX-License-Identifier: GPL-2.0-or-later
// Sums: every column, under every kind of key, and nothing lost.
#include "syslat.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#include <array>
#include <map>
#include <memory>
#include <numeric>
#include <thread>

namespace sonde::test {
namespace {

constexpr long long ms = 1'000'000;

long long counted(const Json& histogram) {
  const auto& items = histogram.items();
  return std::accumulate(items.begin(), items.end(), 0LL,
                         [](long long sum, const Json& bucket) { return sum + bucket["count"].number(); });
}

void read_at(int fd, std::size_t bytes, int times) {
  std::array<char, 4096> into;
  for (int i = 0; i < times; ++i) syscall(SYS_pread64, fd, into.data(), bytes, 0);
}

// By the bare call: the C library has another for it.
void look_at(int fd, int times) {
  struct stat into;
  for (int i = 0; i < times; ++i) syscall(SYS_fstat, fd, &into);
}

TEST_P(Syslat, MeasuresTimesAndSizes) {
  const Folder folder;
  const auto path = folder.file("file", std::string(4096, 'x'));
  const auto report = watch({"pread64,clock_nanosleep", "--size", "--percentiles", "-C",
                             "+failed,+avg,+min,+avg_bytes,+min_bytes,+max_bytes"},
                            [&] {
                              const Fd file(open(path.c_str(), O_RDONLY));
                              read_at(file.get(), 100, 10);
                              read_at(file.get(), 1000, 5);
                              read_at(-1, 1000, 3);
                              for (int i = 0; i < 9; ++i) sleep_for(5 * ms);
                              sleep_for(40 * ms);
                            });
  ASSERT_EQ(report.rows.size(), 2U);
  const auto slept = report.rows[0];  // the longest total first
  EXPECT_EQ(slept["syscall"].text(), "clock_nanosleep");
  EXPECT_EQ(slept["syscall_raw"].number(), SYS_clock_nanosleep);
  EXPECT_EQ(slept["abi"].text(), "native");
  EXPECT_EQ(slept["count"].number(), 10);
  EXPECT_EQ(slept["failed"].number(), 0);
  EXPECT_EQ(slept["running"].number(), 0);
  EXPECT_TRUE(slept["so_far_ns"].null());
  EXPECT_GE(slept["total_ns"].number(), 85 * ms);
  EXPECT_EQ(slept["avg_ns"].number(), slept["total_ns"].number() / 10);
  EXPECT_GE(slept["min_ns"].number(), 5 * ms);
  EXPECT_GE(slept["max_ns"].number(), 40 * ms);
  EXPECT_LE(slept["min_ns"].number(), slept["p50_ns"].number());
  EXPECT_LE(slept["p50_ns"].number(), slept["p90_ns"].number());
  EXPECT_LE(slept["p99_ns"].number(), slept["max_ns"].number());
  EXPECT_EQ(counted(slept["histogram_ns"]), 10);
  EXPECT_TRUE(slept["bytes"].null());
  EXPECT_EQ(counted(slept["histogram_bytes"]), 0);
  const auto read = report.rows[1];
  EXPECT_EQ(read["syscall"].text(), "pread64");
  EXPECT_EQ(read["count"].number(), 18);
  EXPECT_EQ(read["failed"].number(), 3);
  EXPECT_EQ(counted(read["histogram_ns"]), 18);
  EXPECT_EQ(read["bytes"].number(), 6000);
  EXPECT_EQ(read["avg_bytes"].number(), 400);
  EXPECT_EQ(read["min_bytes"].number(), 100);
  EXPECT_EQ(read["max_bytes"].number(), 1000);
  EXPECT_EQ(counted(read["histogram_bytes"]), 15);
  EXPECT_EQ(read["histogram_bytes"].items().front()["min"].number(), 64);
  EXPECT_EQ(read["histogram_bytes"].items().front()["count"].number(), 10);
}

TEST_P(Syslat, ShowsBytesOfCallsThatReturnThem) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const auto of = [&](const char* call) { return watch({call}, [] { sleep_for(1); }); };
  EXPECT_EQ(of("clock_nanosleep").rows.at(0).has("bytes"), false);
  EXPECT_EQ(of("clock_nanosleep,pread64").rows.at(0).has("bytes"), true);
}

TEST_P(Syslat, CountsByProcessAndThread) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const auto work = [] {
    std::thread([] {
      for (int i = 0; i < 7; ++i) syscall(SYS_getppid);
    }).join();
    for (int i = 0; i < 11; ++i) syscall(SYS_getppid);
  };
  const auto process = watch({"getppid", "--by", "process"}, work);
  ASSERT_EQ(process.rows.size(), 1U);
  EXPECT_EQ(process.rows[0]["pid"].number(), child_);
  EXPECT_EQ(process.rows[0]["comm"].text(), "measured one");
  EXPECT_EQ(process.rows[0]["count"].number(), 18);
  const auto threads = watch({"getppid", "--by", "thread", "--sort", "count"}, work);
  ASSERT_EQ(threads.rows.size(), 2U);
  EXPECT_EQ(threads.rows[0]["tid"].number(), child_);
  EXPECT_EQ(threads.rows[0]["count"].number(), 11);
  EXPECT_EQ(threads.rows[1]["count"].number(), 7);
}

TEST_P(Syslat, KnowsKindsOfFiles) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  const auto path = folder.file("file");
  const auto report = watch({"fstat,getppid", "--by", "fd-kind"}, [&] {
    const Fd regular(open(path.c_str(), O_RDONLY)), directory(open("/", O_RDONLY | O_DIRECTORY));
    const Fd character(open("/dev/null", O_RDONLY)), tty(open("/dev/ptmx", O_RDWR | O_NOCTTY));
    const Fd event(eventfd(0, 0)), poll(epoll_create1(0)), timer(timerfd_create(CLOCK_MONOTONIC, 0));
    const Fd watch(inotify_init1(0)), stream(socket(AF_UNIX, SOCK_STREAM, 0));
    const Pipe pipe;
    int times = 0;
    for (const int fd : {regular.get(), directory.get(), character.get(), tty.get(), event.get(), poll.get(),
                         timer.get(), watch.get(), stream.get(), pipe.out.get()})
      look_at(fd, ++times);
    look_at(-1, 11);
    syscall(SYS_getppid);
  });
  std::map<std::string, long long> counts;
  for (const auto& row : report.rows)
    if (row["syscall"].text() == "fstat") counts[row["kind"].text()] += row["count"].number();
  const std::map<std::string, long long> expected{{"regular", 1}, {"directory", 2}, {"character", 3}, {"tty", 4},
                                                  {"eventfd", 5}, {"epoll", 6},     {"timerfd", 7},   {"inotify", 8},
                                                  {"socket", 9},  {"pipe", 10},     {"", 11}};
  EXPECT_EQ(counts, expected);
  EXPECT_TRUE(row_of(report, "syscall", "getppid")["kind"].null());
}

TEST_P(Syslat, NamesFiles) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  const auto one = folder.file("one"), two = folder.file("two"), gone = folder.file("gone");
  const auto closed = folder.file("closed");
  std::string deep = folder / "d";
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    mkdir(deep.c_str(), 0755);
    deep += "/" + std::string(100, letter);
  }
  { const Fd make(open(deep.c_str(), O_CREAT | O_WRONLY, 0644)); }
  const Pipe pipe;
  struct stat about {};
  fstat(pipe.out.get(), &about);
  const int end = pipe.out.get();
  const auto report = watch({"fstat,close", "--by", "file"}, [&] {
    const int event = eventfd(0, 0);
    for (const auto& [path, times] : {std::pair{one, 3}, {two, 2}, {deep, 4}}) {
      const int fd = open(path.c_str(), O_RDONLY);
      look_at(fd, times);
    }
    const int fd = open(gone.c_str(), O_RDONLY);
    unlink(gone.c_str());
    look_at(fd, 5);
    look_at(end, 6);
    look_at(event, 7);
    syscall(SYS_close, open(closed.c_str(), O_RDONLY));
  });
  const auto times = [&](const std::string& file) { return row_of(report, "file", file)["count"].number(); };
  EXPECT_EQ(times(one), 3);
  EXPECT_EQ(times(two), 2);
  EXPECT_EQ(times(gone + " (deleted)"), 5);
  EXPECT_EQ(times("pipe:[" + std::to_string(about.st_ino) + "]"), 6);
  EXPECT_EQ(times("anon_inode:[eventfd]"), 7);
  EXPECT_EQ(times(closed), 1);
  const auto cut = row_of(report, "file", deep.substr(deep.find("/" + std::string(100, 'c'))));
  EXPECT_EQ(cut["count"].number(), 4);
  EXPECT_TRUE(cut["file_cut"].is_true());
}

TEST_P(Syslat, CountsBySteps) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const Folder folder;
  const auto path = folder.file("file", std::string(4096, 'x'));
  const auto buckets = [](const Json& histogram) {
    std::string text;
    for (const auto& b : histogram.items())
      text += std::to_string(b["min"].number()) + ".." + (b["max"].null() ? "" : std::to_string(b["max"].number())) +
              ":" + std::to_string(b["count"].number()) + " ";
    return text;
  };
  const auto times = watch({"clock_nanosleep", "--linear", "100ms,200ms,100ms", "--percentiles"}, [] {
    for (int i = 0; i < 3; ++i) sleep_for(ms);
    for (int i = 0; i < 2; ++i) sleep_for(210 * ms);
  });
  ASSERT_EQ(times.rows.size(), 1U);
  EXPECT_EQ(buckets(times.rows[0]["histogram_ns"]), "0..100000000:3 100000000..200000000:0 200000000..:2 ");
  EXPECT_EQ(times.rows[0]["p50_ns"].number(), 100 * ms - 1);
  EXPECT_EQ(times.rows[0]["p99_ns"].number(), times.rows[0]["max_ns"].number());
  const auto sizes = watch({"pread64", "--linear", "100,350,100"}, [&] {
    const Fd file(open(path.c_str(), O_RDONLY));
    read_at(file.get(), 99, 1);
    read_at(file.get(), 100, 2);
    read_at(file.get(), 349, 3);
    read_at(file.get(), 350, 4);
    read_at(file.get(), 4096, 5);
  });
  ASSERT_EQ(sizes.rows.size(), 1U);
  EXPECT_EQ(buckets(sizes.rows[0]["histogram_bytes"]), "0..100:1 100..200:2 200..300:0 300..350:3 350..:9 ");
  EXPECT_EQ(counted(sizes.rows[0]["histogram_ns"]), 15);
}

TEST_P(Syslat, SelectsByResult) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const auto with = [&](const Words& more) {
    Words words{"close,getppid,chdir"};
    words.insert(words.end(), more.begin(), more.end());
    std::map<std::string, long long> counts;
    for (const auto& row : watch(words, [] {
                             for (int i = 0; i < 4; ++i) syscall(SYS_close, -1);
                             for (int i = 0; i < 5; ++i) syscall(SYS_chdir, "/not/there");
                             syscall(SYS_getppid);
                           }).rows)
      counts[row["syscall"].text()] += row["count"].number();
    return counts;
  };
  using Counts = std::map<std::string, long long>;
  EXPECT_EQ(with({}), (Counts{{"close", 4}, {"chdir", 5}, {"getppid", 1}}));
  EXPECT_EQ(with({"-x"}), (Counts{{"close", 4}, {"chdir", 5}}));
  EXPECT_EQ(with({"--errno", "^EBADF"}), (Counts{{"chdir", 5}}));
}

TEST_P(Syslat, NamesCallsOfThe32BitTable) {
  if (!has_compat()) GTEST_SKIP() << "this machine or kernel has no 32-bit calls";
  constexpr long getppid32 = 64, getppid_as_native = 64;  // which is semget
  static_assert(getppid_as_native == SYS_semget);
  const auto work = [] {
    for (int i = 0; i < 7; ++i) compat_syscall(getppid32);
    for (int i = 0; i < 5; ++i) syscall(SYS_getppid);
  };
  const auto report = watch({"getppid,semget", "--compat"}, work);
  ASSERT_EQ(report.rows.size(), 2U) << report.out;
  const auto foreign = row_of(report, "abi", "32-bit"), native = row_of(report, "abi", "native");
  EXPECT_EQ(foreign["syscall"].text(), "getppid");
  EXPECT_EQ(foreign["syscall_raw"].number(), getppid32);
  EXPECT_EQ(foreign["count"].number(), 7);
  EXPECT_EQ(native["syscall"].text(), "getppid");
  EXPECT_EQ(native["count"].number(), 5);
}

TEST_P(Syslat, MeasuresAllCallsOfACommand) {
  if (GetParam() == "tracepoint") GTEST_SKIP() << "a tracepoint for each call takes minutes to detach";
  const auto report = run(forced({"--all", "--", "/bin/sh", "-c", "exec /bin/true"}));
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_GE(row_of(report, "syscall", "execve")["count"].number(), 2);
  EXPECT_EQ(row_of(report, "syscall", "exit_group")["count"].number(), 1);
  for (const auto& row : report.rows) EXPECT_EQ(row["syscall"].text().find("syscall_"), std::string::npos) << row;
}

// What each interval counted, added up, is what there was.
TEST_P(Syslat, LosesNothingUnderLoad) {
  const int each = scaled(200'000);
  std::vector<std::unique_ptr<Child>> children;
  const Gate go;
  std::string pids;
  for (int i = 0; i < 3; ++i) {
    children.push_back(std::make_unique<Child>([&] {
      go.pass();
      for (int made = 0; made < each; ++made) syscall(SYS_getppid);
      return 0;
    }));
    pids += (i ? "," : "") + std::to_string(children.back()->pid());
  }
  Sonde sonde(forced({"getppid", "-p", pids, "--by", "process", "-i", in_guest() ? "50ms" : "20ms"}));
  ASSERT_TRUE(sonde.ready());
  go.open(3);
  for (const auto& child : children) child->wait();
  const auto report = sonde.end();  // with its processes
  EXPECT_EQ(report.code, 0) << report.err;
  std::map<long long, long long> counts, in_buckets;
  for (const auto& row : report.rows) {
    counts[row["pid"].number()] += row["count"].number();
    in_buckets[row["pid"].number()] += counted(row["histogram_ns"]);
  }
  EXPECT_EQ(counts, in_buckets);
  for (const auto& child : children) {
    EXPECT_LE(counts[child->pid()], each);
    EXPECT_GE(counts[child->pid()], each - report.skipped());
  }
  if (!in_guest()) {
    EXPECT_GT(report.rows.back()["interval"].number(), 1);
  }
}

TEST_P(Syslat, RefusesWhatMakesNoSense) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  const struct {
    Words words;
    const char* says;
  } cases[] = {
      {{}, "Which system calls are meant"},
      {{"read", "--all"}, "--all means every one"},
      {{"no_such_call"}, "no system call 'no_such_call'"},
      {{"read", "--by", "colour"}, "cannot be counted by 'colour'"},
      {{"read", "--linear", "0,1ms"}, "'0,1ms' is not least, most and step"},
      {{"read", "--linear", "0,1s,1us"}, "has 1,000,000 steps"},
      {{"read", "--slower", "5"}, "'5' is not a length of time"},
      {{"read", "--slower", "5ms", "--by", "file"}, "--by is for sums"},
      {{"read", "--slower", "5ms", "-i", "1s"}, "-i is for sums"},
  };
  for (const auto& c : cases) {
    const auto report = run(forced(c.words));
    EXPECT_EQ(report.code, 2) << c.says;
    EXPECT_NE(report.err.find(c.says), std::string::npos) << report.err;
  }
}

}  // namespace
}  // namespace sonde::test
