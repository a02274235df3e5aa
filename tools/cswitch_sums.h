// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "app/snapshot.h"
#include "core/census.h"
#include "core/units.h"
#include "cswitch.skel.h"
#include "cswitch_info.h"
#include "lib/accounts.h"

namespace sonde {

inline constexpr count_by by_cpu{COUNT_OF_ALL, 1};

struct SwitchKey {
  std::uint64_t who;   // tid, PID or CPU
  std::uint64_t born;  // when that thread or process was: numbers come again
};

struct SwitchCounts {
  account_sums sums;
  std::uint64_t threads;
  std::uint32_t pid, tid;
  std::uint64_t leads;  // `comm` is that of the process's first thread
  char comm[COMM_LEN];
};

/// What threads, processes and CPUs do with their time.
class CswitchSums final : public Snapshot<SwitchKey, SwitchCounts, cswitch_bpf> {
 public:
  CswitchSums() : Snapshot(cswitch_info()) {
    add_keys();
    add_counts();
  }

  void options(Options&) override {}

 private:
  void add_keys() {
    const auto id = [](std::uint64_t number) { return number ? Value::natural(number) : Value(); };
    group_by("switches", {{"process", {COUNT_OF_PROCESS, 0}, {"pid", "comm", "threads"}},
                          {"thread", {COUNT_OF_THREAD, 0}, {"pid", "tid", "comm"}},
                          {"cpu", by_cpu, {"cpu"}}});
    add_key({"cpu", Value::Kind::natural, 4, "the CPU"}, [](const Sum& s) { return Value::natural(s.key.who); });
    add_key({"pid", Value::Kind::natural, 7, "process"}, [id](const Sum& s) { return id(s.value.pid); });
    add_key({"tid", Value::Kind::natural, 7, "thread"}, [id](const Sum& s) { return id(s.value.tid); });
    add_key({"comm", Value::Kind::text, COMM_LEN - 1, "name of the thread, or of the process's first one"},
            [](const Sum& s) {
              return Value::text({s.value.comm, strnlen(s.value.comm, COMM_LEN)});
            });
    add_key({"threads", Value::Kind::natural, 7, "threads that it had", true, true},
            [](const Sum& s) { return Value::natural(s.value.threads); });
  }

  void add_counts() {
    const auto count = [this](std::string key, int width, std::string help, bool yields, auto get) {
      add({std::move(key), Value::Kind::natural, width, std::move(help), true, yields},
          [get](const Sum& s) { return Value::natural(get(s.value.sums.counts)); });
    };
    const auto time = [this](std::string key, account_state state, std::string help, bool yields = false) {
      add({std::move(key), Value::Kind::duration, 7, std::move(help), true, yields}, [this, state](const Sum& s) {
        const bool of_threads = state == ACCOUNT_BLOCK || state == ACCOUNT_STOP;
        return of_threads && of_cpus() ? Value() : Value::duration(s.value.sums.spent[state]);
      });
    };
    count("switches", 8, "switches away from it", false, [](const auto& c) { return c.voluntary + c.involuntary; });
    count("voluntary", 9, "those because it waited for something", true, [](const auto& c) { return c.voluntary; });
    count("involuntary", 11, "those because another's turn had come", false,
          [](const auto& c) { return c.involuntary; });
    add({"migrations", Value::Kind::natural, 10, "how often it was moved to another CPU", true, true},
        [this](const Sum& s) { return of_cpus() ? Value() : Value::natural(s.value.sums.counts.other); });
    time("on_ns", ACCOUNT_ON, "time on a CPU; of a CPU: with a thread on it");
    time("wait_ns", ACCOUNT_WAIT, "time that it could have run and waited for a CPU; of a CPU: of those who came");
    time("sleep_ns", ACCOUNT_SLEEP, "time asleep, where a signal wakes it; of a CPU: idle");
    time("block_ns", ACCOUNT_BLOCK, "time blocked, where no signal wakes it: disk, locks in the kernel");
    time("stop_ns", ACCOUNT_STOP, "time stopped, traced or frozen", true);
  }

  [[nodiscard]] bool of_cpus() const { return by().what == by_cpu.what; }
  [[nodiscard]] std::string sorted_by() const override { return of_cpus() ? "on_ns" : "switches"; }

  void merge(SwitchCounts& into, const SwitchCounts& from) const override {
    into.sums += from.sums;
    into.threads += from.threads;
    if (!from.leads || into.leads) return;
    into.leads = from.leads;
    std::copy(std::begin(from.comm), std::end(from.comm), into.comm);
  }
  // Each reading is of its own interval already.
  SwitchCounts difference(const SwitchCounts& now, const SwitchCounts&) const override { return now; }
  // Who only slept is of interest where somebody asked for him.
  [[nodiscard]] bool empty(const SwitchCounts& counts) const override {
    const auto& sums = counts.sums;
    if (of_cpus() || common().filter.any() || !common().command.empty()) return false;
    return !sums.counts.voluntary && !sums.counts.involuntary && !sums.spent[ACCOUNT_ON] && !sums.spent[ACCOUNT_WAIT] &&
           !sums.spent[ACCOUNT_BLOCK];
  }

  [[nodiscard]] std::size_t account_size() const override { return sizeof(account_record); }
  void take_account(const std::byte* record) override {
    census_.take(*reinterpret_cast<const account_record*>(record));
  }
  void take_cpu_account(unsigned cpu, const std::byte* record) override {
    if (cpus_.size() <= cpu) cpus_.resize(cpu + 1);
    cpus_[cpu].account = reinterpret_cast<const cpu_account*>(record)->account;
  }

  void settle_accounts(std::uint64_t boundary) override {
    const auto shares = census_.settle(boundary);
    if (!boundary) return;
    settle_cpus(boundary);
    if (last_ && !of_cpus())
      for (const auto& share : shares) add_thread(share);
    last_ = boundary;
  }

  void add_thread(const Census::Share& share) {
    const auto& task = share.task;
    struct {
      SwitchKey key;
      SwitchCounts counts;
    } row{};
    row.key = by().who == COUNT_OF_THREAD ? SwitchKey{task.tid, task.thread.born} : SwitchKey{task.pid, task.process};
    row.counts.sums = share.sums;
    row.counts.threads = 1;
    row.counts.pid = task.pid;
    row.counts.tid = task.tid;
    row.counts.leads = task.leads;
    std::copy(std::begin(task.comm), std::end(task.comm), row.counts.comm);
    read_row(reinterpret_cast<const std::byte*>(&row), 0, {}, nullptr);
  }

  void settle_cpus(std::uint64_t boundary) {
    if (!opened_) opened_ = boundary;
    switches_ = 0;
    idle_.clear();
    for (std::size_t cpu = 0; cpu < cpus_.size(); ++cpu) {
      auto& own = cpus_[cpu];
      if (!own.account.since) {
        own.account.since = opened_;
        own.account.state = census_.runs_on(static_cast<std::uint32_t>(cpu)) ? ACCOUNT_ON : ACCOUNT_SLEEP;
      }
      const account_sums sums = sums_at(own.account, boundary, boundary);
      const account_sums share = sums - own.before;
      own.before = sums;
      switches_ += share.counts.other;
      if (last_)
        idle_.push_back(static_cast<double>(share.spent[ACCOUNT_SLEEP]) / static_cast<double>(boundary - last_));
      if (!last_ || !of_cpus()) continue;
      struct {
        SwitchKey key;
        SwitchCounts counts;
      } row{};
      row.key.who = cpu;
      row.counts.sums = share;
      read_row(reinterpret_cast<const std::byte*>(&row), 0, {}, nullptr);
    }
    length_ = boundary - last_;
  }

  [[nodiscard]] std::string remark() const override {
    const auto rate = static_cast<double>(switches_) * 1e9 / static_cast<double>(std::max<std::uint64_t>(length_, 1));
    std::string text = format_count(static_cast<std::uint64_t>(rate)) + " switches a second; idle:";
    for (std::size_t cpu = 0; cpu < idle_.size(); ++cpu) {
      const auto tenths = static_cast<std::uint64_t>(idle_[cpu] * 1000 + 0.5);
      text += (cpu ? ", CPU " : " CPU ") + std::to_string(cpu) + " " + std::to_string(tenths / 10) + "." +
              std::to_string(tenths % 10) + " %";
    }
    text += ".";
    if (const auto torn = census_.torn())
      text += " " + format_count(torn) + " accounts were written just as they were read: they count an interval later.";
    return text;
  }

  void configure(cswitch_bpf&) override {}

  kernel::Ladder probes(cswitch_bpf& s) override {
    kernel::Rung tp_btf{"tp_btf", {}};
    tp_btf.attach(s.progs.threads_switch);
    if (kernel::dequeues_later()) tp_btf.attach(s.progs.thread_wakes);
    return {"context switches", {tp_btf}};
  }

  struct Cpu {
    task_account account;
    account_sums before;
  };

  Census census_;
  std::vector<Cpu> cpus_;
  std::vector<double> idle_;
  std::uint64_t opened_ = 0, last_ = 0, length_ = 0, switches_ = 0;
};

}  // namespace sonde
