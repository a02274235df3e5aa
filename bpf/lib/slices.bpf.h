/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long threads are on a CPU, off it, and wait for one: for programs at tp_btf/sched_switch. What is remembered of
 * each thread that has left its CPU is what the kernel's own counts do not have.
 */
#ifndef SONDE_SLICES_BPF_H
#define SONDE_SLICES_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "flavors.h"
#include "lib/filter.bpf.h"
#include "lib/sched.bpf.h"

#define SLICE_UNKNOWN (~0ULL)

struct cpu_slice {
  __u64 since; /* the last switch, by the clock that is given to slice_ends(); 0: none was seen */
  __u64 came;  /* see came_unseen() */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_slice);
} slices SEC(".maps");

/* A thread that has left its CPU. */
struct departure {
  __u64 since; /* ns, if the program asks for it */
  __u64 delay; /* the kernel's sum of its waits then */
  __u64 woken; /* ns: when it was, if the kernel's count of its wait is none */
  __u32 runnable;
  __u32 unseen; /* it had left before anybody saw it */
};

/* By task_key(). Preallocated, as switches must ask no allocator. The reader gives it its size. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u64);
  __type(value, struct departure);
} departures SEC(".maps");

/* Of the CPU that switches. If nobody saw `prev` come, that is counted. */
static __always_inline struct cpu_slice* cpu_switches(struct task_struct* prev, struct task_struct* next) {
  __u32 zero = 0;
  struct cpu_slice* slice = bpf_map_lookup_elem(&slices, &zero);

  if (!slice) return 0;
  if (came_unseen(&slice->came, prev, next) && prev->pid && window_open() && wanted(prev, task_pid(prev, &filter)))
    count_drop(DROP_UNSEEN);
  return slice;
}

/* How long it was; SLICE_UNKNOWN for the first one of a CPU. The next one begins. */
static __always_inline __u64 slice_ends(struct cpu_slice* slice, __u64 now) {
  __u64 since = slice->since;

  slice->since = now;
  if (!since) return SLICE_UNKNOWN;
  return now > since ? now - since : 0;
}

/* A thread, not idle, leaves its CPU at `now`. */
static __always_inline void thread_departs(struct task_struct* prev, bool preempt, __u64 now) {
  __u32 state = task_state(prev);
  __u64 key = task_key(prev);
  struct departure departure = {.since = now, .delay = prev->sched_info.run_delay, .runnable = preempt || !state};
  struct departure* known;

  if (state & STATE_DEAD) {
    bpf_map_delete_elem(&departures, &key);
    return;
  }
  known = bpf_map_lookup_elem(&departures, &key);
  if (known)
    *known = departure;
  else if (wanted(prev, task_pid(prev, &filter)) && bpf_map_update_elem(&departures, &key, &departure, BPF_ANY))
    count_drop(DROP_LEFT_FULL);
}

/* How it left its CPU; null if nobody saw it, as of a thread that is new. */
static __always_inline struct departure* departure_of(struct task_struct* task) {
  __u64 key = task_key(task);

  return bpf_map_lookup_elem(&departures, &key);
}

/* Whether wait_of() knows it; if not, that is counted. */
static __always_inline bool wait_is_told(struct task_struct* task) {
  if (HAS_QUEUE_CLOCK) return true;
  if (wanted(task, task_pid(task, &filter))) count_drop(DROP_WAIT_UNTOLD);
  return false;
}

/*
 * How long a thread that comes to a CPU, or is still in a run queue, has waited. `now` is 0 where nobody has looked at
 * the clock: it is seldom needed.
 */
static __always_inline __u64 wait_of(struct task_struct* task, const struct departure* departure, __u64 now) {
  __u64 clock = queue_clock(task), before;

  if (departure && departure->woken && !departure->runnable) {
    if (!now) now = bpf_ktime_get_ns();
    return now > departure->woken ? now - departure->woken : 0;
  }
  /* Of one that nobody saw leave, what it waited since it was last put into a queue; all of it, if it is new. */
  before = task->sched_info.pcount ? task->sched_info.run_delay : 0;
  barrier_var(before); /* else clang makes one load of this and the next, which no verifier takes */
  if (departure) before = departure->delay;
  return waited(task, before, clock);
}

/* To be attached, if waits are asked for, where the kernel's count of them can be wrong: kernel::dequeues_later(). */
SEC("tp_btf/sched_waking")
int BPF_PROG(thread_wakes_up, struct task_struct* task) {
  __u64 key = task_key(task);
  struct departure *departure, unseen = {.unseen = 1};

  if (!wait_is_none(task)) return 0;
  departure = bpf_map_lookup_elem(&departures, &key);
  if (departure) {
    departure->woken = bpf_ktime_get_ns();
  } else if (wanted(task, task_pid(task, &filter))) {
    unseen.woken = bpf_ktime_get_ns();
    if (bpf_map_update_elem(&departures, &key, &unseen, BPF_ANY)) count_drop(DROP_LEFT_FULL);
  }
  return 0;
}

#endif
