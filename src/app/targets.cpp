// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/targets.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "core/units.h"

namespace sonde {
namespace {

constexpr std::size_t most = 16;

bool has_ended(const kernel::Fd& process) {
  pollfd ready{process.get(), POLLIN, 0};
  return poll(&ready, 1, 0) == 1;
}

}  // namespace

Targets::Targets(const TaskFilter& filter) {
  if (!filter.pids || filter.pids->negated || filter.follow || filter.pids->items.size() > most) return;
  for (const auto& item : filter.pids->items) {
    kernel::Fd process(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(parse_natural(item)), 0)));
    if (!process && errno != ESRCH) {  // it may well be running: only a signal ends the run
      running_.clear();
      return;
    }
    if (process) running_.push_back(std::move(process));
  }
  watched_ = true;
}

bool Targets::ended() {
  if (watched_) std::erase_if(running_, has_ended);
  return watched_ && running_.empty();
}

}  // namespace sonde
