// SPDX-License-Identifier: GPL-2.0-or-later
/* --slower: each long wait for a CPU, and who held it. */
#include "runqlat.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/ring.bpf.h"
#include "lib/slices.bpf.h"
#include "lib/stack.bpf.h"

const volatile struct runqlat_conf conf = {};

/* A switch can come upon the iterator, which may be preempted. */
enum record_user { USER_SWITCH, USER_ITERATOR, RECORD_USERS };

struct record {
  __u32 unchecked; /* see ring_put() */
  __u32 pad;
  struct runqlat_event event;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, RECORD_USERS);
  __type(key, __u32);
  __type(value, struct record);
} records SEC(".maps");

static __always_inline __u32 reason_of(struct task_struct* task, const struct departure* departure) {
  if (departure) return departure->runnable ? RUNQLAT_PREEMPTED : RUNQLAT_WOKEN;
  return task->sched_info.pcount ? RUNQLAT_UNSEEN : RUNQLAT_NEW;
}

static __always_inline void describe(struct runqlat_event* event, struct task_struct* task, __u32 pid,
                                     const struct departure* departure, __u64 waited) {
  event->waited = waited;
  event->cgroup = LOAD(task, cgroups, dfl_cgrp, kn, id);
  event->reason = reason_of(task, departure);
  event->pid = pid;
  event->tid = task_tid(task, &filter);
  event->uid = task_uid(task);
  event->prio = task->prio;
  task_comm(event->comm, task);
}

static __always_inline void describe_prev(struct runqlat_event* event, struct task_struct* prev, __u64 ran) {
  event->waiting = 0;
  event->prev_ran = ran;
  event->prev_pid = task_pid(prev, &filter);
  event->prev_tid = task_tid(prev, &filter);
  event->prev_prio = prev->prio;
  task_comm(event->prev_comm, prev);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(thread_comes, bool preempt, struct task_struct* prev, struct task_struct* next) {
  __u32 user = USER_SWITCH, pid;
  struct cpu_slice* slice = cpu_switches(prev, next);
  struct departure* departure;
  struct record* record;
  __u64 ran, waited;

  if (!slice) return 0;
  /* The clock of the run queue was read for this switch already, and is free. */
  ran = slice_ends(slice, queue_clock(next->pid ? next : prev));
  if (prev->pid) thread_departs(prev, preempt, 0);
  if (!next->pid || !window_open() || !wait_is_told(next)) return 0;
  departure = departure_of(next);
  waited = wait_of(next, departure, 0);
  if (waited < conf.slower) return 0;
  pid = task_pid(next, &filter);
  if (!wanted(next, pid)) return 0;
  record = bpf_map_lookup_elem(&records, &user);
  if (!record) return 0;
  record->event.time = bpf_ktime_get_ns();
  record->event.cpu = bpf_get_smp_processor_id();
  describe(&record->event, next, pid, departure, waited);
  describe_prev(&record->event, prev, ran);
  ring_emit_stacked(ctx, 0, &record->event, sizeof(record->event), &record->unchecked);
  return 0;
}

/*
 * Run by the reader when the window is closed: who is in a run queue then, and had waited for so long. The clock of a
 * run queue stands still between the ticks of its CPU, so that up to a tick of the wait is missing.
 */
SEC("iter/task")
int still_running(struct bpf_iter__task* ctx) {
  struct task_struct* task = ctx->task;
  __u64 now = bpf_ktime_get_ns(), later = now - run.asked, waited;
  __u32 user = USER_ITERATOR, pid;
  struct departure* departure;
  struct record* record;

  if (!task || !is_queued(task)) return 0;
  pid = task_pid(task, &filter);
  if (!wanted(task, pid)) return 0;
  departure = departure_of(task);
  waited = wait_of(task, departure, now);
  if (waited <= later || waited - later < conf.slower) return 0;
  record = bpf_map_lookup_elem(&records, &user);
  if (!record) return 0;
  __builtin_memset(&record->event, 0, sizeof(record->event));
  record->event.time = run.asked;
  record->event.cpu = task->wake_cpu;
  record->event.waiting = 1;
  record->event.prev_ran = RUNQLAT_UNKNOWN;
  describe(&record->event, task, pid, departure, waited - later);
  ring_emit(&record->event, sizeof(record->event), &record->unchecked); /* in the task of the reader: no stacks */
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
