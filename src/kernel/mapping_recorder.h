// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/mappings.h"
#include "core/perf_record.h"
#include "kernel/fd.h"

namespace sonde::kernel {

/// Writes down what all processes map from now on, by a perf event that counts nothing, one on each CPU.
class MappingRecorder {
 public:
  /// `mappings` outlives it. trouble() says if this kernel does not tell.
  explicit MappingRecorder(Mappings& mappings);
  MappingRecorder(const MappingRecorder&) = delete;
  MappingRecorder& operator=(const MappingRecorder&) = delete;
  ~MappingRecorder();

  /// Why nothing is written down: a phrase; empty if all is well.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// Readable, edge-triggered, when much has come.
  [[nodiscard]] std::vector<int> fds() const;
  /// Takes all that happened until `time` (ns, CLOCK_MONOTONIC), if that has not been taken yet.
  void catch_up(std::uint64_t time);
  /// So many times something was not written down, since there was no room.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  struct Buffer {
    Fd event;
    char* at = nullptr;
  };
  bool open_on(int cpu);
  void read_buffer(const Buffer& buffer);
  void take(PerfRecord& record);

  Mappings& mappings_;
  std::vector<Buffer> buffers_;
  std::vector<PerfRecord> pending_;
  std::string rest_;  // a record that lies over the end of a buffer, put together
  std::size_t page_;
  std::uint64_t caught_up_ = 0, forgotten_ = 0, lost_ = 0;
  std::string trouble_;
};

}  // namespace sonde::kernel
