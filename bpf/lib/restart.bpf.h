/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call that a signal interrupts ends at sys_exit with -ERESTART*. What becomes of it is decided later, without
 * another sys_exit: if a handler runs that does not ask for a restart, the program gets EINTR; else the call is made
 * again and will be seen again. So such an exit shows nothing, and a program at the delivery of the signal shows the
 * EINTR.
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
#define ERESTART_RESTARTBLOCK 516
#define SA_RESTART 0x10000000
#define SIG_DFL 0
#define SIG_IGN 1
#define SIGNALS 64
/* Signals whose default is to be ignored, or to stop or continue: CHLD CONT STOP TSTP TTIN TTOU URG WINCH. */
#define HARMLESS_BY_DEFAULT \
  (1ULL << 16 | 1ULL << 17 | 1ULL << 18 | 1ULL << 19 | 1ULL << 20 | 1ULL << 21 | 1ULL << 22 | 1ULL << 27)

static __always_inline bool call_may_restart(int result) {
  return result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK;
}

/* What the delivery of one signal means for a call that ended with `result`. */
enum signal_effect { SIGNAL_PASSES, SIGNAL_RESTARTS, SIGNAL_INTERRUPTS };

static __always_inline enum signal_effect signal_effect(int signal, struct k_sigaction* action, int result) {
  __u64 handler = (__u64)BPF_CORE_READ(action, sa.sa_handler);

  if (handler == SIG_IGN) return SIGNAL_PASSES;
  if (handler == SIG_DFL) return HARMLESS_BY_DEFAULT >> ((signal - 1) & 63) & 1 ? SIGNAL_PASSES : SIGNAL_INTERRUPTS;
  if (result == -ERESTARTNOINTR) return SIGNAL_RESTARTS;
  if (result == -ERESTARTSYS && BPF_CORE_READ(action, sa.sa_flags) & SA_RESTART) return SIGNAL_RESTARTS;
  return SIGNAL_INTERRUPTS;
}

#if defined(__TARGET_ARCH_x86)
/* At signal_deliver the registers still hold the call: see call_interrupted(). */
static __always_inline bool call_is_over(struct task_struct* task, int* result) { return !call_may_restart(*result); }

/* For a program at raw_tp/signal_deliver: true if this signal ends a call with `result` in the registers with EINTR. */
static __always_inline bool call_interrupted(int result, int signal, struct k_sigaction* action) {
  return call_may_restart(result) && signal_effect(signal, action, result) == SIGNAL_INTERRUPTS;
}
#else
/*
 * arm64 has put the registers back for a restart before it looks for a signal, so the decision is foretold at sys_exit
 * from the signals that are pending. One that comes between the two is missed.
 */
static __noinline int restart_foretold(struct task_struct* task, int result) {
  __u64 blocked = BPF_CORE_READ(task, blocked.sig[0]);
  __u64 own = BPF_CORE_READ(task, pending.signal.sig[0]) & ~blocked;
  __u64 shared = BPF_CORE_READ(task, signal, shared_pending.signal.sig[0]) & ~blocked;
  struct sighand_struct* sighand = BPF_CORE_READ(task, sighand);
  void* actions = __builtin_preserve_access_index(&sighand->action);

  /* The kernel takes the thread's own signals first, in either set the lowest. */
#pragma clang loop unroll(disable)
  for (int i = 0; i < 2 * SIGNALS; i++) {
    struct k_sigaction* action = actions + (i % SIGNALS) * bpf_core_type_size(struct k_sigaction);
    enum signal_effect effect;

    if (!((i < SIGNALS ? own : shared) >> (i % SIGNALS) & 1)) continue;
    effect = signal_effect(i % SIGNALS + 1, action, result);
    if (effect != SIGNAL_PASSES) return effect;
  }
  return SIGNAL_RESTARTS;
}

static __always_inline bool call_interrupted(int result, int signal, struct k_sigaction* action) { return false; }

static __always_inline bool call_is_over(struct task_struct* task, int* result) {
  if (!call_may_restart(*result)) return true;
  if (restart_foretold(task, *result) == SIGNAL_RESTARTS) return false;
  *result = -EINTR;
  return true;
}
#endif

#endif
