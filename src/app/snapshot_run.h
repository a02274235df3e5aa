// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/snapshot.h"
#include "app/stack_sources.h"
#include "app/tracing_run.h"
#include "core/absences.h"
#include "core/stack_store.h"
#include "kernel/hash.h"
#include "kernel/iterator.h"
#include "kernel/ring.h"
#include "kernel/rows.h"

namespace sonde {

/// One run of a Snapshot: reads the counts as each interval ends.
class SnapshotRun final : public TracingRun {
 public:
  SnapshotRun(SnapshotBase& tool, const CommonOptions& options);
  ~SnapshotRun() override;

 private:
  void size_maps(const LibraryParts& parts) override;
  void unused_maps(const LibraryParts& parts, std::vector<bpf_map*>& unused) const override;
  void loaded() override;
  void opening() override;
  void opened() override;
  bool take() override;
  void wait(bool busy) override;
  bool enough() const override;
  void take_rest() override;
  void more_notes() override;
  [[nodiscard]] std::uint64_t cpu_beside() const override;

  [[nodiscard]] std::uint64_t boundary() const;  // when the interval that goes on ends
  void show(std::uint64_t start, std::uint64_t end);
  void read(std::uint64_t end);
  void read_counts(std::uint64_t end);
  void read_rows();
  void take_stacks();
  bool take_stack(std::string_view record);
  std::size_t fetch_stacks(std::size_t limit);
  std::size_t take_fetched();
  std::size_t drain_stacks();
  void unwind_from_now_on(std::uint64_t program);
  void read_accounts(std::uint64_t boundary);
  void read_cpu_accounts();
  std::uint64_t end_interval();
  std::size_t drain();
  void size_counts(const LibraryParts& parts);
  void size_accounts(const LibraryParts& parts);
  void fix_interval(std::uint64_t& end);
  void read_absences(std::uint64_t end);
  bool take_held_copy(kernel::Hash::Key key, const absence& thread, std::uint64_t ns);
  [[nodiscard]] bool keeps_accounts() const { return snapshot_.account_size() != 0; }
  // What goes over from one interval into the next is split there: programs are told where, a little ahead.
  [[nodiscard]] bool splits_at_boundaries() const { return keeps_accounts() || absences_; }

  SnapshotBase& snapshot_;
  stack_unwind unwind_ = UNWIND_NEVER;
  std::optional<StackSources> sources_;
  std::optional<StackStore> stacks_;
  std::optional<kernel::Rows> counts_, buckets_, beside_;
  std::optional<kernel::Iterator> tasks_;
  std::optional<kernel::Rows> cpus_;
  std::optional<Absences> absences_;
  std::optional<kernel::Hash> threads_, held_copies_;
  std::vector<std::byte> held_;
  std::optional<kernel::Ring> ring_;
  std::deque<std::string> fetched_;  // records of stacks, out of the ring's way
  std::size_t fetched_bytes_ = 0;
  std::vector<Value> values_;
  std::uint64_t intervals_ = 0;  // shown
  std::uint32_t entries_ = 0;    // that there is room for
  std::uint64_t started_ = 0;    // the one that goes on, ns monotonic
  bool over_ = false;            // the one that is read is the last
};

}  // namespace sonde
