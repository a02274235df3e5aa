// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "app/columned.h"
#include "app/grouping.h"
#include "app/sums.h"
#include "app/tracing.h"
#include "core/absences.h"
#include "core/histogram.h"
#include "core/linear.h"
#include "core/names.h"
#include "lib/absences.h"

namespace sonde {

class StackStore;

/// The half of Snapshot that does not depend on the tool's types: see there.
class SnapshotBase : public Tracing {
 public:
  using Tracing::Tracing;

  [[nodiscard]] RowKind row_kind() const final { return RowKind::sum; }
  void common_options(Options& options, CommonOptions& common) override;

 protected:
  using Buckets = std::vector<std::uint64_t>;

  /// Distributions are counted too (bpf/lib/buckets.bpf.h); they cost room.
  /// How many a row has; the first is that of add_latencies(), the second that of add_sizes().
  [[nodiscard]] virtual unsigned distributions() const {
    return any_shown({"p50_ns", "p90_ns", "p99_ns", "histogram_ns"}) ? 1 : 0;
  }
  /// A column of add_latencies() is shown.
  [[nodiscard]] bool latencies_shown() const {
    return distributions() || any_shown({"total_ns", "avg_ns", "min_ns", "max_ns"});
  }
  /// There is a map `beside`, which has something for each row, and it is used: see take_beside().
  [[nodiscard]] virtual bool uses_beside() const { return false; }
  /// Where nothing is said, distributions are counted by octaves; `which` of them by steps is said here.
  void count_by_steps(unsigned which, const LinearBuckets& steps) {
    linear_ = steps;
    linear_of_ = which;
  }
  /// Throws Error(usage): what --linear says are sizes, and there are only times.
  [[noreturn]] static void refuse_sizes(std::string_view text);
  /// What the counts of the `which`-th distribution say, in a row of all.
  [[nodiscard]] std::uint64_t percentile_of(std::span<const std::uint64_t> all, unsigned which, double percent) const;
  [[nodiscard]] std::vector<Value::Bucket> ranges_of(std::span<const std::uint64_t> all, unsigned which) const;
  /// The column that sorts where nothing is said.
  [[nodiscard]] virtual std::string sorted_by() const = 0;
  /// Which interval is being read, from 0: that of `run.interval` while it lasted.
  [[nodiscard]] std::uint32_t interval() const { return interval_; }
  /// Place of the column that sorts.
  [[nodiscard]] std::size_t sorting() const { return sorting_; }

  /// Of a tool whose programs keep accounts of tasks and CPUs in place of rows (`boundary` and read_tasks() in its BPF
  /// object): the size of a record about one task; 0: it keeps none. The records of tasks that end come through the
  /// ring, at any time. When an interval has ended, read_tasks() gives those of the tasks that live, and
  /// settle_accounts() makes rows of all of them with read_row(). Two readings come before: one of no boundary (0),
  /// which opens the accounts and is to be forgotten, and that of the window's opening, of which nothing is shown.
  [[nodiscard]] virtual std::size_t account_size() const { return 0; }
  virtual void take_account(const std::byte* /*record*/) {}
  virtual void take_cpu_account(unsigned /*cpu*/, const std::byte* /*record*/) {}
  /// `boundary`: when the interval ended, ns monotonic.
  virtual void settle_accounts(std::uint64_t /*boundary*/) {}
  /// A tool that counts by stack: see StackSums. And which stacks.
  [[nodiscard]] virtual bool has_stacks() const { return false; }
  [[nodiscard]] virtual std::optional<stack_conf> stacks_wanted() const { return std::nullopt; }
  /// Whether it is a probe that took them: how the kernel came to run that is left out then.
  [[nodiscard]] virtual bool stacks_of_probes() const { return true; }
  /// Whether they are of those who are off their CPUs: how the scheduler took them off is left out then.
  [[nodiscard]] virtual bool stacks_of_sleepers() const { return false; }
  /// Of such a tool, while it runs.
  [[nodiscard]] StackStore* stacks() const { return stacks_; }
  /// A row of the tool's for one stack that was unwound: counts it as if the kernel had, under that number.
  enum class Taken { counted, no_room, malformed };
  virtual Taken take_unwound(std::string_view /*row*/, std::uint64_t /*stack*/, std::size_t /*most_rows*/) {
    return Taken::malformed;
  }
  /// At each reading, for what take_unwound() took since the run began.
  virtual void read_unwound() {}
  /// So many rows are enough, whatever happens; 0: that is not known.
  [[nodiscard]] virtual std::uint64_t most_rows() const { return 0; }

  /// Of a tool whose amounts are times of absence (bpf/lib/absences.bpf.h): which of them; and what they come to, while
  /// it runs. Who is away when the window opens is told by already_there().
  [[nodiscard]] virtual absence_conf absences_wanted() const { return {}; }
  [[nodiscard]] Absences* absences() const { return absences_; }
  /// Into a row that is to be unwound: that it is one absence of such a length, which ended in the interval that began
  /// then.
  virtual void put_absence(std::byte* /*row*/, std::uint64_t /*began*/, std::uint64_t /*ns*/) {}

  /// A sentence about the interval as a whole.
  [[nodiscard]] virtual std::string remark() const { return {}; }

  /// Takes one row, as the kernel has it: key, value; its place; its buckets; what the tool has beside it, or null.
  virtual void read_row(const std::byte* row, std::uint32_t place, std::span<const std::uint32_t> buckets,
                        const std::byte* beside) = 0;

  void prepare() override;

 private:
  friend class SnapshotRun;
  std::unique_ptr<TracingRun> make_run(const CommonOptions& options) final;

  // One reading: begin, each row of the kernel's, end; then the rows of this interval are there in their order.
  virtual void begin_reading() = 0;
  virtual void end_reading() = 0;
  [[nodiscard]] virtual std::size_t row_count() const = 0;
  virtual void fill(std::size_t row, std::span<const std::size_t> chosen, std::span<Value> values) = 0;

  [[nodiscard]] ::linear_conf linear_conf() const;

  std::uint32_t interval_ = 0;
  std::size_t sorting_ = 0;
  std::optional<LinearBuckets> linear_;
  unsigned linear_of_ = 0;
  StackStore* stacks_ = nullptr;
  Absences* absences_ = nullptr;
};

/// What comes first when rows are sorted by these: the larger number, or the text that is first in the alphabet.
bool sorts_before(const Value& a, const Value& b);

/// What the columns of a Snapshot are made from.
template <class K, class V>
struct SumOf {
  K key;
  V value;  ///< of this interval
  V total;  ///< since the run began
  std::vector<std::uint64_t> buckets;
};

/// A tool that counts in the kernel and shows sums: of each interval and at the end. K is the key and V what is counted
/// under it, as they follow each other in a row of bpf/lib/counts.bpf.h; S is the generated skeleton. What the kernel
/// counts only grows: an interval is the difference of two readings.
template <class K, class V, class S>
class Snapshot : public Columned<SumOf<K, V>, Probed<S, SnapshotBase>> {
  using Base = Columned<SumOf<K, V>, Probed<S, SnapshotBase>>;

 public:
  using Base::Base;
  using Sum = SumOf<K, V>;

  /// What --by says. Throws Error(usage) for a grouping that there is not.
  void group(std::string_view name) {
    groupings_->choose(name);
    for (const auto column : groupings_->columns()) show(column, groupings_->told_by(column));
  }

 protected:
  using Base::add;
  using Base::show;
  using typename Base::Get;

  /// The ways to count, before the columns that tell them. `things` is what is counted, in the plural: "calls".
  void group_by(std::string things, std::vector<Grouping> all) {
    groupings_.emplace(std::move(things), std::move(all));
  }
  [[nodiscard]] const count_by& by() const { return groupings_->chosen().by; }

  /// A column that tells what rows are counted by: there if a grouping names it, empty while another is chosen.
  void add_key(ColumnInfo column, Get get) {
    if (!groupings_->ever_told_by(column.key)) return;
    column.standard = groupings_->told_by(column.key);
    add(std::move(column), [this, key = column.key, get = std::move(get)](const Sum& s) {
      return groupings_->told_by(key) ? get(s) : Value();
    });
  }

  /// Those for whoever is counted (key_of() of bpf/lib/sums.bpf.h): pid, tid, uid, user, comm, cgroup, pidns. `comm`
  /// says whose name that is.
  void add_task_keys(count_name(V::*name), std::string comm);

  /// How long things took: total, avg, min, max, percentiles, histogram.
  void add_latencies(count_sums(V::*times), const std::string& things);

  /// How many bytes there were: total, avg, min, max, histogram.
  void add_sizes(count_sums(V::*sizes));

  /// --by; `also` is done where it is given.
  void declare_grouping(
      Options& options, std::function<void()> also = [] {}) {
    options.value("--by", "KEYS", groupings_->names(), [this, also = std::move(also)](std::string_view text) {
      also();
      group(text);
    });
  }
  /// -L, --percentiles and --histogram, of the columns of add_latencies(). `more` are shown by -L too.
  void declare_latencies(Options& options, std::initializer_list<std::string_view> more = {}) {
    options.flag("-L, --latency", "also how long they took: total, average, least, most", [this, shown = Keys(more)] {
      for (const auto key : shown) show(key);
      show({"total_ns", "avg_ns", "min_ns", "max_ns"});
    });
    options.flag("--percentiles", "also p50, p90 and p99 of that, 12.5 % high at most", [this] {
      show({"total_ns", "max_ns", "p50_ns", "p90_ns", "p99_ns"});
    });
    options.flag("--histogram", "also a histogram of it, beneath each row", [this] {
      show({"total_ns", "max_ns", "histogram_ns"});
    });
  }

  /// --percentiles and --linear, for a tool that shows a histogram where nothing is said. With `sizes`, those of
  /// add_sizes() can be counted by steps too.
  void declare_distribution(Options& options, bool sizes = false) {
    options.flag("--percentiles", "also p50, p90 and p99, 12.5 % high at most", [this] {
      show({"p50_ns", "p90_ns", "p99_ns"});
      show("avg_ns", false);
    });
    options.value("--linear", "MIN,MAX,STEP",
                  sizes ? "a histogram by steps: of times, as 0,1ms,50us, or sizes, as 0,64k,4k"
                        : "a histogram by steps, as 0,1ms,50us",
                  [this, sizes](std::string_view text) {
                    const auto steps = LinearBuckets::parse(text);
                    if (steps.bytes && !sizes) this->refuse_sizes(text);
                    this->count_by_steps(steps.bytes ? 1 : 0, steps);
                    show(steps.bytes ? "histogram_bytes" : "histogram_ns");
                  });
  }

  /// Adds what another program or CPU counted under the same key.
  virtual void merge(V& into, const V& from) const = 0;
  /// What came between two readings; `before` is all zero for a key that is new.
  virtual V difference(const V& now, const V& before) const = 0;
  [[nodiscard]] virtual bool empty(const V& value) const = 0;
  /// Whether what the kernel counts under several keys can be one row; then the key of that row, for each of them.
  /// Asked for when all have been read.
  [[nodiscard]] virtual bool merges_keys() const { return false; }
  virtual K key_shown(const K& key, const V& /*total*/) { return key; }
  /// At each reading, for each row: its value as the kernel has it is made what it is here. Those that the reader keeps
  /// itself, as if they were the kernel's, have places with the bit `readers_own`.
  static constexpr std::uint32_t readers_own = Absences::readers_own;
  virtual void read_value(const K& /*key*/, V& /*value*/, std::uint32_t /*place*/) {}
  /// sums() are those of another interval.
  virtual void rows_read() {}
  /// All rows of this interval, and what they come to.
  [[nodiscard]] const std::vector<Sum>& sums() const { return sums_; }
  [[nodiscard]] const V& whole() const { return whole_; }
  /// At each reading, for each row: what the tool's programs have put beside it. Rows of one key come one by one.
  virtual void take_beside(const K& /*key*/, const std::byte* /*beside*/) {}

  void read_row(const std::byte* row, std::uint32_t place, std::span<const std::uint32_t> buckets,
                const std::byte* beside) final {
    K key;
    V value;
    std::memcpy(&key, row, sizeof(K));
    std::memcpy(&value, row + sizeof(K), sizeof(V));
    if (beside) take_beside(key, beside);
    read_value(key, value, place);
    add_row(key, value, buckets);
  }
  /// Of a row as it is here: adds it to what this reading has under that key.
  void add_row(const K& key, const V& value, std::span<const std::uint32_t> buckets) {
    if (empty(value)) return;
    const auto [found, fresh] = now_.try_emplace(key, Entry{value, {buckets.begin(), buckets.end()}});
    if (fresh) return;
    merge(found->second.value, value);
    for (std::size_t i = 0; i < buckets.size(); ++i) found->second.buckets[i] += buckets[i];
  }

 private:
  using Keys = std::vector<std::string_view>;
  struct Entry {
    V value;
    SnapshotBase::Buckets buckets;
  };
  struct Hash {
    std::size_t operator()(const K& key) const {
      return std::hash<std::string_view>()({reinterpret_cast<const char*>(&key), sizeof(K)});
    }
  };
  struct Same {
    bool operator()(const K& a, const K& b) const { return std::memcmp(&a, &b, sizeof(K)) == 0; }
  };
  using Entries = std::unordered_map<K, Entry, Hash, Same>;

  void begin_reading() final {
    before_ = std::move(now_);
    now_ = {};
    now_.reserve(before_.size());
  }

  void end_reading() final {
    sums_.clear();
    for (auto& [key, entry] : now_) {
      const auto old = before_.find(key);
      const V before = old == before_.end() ? V{} : old->second.value;
      const V value = difference(entry.value, before);
      if (empty(value)) continue;
      Sum sum{key, value, entry.value, entry.buckets};
      if (old != before_.end())
        for (std::size_t i = 0; i < sum.buckets.size(); ++i) sum.buckets[i] -= old->second.buckets[i];
      sums_.push_back(std::move(sum));
    }
    if (merges_keys()) merge_keys();
    whole_ = {};
    for (const Sum& sum : sums_) merge(whole_, sum.value);
    rows_read();
    order_.resize(sums_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      const Value first = this->value(sums_[a], this->sorting()), second = this->value(sums_[b], this->sorting());
      if (sorts_before(first, second)) return true;
      if (sorts_before(second, first)) return false;
      return std::memcmp(&sums_[a].key, &sums_[b].key, sizeof(K)) < 0;
    });
  }

  // Differences are added up, not what they are differences of: a key may be shown under another one the next time.
  void merge_keys() {
    std::unordered_map<K, std::size_t, Hash, Same> places;
    std::vector<Sum> merged;
    for (Sum& sum : sums_) {
      sum.key = key_shown(sum.key, sum.total);
      const auto [place, fresh] = places.try_emplace(sum.key, merged.size());
      if (fresh) {
        merged.push_back(std::move(sum));
        continue;
      }
      Sum& into = merged[place->second];
      merge(into.value, sum.value);
      merge(into.total, sum.total);
      for (std::size_t i = 0; i < into.buckets.size(); ++i) into.buckets[i] += sum.buckets[i];
    }
    sums_ = std::move(merged);
  }

  [[nodiscard]] std::size_t row_count() const final { return sums_.size(); }
  void fill(std::size_t row, std::span<const std::size_t> chosen, std::span<Value> values) final {
    this->fill_values(sums_[order_[row]], chosen, values);
  }

  Entries now_, before_;
  std::vector<Sum> sums_;
  V whole_{};
  std::vector<std::size_t> order_;
  std::optional<Groupings> groupings_;
  std::vector<Value::Bucket> times_, sizes_;
};

template <class K, class V, class S>
void Snapshot<K, V, S>::add_task_keys(count_name(V::*name), std::string comm) {
  const auto id = [](const Sum& s) { return s.key.who ? Value::natural(s.key.who) : Value(); };
  add_key({"pid", Value::Kind::natural, 7, "process"}, id);
  add_key({"tid", Value::Kind::natural, 7, "thread"}, id);
  add_key({"uid", Value::Kind::natural, 7, "real user, by number"},
          [](const Sum& s) { return Value::natural(s.key.who); });
  add_key({"user", Value::Kind::text, 16, "real user, by name in /etc/passwd"}, [this](const Sum& s) {
    const auto user = this->users().name(static_cast<std::uint32_t>(s.key.who));
    return user.empty() ? Value() : Value::text(user);
  });
  add_key({"comm", Value::Kind::text, COMM_LEN - 1, std::move(comm)}, [this, name](const Sum& s) {
    const char* text = by().who == COUNT_OF_COMM ? reinterpret_cast<const char*>(&s.key) : (s.total.*name).comm;
    return Value::text({text, strnlen(text, COMM_LEN)});
  });
  add_key({"cgroup", Value::Kind::text, 40, "cgroup (version 2)"},
          [this](const Sum& s) { return s.key.who ? Value::text(this->cgroups().path(s.key.who)) : Value(); });
  add_key({"pidns", Value::Kind::natural, 10, "PID namespace, by its number in /proc/PID/ns/pid"}, id);
}

template <class K, class V, class S>
void Snapshot<K, V, S>::add_latencies(count_sums(V::*times), const std::string& things) {
  const auto timed = [this, times](std::string key, std::string help, auto get) {
    const int yields = key == "p90_ns" ? 2 : key == "min_ns" ? 3 : key == "avg_ns" ? 4 : 0;
    add({std::move(key), Value::Kind::duration, 7, std::move(help), false, yields}, [times, get](const Sum& s) {
      const count_sums& sums = s.value.*times;
      return sums.number ? Value::duration(get(s, sums)) : Value();
    });
  };
  timed("total_ns", "time in " + things, [](const Sum&, const count_sums& t) { return t.total; });
  timed("avg_ns", "average of them", [](const Sum&, const count_sums& t) { return t.total / t.number; });
  timed("min_ns", "the shortest", [](const Sum&, const count_sums& t) { return t.spans[0].least; });
  timed("max_ns", "the longest", [](const Sum&, const count_sums& t) { return t.spans[0].most; });
  for (const auto& [key, percent] : {std::pair{"p50_ns", 50.0}, {"p90_ns", 90.0}, {"p99_ns", 99.0}})
    timed(key, "so many per cent took no longer, or up to 12.5 % more",
          [this, percent = percent](const Sum& s, const count_sums& t) {
            return std::min<std::uint64_t>(this->percentile_of(s.buckets, 0, percent), t.spans[0].most);
          });
  add({"histogram_ns", Value::Kind::histogram, 0, "how the times are distributed, by powers of two", false},
      [this](const Sum& s) { return Value::histogram(times_ = this->ranges_of(s.buckets, 0)); });
}

template <class K, class V, class S>
void Snapshot<K, V, S>::add_sizes(count_sums(V::*sizes)) {
  const auto sized = [this, sizes](std::string key, std::string help, auto get) {
    add({std::move(key), Value::Kind::bytes, 9, std::move(help), false}, [sizes, get](const Sum& s) {
      const count_sums& sums = s.value.*sizes;
      return sums.number ? Value::bytes(get(sums)) : Value();
    });
  };
  sized("bytes", "bytes in all", [](const count_sums& t) { return t.total; });
  sized("avg_bytes", "average of them", [](const count_sums& t) { return t.total / t.number; });
  sized("min_bytes", "the least", [](const count_sums& t) { return t.spans[0].least; });
  sized("max_bytes", "the most", [](const count_sums& t) { return t.spans[0].most; });
  add({"histogram_bytes", Value::Kind::histogram, 0, "how the sizes are distributed, by powers of two", false},
      [this](const Sum& s) { return Value::histogram(sizes_ = this->ranges_of(s.buckets, 1)); });
}

}  // namespace sonde
