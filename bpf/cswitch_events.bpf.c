// SPDX-License-Identifier: GPL-2.0-or-later
#include "cswitch_events.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/ring.bpf.h"
#include "lib/sched.bpf.h"
#include "lib/stack.bpf.h"

const volatile struct cswitch_events_conf conf = {};

struct cpu_slice {
  struct cswitch_events_event event;
  __u64 since; /* the last switch; 0: none was seen */
  __u64 came;  /* see came_unseen() */
  __u32 unchecked;
  __u32 pad;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_slice);
} slices SEC(".maps");

struct waker {
  __u64 delay; /* the kernel's sum of the waits of the woken thread, as it began to wait */
  __u64 woken; /* ns: when, if the kernel's count of the wait is none; else 0 */
  __u32 tid;
  __u32 known;
  char comm[COMM_LEN];
};

/* Who woke a thread that has not run since, by task_key(). Preallocated, as switches must ask no allocator. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u64);
  __type(value, struct waker);
} wakers SEC(".maps");

SEC("tp_btf/sched_waking")
int BPF_PROG(thread_wakes, struct task_struct* task) {
  struct task_struct* by;
  struct waker waker;
  __u64 key;

  if (!window_open() || (filter.any && !wanted(task, task_pid(task, &filter)))) return 0;
  by = current_task();
  key = task_key(task);
  waker.delay = task->sched_info.run_delay;
  waker.woken = wait_is_none(task) ? bpf_ktime_get_ns() : 0;
  waker.tid = task_tid(by, &filter);
  waker.known = 1;
  task_comm(waker.comm, by);
  if (bpf_map_update_elem(&wakers, &key, &waker, BPF_ANY)) count_drop(DROP_WAKER_FULL);
  return 0;
}

static __always_inline bool concerns(struct task_struct* task) {
  return task->pid && wanted(task, task_pid(task, &filter));
}

static __always_inline void describe_prev(struct cswitch_events_event* event, struct task_struct* prev, bool preempt) {
  __u32 state = task_state(prev);

  event->state = preempt || !state ? CSWITCH_PREEMPTED : state;
  event->prev_pid = task_pid(prev, &filter);
  event->prev_tid = task_tid(prev, &filter);
  event->prev_prio = prev->prio;
  task_comm(event->prev_comm, prev);
}

/* A thread that leaves its CPU runnable is woken by nobody, but waits; one that is gone gives its place to another. */
static __always_inline void update_waker(struct task_struct* task, bool preempt) {
  __u32 state = task_state(task);
  __u64 key = task_key(task);
  struct waker* waker;

  if (state & STATE_DEAD) {
    bpf_map_delete_elem(&wakers, &key);
  } else if (preempt || !state) {
    waker = bpf_map_lookup_elem(&wakers, &key);
    if (!waker) return;
    waker->delay = task->sched_info.run_delay;
    waker->woken = 0;
  }
}

static __always_inline void describe_next(struct cswitch_events_event* event, struct task_struct* next) {
  __u64 key = task_key(next), before = next->sched_info.run_delay, clock;
  struct waker* waker = 0;

  event->next_pid = task_pid(next, &filter);
  event->next_tid = task_tid(next, &filter);
  event->next_prio = next->prio;
  task_comm(event->next_comm, next);
  event->woken = 0;
  event->waker_tid = 0;
  event->waited = CSWITCH_UNKNOWN;
  ((__u64*)event->waker_comm)[0] = 0;
  ((__u64*)event->waker_comm)[1] = 0;
  if (!next->pid) return;
  if (conf.wakers) waker = bpf_map_lookup_elem(&wakers, &key);
  if (waker) {
    before = waker->delay;
    event->woken = waker->known;
    event->waker_tid = waker->tid;
    __builtin_memcpy(event->waker_comm, waker->comm, COMM_LEN);
    waker->known = 0;
  }
  if (waker && waker->woken) {
    event->waited = event->time > waker->woken ? event->time - waker->woken : 0;
    waker->woken = 0;
    return;
  }
  clock = queue_clock(next);
  if (clock) event->waited = waited(next, before, clock);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(cpu_switches, bool preempt, struct task_struct* prev, struct task_struct* next) {
  __u32 zero = 0;
  struct cpu_slice* slice = bpf_map_lookup_elem(&slices, &zero);
  struct cswitch_events_event* event;
  bool unseen;
  __u64 now;

  if (!slice) return 0;
  unseen = came_unseen(&slice->came, prev, next);
  now = bpf_ktime_get_ns();
  event = &slice->event;
  event->time = now;
  event->ran = slice->since && slice->since <= now ? now - slice->since : CSWITCH_UNKNOWN;
  slice->since = now;
  if (conf.wakers && prev->pid) update_waker(prev, preempt);
  if (!window_open()) return 0;
  if (unseen && concerns(prev)) count_drop(DROP_UNSEEN);
  if (!(concerns(prev) || concerns(next))) return 0;
  event->cpu = bpf_get_smp_processor_id();
  describe_prev(event, prev, preempt);
  describe_next(event, next);
  ring_emit_stacked(ctx, 0, event, sizeof(*event), &slice->unchecked);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
