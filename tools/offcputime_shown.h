// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/stack_store.h"
#include "offcputime.h"

namespace sonde {

/// "S", "iowait": as ps has them, and what it does not tell apart.
inline constexpr std::string_view sleep_state_names[SLEEP_STATES] = {"S", "D", "iowait", "T", "t", "I", "P", "F"};

/// What sleeps are shown under: a state, a stack and the stacks of who woke whom. Those that read alike are one.
class ShownSleeps {
 public:
  struct Waker {
    std::string_view mark;  ///< "[woken by make]"; lives as long as this
    StackStore::Id stack;
    auto operator<=>(const Waker&) const = default;
  };
  struct Sleep {
    std::uint32_t state;
    StackStore::Id stack;
    std::vector<Waker> wakers;
    auto operator<=>(const Sleep&) const = default;
  };

  /// A row of the kernel's that is a waker's.
  void take_waker(const offcputime_value& waker) {
    const std::string_view comm(waker.name.comm, strnlen(waker.name.comm, COMM_LEN));
    // Who is idle wakes nobody: an interrupt does.
    const std::string mark = "[woken by " + (waker.pid ? std::string(comm) : "an interrupt") + "]";
    marks_[waker.stack] = *texts_.insert(mark).first;
  }
  /// Who ended the sleeps that are counted under that key.
  void take_wakers(std::uint64_t what, const offcputime_wakers& wakers) {
    if (wakers.stacks[0]) wakers_[what] = wakers;
  }

  /// What a sleep is counted under whose stack was unwound; `woken`: `what` of the row that tells who ended it, or 0.
  std::uint64_t copied(std::uint64_t stack, std::uint32_t state, std::uint64_t woken) {
    const std::uint64_t what = mixed(mixed(stack, state), woken);
    if (woken) woken_as_[what] = woken;
    return what;
  }

  /// The number of that sleep, the same for all that read alike.
  std::uint64_t number(std::uint64_t what, const offcputime_value& value, const StackStore& stacks) {
    Sleep sleep{value.state, stacks.find(value.stack), {}};
    const auto as = woken_as_.find(what);
    if (const auto known = wakers_.find(as == woken_as_.end() ? what : as->second); known != wakers_.end())
      for (const auto number : known->second.stacks) {
        if (!number) break;
        const auto mark = marks_.find(number);
        sleep.wakers.push_back({mark == marks_.end() ? "[woken]" : mark->second, stacks.find(number)});
      }
    const auto [place, fresh] = numbers_.try_emplace(std::move(sleep), sleeps_.size());
    if (fresh) sleeps_.push_back(&place->first);
    return place->second;
  }
  [[nodiscard]] const Sleep& at(std::uint64_t number) const { return *sleeps_[number]; }

 private:
  static std::uint64_t mixed(std::uint64_t number, std::uint64_t word) {
    number = (number ^ word) * 0x9e3779b97f4a7c15;
    return number ^ number >> 29;
  }

  std::set<std::string> texts_;
  std::unordered_map<std::uint64_t, std::string_view> marks_;  // by the number of a stack
  std::unordered_map<std::uint64_t, offcputime_wakers> wakers_;
  std::unordered_map<std::uint64_t, std::uint64_t> woken_as_;
  std::map<Sleep, std::uint64_t> numbers_;
  std::vector<const Sleep*> sleeps_;
};

}  // namespace sonde
