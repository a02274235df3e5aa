// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/census.h"

#include <algorithm>
#include <utility>

namespace sonde {

account_sums sums_at(const task_account& account, std::uint64_t boundary, std::uint64_t woken) {
  if (account.boundary == boundary) return account.before;
  account_sums sums = account.now;
  if (account.since >= boundary) return sums;
  const std::uint64_t until = std::clamp<std::uint64_t>(woken, account.since, boundary);
  sums.spent[account.state % ACCOUNT_SPENT] += until - account.since;
  sums.spent[ACCOUNT_WAIT] += boundary - until;
  return sums;
}

account_sums sums_at(const account_record& task, std::uint64_t boundary) {
  const auto& account = task.thread.account;
  if (task.flags & ACCOUNT_GONE) return account.boundary == boundary ? account.before : account.now;
  const bool off = account.state != ACCOUNT_ON && account.state != ACCOUNT_WAIT;
  std::uint64_t woken = boundary;
  if (off && task.thread.woken > task.thread.account.since) {
    woken = task.thread.woken;
  } else if (off && task.queued) {
    const std::uint64_t waited =
        task.delay - task.thread.delay + (task.now - std::min<std::uint64_t>(task.now, task.queued));
    woken = task.now - std::min<std::uint64_t>(task.now, waited);
  }
  return sums_at(account, boundary, woken);
}

account_sums operator-(const account_sums& a, const account_sums& b) {
  account_sums difference = a;
  for (std::size_t i = 0; i < ACCOUNT_SPENT; ++i) difference.spent[i] -= std::min(a.spent[i], b.spent[i]);
  difference.counts.voluntary -= b.counts.voluntary;
  difference.counts.involuntary -= b.counts.involuntary;
  difference.counts.other -= b.counts.other;
  return difference;
}

account_sums& operator+=(account_sums& a, const account_sums& b) {
  for (std::size_t i = 0; i < ACCOUNT_SPENT; ++i) a.spent[i] += b.spent[i];
  a.counts.voluntary += b.counts.voluntary;
  a.counts.involuntary += b.counts.involuntary;
  a.counts.other += b.counts.other;
  return a;
}

void Census::take(const account_record& task) {
  if (task.flags & ACCOUNT_RUNS) {
    if (busy_now_.size() <= task.cpu) busy_now_.resize(task.cpu + 1);
    busy_now_[task.cpu] = true;
  }
  if (task.flags & ACCOUNT_TORN) ++torn_;
  if (!(task.flags & ACCOUNT_KNOWN)) return;
  auto& seen = seen_[{task.thread.born, task.thread.first}];
  // The last record of a thread says more than one that was read before.
  if (!(seen.flags & ACCOUNT_GONE)) seen = task;
}

std::vector<Census::Share> Census::settle(std::uint64_t boundary) {
  busy_ = std::exchange(busy_now_, {});
  if (!boundary) seen_.clear();
  std::vector<Share> shares;
  decltype(before_) sums;
  decltype(seen_) later;
  for (const auto& [id, task] : seen_) {
    const auto known = before_.find(id);
    if (task.flags & ACCOUNT_TORN) {  // it counts in the next interval
      if (known != before_.end()) sums.insert(*known);
      continue;
    }
    const bool gone = task.flags & ACCOUNT_GONE && task.now < boundary;
    const account_sums all = sums_at(task, boundary);
    account_sums base{};
    if (known != before_.end())
      base = known->second;
    else if (last_ && task.thread.account.boundary == last_)
      base = task.thread.account.before;
    if (task.thread.born < boundary) shares.push_back({task, all - base});
    if (!gone) sums.emplace(id, all);
    if (!gone && task.flags & ACCOUNT_GONE) later.emplace(id, task);
  }
  before_ = std::move(sums);
  seen_ = std::move(later);
  last_ = boundary;
  return shares;
}

}  // namespace sonde
