// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/stack.h"
#include "core/symbolizer.h"

namespace sonde {

/// The stacks that are counted in the kernel under a number (bpf/lib/stack_counts.bpf.h): each has its names looked up
/// once, soon after it was first seen, when its process is still there or not long gone. Stacks that read alike are
/// one: the same functions, wherever in them; where a file has no names, the same file. It keeps names of its own, a
/// few bytes for each frame of each stack.
class StackStore {
 public:
  /// A stack, from 0; the same for all numbers under which it is counted.
  using Id = std::uint32_t;
  static constexpr Id untold = 0;  ///< its record has not come

  /// `symbolizer` outlives it.
  explicit StackStore(Symbolizer& symbolizer);

  /// A record from the ring: the number, the program, and what recorded_stacks() reads. False if it is none.
  bool take(std::string_view record);
  /// One whose chain of calls is still to be found. Returns the number that is its.
  std::uint64_t take(const CopiedStack& copied);
  /// Is told the programs (program_of() of bpf/lib/stack_counts.bpf.h) of which frame pointers showed a chain of calls
  /// that is not whole.
  void tell_of_broken(std::function<void(std::uint64_t program)> tell) { tell_ = std::move(tell); }
  /// Of who sleeps, some ways to take a stack show the scheduler's own functions innermost, and others do not: from now
  /// on none does, so that they read alike.
  void leave_out_scheduler() { without_scheduler_ = true; }
  /// Looks up the names of at most `limit` stacks that were taken; true if there are more.
  bool look_up(std::size_t limit);

  [[nodiscard]] Id find(std::uint64_t number) const;
  /// Its frames, innermost first, those of the kernel before those of the program. Replaces `frames`; what they point
  /// to lives as long as the store. No frames: there was no stack to be had. Returns how many are the kernel's.
  std::size_t frames(Id id, std::vector<Frame>& frames) const;
  /// How many different ones have been seen.
  [[nodiscard]] std::size_t size() const { return stacks_.size() - 1; }

 private:
  struct Waiting {
    std::uint64_t number, program;  // program: 0 where nobody wants to know whether it is broken
    std::vector<std::uint64_t> kernel;
    UserChain user;
    bool user_unknown;  // there is a stack of the program, which could not be taken
  };
  struct Part {  // of frames_in_stacks_
    std::size_t begin, size, kernel;
  };
  struct HashOfFrame {
    std::size_t operator()(const Frame& frame) const noexcept;
  };

  void name(const Waiting& one);
  std::uint32_t keep(const Frame& frame);
  std::string_view keep(std::string_view text);
  Id keep_stack(std::size_t kernel);

  Symbolizer& symbolizer_;
  bool without_scheduler_ = false;
  std::function<void(std::uint64_t)> tell_;
  std::deque<Waiting> waiting_;
  std::unordered_map<std::uint64_t, Id> by_number_;
  std::unordered_multimap<std::size_t, Id> by_frames_;
  std::vector<Part> stacks_;
  std::vector<std::uint32_t> frames_in_stacks_;
  std::vector<Frame> frames_;
  std::unordered_map<Frame, std::uint32_t, HashOfFrame> frame_numbers_;
  std::unordered_set<std::string> texts_;
  std::vector<Frame> kernel_, user_;
  std::vector<std::uint32_t> numbers_;  // of the frames of the stack that is being looked up
};

}  // namespace sonde
