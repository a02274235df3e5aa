// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/stack.h"

namespace sonde {

/// Names for addresses. What the frames point to lives until the next call of forget_old().
class Symbolizer {
 public:
  Symbolizer() = default;
  Symbolizer(const Symbolizer&) = delete;
  Symbolizer& operator=(const Symbolizer&) = delete;
  virtual ~Symbolizer() = default;

  /// A stack of the kernel, innermost first, without the frames by which a probe came to be run. Replaces `frames`.
  virtual void name_kernel(std::span<const std::uint64_t> addresses, std::vector<Frame>& frames) = 0;
  /// A stack of a process (of the caller's PID namespace) as its memory was at `time` (ns, CLOCK_MONOTONIC). Replaces
  /// `frames`. Marks where the chain has a gap, is broken or cut.
  virtual void name_user(std::uint32_t pid, std::uint64_t time, std::span<const std::uint64_t> addresses,
                         std::vector<Frame>& frames) = 0;
  /// The same for a chain of calls that was found in any way.
  virtual void name_chain(const UserChain& chain, std::vector<Frame>& frames) {
    name_user(chain.pid, chain.time, chain.addresses, frames);
  }
  /// The chain of calls that a piece of a stack tells of, by what the program's files say of it.
  [[nodiscard]] virtual UserChain unwind(const CopiedStack& copied) { return {copied.pid, copied.time}; }
  /// Between two rows: makes room where too much has been kept.
  virtual void forget_old() {}
  /// What the reader should know of the names that were given and those that were not: sentences.
  [[nodiscard]] virtual std::vector<std::string> notes() const { return {}; }
};

}  // namespace sonde
