/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which tasks are wanted: one struct of rodata, one function, the same in every tool. */
#ifndef SONDE_FILTER_BPF_H
#define SONDE_FILTER_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "flavors.h"
#include "lib/abi.h"
#include "lib/glob.bpf.h"
#include "lib/task.bpf.h"

const volatile struct filter_conf filter = {};
const volatile struct lib_conf lib = {};
struct run_state run = {};

/* The items of lists with more than one; created only then. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct filter_id);
  __type(value, __u8);
} filter_ids SEC(".maps");

/* Processes wanted for their ancestry, by PID in the reader's namespace; created only with --follow. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u32);
  __type(value, __u8);
} followed SEC(".maps");

static __always_inline bool window_open(void) { return *(volatile __u32*)&run.running; }

static __always_inline void count_drop(enum drop_kind kind) { __sync_fetch_and_add(&run.drops[kind], 1); }

static __always_inline bool in_list(enum filter_list list, __u32 id) {
  bool found;

  if (!filter.lists[list].used) return true;
  if (filter.lists[list].single) {
    found = filter.lists[list].item == id;
  } else {
    struct filter_id key = {list, id};

    found = bpf_map_lookup_elem(&filter_ids, &key);
  }
  return found != !!filter.lists[list].negated;
}

#define MAX_CGROUP_LEVEL 32

static __always_inline bool below_cgroup(struct cgroup* cgroup) {
  int level = LOAD(cgroup, level);

  if (filter.cgroup_level >= 0)
    return level >= filter.cgroup_level && cgroup_ancestor(cgroup, filter.cgroup_level) == filter.cgroup;
#pragma clang loop unroll(disable)
  for (int i = 0; i < MAX_CGROUP_LEVEL && i <= level; i++)
    if (cgroup_ancestor(cgroup, i) == filter.cgroup) return true;
  return false;
}

static __always_inline bool in_cgroup(struct task_struct* task) {
  return !filter.cgroup || below_cgroup(task_cgroup(task)) != !!filter.cgroup_negated;
}

static __always_inline bool comm_wanted(struct task_struct* task) {
  char comm[COMM_LEN] __attribute__((aligned(8)));

  if (!filter.comm.used) return true;
  task_comm(comm, task);
  return glob_wants(&filter.comm, comm, COMM_LEN);
}

/* All conditions but ancestry. */
static __noinline bool wanted_itself(struct task_struct* task, __u32 pid) {
  if (!in_list(FILTER_PID, pid)) return false;
  if (filter.lists[FILTER_TID].used && !in_list(FILTER_TID, task_tid(task, &filter))) return false;
  if (filter.lists[FILTER_UID].used && !in_list(FILTER_UID, task_uid(task))) return false;
  if (filter.lists[FILTER_PPID].used && !in_list(FILTER_PPID, task_ppid(task, &filter))) return false;
  return comm_wanted(task) && in_cgroup(task);
}

/* The reader, and what it has beside itself. */
static __always_inline bool is_reader(__u32 pid) {
  return pid == filter.self || (lib.apart && pid && (pid == run.apart[0] || pid == run.apart[1]));
}

/* Asked before anything is written anywhere. `pid` is task_pid(task). */
static __always_inline bool wanted(struct task_struct* task, __u32 pid) {
  if (is_reader(pid)) return false;
  if (!filter.any) return true;
  if (filter.follow) {
    bool found = bpf_map_lookup_elem(&followed, &pid);

    if (filter.follow == FOLLOW_ALSO && found) return true;
    if (filter.follow == FOLLOW_ONLY && !found) return false;
  }
  return wanted_itself(task, pid);
}

/* True if all conditions leave somebody out, and none picks somebody. */
static __always_inline bool filter_only_excludes(void) {
  for (int i = 0; i < FILTER_LISTS; i++)
    if (filter.lists[i].used && !filter.lists[i].negated) return false;
  return !filter.follow && !(filter.comm.used && !filter.comm.negated) && !(filter.cgroup && !filter.cgroup_negated);
}

/* For an event that has two tasks: it is wanted for either. But whom ^ leaves out is left out on both sides. */
static __always_inline bool pair_wanted(struct task_struct* task, __u32 pid, struct task_struct* other,
                                        __u32 other_pid) {
  if (!filter.any) return pid != filter.self || other_pid != filter.self;
  if (filter_only_excludes()) return wanted(task, pid) && wanted(other, other_pid);
  return wanted(task, pid) || wanted(other, other_pid);
}

#endif
