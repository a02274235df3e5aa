/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The six calls that send a signal, by their numbers, native and 32-bit. */
#ifndef SONDE_SIGSNOOP_CALL_BPF_H
#define SONDE_SIGSNOOP_CALL_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/syscall.bpf.h"

#if defined(__TARGET_ARCH_x86)
#define NR_KILL 62
#define NR_TKILL 200
#define NR_TGKILL 234
#define NR_SIGQUEUE 129
#define NR_TGSIGQUEUE 297
#define NR32_TGKILL 270
#define NR32_TGSIGQUEUE 335
#define NATIVE(call) "__x64_sys_" #call
#define NARROW(call) "__ia32_sys_" #call
#define COMPAT(call) "__ia32_compat_sys_" #call
#elif defined(__TARGET_ARCH_arm64)
#define NR_KILL 129
#define NR_TKILL 130
#define NR_TGKILL 131
#define NR_SIGQUEUE 138
#define NR_TGSIGQUEUE 240
#define NR32_TGKILL 268
#define NR32_TGSIGQUEUE 363
#define NATIVE(call) "__arm64_sys_" #call /* for 32-bit calls too, where their arguments are the same */
#define COMPAT(call) "__arm64_compat_sys_" #call
#endif
#define NR32_KILL 37
#define NR32_TKILL 238
#define NR32_SIGQUEUE 178
#define NR_PIDFD_SEND 424 /* in all tables */

enum sending_call { SENDS_NOT, SENDS_KILL, SENDS_TKILL, SENDS_TGKILL, SENDS_QUEUE, SENDS_TGQUEUE, SENDS_PIDFD };

static __always_inline enum sending_call sending_call(__u32 nr, bool compat) {
  if (nr == (compat ? NR32_KILL : NR_KILL)) return SENDS_KILL;
  if (nr == (compat ? NR32_TKILL : NR_TKILL)) return SENDS_TKILL;
  if (nr == (compat ? NR32_TGKILL : NR_TGKILL)) return SENDS_TGKILL;
  if (nr == (compat ? NR32_SIGQUEUE : NR_SIGQUEUE)) return SENDS_QUEUE;
  if (nr == (compat ? NR32_TGSIGQUEUE : NR_TGSIGQUEUE)) return SENDS_TGQUEUE;
  return nr == NR_PIDFD_SEND ? SENDS_PIDFD : SENDS_NOT;
}

/* The call says itself what the signal's si_code is to be. */
static __always_inline bool gives_code(enum sending_call kind) { return kind >= SENDS_QUEUE; }

static __always_inline bool names_thread_too(enum sending_call kind) {
  return kind == SENDS_TGKILL || kind == SENDS_TGQUEUE;
}

static __always_inline int signal_of(const struct syscall* call, enum sending_call kind) {
  return names_thread_too(kind) ? call->args[2] : call->args[1];
}

#endif
