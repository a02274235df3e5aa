// SPDX-License-Identifier: GPL-2.0-or-later
#include "cswitch.h"

#include <algorithm>

#include "app/snapshot.h"
#include "core/text.h"
#include "core/units.h"
#include "cswitch.skel.h"
#include "cswitch_census.h"

namespace sonde {
namespace {

enum class By { thread, process, cpu };

struct Key {
  std::uint64_t who;   // tid, PID or CPU
  std::uint64_t born;  // when that thread or process was: numbers come again
};

struct Counts {
  cswitch_sums sums;
  std::uint64_t threads;
  std::uint32_t pid, tid;
  std::uint64_t leads;  // `comm` is that of the process's first thread
  char comm[COMM_LEN];
};

class Cswitch final : public Snapshot<Key, Counts, cswitch_bpf> {
 public:
  Cswitch()
      : Snapshot({"cswitch",
                  "Scheduling",
                  "context switches: who runs, waits and sleeps, and for how long",
                  "Shows for each process, thread or CPU how often it was switched, of its own accord or not, and how "
                  "long it ran, waited for a CPU, slept and was blocked. Every nanosecond of the window is accounted.",
                  {{"sonde cswitch -i 1", "processes, the most often switched first, every second"},
                   {"sonde cswitch --by thread -p 4711 -d 10", "what the threads of a process do with their time"},
                   {"sonde cswitch --sort wait", "who waits for a CPU"},
                   {"sonde cswitch --by cpu -i 1", "how busy each CPU is"}}}) {
    add_keys();
    add_counts();
    choose("process");
  }

  void options(Options& options) override {
    options.value("--by", "KEYS", "process, thread or cpu", [this](std::string_view text) { choose(text); });
  }

 private:
  void add_keys() {
    const auto add_key = [this](ColumnInfo column, std::vector<By> of, Get get) {
      add(std::move(column), [this, of = std::move(of), get = std::move(get)](const Sum& s) {
        return std::find(of.begin(), of.end(), by_) == of.end() ? Value() : get(s);
      });
    };
    const auto id = [](std::uint64_t number) { return number ? Value::natural(number) : Value(); };
    add_key({"cpu", Value::Kind::natural, 4, "the CPU"}, {By::cpu},
            [](const Sum& s) { return Value::natural(s.key.who); });
    add_key({"pid", Value::Kind::natural, 7, "process"}, {By::thread, By::process},
            [id](const Sum& s) { return id(s.value.pid); });
    add_key({"tid", Value::Kind::natural, 7, "thread"}, {By::thread}, [id](const Sum& s) { return id(s.value.tid); });
    add_key({"comm", Value::Kind::text, COMM_LEN - 1, "name of the thread, or of the process's first one"},
            {By::thread, By::process}, [](const Sum& s) {
              return Value::text({s.value.comm, strnlen(s.value.comm, COMM_LEN)});
            });
    add_key({"threads", Value::Kind::natural, 7, "threads that it had", false}, {By::process},
            [](const Sum& s) { return Value::natural(s.value.threads); });
  }

  void add_counts() {
    const auto count = [this](std::string key, int width, std::string help, bool standard, auto get) {
      add({std::move(key), Value::Kind::natural, width, std::move(help), standard},
          [get](const Sum& s) { return Value::natural(get(s.value.sums.counts)); });
    };
    const auto time = [this](std::string key, cswitch_state state, std::string help, bool standard = true) {
      add({std::move(key), Value::Kind::duration, 7, std::move(help), standard},
          [state](const Sum& s) { return Value::duration(s.value.sums.spent[state]); });
    };
    count("switches", 8, "switches away from it", true, [](const auto& c) { return c.voluntary + c.involuntary; });
    count("voluntary", 9, "those because it waited for something", false, [](const auto& c) { return c.voluntary; });
    count("involuntary", 11, "those because another's turn had come", true,
          [](const auto& c) { return c.involuntary; });
    add({"migrations", Value::Kind::natural, 10, "how often it was moved to another CPU", false},
        [this](const Sum& s) { return by_ == By::cpu ? Value() : Value::natural(s.value.sums.counts.other); });
    time("on_ns", CSWITCH_ON, "time on a CPU; of a CPU: with a thread on it");
    time("wait_ns", CSWITCH_WAIT, "time that it could have run and waited for a CPU");
    time("sleep_ns", CSWITCH_SLEEP, "time asleep, where a signal wakes it; of a CPU: idle");
    time("block_ns", CSWITCH_BLOCK, "time blocked, where no signal wakes it: disk, locks in the kernel");
    time("stop_ns", CSWITCH_STOP, "time stopped, traced or frozen", false);
  }

  void choose(std::string_view text) {
    static const std::pair<std::string_view, By> names[] = {
        {"process", By::process}, {"thread", By::thread}, {"cpu", By::cpu}};
    const auto* chosen =
        std::find_if(std::begin(names), std::end(names), [&](const auto& name) { return name.first == text; });
    if (chosen == std::end(names))
      throw Error(Exit::usage, "Switches cannot be counted by '" + escaped(text) + "'.",
                  "They can by process, thread or cpu.");
    by_ = chosen->second;
    show("cpu", by_ == By::cpu);
    show("pid", by_ == By::process);
    show("tid", by_ == By::thread);
    show("comm", by_ != By::cpu);
    show("block_ns", by_ != By::cpu);
  }

  [[nodiscard]] std::string sorted_by() const override { return by_ == By::cpu ? "on_ns" : "switches"; }

  void merge(Counts& into, const Counts& from) const override {
    into.sums += from.sums;
    into.threads += from.threads;
    if (!from.leads || into.leads) return;
    into.leads = from.leads;
    std::copy(std::begin(from.comm), std::end(from.comm), into.comm);
  }
  // Each reading is of its own interval already.
  Counts difference(const Counts& now, const Counts&) const override { return now; }
  // Who only slept is of interest where somebody asked for him.
  [[nodiscard]] bool empty(const Counts& counts) const override {
    const auto& sums = counts.sums;
    if (by_ == By::cpu || common().filter.any() || !common().command.empty()) return false;
    return !sums.counts.voluntary && !sums.counts.involuntary && !sums.spent[CSWITCH_ON] && !sums.spent[CSWITCH_WAIT] &&
           !sums.spent[CSWITCH_BLOCK];
  }

  [[nodiscard]] std::size_t account_size() const override { return sizeof(cswitch_task); }
  void take_account(const std::byte* record) override { census_.take(*reinterpret_cast<const cswitch_task*>(record)); }
  void take_cpu_account(unsigned cpu, const std::byte* record) override {
    if (cpus_.size() <= cpu) cpus_.resize(cpu + 1);
    cpus_[cpu].account = reinterpret_cast<const cswitch_cpu*>(record)->account;
  }

  void settle(std::uint64_t boundary) override {
    const auto shares = census_.settle(boundary);
    if (!boundary) return;
    settle_cpus(boundary);
    if (last_ && by_ != By::cpu)
      for (const auto& share : shares) add_thread(share);
    last_ = boundary;
  }

  void add_thread(const Census::Share& share) {
    const auto& task = share.task;
    struct {
      Key key;
      Counts counts;
    } row{};
    row.key = by_ == By::thread ? Key{task.tid, task.thread.born} : Key{task.pid, task.process};
    row.counts.sums = share.sums;
    row.counts.threads = 1;
    row.counts.pid = task.pid;
    row.counts.tid = task.tid;
    row.counts.leads = task.leads;
    std::copy(std::begin(task.comm), std::end(task.comm), row.counts.comm);
    read_row(reinterpret_cast<const std::byte*>(&row), {});
  }

  void settle_cpus(std::uint64_t boundary) {
    if (!opened_) opened_ = boundary;
    switches_ = 0;
    idle_.clear();
    for (std::size_t cpu = 0; cpu < cpus_.size(); ++cpu) {
      auto& own = cpus_[cpu];
      if (!own.account.since) {
        own.account.since = opened_;
        own.account.state = census_.runs_on(static_cast<std::uint32_t>(cpu)) ? CSWITCH_ON : CSWITCH_SLEEP;
      }
      const cswitch_sums sums = sums_at(own.account, boundary, boundary);
      const cswitch_sums share = sums - own.before;
      own.before = sums;
      switches_ += share.counts.other;
      if (last_)
        idle_.push_back(static_cast<double>(share.spent[CSWITCH_SLEEP]) / static_cast<double>(boundary - last_));
      if (!last_ || by_ != By::cpu) continue;
      struct {
        Key key;
        Counts counts;
      } row{};
      row.key.who = cpu;
      row.counts.sums = share;
      read_row(reinterpret_cast<const std::byte*>(&row), {});
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
    return text + ".";
  }

  void configure(cswitch_bpf&) override {}

  kernel::Ladder probes(cswitch_bpf& s) override {
    kernel::Rung tp_btf{"tp_btf", {}};
    tp_btf.attach(kernel::by_section(s.progs.threads_switch));
    return {"context switches", {tp_btf}};
  }

  struct Cpu {
    cswitch_account account;
    cswitch_sums before;
  };

  By by_ = By::process;
  Census census_;
  std::vector<Cpu> cpus_;
  std::vector<double> idle_;
  std::uint64_t opened_ = 0, last_ = 0, length_ = 0, switches_ = 0;
};

const Register<Cswitch> registered("cswitch");

}  // namespace
}  // namespace sonde
