/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Globs, run as a bit-parallel automaton: see src/core/glob.h. */
#ifndef SONDE_GLOB_BPF_H
#define SONDE_GLOB_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/abi.h"

#define GLOB_START 1

/* The state after `max` bytes more, or those before a NUL. `max` is a constant: the bound of the loop. */
static __always_inline __u64 glob_steps(const volatile struct glob_conf* glob, const char* subject, __u32 max,
                                        __u64 state) {
#pragma clang loop unroll(disable)
  for (__u32 i = 0; i < max; i++) {
    __u8 byte = subject[i];

    if (!byte) break;
    state = ((state & glob->accepts[byte]) << 1) | (state & glob->loops);
  }
  return state;
}

static __always_inline bool glob_accepts(const volatile struct glob_conf* glob, __u64 state) {
  return state >> glob->tokens & 1;
}

/* As the user asked for it: with a leading ^, what does not match. */
static __always_inline bool glob_wants(const volatile struct glob_conf* glob, const char* subject, __u32 max) {
  return glob_accepts(glob, glob_steps(glob, subject, max, GLOB_START)) != !!glob->negated;
}

#endif
