/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the scheduler knows of a task when it switches: for programs at tp_btf/sched_switch, whose tasks are BTF
 * pointers. */
#ifndef SONDE_SCHED_BPF_H
#define SONDE_SCHED_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "flavors.h"

#define STATE_INTERRUPTIBLE 0x1
#define STATE_UNINTERRUPTIBLE 0x2
#define STATE_STOPPED 0x4
#define STATE_TRACED 0x8
#define STATE_PARKED 0x40
#define STATE_DEAD 0x80
#define STATE_WAKING 0x200
#define STATE_NOLOAD 0x400
#define STATE_RTLOCK 0x1000
#define STATE_FROZEN 0x8000

/* What tells a thread from all others that live: where its kernel stack lies. An exec can exchange the numbers of two.
 */
static __always_inline __u64 task_key(struct task_struct* task) { return (__u64)task->stack; }

/* With CONFIG_FAIR_GROUP_SCHED a run queue can be had from a thread. (The symbol of all is not exported everywhere.) */
#define HAS_QUEUE_CLOCK (bpf_core_field_exists(struct sched_entity, cfs_rq) && bpf_core_field_exists(struct cfs_rq, rq))

/* The clock of the run queue that a thread is in, by which the scheduler measures waits; 0 if it cannot be had. */
static __always_inline __u64 queue_clock(struct task_struct* task) {
  return HAS_QUEUE_CLOCK ? task->se.cfs_rq->rq->clock : 0;
}

/*
 * Kernels since 6.12 leave a thread that goes to sleep in its run queue for a while. If it is moved to another CPU
 * there, they note that it waits, and count its whole sleep as a wait (in /proc/PID/schedstat too). Asked when it is
 * woken: a thread that is asleep cannot wait.
 */
static __always_inline bool wait_is_none(struct task_struct* task) { return task->sched_info.last_queued; }

/* Whether it waits for a CPU: what is asleep does not, whatever is noted. */
static __always_inline bool is_queued(struct task_struct* task) {
  return !task_state(task) && task->sched_info.last_queued;
}

static __always_inline bool is_on_cpu(struct task_struct* task) {
  return !task_state(task) && !task->sched_info.last_queued;
}

/* Whether a thread that has left its CPU in this state, not to be stopped, is blocked and not asleep. */
static __always_inline bool is_blocked(struct task_struct* task, __u32 state) {
  if (state & STATE_RTLOCK) return true;
  if (state & STATE_UNINTERRUPTIBLE) return !(state & STATE_NOLOAD);
  /* Another CPU is waking it already and has overwritten its state; the mark of a blocked one is still there. */
  return state & STATE_WAKING && BPF_CORE_READ_BITFIELD(task, sched_contributes_to_load);
}

/* How long a thread that comes to a CPU has waited for one, by the kernel's count, since that was `before`. */
static __always_inline __u64 waited(struct task_struct* task, __u64 before, __u64 clock) {
  __u64 queued = task->sched_info.last_queued, delay = task->sched_info.run_delay - before;

  return queued && queued < clock ? delay + clock - queued : delay;
}

/*
 * Some systems hide tasks: no program runs in them, and a switch away from one is not seen. Whoever took its place is
 * seen to leave without having come. `came` is of the CPU: task_key() of who came last, 0 as long as nobody was seen
 * to.
 */
static __always_inline bool came_unseen(__u64* came, struct task_struct* prev, struct task_struct* next) {
  __u64 last = *came;

  *came = task_key(next);
  return last && last != task_key(prev);
}

#endif
