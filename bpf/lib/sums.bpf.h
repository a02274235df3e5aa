/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes into the rows of counts.bpf.h: whose it is, how it is called, how large it was. */
#ifndef SONDE_SUMS_BPF_H
#define SONDE_SUMS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/counts.h"
#include "lib/filter.bpf.h"
#include "lib/task.bpf.h"

/* `what` stands in the second word, unless it is counted by comm. `pid` is task_pid(task). */
static __always_inline void key_of(struct count_key* key, const volatile struct count_by* by, struct task_struct* task,
                                   __u32 pid, __u64 what) {
  key->who = 0;
  key->what = by->what ? what : 0;
  if (by->who == COUNT_OF_PROCESS) key->who = pid;
  if (by->who == COUNT_OF_THREAD) key->who = task_tid(task, &filter);
  if (by->who == COUNT_OF_USER) key->who = task_uid(task);
  if (by->who == COUNT_OF_CGROUP) key->who = LOAD(task, cgroups, dfl_cgrp, kn, id);
  if (by->who == COUNT_OF_CPU) key->who = bpf_get_smp_processor_id();
  if (by->who == COUNT_OF_PIDNS) key->who = task_pidns(task);
  if (by->who == COUNT_OF_COMM) task_comm((char*)key, task);
}

/* The name of the process or thread by which is counted. */
static __always_inline void note_name(struct count_name* name, const volatile struct count_by* by,
                                      struct task_struct* task) {
  if (by->who != COUNT_OF_PROCESS && by->who != COUNT_OF_THREAD) return;
  name->seen = bpf_jiffies64();
  task_comm(name->comm, task);
}

static __always_inline void add_to_sums(struct count_sums* sums, __u64 value) {
  struct count_span* span = &sums->spans[run.interval & 1];
  __u64 interval = run.interval + 1;

  sums->number++;
  sums->total += value;
  if (span->interval != interval) {
    span->least = span->most = value;
    span->interval = interval;
  }
  if (value < span->least) span->least = value;
  if (value > span->most) span->most = value;
}

#endif
