// SPDX-License-Identifier: GPL-2.0-or-later
/* --histogram-of: how long slices, waits and sleeps are. */
#include "cswitch_times.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum count_user { COUNT_SWITCH, COUNT_USERS };
#define COUNT_KEY struct count_key
#define COUNT_ROW struct cswitch_times_row

#include "lib/buckets.bpf.h"
#include "lib/counts.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/sched.bpf.h"
#include "lib/sums.bpf.h"

const volatile struct cswitch_times_conf conf = {};

struct cpu_slice {
  __u64 since; /* ns: the last switch; 0: none was seen */
  __u64 came;  /* see came_unseen() */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_slice);
} slices SEC(".maps");

/* A thread that has left its CPU. */
struct absence {
  __u64 since; /* ns */
  __u64 delay; /* the kernel's sum of its waits then */
  __u64 woken; /* ns: when it was, if the kernel's count of its wait is none */
  __u32 runnable;
  __u32 unseen; /* it had left before anybody saw it */
};

/* By task_key(). Preallocated, as switches must ask no allocator. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u64);
  __type(value, struct absence);
} absences SEC(".maps");

static __always_inline void count(struct task_struct* task, __u64 length) {
  __u32 pid = task_pid(task, &filter), at;
  struct cswitch_times_row* row;
  struct count_key key;

  if (!wanted(task, pid)) return;
  key_of(&key, &conf.by, task, pid, bpf_get_smp_processor_id());
  row = count_row(&key, COUNT_SWITCH, &at);
  if (!row) return;
  note_name(&row->value.name, &conf.by, task);
  add_to_sums(&row->value.times, length);
  count_bucket(at, length);
}

static __always_inline void count_slice(struct cpu_slice* slice, struct task_struct* prev) {
  __u64 now = bpf_ktime_get_ns(), before = slice->since;

  slice->since = now;
  if (prev->pid && before && window_open()) count(prev, now > before ? now - before : 0);
}

static __always_inline void remember_absence(struct task_struct* prev, bool preempt, __u64 now) {
  __u32 state = task_state(prev);
  __u64 key = task_key(prev);
  struct absence absence = {.since = now, .delay = prev->sched_info.run_delay, .runnable = preempt || !state};
  struct absence* known;

  if (state & STATE_DEAD) {
    bpf_map_delete_elem(&absences, &key);
    return;
  }
  known = bpf_map_lookup_elem(&absences, &key);
  if (known)
    *known = absence;
  else if (wanted(prev, task_pid(prev, &filter)) && bpf_map_update_elem(&absences, &key, &absence, BPF_ANY))
    count_drop(DROP_STATE_FULL);
}

static __always_inline void count_absence(struct task_struct* next, __u64 now) {
  __u64 key = task_key(next), clock = queue_clock(next), wait, off;
  struct absence* absence = bpf_map_lookup_elem(&absences, &key);

  if (!window_open()) return;
  if (absence && absence->woken && !absence->runnable) {
    if (!now) now = bpf_ktime_get_ns();
    wait = now > absence->woken ? now - absence->woken : 0;
  } else {
    /* Of one that nobody saw leave, what it waited since it was last put into a queue; all of it, if it is new. */
    __u64 before = next->sched_info.pcount ? next->sched_info.run_delay : 0;

    barrier_var(before); /* else clang makes one load of this and the next, which no verifier takes */
    if (absence) before = absence->delay;
    wait = waited(next, before, clock);
  }
  if (conf.of == CSWITCH_TIMES_OF_WAITS) {
    count(next, wait);
    return;
  }
  if (!absence || absence->runnable || absence->unseen) return;
  off = now > absence->since ? now - absence->since : 0;
  count(next, off > wait ? off - wait : 0);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(time_switch, bool preempt, struct task_struct* prev, struct task_struct* next) {
  __u32 zero = 0;
  struct cpu_slice* slice = bpf_map_lookup_elem(&slices, &zero);
  __u64 now;

  if (!slice) return 0;
  if (came_unseen(&slice->came, prev, next) && prev->pid && window_open() && wanted(prev, task_pid(prev, &filter)))
    count_drop(DROP_UNSEEN);
  if (conf.of == CSWITCH_TIMES_OF_SLICES) {
    count_slice(slice, prev);
    return 0;
  }
  now = conf.of == CSWITCH_TIMES_OF_BLOCKS ? bpf_ktime_get_ns() : 0;
  if (prev->pid) remember_absence(prev, preempt, now);
  if (next->pid) count_absence(next, now);
  return 0;
}

/* Attached where the kernel's count of waits can be wrong. */
SEC("tp_btf/sched_waking")
int BPF_PROG(thread_wakes_up, struct task_struct* task) {
  __u64 key = task_key(task);
  struct absence *absence, unseen = {.unseen = 1};

  if (!wait_is_none(task)) return 0;
  absence = bpf_map_lookup_elem(&absences, &key);
  if (absence) {
    absence->woken = bpf_ktime_get_ns();
  } else if (wanted(task, task_pid(task, &filter))) {
    unseen.woken = bpf_ktime_get_ns();
    if (bpf_map_update_elem(&absences, &key, &unseen, BPF_ANY)) count_drop(DROP_STATE_FULL);
  }
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
