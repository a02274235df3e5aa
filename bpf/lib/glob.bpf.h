/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Globs, run as a bit-parallel automaton: see src/core/glob.h. */
#ifndef SONDE_GLOB_BPF_H
#define SONDE_GLOB_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/abi.h"

/*
 * `max` is a constant: the bound of the loop. The subject ends at a NUL or at `max` bytes. A match that has become
 * impossible does not end the loop: the verifiers before 6.8 take 8,192 branches that they have not followed yet and no
 * more, and a path has 4,095 bytes.
 */
static __always_inline bool glob_matches(const volatile struct glob_conf* glob, const char* subject, __u32 max) {
  __u64 state = 1;

#pragma clang loop unroll(disable)
  for (__u32 i = 0; i < max; i++) {
    __u8 byte = subject[i];

    if (!byte) break;
    state = ((state & glob->accepts[byte]) << 1) | (state & glob->loops);
  }
  return state >> glob->tokens & 1;
}

/* As the user asked for it: with a leading ^, what does not match. */
static __always_inline bool glob_wants(const volatile struct glob_conf* glob, const char* subject, __u32 max) {
  return glob_matches(glob, subject, max) != !!glob->negated;
}

#endif
