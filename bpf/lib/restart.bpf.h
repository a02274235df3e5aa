/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call that a signal interrupts ends at sys_exit with -ERESTART*. What becomes of it is decided later, without
 * another sys_exit: if a handler runs that does not ask for a restart, the program gets EINTR; else the call is made
 * again and will be seen again. This decides the same from the same facts, so that such a call is shown once.
 */
#ifndef SONDE_RESTART_BPF_H
#define SONDE_RESTART_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/task.bpf.h"

#define EINTR 4
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516
#define SA_RESTART 0x10000000
#define SIG_DFL 0
#define SIG_IGN 1
/* Signals whose default is to be ignored, or to stop or continue: CONT CHLD STOP TSTP TTIN TTOU URG WINCH. */
#define HARMLESS_BY_DEFAULT \
  (1ULL << 16 | 1ULL << 17 | 1ULL << 18 | 1ULL << 19 | 1ULL << 20 | 1ULL << 21 | 1ULL << 22 | 1ULL << 27)
#define SIGNALS 64

enum restart { RESTARTS, INTERRUPTED };

static __noinline int restart_decision(struct task_struct* task, int result) {
  __u64 blocked = BPF_CORE_READ(task, blocked.sig[0]);
  __u64 own = BPF_CORE_READ(task, pending.signal.sig[0]) & ~blocked;
  __u64 shared = BPF_CORE_READ(task, signal, shared_pending.signal.sig[0]) & ~blocked;
  struct sighand_struct* sighand = BPF_CORE_READ(task, sighand);
  void* actions = __builtin_preserve_access_index(&sighand->action);

  /* The kernel takes the thread's own signals first, in either set the lowest. */
#pragma clang loop unroll(disable)
  for (int i = 0; i < 2 * SIGNALS; i++) {
    struct k_sigaction* action = actions + (i % SIGNALS) * bpf_core_type_size(struct k_sigaction);
    __u64 handler;

    if (!((i < SIGNALS ? own : shared) >> (i % SIGNALS) & 1)) continue;
    handler = (__u64)BPF_CORE_READ(action, sa.sa_handler);
    if (handler == SIG_IGN) continue;
    if (handler == SIG_DFL) {
      if (HARMLESS_BY_DEFAULT >> (i % SIGNALS) & 1) continue;
      return INTERRUPTED; /* the task ends here */
    }
    if (result == -ERESTARTNOINTR) return RESTARTS;
    if (result == -ERESTARTSYS && BPF_CORE_READ(action, sa.sa_flags) & SA_RESTART) return RESTARTS;
    return INTERRUPTED;
  }
  return RESTARTS;
}

/* False if the call will be made again; else `result` is what the program gets. */
static __always_inline bool call_is_over(struct task_struct* task, int* result) {
  if (*result > -ERESTARTSYS || *result < -ERESTART_RESTARTBLOCK) return true;
  if (restart_decision(task, *result) == RESTARTS) return false;
  *result = -EINTR;
  return true;
}

#endif
