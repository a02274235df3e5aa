/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --kstack and --ustack: frames behind a record. A tool includes this and emits its records by ring_emit_stacked() in
 * place of ring_emit(); where nobody asks for stacks, the verifier leaves nothing of it.
 *
 * A record with its stacks is put together anew in memory of its own, so that any record can have them, wherever it was
 * built. As in lib/scratch.bpf.h, each program that may preempt another on its CPU is a user of its own: a tool that
 * has such programs defines STACK_USERS.
 */
#ifndef SONDE_STACK_BPF_H
#define SONDE_STACK_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/ring.bpf.h"
#include "lib/task.bpf.h"

#ifndef STACK_USERS
#define STACK_USERS 1
#endif

#ifndef STACKED_RECORD
#define STACKED_RECORD 17408 /* the longest record that can have stacks, a multiple of 8 */
#endif
#define STACK_BYTES (STACK_FRAMES * 8)

const volatile struct stack_conf stacks = {};

struct stacked {
  char bytes[STACKED_RECORD + 2 * STACK_BYTES + sizeof(struct stack_tail)];
  __u32 unchecked; /* see ring_put(); of what is counted by stack */
  __u32 pad;
};

/* Created only if there are stacks to put there. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, STACK_USERS);
  __type(key, __u32);
  __type(value, struct stacked);
} stacked SEC(".maps");

/* One stack at `at`, which is at most `most`: its size in bytes, or -errno. */
static __always_inline int put_stack(void* ctx, struct stacked* s, __u64 at, const __u64 most, __u64 flags) {
  barrier_var(at); /* 5.10 forgets the bound of what was spilled */
  if (at > most) return -1;
  return bpf_get_stack(ctx, s->bytes + at, STACK_BYTES, flags);
}

static __always_inline __u64 frames_of(int size) { return size > 0 ? (__u64)size & 0x3f8 : 0; }

static __always_inline void put_stack_tail(struct stacked* s, __u64 at, const struct stack_tail* tail) {
  const __u64 most = STACKED_RECORD + 2 * STACK_BYTES;

  barrier_var(at);
  if (at > most) return;
  *(struct stack_tail*)(s->bytes + at) = *tail;
}

/*
 * A record that stands for an event of the current task, with the stacks that are wanted. `ctx` is what the program was
 * given; `user` is below STACK_USERS. False if it is lost.
 */
static __always_inline bool ring_emit_stacked(void* ctx, __u32 user, void* record, __u64 size, __u32* unchecked) {
  struct stack_tail tail = {.mark = STACK_MARK};
  struct stacked* s;
  __u64 at;

  if (!stacks.kernel && !stacks.user) return ring_emit(record, size, unchecked);
  s = bpf_map_lookup_elem(&stacked, &user);
  if (!s) return false;
  tail.time = bpf_ktime_get_ns();
  tail.pid = task_pid(current_task(), &filter);
  barrier_var(size);
  if (size > STACKED_RECORD) size = STACKED_RECORD;
  bpf_probe_read_kernel(s->bytes, size, record);
  at = (size + 7) & ~7ULL;
  if (stacks.kernel) tail.kernel_size = put_stack(ctx, s, at, STACKED_RECORD, 0);
  at += frames_of(tail.kernel_size);
  if (stacks.user) tail.user_size = put_stack(ctx, s, at, STACKED_RECORD + STACK_BYTES, BPF_F_USER_STACK);
  at += frames_of(tail.user_size);
  put_stack_tail(s, at, &tail);
  at += sizeof(tail);
  barrier_var(at);
  if (at > sizeof(s->bytes)) at = sizeof(s->bytes);
  return ring_emit(s->bytes, at, unchecked);
}

#endif
