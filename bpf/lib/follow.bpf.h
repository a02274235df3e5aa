/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --follow and `-- COMMAND`: descendants of wanted processes are wanted. The hooks are attached first; then the
 * iterator is run until it finds nobody new, which adds those who were descendants already.
 */
#ifndef SONDE_FOLLOW_BPF_H
#define SONDE_FOLLOW_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/filter.bpf.h"

__u64 follow_added = 0;

static __always_inline void follow(__u32 pid) {
  __u8 one = 1;

  if (bpf_map_lookup_elem(&followed, &pid)) return;
  if (bpf_map_update_elem(&followed, &pid, &one, BPF_ANY))
    count_drop(DROP_FOLLOW_FULL);
  else
    __sync_fetch_and_add(&follow_added, 1);
}

static __always_inline bool leads(struct task_struct* task, __u32 pid) {
  return bpf_map_lookup_elem(&followed, &pid) || (filter.follow == FOLLOW_ALSO && wanted_itself(task, pid));
}

/* As task_pid(), for a task that is not the current one. */
static __always_inline __u32 other_pid(struct task_struct* task) {
  if (!filter.pidns) return BPF_CORE_READ(task, tgid);
  return pid_in_namespace(BPF_CORE_READ(task, group_leader, thread_pid), filter.pidns);
}

/* raw_tp, for which libbpf need not read the kernel's types at the start; who forks and who exits is the current task.
 */
SEC("raw_tp/sched_process_fork")
int BPF_PROG(follow_fork, struct task_struct* forking, struct task_struct* child) {
  struct task_struct* parent = current_task();
  __u32 pid = task_pid(parent, &filter);

  if (LOAD(parent, tgid) != BPF_CORE_READ(child, tgid) && pid != filter.self && leads(parent, pid))
    follow(other_pid(child));
  return 0;
}

/* A tool that shows the ends of processes forgets them itself, when it has. */
#ifndef TOOL_FORGETS_FOLLOWED
/* The last thread of a process: `live` has been counted down before the tracepoint since it exists. */
SEC("raw_tp/sched_process_exit")
int BPF_PROG(follow_exit) {
  struct task_struct* task = current_task();

  if (!LOAD(task, signal, live.counter)) {
    __u32 pid = task_pid(task, &filter);

    bpf_map_delete_elem(&followed, &pid);
  }
  return 0;
}
#endif

/*
 * Of each process the parent alone: descendants further down are found in turn, mostly by the same run, since parents
 * come before their children. A walk up is verified anew for each generation: with a limit of 64, that was over 0.2 s
 * of a start with filters, and 3 s under emulation.
 */
SEC("iter/task")
int follow_seed(struct bpf_iter__task* ctx) {
  struct task_struct *task = ctx->task, *parent;
  __u32 pid;

  if (!task || task->pid != task->tgid) return 0;
  parent = task->real_parent;
  if (parent->tgid <= 0) return 0;
  pid = task_pid(parent, &filter);
  if (pid != filter.self && leads(parent, pid)) follow(task_pid(task, &filter));
  return 0;
}

#endif
