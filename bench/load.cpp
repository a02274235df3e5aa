// SPDX-License-Identifier: GPL-2.0-or-later
//
// The work that the benchmarked tracers watch. It depends on nothing, opens nothing but the file it is told to open,
// and prints one JSON object, so that bench/bench can tell what was really done from what a tracer says was done.
//
//   bench-load --op openat --path FILE                     how long does one operation take?
//   bench-load --op openat --path FILE --rate N --seconds S    N operations a second, counted exactly
//   bench-load --op openat --path FILE --mark              one operation for each line read, with its time
//   ... --processes N      the batches are made by N processes in turn, so that a tracer sees N
//   ... --op name --keys N    the caller's name is one of N at each operation

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>
#include <vector>

#include "helpers.h"

namespace {

// By this name its rows are found in what tracers show.
char own_name[] = "bench-load";
char end_at_once[] = "--end-at-once";
char own_path[4096];

constexpr std::uint64_t second_ns = 1'000'000'000;

// A batch is short enough that most batches see no timer tick and no other task, and long enough that reading the clock
// twice does not matter.
constexpr std::uint64_t batch_ns = 400'000;

struct Options {
  const char* op = "openat";
  const char* path = nullptr;
  int cpu = -1;
  std::uint64_t batches = 400;
  std::uint64_t rate = 0;
  std::uint64_t seconds = 0;
  std::uint64_t processes = 1;
  std::uint64_t keys = 1;
  bool mark = false;
  bool wait = false;
};

std::uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * second_ns + static_cast<std::uint64_t>(t.tv_nsec);
}

// ---- The operations. Each is called through a pointer, which costs nothing beside a system call. ----

const char* traced_path = nullptr;

void openat_existing() {
  const long fd = syscall(SYS_openat, AT_FDCWD, traced_path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fail(traced_path, std::strerror(errno));
  }
  syscall(SYS_close, fd);
}

// O_TMPFILE without write access is refused before the path is looked at. It is an open like any other to a tracer and
// a tenth of the work to the kernel: only so can one CPU make 500,000 a second under a slow tracer.
void openat_refused() {
  if (syscall(SYS_openat, AT_FDCWD, traced_path, O_TMPFILE | O_RDONLY) >= 0 || errno != EINVAL) {
    fail(traced_path, "this kernel did not refuse O_TMPFILE | O_RDONLY with EINVAL");
  }
}

void getppid_raw() { syscall(SYS_getppid); }

// A byte to another process on the same CPU and back: two switches.
int there[2], back[2];

[[noreturn]] void play_back() {
  char ball = 0;
  while (read(there[0], &ball, 1) == 1 && write(back[1], &ball, 1) == 1) {
  }
  _exit(0);
}

void switch_to_and_fro() {
  char ball = 0;
  if (write(there[1], &ball, 1) != 1 || read(back[0], &ball, 1) != 1) {
    fail("pipe", std::strerror(errno));
  }
}

void begin_to_and_fro() {
  if (pipe(there) != 0 || pipe(back) != 0) {
    fail("pipe", std::strerror(errno));
  }
  if (fork_helper() == 0) {
    play_back();
  }
}

// The shortest sleep there is: without slack the timer is due as soon as it is set.
void nanosleep_shortest() {
  static const int unslack = prctl(PR_SET_TIMERSLACK, 1);
  const timespec time{0, 1};
  if (unslack != 0 || syscall(SYS_nanosleep, &time, nullptr) != 0) {
    fail("nanosleep", std::strerror(errno));
  }
}

void read_zero() {
  static const int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  char byte = 0;
  if (syscall(SYS_read, fd, &byte, 1) != 1) {
    fail("/dev/zero", std::strerror(errno));
  }
}

[[noreturn]] void exec_itself() {
  char* const arguments[] = {own_path, end_at_once, nullptr};
  char* const environment[] = {nullptr};
  execve(own_path, arguments, environment);
  _exit(127);
}

void await(pid_t child) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    fail("a child", "could not be started, or failed");
  }
}

void fork_and_exec() {
  const pid_t child = vfork();
  if (child == 0) {
    exec_itself();
  }
  await(child);
}

void fork_and_exit() {
  const pid_t child = vfork();
  if (child == 0) {
    _exit(0);
  }
  await(child);
}

// A signal that is sent and does nothing.
void signal_itself() {
  static const pid_t self = getpid();
  if (kill(self, SIGWINCH) != 0) {
    fail("kill", std::strerror(errno));
  }
}

std::uint64_t names = 1;

void getppid_by_name() {
  static std::uint64_t next = 0;
  char name[] = "k0000000";
  std::uint64_t left = next;
  next = next + 1 == names ? 0 : next + 1;
  for (char* digit = name + 7; left > 0; left /= 10) {
    *digit-- = static_cast<char>('0' + left % 10);
  }
  prctl(PR_SET_NAME, name);
  syscall(SYS_getppid);
}

// Each name once, so that what is measured finds the rows that it needs.
void name_all() {
  for (std::uint64_t i = 0; i < names; ++i) {
    getppid_by_name();
  }
}

struct Operation {
  std::string_view name;
  void (*run)();
  bool needs_path;
  void (*begin)() = nullptr;
};

constexpr Operation operations[] = {
    {"openat", openat_existing, true},        {"openat-refused", openat_refused, true},
    {"getppid", getppid_raw, false},          {"switch", switch_to_and_fro, false, begin_to_and_fro},
    {"nanosleep", nanosleep_shortest, false}, {"read", read_zero, false},
    {"fork-exec", fork_and_exec, false},      {"fork", fork_and_exit, false},
    {"kill", signal_itself, false},           {"name", getppid_by_name, false, name_all},
};

const Operation& find_operation(std::string_view name) {
  for (const Operation& op : operations) {
    if (op.name == name) {
      return op;
    }
  }
  fail("unknown operation", name.data());
}

// ---- The three modes. ----

std::uint64_t made = 0;  // by this process, warming up included

std::uint64_t time_of(const Operation& op, std::uint64_t count) {
  made += count;
  const std::uint64_t start = now_ns();
  for (std::uint64_t i = 0; i < count; ++i) {
    op.run();
  }
  return now_ns() - start;
}

// How many operations fill a batch. Doubling also warms the caches up. The first operations are slow, and any may be
// interrupted: the fastest of a few tries says what fits.
std::uint64_t calibrate(const Operation& op) {
  std::uint64_t count = 1;
  time_of(op, 2);
  std::uint64_t took = time_of(op, count);
  while (took < batch_ns) {
    count *= 2;
    took = std::min({time_of(op, count), time_of(op, count), time_of(op, count)});
  }
  return std::max<std::uint64_t>(1, count * batch_ns / took);
}

void measure(const Operation& op, std::uint64_t batches, std::uint64_t processes) {
  const std::uint64_t count = calibrate(op);
  Turns turns;
  if (processes > 1) {
    turns.begin(processes, [&op, count] { return static_cast<double>(time_of(op, count)); });
    // Each has been seen once before anything counts.
    for (std::uint64_t i = 0; i < processes; ++i) {
      turns.run(i);
    }
    made += count * (processes + batches);
  }
  std::vector<double> ns;
  ns.reserve(batches);
  for (std::uint64_t i = 0; i < batches; ++i) {
    const double took = processes > 1 ? turns.run(i) : static_cast<double>(time_of(op, count));
    ns.push_back(took / static_cast<double>(count));
  }
  std::sort(ns.begin(), ns.end());
  // The 10th percentile: what an operation costs where nothing else ran. The mean would measure the neighbours.
  std::printf(
      R"({"op":"%s","made":%llu,"batches":%zu,"ops_per_batch":%llu,"ns_p10":%.2f,"ns_median":%.2f,"ns_min":%.2f})"
      "\n",
      op.name.data(), static_cast<unsigned long long>(made), ns.size(), static_cast<unsigned long long>(count),
      ns[ns.size() / 10], ns[ns.size() / 2], ns.front());
}

// Paced by watching the clock: a sleep would add context switches and timer slack to what is measured.
void pace(const Operation& op, std::uint64_t rate, std::uint64_t seconds) {
  const std::uint64_t start = now_ns();
  const std::uint64_t end = start + seconds * second_ns;
  std::uint64_t base = start;  // the time of operation 0 of the current train
  std::uint64_t in_train = 0;
  std::uint64_t now = start;
  while (now < end) {
    const std::uint64_t due = base + in_train * second_ns / rate;
    if (now < due) {
      now = now_ns();
      continue;
    }
    // More than a millisecond late (preempted, or the rate is out of reach): begin a new train rather than catch up in
    // a burst that is faster than the rate asked for.
    if (now - due > 1'000'000) {
      base = now;
      in_train = 0;
    }
    op.run();
    ++in_train;
    ++made;
    now = now_ns();
  }
  const double took = static_cast<double>(now - start) / static_cast<double>(second_ns);
  std::printf(R"({"op":"%s","pid":%d,"asked_rate":%llu,"made":%llu,"seconds":%.3f,"rate":%.0f})"
              "\n",
              op.name.data(), getpid(), static_cast<unsigned long long>(rate), static_cast<unsigned long long>(made),
              took, static_cast<double>(made) / took);
}

// True if a line (or at least a byte of it) came, false at end of file. read(2), so that nothing is buffered ahead.
bool next_line() {
  char c = 0;
  while (true) {
    const ssize_t got = read(STDIN_FILENO, &c, 1);
    if (got <= 0) {
      return false;
    }
    if (c == '\n') {
      return true;
    }
  }
}

void mark(const Operation& op) {
  while (next_line()) {
    const std::uint64_t when = now_ns();
    op.run();
    std::printf(R"({"op":"%s","monotonic_ns":%llu})"
                "\n",
                op.name.data(), static_cast<unsigned long long>(when));
    std::fflush(stdout);
  }
}

// ---- Start-up. ----

std::uint64_t natural(const char* flag, const char* text) {
  std::uint64_t value = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc{} || stop != end) {
    fail(flag, "not a number");
  }
  return value;
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const char* const flag = argv[i];
    const std::string_view name = flag;
    if (name == "--mark") {
      o.mark = true;
      continue;
    }
    if (name == "--wait") {
      o.wait = true;
      continue;
    }
    if (i + 1 == argc) {
      fail(flag, "needs a value, or is not known");
    }
    const char* const value = argv[++i];
    if (name == "--op") {
      o.op = value;
    } else if (name == "--path") {
      o.path = value;
    } else if (name == "--cpu") {
      o.cpu = static_cast<int>(natural(flag, value));
    } else if (name == "--batches") {
      o.batches = std::max<std::uint64_t>(1, natural(flag, value));
    } else if (name == "--processes") {
      o.processes = std::max<std::uint64_t>(1, natural(flag, value));
    } else if (name == "--keys") {
      o.keys = std::max<std::uint64_t>(1, natural(flag, value));
    } else if (name == "--rate") {
      o.rate = natural(flag, value);
    } else if (name == "--seconds") {
      o.seconds = natural(flag, value);
    } else {
      fail(flag, "unknown flag");
    }
  }
  return o;
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    fail("cannot pin to the CPU", std::strerror(errno));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == end_at_once) {
    return 0;
  }
  const Options o = parse(argc, argv);
  prctl(PR_SET_NAME, own_name);
  // A harness that dies must not leave a spinning process behind.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (o.cpu >= 0) {
    pin(o.cpu);
  }
  const Operation& op = find_operation(o.op);
  if (op.needs_path && o.path == nullptr) {
    fail(o.op, "needs --path");
  }
  traced_path = o.path;
  if (readlink("/proc/self/exe", own_path, sizeof own_path - 1) <= 0) {
    fail("/proc/self/exe", std::strerror(errno));
  }
  names = o.keys;
  if (op.begin != nullptr) {
    op.begin();
  }

  // With --wait a tracer can be told this process's id, and be attached, before the first operation.
  if (o.wait) {
    std::printf(R"({"pid":%d})"
                "\n",
                getpid());
    std::fflush(stdout);
    if (!next_line()) {
      return 1;
    }
  }
  if (o.mark) {
    mark(op);
  } else if (o.rate > 0) {
    pace(op, o.rate, o.seconds);
  } else {
    measure(op, o.batches, o.processes);
  }
  // It is there until it is killed: a tracer of this process alone would end with it.
  if (o.wait) {
    std::fflush(stdout);
    while (next_line()) {
    }
  }
  end_helpers();
  return 0;
}
