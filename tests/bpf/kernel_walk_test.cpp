// SPDX-License-Identifier: GPL-2.0-or-later
// The walk of our own up the kernel's stacks, each time beside the kernel's.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "kernel/kernel_stacks.h"
#include "lib/kernel_walk.h"
#include "objects.h"
#include "support/process.h"

namespace sonde::test {
namespace {

constexpr timespec moment{0, 20'000};

void ping_pong(int turns) {
  const Pipe there, back;
  char ball = 'o';
  const Child other([&] {
    char got = 0;
    for (int i = 0; i < turns; ++i)
      if (read(there.out.get(), &got, 1) != 1 || write(back.in.get(), &got, 1) != 1) return 1;
    return 0;
  });
  for (int i = 0; i < turns; ++i)
    if (write(there.in.get(), &ball, 1) != 1 || read(back.out.get(), &ball, 1) != 1) fail("a pipe broke");
}

void nap(int turns) {
  for (int i = 0; i < turns; ++i) nanosleep(&moment, nullptr);
}

void poll_nothing(int turns) {
  const Pipe pipe;
  const Fd epoll(epoll_create1(0));
  epoll_event event{};
  epoll_ctl(epoll.get(), EPOLL_CTL_ADD, pipe.out.get(), &event);
  for (int i = 0; i < turns; ++i) {
    pollfd one{pipe.out.get(), POLLIN, 0};
    poll(&one, 1, 1);
    epoll_wait(epoll.get(), &event, 1, 1);
  }
}

void wait_for_each_other(int turns) {
  std::mutex mutex;
  std::condition_variable changed;
  int count = 0;
  const auto play = [&](int parity) {
    std::unique_lock lock(mutex);
    while (count < turns) {
      changed.wait(lock, [&] { return count % 2 == parity || count >= turns; });
      ++count;
      changed.notify_all();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
}

void bear(int turns) {
  for (int i = 0; i < turns; ++i) Child([] { return 0; });
}

class Walk {
 public:
  explicit Walk(const orc_tables& tables) : skeleton_(offcputime_bpf__open()) {
    skeleton_->rodata->stacks = {1, 0, UNWIND_NEVER};
    std::memset(const_cast<void*>(static_cast<const volatile void*>(&skeleton_->rodata->conf.states)), 0xff,
                sizeof(skeleton_->rodata->conf.states));
    skeleton_->rodata->walk_unchecked = 0;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton_->obj)
        bpf_program__set_autoload(program, program == skeleton_->progs.off_and_on);
    if (offcputime_bpf__load(skeleton_) != 0) fail("offcputime does not load");
    skeleton_->bss->orc = tables;
    if (offcputime_bpf__attach(skeleton_) != 0) fail("offcputime cannot be attached");
  }
  ~Walk() { offcputime_bpf__destroy(skeleton_); }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  void end() { offcputime_bpf__detach(skeleton_); }
  [[nodiscard]] std::uint64_t mistaken() const { return skeleton_->bss->run.drops[DROP_MISTAKEN]; }
  /// Of the program at switches, by CPU.
  [[nodiscard]] std::vector<walker> all() const {
    std::vector<walker> walkers(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    const std::uint32_t user = 0;
    if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.walkers), &user, walkers.data()) != 0) fail("no walkers");
    return walkers;
  }

 private:
  offcputime_bpf* skeleton_;
};

TEST(KernelWalk, GoesWhereTheKernelGoes) {
  if (!has_types()) GTEST_SKIP() << "this kernel has no BTF";
  const orc_tables tables = kernel::KernelStacks().prepare();
  if (!tables.count) GTEST_SKIP() << "this kernel has no tables of frames (CONFIG_UNWINDER_ORC), or hides them";
  Walk walk(tables);
  for (const auto& way : {ping_pong, nap, poll_nothing, wait_for_each_other, bear}) way(400);
  walk.end();
  EXPECT_EQ(walk.mistaken(), 0U);
  std::uint64_t walks = 0, known = 0;
  for (const walker& one : walk.all()) {
    walks += one.walks;
    known += one.known;
  }
  RecordProperty("walks", static_cast<int>(walks));
  RecordProperty("known", static_cast<int>(known));
  EXPECT_GT(walks, 1000U);
  EXPECT_GE(known * 10, walks * 9) << "of " << walks << " stacks only " << known << " were known";
}

}  // namespace
}  // namespace sonde::test
