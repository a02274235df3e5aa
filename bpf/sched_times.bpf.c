// SPDX-License-Identifier: GPL-2.0-or-later
/* How long slices, waits, sleeps and absences are, as sums: of several tools. */
#include "sched_times.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum count_user { COUNT_SWITCH, COUNT_USERS };
#define COUNT_KEY struct count_key
#define COUNT_ROW struct sched_times_row

#include "lib/buckets.bpf.h"
#include "lib/counts.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/slices.bpf.h"
#include "lib/sums.bpf.h"

const volatile struct sched_times_conf conf = {};

static __always_inline void count(struct task_struct* task, __u64 length) {
  __u32 pid = task_pid(task, &filter), at;
  struct sched_times_row* row;
  struct count_key key;

  if (!wanted(task, pid)) return;
  key_of(&key, &conf.by, task, pid, 0);
  row = count_row(&key, COUNT_SWITCH, &at);
  if (!row) return;
  note_name(&row->value.name, &conf.by, task);
  add_to_sums(&row->value.times, length);
  count_bucket(at, length);
}

static __always_inline void count_slice(struct cpu_slice* slice, struct task_struct* prev) {
  __u64 length = slice_ends(slice, bpf_ktime_get_ns());

  if (prev->pid && length != SLICE_UNKNOWN && window_open()) count(prev, length);
}

static __always_inline void count_absence(struct task_struct* next, __u64 now) {
  struct departure* departure = departure_of(next);
  __u64 off, wait;

  if (!window_open()) return;
  if (conf.of == SCHED_TIMES_OF_WAITS) {
    if (wait_is_told(next)) count(next, wait_of(next, departure, now));
    return;
  }
  if (!departure || departure->unseen) return;
  off = now > departure->since ? now - departure->since : 0;
  if (conf.of == SCHED_TIMES_OF_BLOCKS) {
    if (departure->runnable || !wait_is_told(next)) return;
    wait = wait_of(next, departure, now);
    off = off > wait ? off - wait : 0;
  }
  count(next, off);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(time_switch, bool preempt, struct task_struct* prev, struct task_struct* next) {
  struct cpu_slice* slice = cpu_switches(prev, next);
  __u64 now;

  if (!slice) return 0;
  if (conf.of == SCHED_TIMES_OF_SLICES) {
    count_slice(slice, prev);
    return 0;
  }
  now = conf.of == SCHED_TIMES_OF_WAITS ? 0 : bpf_ktime_get_ns();
  if (prev->pid) thread_departs(prev, preempt, now);
  if (next->pid) count_absence(next, now);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
