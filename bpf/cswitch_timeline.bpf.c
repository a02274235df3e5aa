// SPDX-License-Identifier: GPL-2.0-or-later
/* --timeline: each switch and each wakeup, by as little as tells what happened. Nothing is remembered of threads. */
#include "cswitch_timeline.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/ring.bpf.h"
#include "lib/sched.bpf.h"

struct cpu_view {
  __u64 came; /* see came_unseen() */
  __u64 lost; /* ns: the first record that was lost since the last that was not; 0: none */
  __u32 unchecked;
  __u32 pad;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_view);
} views SEC(".maps");

static __always_inline struct cpu_view* view_of_cpu(void) {
  __u32 zero = 0;

  return bpf_map_lookup_elem(&views, &zero);
}

/* Without a filter everybody is shown, idle and the reader too, so that nothing is missing between two switches. */
static __always_inline bool shown(struct task_struct* task) {
  return !filter.any || (LOAD(task, pid) && wanted(task, task_pid(task, &filter)));
}

static __always_inline __u32 number_or(__u32 number, __u32 of_kernel) {
  return number || !of_kernel ? number : CSWITCH_TIMELINE_OUTSIDE | of_kernel;
}

static __always_inline __u32 tid_of(struct task_struct* task) {
  return number_or(task_tid(task, &filter), LOAD(task, pid));
}

static __always_inline __u32 pid_of(struct task_struct* task) {
  return number_or(task_pid(task, &filter), LOAD(task, tgid));
}

/* Where records are lost the next one says since when: what is shown of this CPU is known up to there. */
static __always_inline void put(struct cpu_view* view, struct cswitch_timeline_event* event) {
  event->cpu = bpf_get_smp_processor_id();
  event->lost = view->lost;
  if (ring_emit(event, sizeof(*event), &view->unchecked))
    view->lost = 0;
  else if (!view->lost)
    view->lost = event->time;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(cpu_switches, bool preempt, struct task_struct* prev, struct task_struct* next) {
  struct cswitch_timeline_event event = {.what = CSWITCH_TIMELINE_SWITCH};
  struct cpu_view* view = view_of_cpu();
  bool unseen, leaves, comes;
  __u32 state;

  if (!view) return 0;
  unseen = came_unseen(&view->came, prev, next);
  if (!window_open()) return 0;
  leaves = shown(prev);
  comes = shown(next);
  if (unseen && prev->pid && leaves) count_drop(DROP_UNSEEN);
  if (!leaves && !comes) return 0;
  event.time = bpf_ktime_get_ns();
  state = task_state(prev);
  event.state = preempt || !state ? CSWITCH_TIMELINE_RUNNABLE : state;
  event.by_tid = leaves ? tid_of(prev) : CSWITCH_TIMELINE_OTHER;
  event.by_pid = leaves ? pid_of(prev) : 0;
  event.to_tid = comes ? tid_of(next) : CSWITCH_TIMELINE_OTHER;
  event.to_pid = comes ? pid_of(next) : 0;
  event.prio = next->prio;
  task_comm(event.comm, next);
  put(view, &event);
  return 0;
}

static __always_inline void wakes(struct task_struct* task) {
  struct cswitch_timeline_event event = {.what = CSWITCH_TIMELINE_WAKEUP};
  struct cpu_view* view = view_of_cpu();
  struct task_struct* by;

  if (!view || !window_open() || !shown(task)) return;
  by = current_task();
  event.time = bpf_ktime_get_ns();
  event.state = shown(by) ? CSWITCH_TIMELINE_RUNNING : 0;
  event.by_tid = tid_of(by);
  event.by_pid = pid_of(by);
  event.to_tid = tid_of(task);
  event.to_pid = pid_of(task);
  event.prio = task->prio;
  task_comm(event.comm, by);
  put(view, &event);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(thread_wakes, struct task_struct* task) {
  wakes(task);
  return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(thread_is_born, struct task_struct* task) {
  wakes(task);
  return 0;
}

/* Who is there when the window opens, and what he does. Whoever is switched or woken meanwhile is told of anyway. */
SEC("iter/task")
int already_there(struct bpf_iter__task* ctx) {
  struct cswitch_timeline_event event = {.what = CSWITCH_TIMELINE_START};
  struct task_struct* task = ctx->task;
  __u32 state;

  event.time = bpf_ktime_get_ns();
  if (task) {
    state = task_state(task);
    if (state & STATE_DEAD || !shown(task)) return 0;
    event.what = CSWITCH_TIMELINE_THREAD;
    event.cpu = task->wake_cpu;
    event.state = state ? state : is_queued(task) ? CSWITCH_TIMELINE_RUNNABLE : CSWITCH_TIMELINE_RUNNING;
    event.to_tid = tid_of(task);
    event.to_pid = pid_of(task);
    event.prio = task->prio;
    task_comm(event.comm, task);
  }
  bpf_seq_write(ctx->meta->seq, &event, sizeof(event));
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
