// SPDX-License-Identifier: GPL-2.0-or-later
// The law: what was made is what was shown and what was reported as lost.
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "opensnoop.h"

namespace sonde::test {
namespace {

// Processes that open as fast as they can, each on a CPU of its own, from go() on.
class Load {
 public:
  explicit Load(int processes, int each = scaled(60'000)) : each_(each) {
    const auto cpus = sysconf(_SC_NPROCESSORS_ONLN);  // opens a file: not in the children
    for (int i = 0; i < processes; ++i) {
      children_.push_back(std::make_unique<Child>([this, i, cpus] {
        cpu_set_t cpu;
        CPU_ZERO(&cpu);
        CPU_SET(i % cpus, &cpu);
        sched_setaffinity(0, sizeof(cpu), &cpu);
        go_.pass();
        make_load("/not/there", each_);
        return 0;
      }));
    }
  }

  [[nodiscard]] std::string pids(std::size_t count = SIZE_MAX) const {
    std::string list;
    for (std::size_t i = 0; i < std::min(count, children_.size()); ++i)
      list += (list.empty() ? "" : ",") + std::to_string(children_[i]->pid());
    return list;
  }
  [[nodiscard]] long long each() const { return each_; }
  void run() {
    go_.open(static_cast<int>(children_.size()));
    for (const auto& child : children_) child->wait();
  }

 private:
  int each_;
  Gate go_;
  std::vector<std::unique_ptr<Child>> children_;
};

class Law : public Opensnoop {
 protected:
  [[nodiscard]] Words words(const Load& load, const Words& more = {}, std::size_t pids = SIZE_MAX) const {
    Words all = forced({"-C", "pid", "--pid", load.pids(pids)});
    all.insert(all.end(), more.begin(), more.end());
    return opensnoop(all);
  }
};

TEST_P(Law, HoldsAtFullRate) {
  for (int processes = in_guest() ? 2 : 1; processes <= 2; ++processes) {
    Load load(processes);
    Sonde sonde(words(load));
    ASSERT_TRUE(sonde.ready());
    load.run();
    expect_law(sonde.end(SIGINT), processes * load.each());
  }
}

TEST_P(Law, HoldsInATinyRing) {
  Load load(2);
  Sonde sonde(words(load, {"--buffer-size", "4k"}));
  ASSERT_TRUE(sonde.ready());
  load.run();
  const auto report = sonde.end(SIGTERM);
  expect_law(report, 2 * load.each());
  EXPECT_GT(report.events.size(), 0U);
}

// And what others did that nobody asked for is not lost.
TEST_P(Law, HoldsWithAReaderThatStopped) {
  Load load(2);
  Sonde sonde(words(load, {"--buffer-size", "64k"}, 1));
  ASSERT_TRUE(sonde.ready());
  sonde.signal(SIGSTOP);
  load.run();
  sonde.signal(SIGCONT);
  const auto report = sonde.end(SIGINT);
  expect_law(report, load.each());
  EXPECT_GT(report.lost(), 0);
}

TEST_P(Law, HoldsWithAPipeThatNobodyReads) {
  Load load(1);
  Pipe pipe(4096);
  Sonde sonde(words(load, {"--buffer-size", "16k"}), {.out = pipe.in.get(), .prepare = {}});
  pipe.in.reset();
  ASSERT_TRUE(sonde.ready());
  load.run();
  sonde.blocked_in(SYS_write);
  sonde.signal(SIGINT);
  std::string text;
  char part[4096];
  for (ssize_t n = 0; (n = read(pipe.out.get(), part, sizeof(part))) > 0;)
    text.append(part, static_cast<std::size_t>(n));
  auto report = read_json(text);
  report.code = sonde.end().code;
  expect_law(report, load.each());
  EXPECT_GT(report.lost(), 0);
}

TEST_P(Law, HoldsWithACeiling) {
  if (left_to_another()) GTEST_SKIP() << same_in_all;
  Load load(1, 1000);
  Sonde sonde(words(load, {"--max-rate", "7", "--strict"}));
  ASSERT_TRUE(sonde.ready());
  load.run();
  auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 5);
  report.code = 0;
  expect_law(report, load.each());
  EXPECT_EQ(report.summary["losses"].items().at(0)["reason"].text(), "over --max-rate");
}

INSTANTIATE_TEST_SUITE_P(Opensnoop, Law, testing::Values("fexit", "tracepoint", "tp_btf", "kprobe"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace sonde::test
