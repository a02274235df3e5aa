/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of stacks (lib/stack_copies.bpf.h) for what is known only later, elsewhere: the stack of a program can be read
 * while its thread leaves the CPU, whether its absence is to be counted is known when it comes back. So each thread has
 * a copy of its own, which is overwritten each time that it leaves.
 *
 * Only the thread itself writes there, or who takes its CPU from it or gives it one: never two at once.
 */
#ifndef SONDE_HELD_COPIES_BPF_H
#define SONDE_HELD_COPIES_BPF_H

#include "lib/sched.bpf.h"
#include "lib/stack_copies.bpf.h"

/* By task_key(). Preallocated, as switches must ask no allocator. Created only if stacks are copied. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u64);
  __type(value, struct copied);
} held_copies SEC(".maps");

enum hold {
  HOLD_NOTHING, /* it is not to be unwound, or cannot be */
  HOLD_COPY,
  HOLD_NO_ROOM,
};

/* The current task leaves its CPU `now`. `*held` is its copy, if there is one: its row is the tool's to fill. `user` is
 * below COUNT_USERS. */
static __always_inline enum hold hold_copy(void* ctx, __u32 user, const volatile struct count_by* by,
                                           struct task_struct* task, __u64 key, __u32 pid, __u64 now,
                                           struct copied** held) {
  struct copied *c, *blank;

  if (!is_unwound(task)) return HOLD_NOTHING;
  c = bpf_map_lookup_elem(&held_copies, &key);
  if (!c) {
    blank = bpf_map_lookup_elem(&stack_copies, &user);
    if (!blank || (int)bpf_map_update_elem(&held_copies, &key, blank, BPF_NOEXIST)) return HOLD_NO_ROOM;
    c = bpf_map_lookup_elem(&held_copies, &key);
    if (!c) return HOLD_NO_ROOM;
  }
  if (!take_copy(ctx, c, by, task, pid)) return HOLD_NOTHING;
  c->head.time = now;
  *held = c;
  return HOLD_COPY;
}

/* That of a thread which left at `since`; null: none was taken then. */
static __always_inline struct copied* copy_held(__u64 key, __u64 since) {
  struct copied* c = bpf_map_lookup_elem(&held_copies, &key);

  return c && c->head.time == since ? c : 0;
}

static __always_inline bool put_held_copy(struct copied* c, __u32 user) {
  struct copied* of_cpu = bpf_map_lookup_elem(&stack_copies, &user);

  return of_cpu && put_copy(c, &of_cpu->unchecked);
}

/* A thread ends. */
static __always_inline void let_go_of_copy(__u64 key) {
  if (copies_stacks()) bpf_map_delete_elem(&held_copies, &key);
}

#endif
