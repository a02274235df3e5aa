// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "app/stack_sources.h"
#include "app/stream.h"
#include "app/tracing_run.h"
#include "kernel/ring.h"

namespace sonde {

/// One run of a Stream: drains the ring, a row for each record.
class StreamRun final : public TracingRun {
 public:
  StreamRun(StreamBase& tool, const CommonOptions& options);
  ~StreamRun() override;

 private:
  void size_maps(const LibraryParts& parts) override;
  void unused_maps(const LibraryParts& parts, std::vector<bpf_map*>& unused) const override;
  void loaded() override;
  void opened() override;
  bool take() override;
  void wait(bool busy) override;
  bool enough() const override;
  void take_rest() override;
  void more_notes() override;
  [[nodiscard]] std::uint64_t cpu_beside() const override;

  std::size_t drain();
  bool take_record(const std::byte* record, std::size_t size);
  bool within_rate();

  StreamBase& stream_;
  std::optional<StackSources> sources_;
  std::optional<Stacks> stacks_;
  std::optional<kernel::Ring> ring_;
  std::vector<Value> values_;
  std::uint64_t rate_second_ = 0, rate_rows_ = 0;
};

}  // namespace sonde
