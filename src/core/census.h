// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "lib/accounts.h"

namespace sonde {

/// What the account of `task` comes to at `boundary`, which is not in the future of its record: the spell that goes on
/// is divided there, and what a sleeper has waited since it was woken is told apart.
account_sums sums_at(const account_record& task, std::uint64_t boundary);
/// The same of an account by itself.
account_sums sums_at(const task_account& account, std::uint64_t boundary, std::uint64_t woken);

account_sums operator-(const account_sums& a, const account_sums& b);
account_sums& operator+=(account_sums& a, const account_sums& b);

/// What the threads of a system did from one boundary to the next, from records of their accounts, which come in no
/// order. A thread that ends has one last record, which may be of the interval after the one that is read.
class Census {
 public:
  struct Share {
    account_record task;  ///< as it was seen last
    account_sums sums;    ///< of this interval
  };

  void take(const account_record& task);
  /// Closes the interval that ends at `boundary` and begins the next one. What came from 0 to the first boundary is
  /// nobody's.
  std::vector<Share> settle(std::uint64_t boundary);

  [[nodiscard]] std::uint64_t torn() const { return torn_; }
  /// Whether a thread was on this CPU at the last reading.
  [[nodiscard]] bool runs_on(std::uint32_t cpu) const { return cpu < busy_.size() && busy_[cpu]; }

 private:
  struct Id {
    std::uint64_t born, first;
    bool operator==(const Id& other) const { return born == other.born && first == other.first; }
  };
  struct Hash {
    std::size_t operator()(const Id& id) const { return id.born * 31 + id.first; }
  };

  std::unordered_map<Id, account_record, Hash> seen_;
  std::unordered_map<Id, account_sums, Hash> before_;
  std::vector<bool> busy_, busy_now_;
  std::uint64_t last_ = 0;
  std::uint64_t torn_ = 0;
};

}  // namespace sonde
