// SPDX-License-Identifier: GPL-2.0-or-later
#include "exitsnoop.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TOOL_FORGETS_FOLLOWED

#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/ring.bpf.h"
#include "lib/runtime.bpf.h"
#include "lib/stack.bpf.h"

#define EEXIST 17
#define PF_KTHREAD 0x00200000
#define SIGNAL_GROUP_EXIT 4

const volatile struct exitsnoop_conf conf = {};

struct record {
  __u32 unchecked; /* see ring_put() */
  __u32 pad;
  struct exitsnoop_event event;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct record);
} records SEC(".maps");

/*
 * Processes of several threads that have ended. When two threads end at once, both may find that no thread lives: the
 * first to enter the process here is the one that shows it. What is old is of no use, so the map forgets by itself.
 */
struct process_key {
  __u64 start;
  __u32 pid;
  __u32 pad;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct process_key);
  __type(value, __u8);
} ended SEC(".maps");

/* True for one thread of a process that has no living thread. `followed_too` is for those that come after it. */
static __always_inline bool ends_process(struct task_struct* task, const struct process_key* key, __u8 followed_too) {
  if (LOAD(task, signal, live.counter)) return false;
  if (LOAD(task, signal, nr_threads) == 1) return !bpf_map_lookup_elem(&ended, key);
  /* An int: before 6.4 (d7ba4cc900bf) the upper half of the result is not the sign's. */
  return (int)bpf_map_update_elem(&ended, key, &followed_too, BPF_NOEXIST) != -EEXIST;
}

/* What wait() will say. Newer kernels always set the flag; older ones not if each thread left by itself, and there it
 * is what the leader said. */
static __always_inline int process_status(struct task_struct* task) {
  if (LOAD(task, signal, flags) & SIGNAL_GROUP_EXIT) return LOAD(task, signal, group_exit_code);
  return LOAD(task, group_leader, exit_code);
}

static __always_inline bool still_wanted(struct task_struct* subject, __u32 pid, const struct process_key* key) {
  __u8* followed_too;

  if (wanted(subject, pid)) return true;
  if (!filter.follow || !conf.threads || is_reader(pid)) return false;
  followed_too = bpf_map_lookup_elem(&ended, key);
  if (!followed_too || !*followed_too) return false;
  return filter.follow == FOLLOW_ALSO || wanted_itself(subject, pid);
}

static __always_inline void show(void* ctx, struct task_struct* task, struct task_struct* subject, __u32 pid,
                                 int status) {
  struct record* record;
  struct exitsnoop_event* event;
  __u32 zero = 0;

  record = bpf_map_lookup_elem(&records, &zero);
  if (!record) return;
  event = &record->event;
  event->time = bpf_ktime_get_ns();
  event->age = event->time - LOAD(subject, start_time);
  event->cpu = 0;
  if (conf.wants & EXIT_WANT_CPU) event->cpu = conf.threads ? LOAD(task, se.sum_exec_runtime) : process_runtime(task);
  event->cgroup = conf.wants & EXIT_WANT_CGROUP ? LOAD(subject, cgroups, dfl_cgrp, kn, id) : 0;
  event->pid = pid;
  event->tid = task_tid(subject, &filter);
  event->ppid = task_ppid(subject, &filter);
  event->uid = task_uid(subject);
  event->status = status;
  event->bits = LOAD(task, flags) & PF_KTHREAD ? EXIT_OF_KERNEL_THREAD : 0;
  if (event->cpu == RUNTIME_UNKNOWN) event->bits |= EXIT_CPU_UNKNOWN;
  task_comm(event->comm, subject);
  ring_emit_stacked(ctx, 0, event, sizeof(*event), &record->unchecked);
}

/* A thread ends. The threads still living were counted down before the tracepoint, and its exit code set. */
SEC("raw_tp/sched_process_exit")
int BPF_PROG(thread_exit) {
  struct task_struct *task = current_task(), *leader = LOAD(task, group_leader);
  struct task_struct* subject = conf.threads ? task : leader;
  struct process_key key = {.start = LOAD(leader, start_time), .pid = LOAD(task, tgid)};
  __u32 pid = task_pid(task, &filter);
  bool followed_too = filter.follow && bpf_map_lookup_elem(&followed, &pid);
  bool last = ends_process(task, &key, followed_too);
  int status;

  if (window_open() && (last || conf.threads)) {
    status = conf.threads ? LOAD(task, exit_code) : process_status(task);
    if ((status || !conf.failed) && still_wanted(subject, pid, &key)) show(ctx, task, subject, pid, status);
  }
  if (last && followed_too) bpf_map_delete_elem(&followed, &pid);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
