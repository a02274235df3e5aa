// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/filter.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "core/error.h"
#include "core/names.h"
#include "core/text.h"
#include "kernel/cgroup.h"

namespace sonde {
namespace {

std::vector<std::uint32_t> tasks(const ItemList& list, const char* what) {
  std::vector<std::uint32_t> ids;
  for (const auto& item : list.items) {
    const auto id = static_cast<std::uint32_t>(parse_natural(item, INT32_MAX));
    if (!list.negated && !kernel::task_exists(id))
      throw Error(Exit::run_time, std::string("There is no ") + what + " " + item + ".",
                  "ps -eLf lists processes and threads.");
    ids.push_back(id);
  }
  return ids;
}

std::vector<std::uint32_t> user_ids(const ItemList& list, const kernel::Users& users) {
  std::vector<std::uint32_t> ids;
  for (const auto& item : list.items) {
    const auto uid = users.uid(item);
    if (!uid)
      throw Error(Exit::run_time, "There is no user '" + escaped(item) + "' in /etc/passwd.",
                  "Give the number of the user if it is defined elsewhere.");
    ids.push_back(*uid);
  }
  return ids;
}

}  // namespace

glob_conf to_conf(const std::optional<GlobChoice>& choice) {
  glob_conf conf{};
  if (!choice) return conf;
  std::copy(choice->glob.accepts.begin(), choice->glob.accepts.end(), conf.accepts);
  conf.loops = choice->glob.loops;
  conf.tokens = choice->glob.tokens;
  conf.used = 1;
  conf.negated = choice->negated ? 1 : 0;
  return conf;
}

void ResultFilter::declare(Options& options, const std::string& what) {
  options.flag("-x, --failed", "only " + what + " that failed", failed_);
  options.value("--errno", "LIST", "only these errors, as ENOENT,EACCES (^ negates)", [this](std::string_view text) {
    errnos_ = parse_list(text);
    for (const auto& name : errnos_.items)
      if (!errno_number(name))
        throw Error(Exit::usage, "There is no error '" + escaped(name) + "'.", "Their names are those of errno(3).");
  });
}

void ResultFilter::fill(result_conf& conf) const {
  conf.failed = failed_ ? 1 : 0;
  conf.errnos = errnos_.items.empty() ? 0 : 1;
  conf.errnos_negated = errnos_.negated ? 1 : 0;
  for (const auto& name : errnos_.items) {
    const auto number = static_cast<unsigned>(*errno_number(name));
    conf.errno_set[number / 64] |= 1ULL << (number % 64);
  }
}

KernelFilter::KernelFilter(const TaskFilter& filter, const kernel::Users& users) {
  conf.pidns = kernel::pid_namespace();
  conf.self = static_cast<std::uint32_t>(getpid());

  const auto use = [this](filter_list which, const std::optional<ItemList>& list, std::vector<std::uint32_t> items) {
    if (!list) return;
    filter_list_conf& to = conf.lists[which];
    to.used = 1;
    to.negated = list->negated ? 1 : 0;
    to.single = items.size() == 1 ? 1 : 0;
    to.item = items.front();
    conf.any = 1;
    if (!to.single)
      for (const auto id : items) ids.push_back({which, id});
  };
  if (filter.pids) use(FILTER_PID, filter.pids, tasks(*filter.pids, "process"));
  if (filter.tids) use(FILTER_TID, filter.tids, tasks(*filter.tids, "thread"));
  if (filter.ppids) use(FILTER_PPID, filter.ppids, tasks(*filter.ppids, "process"));
  if (filter.users) use(FILTER_UID, filter.users, user_ids(*filter.users, users));

  if (filter.comm) {
    conf.comm = to_conf(filter.comm);
    conf.any = 1;
  }
  if (!filter.cgroup.empty()) {
    const auto cgroup = kernel::Cgroups().find(filter.cgroup);
    conf.cgroup = cgroup.id;
    conf.cgroup_level = cgroup.level;
    conf.cgroup_negated = filter.cgroup_negated ? 1 : 0;
    conf.any = 1;
  }
  if (filter.follow) conf.follow = FOLLOW_ALSO;
}

void KernelFilter::only_command() {
  conf.follow = FOLLOW_ONLY;
  conf.any = 1;
}

}  // namespace sonde
