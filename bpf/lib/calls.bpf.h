/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must be remembered from a call's entry to its exit: only for tools and rungs that need it. In task storage,
 * which goes with the task; where tracing programs cannot have that (before 5.12), in a hash by tid that the exit of
 * the thread cleans. A tool that must remember more than the start defines CALL_NOTE, a struct without hidden padding,
 * before it includes this.
 */
#ifndef SONDE_CALLS_BPF_H
#define SONDE_CALLS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/filter.bpf.h"
#include "lib/syscall.bpf.h"

struct call_state {
  __u64 start;    /* ns, CLOCK_MONOTONIC; 0: not in a call */
  __u64 restarts; /* user stack pointer of a call that the kernel may make again: it goes on with `start` */
#ifdef CALL_NOTE
  CALL_NOTE note;
#endif
};

/* One of the two is created. */
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct call_state);
} calls SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u32);
  __type(value, struct call_state);
} calls_by_tid SEC(".maps");

static __always_inline struct call_state* call_state(bool create) {
  struct call_state *state, zero = {};
  __u32 tid;

  if (lib.task_storage)
    return bpf_task_storage_get(&calls, bpf_get_current_task_btf(), 0, create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
  tid = bpf_get_current_pid_tgid();
  state = bpf_map_lookup_elem(&calls_by_tid, &tid);
  if (state || !create) return state;
  bpf_map_update_elem(&calls_by_tid, &tid, &zero, BPF_NOEXIST);
  return bpf_map_lookup_elem(&calls_by_tid, &tid);
}

/*
 * A call began before and was not seen to end. Where a kretprobe is to see that, it missed it; a program that the
 * kernel skipped was counted by the kernel.
 */
static __always_inline void count_missed_return(void) {
  if (lib.misses_returns) count_drop(DROP_NO_RETURN);
}

/* A call begins. */
static __always_inline void call_enters(struct pt_regs* regs) {
  struct call_state* state = call_state(true);

  if (!state) {
    count_drop(DROP_STATE_FULL);
    return;
  }
  if (state->restarts) {
    bool again = state->restarts == LOAD_REG(regs, sp); /* else it is a call of the signal's handler */

    state->restarts = 0;
    if (again) return;
  } else if (state->start) {
    count_missed_return();
  }
  state->start = bpf_ktime_get_ns();
}

/* A call ends. Its start, 0 if that was not seen. */
static __always_inline __u64 call_leaves(void) {
  struct call_state* state = call_state(false);
  __u64 start;

  if (!state) return 0;
  start = state->start;
  state->start = 0;
  state->restarts = 0;
  return start;
}

static __always_inline void call_may_come_again(struct pt_regs* regs) {
  struct call_state* state = call_state(false);

  if (state && state->start) state->restarts = LOAD_REG(regs, sp);
}

/* A thread ends: a call that it began ended too, since a function returns before its thread can be killed. */
SEC("raw_tp/sched_process_exit")
int BPF_PROG(calls_exit) {
  __u32 tid = bpf_get_current_pid_tgid();
  struct call_state* state = bpf_map_lookup_elem(&calls_by_tid, &tid);

  if (state && state->start && !state->restarts && window_open()) count_missed_return();
  bpf_map_delete_elem(&calls_by_tid, &tid);
  return 0;
}

#endif
