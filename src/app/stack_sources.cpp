// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/stack_sources.h"

#include <unistd.h>

#include <utility>

#include "core/units.h"

namespace sonde {

StackSources::StackSources(stack_conf wanted) : wanted_(wanted) {
  if (wanted_.user) symbolizer_.look_into_programs([this](int pid) { hide(pid); });
}

// Of the processes that look up names, this one and the one before it, which may still be about to end.
void StackSources::hide(int pid) {
  if (run_) run_->apart[1] = std::exchange(run_->apart[0], static_cast<std::uint32_t>(pid));
}

void StackSources::set(const LibraryParts& parts) const {
  *parts.stacks = wanted_;
  parts.lib->apart = wanted_.user;
}

void StackSources::start(const LibraryParts& parts, const CommonOptions& options, Waiter& waiter) {
  run_ = parts.run;
  if (wanted_.kernel) {
    const orc_tables tables = symbolizer_.look_into_kernel();
    if (parts.orc) *parts.orc = tables;
  }
  if (symbolizer_.user()) watch_mappings(*symbolizer_.user(), options, waiter);
}

void StackSources::watch_mappings(kernel::UserStacks& stacks, const CommonOptions& options, Waiter& waiter) {
  hide(stacks.process().pid());
  // Of those that are asked for by number, the others need not be looked at. What a COMMAND maps is seen as it does.
  std::vector<std::uint32_t> pids;
  const auto& list = options.filter.pids;
  if (list && !list->negated && !options.filter.follow)
    for (const auto& pid : list->items) pids.push_back(static_cast<std::uint32_t>(parse_natural(pid)));
  if (!options.command.empty()) pids.push_back(static_cast<std::uint32_t>(getpid()));
  stacks.start(pids);
  for (const int fd : stacks.fds()) waiter.watch_edges(fd);
}

void StackSources::catch_up(std::uint64_t time) {
  if (symbolizer_.user()) symbolizer_.user()->catch_up(time);
}

std::uint64_t StackSources::cpu_time() const {
  return symbolizer_.user() ? symbolizer_.user()->process().cpu_time() : 0;
}

}  // namespace sonde
