/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where records of variable length are put together, to be output whole with the bytes used. The tool says what such a
 * record begins with: it defines SCRATCH_EVENT, and SCRATCH_USERS, before it includes this.
 *
 * Each program that may preempt another on its CPU is a user of its own (a program that would preempt itself is skipped
 * and counted by the kernel). What takes many steps is a global function here: the verifier walks such a function once,
 * with any arguments, not once for each call, and it takes numbers only, as 5.10 wants.
 */
#ifndef SONDE_SCRATCH_BPF_H
#define SONDE_SCRATCH_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/abi.h"
#include "lib/glob.bpf.h"
#include "lib/user_text.bpf.h"

#define SCRATCH_TAIL 16384 /* a power of two: the verifier is convinced by a mask */
#define SCRATCH_SPARE 256  /* what may be read at the last byte of it: a name */

/* See lib/path.bpf.h. */
struct path_walk {
  struct dentry* dentry;
  struct vfsmount* vfs;
  struct dentry* root_dentry;
  struct vfsmount* root_vfs;
  __u32 at, end; /* in the tail */
};

struct scratch {
  __u32 unchecked; /* see ring_emit() */
  __u32 pad;
  struct path_walk walk;
  SCRATCH_EVENT event;
  char tail[SCRATCH_TAIL + SCRATCH_SPARE];
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, SCRATCH_USERS);
  __type(key, __u32);
  __type(value, struct scratch);
} scratch SEC(".maps");

/* A glob for the text that the tail begins with. */
const volatile struct glob_conf tail_glob = {};

#define GLOB_PIECE 64

__noinline __u64 tail_glob_piece(__u64 state, __u32 user, __u32 at) {
  struct scratch* s;

  if (!tail_glob.used) return 0;
  s = bpf_map_lookup_elem(&scratch, &user);
  return s ? glob_steps(&tail_glob, s->tail + (at & (SCRATCH_TAIL - 1)), GLOB_PIECE, state) : 0;
}

/* `length` bytes and a NUL at the start of the tail; `max` is a constant. */
static __always_inline bool tail_wanted(__u32 user, __u32 length, __u32 max) {
  __u64 state = GLOB_START;

#pragma clang loop unroll(disable)
  for (__u32 at = 0; at < max && at < length; at += GLOB_PIECE) state = tail_glob_piece(state, user, at);
  return glob_accepts(&tail_glob, state) != !!tail_glob.negated;
}

#endif
