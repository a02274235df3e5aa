// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kernel/fd.h"

namespace sonde::kernel {

/// The kernel's tracing file system: where it is mounted, else an instance of our own that is mounted nowhere.
class Tracefs {
 public:
  Tracefs();

  /// Why it cannot be used, a phrase; empty if it can.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// What would help against the trouble: a sentence.
  [[nodiscard]] const std::string& remedy() const { return remedy_; }
  /// Where it is mounted; empty: nowhere, and an instance of our own is used if there is no trouble.
  [[nodiscard]] const std::string& place() const { return place_; }
  /// The number that perf_event_open(2) knows the tracepoint by; empty if this kernel does not have it.
  [[nodiscard]] std::optional<std::uint64_t> tracepoint_id(const std::string& category, const std::string& name) const;
  /// One of its files, whole. Empty if it cannot be read; then errno says why.
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const;

 private:
  Fd directory_;
  std::string trouble_, remedy_, place_;
};

}  // namespace sonde::kernel
