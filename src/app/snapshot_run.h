// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "app/snapshot.h"
#include "app/tracing_run.h"
#include "kernel/rows.h"

namespace sonde {

/// One run of a Snapshot: reads the counts as each interval ends.
class SnapshotRun final : public TracingRun {
 public:
  SnapshotRun(SnapshotBase& tool, const CommonOptions& options);

 private:
  void size_maps(const LibraryParts& parts) override;
  void loaded() override;
  void opened() override;
  bool take() override;
  void wait(bool busy) override;
  bool enough() const override;
  void take_rest() override;
  void more_notes() override;

  [[nodiscard]] std::uint64_t boundary() const;  // when the interval that goes on ends
  void show(std::uint64_t start, std::uint64_t end);
  void read();

  SnapshotBase& snapshot_;
  std::optional<kernel::Rows> counts_, buckets_;
  std::vector<Value> values_;
  std::uint64_t intervals_ = 0;  // shown
  std::uint64_t started_ = 0;    // the one that goes on, ns monotonic
};

}  // namespace sonde
