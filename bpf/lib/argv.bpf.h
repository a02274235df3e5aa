/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Argument vectors: of the program that the current task now runs, from where the kernel put them, and those that a
 * call was given, from the array of pointers. Each string goes out with its NUL.
 */
#ifndef SONDE_ARGV_BPF_H
#define SONDE_ARGV_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/scratch.bpf.h"
#include "lib/task.bpf.h"

#define ARGV_GIVEN_MAX 4096 /* bytes of given arguments that are read, and where in the tail they may begin at most */
#define ARGV_STEPS 32
#define ARGV_TURNS 128 /* as many steps as there can be strings: empty ones take one byte */

struct argv_walk {
  __u64 pointers;
  __u32 narrow;  /* pointers of 32 bits */
  __u32 at, end; /* in the tail */
  __u32 pad;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, SCRATCH_USERS);
  __type(key, __u32);
  __type(value, struct argv_walk);
} argv_walks SEC(".maps");

enum argv_end { ARGV_GOES_ON, ARGV_WHOLE, ARGV_CUT, ARGV_UNREAD };

static __always_inline int argv_step(struct scratch* s, struct argv_walk* walk) {
  __u64 string = 0;
  long length;
  __u32 at;

  if (bpf_probe_read_user(&string, walk->narrow ? sizeof(__u32) : sizeof(__u64), (void*)walk->pointers))
    return ARGV_UNREAD;
  if (!string) return ARGV_WHOLE;
  at = walk->at;
  if (at >= walk->end) return ARGV_CUT;
  barrier_var(at);
  at &= 2 * ARGV_GIVEN_MAX - 1;
  length = read_user_text(s->tail + at, ARGV_GIVEN_MAX + 1, (void*)string);
  if (length <= 0) return ARGV_CUT;
  walk->at = at + length;
  walk->pointers += walk->narrow ? sizeof(__u32) : sizeof(__u64);
  return ARGV_GOES_ON;
}

__noinline int argv_steps(__u32 user) {
  struct argv_walk* walk = bpf_map_lookup_elem(&argv_walks, &user);
  struct scratch* s = bpf_map_lookup_elem(&scratch, &user);

  if (!s || !walk) return ARGV_UNREAD;
#pragma clang loop unroll(disable)
  for (int i = 0; i < ARGV_STEPS; i++) {
    int end = argv_step(s, walk);

    if (end != ARGV_GOES_ON) return end;
  }
  return ARGV_GOES_ON;
}

/* Puts the strings that `pointers` names into the tail, from `at`. Returns how many bytes they take. */
static __always_inline __u32 put_given_argv(__u32 user, __u32 at, __u64 pointers, bool narrow, int* how) {
  struct argv_walk* walk = bpf_map_lookup_elem(&argv_walks, &user);

  *how = ARGV_WHOLE;
  if (!walk || !pointers) return 0;
  walk->pointers = pointers;
  walk->narrow = narrow;
  walk->at = at;
  walk->end = at + ARGV_GIVEN_MAX;
  *how = ARGV_CUT;
#pragma clang loop unroll(disable)
  for (int i = 0; i < ARGV_TURNS; i++) {
    int end = argv_steps(user);

    if (end != ARGV_GOES_ON) {
      *how = end;
      break;
    }
  }
  if (walk->at > walk->end) {
    walk->at = walk->end;
    *how = ARGV_CUT;
  }
  return walk->at - at;
}

/* Bytes of the argv of the program that the task has begun to run. */
static __always_inline __u64 argv_size(struct task_struct* task) {
  return LOAD(task, mm, arg_end) - LOAD(task, mm, arg_start);
}

/* Reads `size` bytes of it, from `from` on, into the tail at `at`; `most` is a constant, as the verifier wants. */
static __always_inline bool read_argv(struct scratch* s, struct task_struct* task, __u32 at, __u32 from, __u32 size,
                                      const __u32 most) {
  __u64 start = LOAD(task, mm, arg_start);

  barrier_var(at);
  at &= 2 * ARGV_GIVEN_MAX - 1;
  barrier_var(size);
  if (size > most) return false;
  return !bpf_probe_read_user(s->tail + at, size, (void*)(start + from));
}

#endif
