// SPDX-License-Identifier: GPL-2.0-or-later
#include "naptime_sleep.bpf.h"

#define STACK_USERS SLEEP_USERS

#include "lib/ring.bpf.h"
#include "lib/stack.bpf.h"

struct record {
  __u32 unchecked; /* see ring_put() */
  __u32 pad;
  struct naptime_event event;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, SLEEP_USERS);
  __type(key, __u32);
  __type(value, struct record);
} records SEC(".maps");

static __always_inline void sleep_ends(void* ctx, struct task_struct* task, __u32 pid,
                                       const struct naptime_event* sleep, __u32 user) {
  struct record* record = bpf_map_lookup_elem(&records, &user);
  struct naptime_event* event;

  if (!record) return;
  event = &record->event;
  *event = *sleep;
  event->cgroup = conf.wants & SLEEP_WANT_CGROUP ? LOAD(task, cgroups, dfl_cgrp, kn, id) : 0;
  event->pid = pid;
  event->tid = task_tid(task, &filter);
  event->ppid = conf.wants & SLEEP_WANT_PPID ? task_ppid(task, &filter) : 0;
  event->uid = task_uid(task);
  task_comm(event->comm, task);
  ring_emit_stacked(ctx, user, event, sizeof(*event), &record->unchecked);
}

char LICENSE[] SEC("license") = "GPL";
