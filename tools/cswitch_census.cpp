// SPDX-License-Identifier: GPL-2.0-or-later
#include "cswitch_census.h"

#include <algorithm>
#include <utility>

namespace sonde {

cswitch_sums sums_at(const cswitch_account& account, std::uint64_t boundary, std::uint64_t woken) {
  if (account.boundary == boundary) return account.before;
  cswitch_sums sums = account.now;
  if (account.since >= boundary) return sums;
  const std::uint64_t until = std::clamp<std::uint64_t>(woken, account.since, boundary);
  sums.spent[account.state % CSWITCH_SPENT] += until - account.since;
  sums.spent[CSWITCH_WAIT] += boundary - until;
  return sums;
}

cswitch_sums sums_at(const cswitch_task& task, std::uint64_t boundary) {
  const auto& account = task.thread.account;
  if (task.flags & CSWITCH_GONE) return account.boundary == boundary ? account.before : account.now;
  const bool off = account.state != CSWITCH_ON && account.state != CSWITCH_WAIT;
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

cswitch_sums operator-(const cswitch_sums& a, const cswitch_sums& b) {
  cswitch_sums difference = a;
  for (std::size_t i = 0; i < CSWITCH_SPENT; ++i) difference.spent[i] -= std::min(a.spent[i], b.spent[i]);
  difference.counts.voluntary -= b.counts.voluntary;
  difference.counts.involuntary -= b.counts.involuntary;
  difference.counts.other -= b.counts.other;
  return difference;
}

cswitch_sums& operator+=(cswitch_sums& a, const cswitch_sums& b) {
  for (std::size_t i = 0; i < CSWITCH_SPENT; ++i) a.spent[i] += b.spent[i];
  a.counts.voluntary += b.counts.voluntary;
  a.counts.involuntary += b.counts.involuntary;
  a.counts.other += b.counts.other;
  return a;
}

void Census::take(const cswitch_task& task) {
  if (task.flags & CSWITCH_RUNS) {
    if (busy_now_.size() <= task.cpu) busy_now_.resize(task.cpu + 1);
    busy_now_[task.cpu] = true;
  }
  if (task.flags & CSWITCH_TORN) ++torn_;
  if (!(task.flags & CSWITCH_KNOWN)) return;
  auto& seen = seen_[{task.thread.born, task.thread.first}];
  // The last record of a thread says more than one that was read before.
  if (!(seen.flags & CSWITCH_GONE)) seen = task;
}

std::vector<Census::Share> Census::settle(std::uint64_t boundary) {
  busy_ = std::exchange(busy_now_, {});
  if (!boundary) seen_.clear();
  std::vector<Share> shares;
  decltype(before_) sums;
  decltype(seen_) later;
  for (const auto& [id, task] : seen_) {
    const auto known = before_.find(id);
    if (task.flags & CSWITCH_TORN) {  // it counts in the next interval
      if (known != before_.end()) sums.insert(*known);
      continue;
    }
    const bool gone = task.flags & CSWITCH_GONE && task.now < boundary;
    const cswitch_sums all = sums_at(task, boundary);
    cswitch_sums base{};
    if (known != before_.end())
      base = known->second;
    else if (last_ && task.thread.account.boundary == last_)
      base = task.thread.account.before;
    if (task.thread.born < boundary) shares.push_back({task, all - base});
    if (!gone) sums.emplace(id, all);
    if (!gone && task.flags & CSWITCH_GONE) later.emplace(id, task);
  }
  before_ = std::move(sums);
  seen_ = std::move(later);
  last_ = boundary;
  return shares;
}

}  // namespace sonde
