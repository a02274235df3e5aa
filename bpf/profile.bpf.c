// SPDX-License-Identifier: GPL-2.0-or-later
#include "profile.h"

#define COUNT_ROW struct profile_row
#define COUNT_USERS 1

#include "lib/follow.bpf.h"
#include "lib/samples.bpf.h"
#include "lib/stack_copies.bpf.h"

const volatile struct profile_conf conf = {};

/* A perf event on each CPU. It may come in an NMI; its program is not run on a CPU where it is running already. */
SEC("perf_event")
int sample(void* ctx) {
  struct task_struct* task = current_task();
  struct profile_row* row;
  struct copied* copy;
  struct stack_here here;
  struct count_key key;
  __u32 pid, at;

  if (!sample_counts() || (!conf.idle && !LOAD(task, pid))) return 0;
  pid = task_pid(task, &filter);
  if (!wanted(task, pid)) return 0;
  copy = stack_copied(ctx, 0, &conf.by, task, pid);
  if (copy) {
    copy->row.value.samples = 1;
    if (copy_counted(copy, &conf.by, task, &copy->row.value.name)) return 0;
  }
  if (!stack_of(ctx, 0, &conf.by, task, pid, &here, &key)) return 0;
  row = count_row(&key, 0, &at);
  if (!row) return 0;
  row->value.samples++;
  stack_counted(&here, &conf.by, task, &row->value.name, &row->value.told);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
