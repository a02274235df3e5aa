// SPDX-License-Identifier: GPL-2.0-or-later
//
// The work that the benchmarked tracers watch. It depends on nothing, opens nothing but the file it is told to open,
// and prints one JSON object, so that bench/bench can tell what was really done from what a tracer says was done.
//
//   bench-load --op openat --path FILE                     how long does one operation take?
//   bench-load --op openat --path FILE --rate N --seconds S    N operations a second, counted exactly
//   bench-load --op openat --path FILE --mark              one operation for each line read, with its time
//   ... --alone NS         only batches count beside which the core was ours alone: the reference took no longer
//   ... --processes N      the batches are made by N processes in turn, so that a tracer sees N
//   ... --op name --keys N    the caller's name is one of N at each operation

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
#include "operations.h"
#include "reference.h"

namespace {

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
  double alone_ns = 1e9;
  bool mark = false;
  bool wait = false;
};

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

// So many times as many batches are made as are asked for, if others are on the core.
constexpr std::uint64_t patience = 8;

// What operations took in batches, and the core while they were made.
struct Batches {
  std::vector<double> ns;   // of an operation
  std::uint64_t alone = 0;  // batches while the core was ours alone: only they count, if there is one
  double least_reference_ns = 1e9;
};

template <typename RunBatch>
Batches collect(std::uint64_t batches, double alone_ns, RunBatch run) {
  Batches all;
  std::vector<double> beside_others;
  double before = reference_ns();
  for (std::uint64_t i = 0; all.ns.size() < batches && i < batches * patience; ++i) {
    const double took = run(i);
    const double after = reference_ns();
    (std::max(before, after) <= alone_ns ? all.ns : beside_others).push_back(took);
    all.least_reference_ns = std::min({all.least_reference_ns, before, after});
    before = after;
  }
  all.alone = all.ns.size();
  if (all.ns.empty()) all.ns = beside_others;
  return all;
}

void measure(const Operation& op, const Options& o) {
  const std::uint64_t count = calibrate(op);
  Turns turns;
  if (o.processes > 1) {
    turns.begin(o.processes, [&op, count] { return static_cast<double>(time_of(op, count)); });
    // Each has been seen once before anything counts.
    for (std::uint64_t i = 0; i < o.processes; ++i) {
      turns.run(i);
    }
    made += count * o.processes;
  }
  Batches all = collect(o.batches, o.alone_ns, [&](std::uint64_t i) {
    const double took = o.processes > 1 ? turns.run(i) : static_cast<double>(time_of(op, count));
    if (o.processes > 1) made += count;
    return took / static_cast<double>(count);
  });
  std::sort(all.ns.begin(), all.ns.end());
  // The 10th percentile: what an operation costs where nothing else ran. The mean would measure the neighbours.
  std::printf(
      R"({"op":"%s","made":%llu,"batches":%zu,"alone":%llu,"reference_ns":%.4f,"ops_per_batch":%llu,"ns_p10":%.2f,)"
      R"("ns_median":%.2f,"ns_min":%.2f})"
      "\n",
      op.name.data(), static_cast<unsigned long long>(made), all.ns.size(), static_cast<unsigned long long>(all.alone),
      all.least_reference_ns, static_cast<unsigned long long>(count), all.ns[all.ns.size() / 10],
      all.ns[all.ns.size() / 2], all.ns.front());
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
    } else if (name == "--alone") {
      o.alone_ns = std::strtod(value, nullptr);
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
    measure(op, o);
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
