/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which system calls are meant, by their numbers: for programs that see all of them. */
#ifndef SONDE_SYSCALLS_BPF_H
#define SONDE_SYSCALLS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/counts.h"

/* restart_syscall(2), by which the kernel makes a call again; close(2). */
#if defined(__TARGET_ARCH_x86)
#define NR_RESTART 219
#define NR_CLOSE 3
#define NUMBER_BITS 0xbfffffff /* without the mark of an x32 call */
#else
#define NR_RESTART 128
#define NR_CLOSE 57
#define NUMBER_BITS 0xffffffff
#endif
#define NR32_RESTART 0
#define NR32_CLOSE 6

static __always_inline bool syscall_wanted(const volatile struct syscalls_conf* calls, __u32 nr, bool compat) {
  __u32 at = nr / 64;
  __u64 word;

  if (!calls->used) return true;
  if (nr >= SYSCALL_NUMBERS) return calls->others;
  barrier_var(at); /* else clang, which knows the bound, leaves the mask out, and the verifier sees none */
  at &= SYSCALL_WORDS - 1;
  word = compat ? calls->compat[at] : calls->native[at];
  return word >> (nr % 64) & 1;
}

/* A call as a word of a key. */
static __always_inline __u64 call_word(__u32 nr, bool compat) { return nr | (compat ? COMPAT_CALL : 0); }

#endif
