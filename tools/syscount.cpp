// SPDX-License-Identifier: GPL-2.0-or-later
#include "syscount.h"

#include <array>

#include "app/filter.h"
#include "app/snapshot.h"
#include "core/glob.h"
#include "core/histogram.h"
#include "core/syscall_names.h"
#include "core/text.h"
#include "syscount.skel.h"

namespace sonde {
namespace {

using Key = syscount_key;
using Counts = syscount_value;
using Skeleton = syscount_bpf;

struct Grouping {
  const char* name;
  syscount_by by;
  std::array<const char*, 4> columns;
};
constexpr Grouping groupings[] = {
    {"process", BY_PROCESS, {"pid", "comm"}},
    {"thread", BY_THREAD, {"tid", "comm"}},
    {"comm", BY_COMM, {"comm"}},
    {"syscall", BY_SYSCALL, {"syscall", "abi"}},
    {"process,syscall", BY_PROCESS_SYSCALL, {"pid", "comm", "syscall", "abi"}},
    {"cgroup", BY_CGROUP, {"cgroup"}},
    {"user", BY_USER, {"uid", "user"}},
};

class Syscount final : public Snapshot<Key, Counts, Skeleton> {
 public:
  Syscount()
      : Snapshot(
            {"syscount",
             "System calls",
             "system calls counted by process, call, user and more",
             "Counts every system call in the kernel, without a loss, and how long calls take if that is asked for. "
             "A call counts when it begins, with -x and --errno when it has failed.",
             {{"sonde syscount -i 1", "calls of each process, every second"},
              {"sonde syscount --by syscall -L -- make", "where a build spends its time in the kernel"},
              {"sonde syscount --by process,syscall -x", "who makes calls that fail"},
              {"sonde syscount --by syscall --syscall 'f*sync' --histogram", "how long syncing takes"}}}) {
    add_keys();
    add({"count", Value::Kind::natural, 9, "calls"}, [](const Sum& s) { return Value::natural(s.value.calls); });
    add({"failed", Value::Kind::natural, 10, "those that failed", false},
        [](const Sum& s) { return Value::natural(s.value.failed); });
    add_latencies();
    choose("process");
  }

  void options(Options& options) override {
    options.value("--by", "KEYS", "process, thread, comm, syscall, process,syscall, cgroup or user",
                  [this](std::string_view text) { choose(text); });
    options.value("--syscall", "LIST", "only these calls, names or globs, as read,'f*sync' (^ negates)",
                  [this](std::string_view text) { calls_ = parse_list(text); });
    options.flag("-L, --latency", "also how long they took: total, average, least, most", [this] {
      show_all({"running", "total_ns", "avg_ns", "min_ns", "max_ns"});
    });
    options.flag("--percentiles", "also p50, p90 and p99 of that, 12.5 % high at most", [this] {
      show_all({"total_ns", "max_ns", "p50_ns", "p90_ns", "p99_ns"});
    });
    options.flag("--histogram", "also a histogram of it, beneath each row", [this] {
      show_all({"total_ns", "max_ns", "histogram_ns"});
    });
    result_.declare(options, "calls");
  }

 private:
  // A column of what rows are counted by; of anything else there is no value.
  void add_key(ColumnInfo column, std::vector<syscount_by> of, Get get) {
    add(std::move(column), [this, of = std::move(of), get = std::move(get)](const Sum& s) {
      return std::find(of.begin(), of.end(), by_) == of.end() ? Value() : get(s);
    });
  }

  void add_keys() {
    const auto id = [](const Sum& s) { return s.key.who ? Value::natural(s.key.who) : Value(); };
    add_key({"pid", Value::Kind::natural, 7, "process"}, {BY_PROCESS, BY_PROCESS_SYSCALL}, id);
    add_key({"tid", Value::Kind::natural, 7, "thread"}, {BY_THREAD}, id);
    add_key({"uid", Value::Kind::natural, 7, "real user, by number"}, {BY_USER},
            [](const Sum& s) { return Value::natural(s.key.who); });
    add_key({"user", Value::Kind::text, 16, "real user, by name in /etc/passwd"}, {BY_USER}, [this](const Sum& s) {
      const auto name = users().name(static_cast<std::uint32_t>(s.key.who));
      return name.empty() ? Value() : Value::text(name);
    });
    add_key({"comm", Value::Kind::text, COMM_LEN - 1, "name of the thread that called last"},
            {BY_PROCESS, BY_THREAD, BY_PROCESS_SYSCALL, BY_COMM}, [this](const Sum& s) {
              const char* text = by_ == BY_COMM ? reinterpret_cast<const char*>(&s.key) : s.total.comm;
              return Value::text({text, strnlen(text, COMM_LEN)});
            });
    add_key({"syscall", Value::Kind::symbol, 16, "the call"}, {BY_SYSCALL, BY_PROCESS_SYSCALL},
            [this](const Sum& s) { return call(s.key.call); });
    add_key({"abi", Value::Kind::text, 6, "whose number it is: native or 32-bit"}, {BY_SYSCALL, BY_PROCESS_SYSCALL},
            [](const Sum& s) { return Value::text(s.key.call & COMPAT_CALL ? "32-bit" : "native"); });
    add_key({"cgroup", Value::Kind::text, 40, "cgroup (version 2)"}, {BY_CGROUP},
            [this](const Sum& s) { return s.key.who ? Value::text(cgroups().path(s.key.who)) : Value(); });
  }

  void add_latencies() {
    const auto timed = [this](std::string key, std::string help, auto get) {
      add({std::move(key), Value::Kind::duration, 7, std::move(help), false},
          [get](const Sum& s) { return s.value.ended ? Value::duration(get(s)) : Value(); });
    };
    add({"running", Value::Kind::natural, 7, "those that have not ended", false},
        [](const Sum& s) { return Value::natural(s.total.calls - std::min(s.total.calls, s.total.ended)); });
    timed("total_ns", "time in calls that ended", [](const Sum& s) { return s.value.total; });
    timed("avg_ns", "average of them", [](const Sum& s) { return s.value.total / s.value.ended; });
    timed("min_ns", "the shortest", [](const Sum& s) { return s.value.spans[0].least; });
    timed("max_ns", "the longest", [](const Sum& s) { return s.value.spans[0].most; });
    for (const auto& [key, percent] : {std::pair{"p50_ns", 50.0}, {"p90_ns", 90.0}, {"p99_ns", 99.0}})
      timed(key, "so many per cent took no longer, or up to 12.5 % more", [percent = percent](const Sum& s) {
        return std::min<std::uint64_t>(percentile(s.buckets, percent), s.value.spans[0].most);
      });
    add({"histogram_ns", Value::Kind::histogram, 0, "how the times are distributed, by powers of two", false},
        [this](const Sum& s) { return Value::histogram(octaves_ = octaves(s.buckets)); });
  }

  Value call(std::uint64_t call) {
    const auto number = static_cast<std::uint32_t>(call);
    std::string_view name = syscall_name(call & COMPAT_CALL ? compat_calls : native_calls, number);
    if (name.empty()) name = made_ = "syscall_" + std::to_string(static_cast<std::int32_t>(number));
    return Value::symbol(name, static_cast<std::int32_t>(number));
  }

  void choose(std::string_view text) {
    const auto* chosen = std::find_if(std::begin(groupings), std::end(groupings),
                                      [&](const Grouping& grouping) { return grouping.name == text; });
    if (chosen == std::end(groupings))
      throw Error(Exit::usage, "Calls cannot be counted by '" + escaped(text) + "'.",
                  "They can by process, thread, comm, syscall, process,syscall, cgroup or user.");
    by_ = chosen->by;
    for (const char* key : {"pid", "tid", "uid", "user", "comm", "syscall", "abi", "cgroup"}) show(key, false);
    for (const char* key : chosen->columns)
      if (key) show(key);
  }

  void show_all(std::initializer_list<const char*> keys) {
    for (const char* key : keys) show(key);
  }

  [[nodiscard]] bool any_shown(std::initializer_list<const char*> keys) const {
    return std::any_of(keys.begin(), keys.end(), [this](const char* key) { return shown(key); });
  }
  [[nodiscard]] bool uses_buckets() const override { return any_shown({"p50_ns", "p90_ns", "p99_ns", "histogram_ns"}); }
  [[nodiscard]] bool timed() const {
    return uses_buckets() || any_shown({"running", "total_ns", "avg_ns", "min_ns", "max_ns"});
  }
  [[nodiscard]] std::string sorted_by() const override { return timed() ? "total_ns" : "count"; }

  void merge(Counts& into, const Counts& from) const override {
    into.calls += from.calls;
    into.failed += from.failed;
    into.ended += from.ended;
    into.total += from.total;
    if (from.seen >= into.seen) {
      into.seen = from.seen;
      std::copy(std::begin(from.comm), std::end(from.comm), into.comm);
    }
    for (std::size_t i = 0; i < std::size(into.spans); ++i) {
      auto& a = into.spans[i];
      const auto& b = from.spans[i];
      if (b.interval > a.interval) a = b;
      if (b.interval < a.interval) continue;
      a.least = std::min(a.least, b.least);
      a.most = std::max(a.most, b.most);
    }
  }

  Counts difference(const Counts& now, const Counts& before) const override {
    Counts difference{};
    difference.calls = now.calls - before.calls;
    difference.failed = now.failed - before.failed;
    difference.ended = now.ended - before.ended;
    difference.total = now.total - before.total;
    const auto& span = now.spans[interval() & 1];
    if (span.interval == interval() + 1) difference.spans[0] = span;
    return difference;
  }

  [[nodiscard]] bool empty(const Counts& counts) const override {
    return !counts.calls && !counts.failed && !counts.ended;
  }

  void fill_calls(CallTable table, __u64* words, std::vector<bool>& found) const {
    for (std::uint32_t number = 0; number < syscall_numbers(table); ++number) {
      const auto name = syscall_name(table, number);
      bool listed = false;
      for (std::size_t i = 0; i < calls_.items.size() && !name.empty(); ++i) {
        if (!Glob::compile(calls_.items[i]).matches(name)) continue;
        listed = found[i] = true;
      }
      if (listed != calls_.negated) words[number / 64] |= 1ULL << (number % 64);
    }
  }

  void configure(Skeleton& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    conf.by = by_;
    conf.timed = timed();
    result_.fill(conf.result);
    conf.at_exit = conf.result.failed || conf.result.errnos;
    kernel::resize_map(skeleton.maps.cpu_calls, kernel::possible_cpus());
    if (calls_.items.empty()) return;
    conf.numbers = 1;
    std::vector<bool> found(calls_.items.size());
    fill_calls(native_calls, conf.native, found);
    fill_calls(compat_calls, conf.compat, found);
    for (std::size_t i = 0; i < found.size(); ++i)
      if (!found[i])
        throw Error(Exit::usage, "There is no system call '" + escaped(calls_.items[i]) + "'.",
                    "Give names as in read,openat or a glob such as 'epoll_*'.");
  }

  kernel::Ladder probes(Skeleton& s) override {
    const bool failures = !s.obj || s.rodata->conf.at_exit, measures = !s.obj || timed();
    kernel::Rung tp_btf{"tp_btf", {}}, raw_tp{"raw_tp", {}};
    if (measures || !failures) {
      tp_btf.attach(kernel::by_section(s.progs.begin_btf));
      raw_tp.attach(kernel::by_section(s.progs.begin_raw));
    }
    if (measures || failures || shown("failed")) {
      tp_btf.attach(kernel::by_section(s.progs.end_btf));
      raw_tp.attach(kernel::by_section(s.progs.end_raw));
    }
    for (auto* rung : {&tp_btf, &raw_tp}) {
      rung->attach(kernel::by_section(s.progs.call_meets_signal));
      rung->attach(kernel::by_section(s.progs.thread_ends));
      if (measures) rung->attach(kernel::by_section(s.progs.call_leaves_cpu));
    }
    return {"system calls", {tp_btf, raw_tp}};
  }

  syscount_by by_ = BY_PROCESS;
  ItemList calls_;
  ResultFilter result_;
  std::string made_;
  std::vector<Value::Bucket> octaves_;
};

const Register<Syscount> registered("syscount");

}  // namespace
}  // namespace sonde
