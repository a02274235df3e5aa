// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "app/columned.h"
#include "app/tracing.h"
#include "core/names.h"

namespace sonde {

/// The half of Snapshot that does not depend on the tool's types: see there.
class SnapshotBase : public Tracing {
 public:
  using Tracing::Tracing;

  [[nodiscard]] RowKind row_kind() const final { return RowKind::sum; }
  void common_options(Options& options, CommonOptions& common) override;

 protected:
  using Buckets = std::vector<std::uint64_t>;

  /// Distributions are counted too (bpf/lib/buckets.bpf.h); they cost room.
  [[nodiscard]] virtual bool uses_buckets() const { return false; }
  /// The column that sorts where nothing is said.
  [[nodiscard]] virtual std::string sorted_by() const = 0;
  /// Which interval is being read, from 0: that of `run.interval` while it lasted.
  [[nodiscard]] std::uint32_t interval() const { return interval_; }
  /// Place of the column that sorts.
  [[nodiscard]] std::size_t sorting() const { return sorting_; }

 private:
  friend class SnapshotRun;
  void prepare() override;
  std::unique_ptr<TracingRun> make_run(const CommonOptions& options) final;

  // One reading: begin, each row of the kernel's, end; then the rows of this interval are there in their order.
  virtual void begin_reading() = 0;
  virtual void read_row(const std::byte* row, std::span<const std::uint32_t> buckets) = 0;
  virtual void end_reading() = 0;
  [[nodiscard]] virtual std::size_t row_count() const = 0;
  virtual void fill(std::size_t row, std::span<const std::size_t> chosen, std::span<Value> values) = 0;

  std::uint32_t interval_ = 0;
  std::size_t sorting_ = 0;
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

 protected:
  /// Adds what another program or CPU counted under the same key.
  virtual void merge(V& into, const V& from) const = 0;
  /// What came between two readings; `before` is all zero for a key that is new.
  virtual V difference(const V& now, const V& before) const = 0;
  [[nodiscard]] virtual bool empty(const V& value) const = 0;

 private:
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

  void read_row(const std::byte* row, std::span<const std::uint32_t> buckets) final {
    K key;
    V value;
    std::memcpy(&key, row, sizeof(K));
    std::memcpy(&value, row + sizeof(K), sizeof(V));
    if (empty(value)) return;
    const auto [found, fresh] = now_.try_emplace(key, Entry{value, {buckets.begin(), buckets.end()}});
    if (fresh) return;
    merge(found->second.value, value);
    for (std::size_t i = 0; i < buckets.size(); ++i) found->second.buckets[i] += buckets[i];
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
    order_.resize(sums_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      const Value first = this->value(sums_[a], this->sorting()), second = this->value(sums_[b], this->sorting());
      if (sorts_before(first, second)) return true;
      if (sorts_before(second, first)) return false;
      return std::memcmp(&sums_[a].key, &sums_[b].key, sizeof(K)) < 0;
    });
  }

  [[nodiscard]] std::size_t row_count() const final { return sums_.size(); }
  void fill(std::size_t row, std::span<const std::size_t> chosen, std::span<Value> values) final {
    this->fill_values(sums_[order_[row]], chosen, values);
  }

  Entries now_, before_;
  std::vector<Sum> sums_;
  std::vector<std::size_t> order_;
};

}  // namespace sonde
