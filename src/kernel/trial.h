// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <functional>
#include <string>

#include "kernel/fd.h"
#include "kernel/instructions.h"

namespace sonde::kernel {

/// How far a trial of a hook came.
enum class Step { prepare, load, attach, fire, done };

struct Outcome {
  Step reached = Step::prepare;  ///< where it failed; done: the program ran
  int error = 0;                 ///< not set for Step::fire
  std::string trouble{};         ///< a phrase, where more is known than an error tells
  std::string remedy{};          ///< a sentence, beside the trouble
};

struct ProgramKind {
  bpf_prog_type type = BPF_PROG_TYPE_UNSPEC;
  std::uint32_t attach_type = 0;
  std::uint32_t btf_id = 0;
};

/// Tries hooks with programs that count how often this process comes by. What a trial attaches is gone when it ends.
class Bench {
 public:
  Bench();

  /// Loads a program that counts (or one whose body says what else it does first), attaches it, makes the event and
  /// looks at the count. `attach` returns what keeps it attached, or none and errno.
  Outcome attempt(const ProgramKind& kind, const std::function<Fd(int program)>& attach,
                  const std::function<void(int attached)>& make_event,
                  const std::function<void(Instructions&)>& body = {}) const;

  /// Loads and attaches a program of other instructions.
  Outcome attempt(const ProgramKind& kind, Instructions instructions, const std::function<Fd(int program)>& attach,
                  const std::function<void(int attached)>& make_event) const;

  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] int counter() const { return counter_.get(); }

 private:
  void only_own(Instructions& instructions) const;

  Fd counter_;
  int counter_error_ = 0;
  std::uint64_t namespace_device_ = 0, namespace_inode_ = 0;
};

}  // namespace sonde::kernel
