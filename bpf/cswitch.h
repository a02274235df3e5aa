/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_CSWITCH_H
#define SONDE_CSWITCH_H

#include "lib/abi.h"

/* What a thread does, or a CPU: that is on with a thread or asleep (idle). */
enum cswitch_state {
  CSWITCH_ON,
  CSWITCH_WAIT,  /* runnable, in a run queue */
  CSWITCH_SLEEP, /* interruptible; idle kernel threads and parked ones too */
  CSWITCH_BLOCK, /* uninterruptible */
  CSWITCH_STOP,  /* stopped, traced or frozen */
  CSWITCH_STATES,
};
#define CSWITCH_SPENT 8 /* a power of two for the verifier */

struct cswitch_conf {
  __u32 unused;
  __u32 pad;
};

struct cswitch_counts {
  __u64 voluntary; /* switches away from it; of a CPU: away from threads */
  __u64 involuntary;
  __u64 other; /* migrations; of a CPU: all switches */
};

/* They only grow. */
struct cswitch_sums {
  __u64 spent[CSWITCH_SPENT]; /* ns by state, without the spell that goes on; of a CPU, CSWITCH_WAIT: of who came */
  struct cswitch_counts counts;
};

/*
 * The spell that goes on and the sums of those before it. An interval ends for all at the same moment, `boundary`,
 * which the reader fixes a little ahead: whoever is the first to touch the account after it puts away what was summed
 * up till then.
 */
struct cswitch_account {
  __u64 serial; /* odd: it is being written */
  __u64 since;  /* ns, monotonic; 0: it was not touched yet */
  __u64 boundary;
  __u64 state; /* enum cswitch_state */
  struct cswitch_sums now, before;
};

struct cswitch_thread {
  struct cswitch_account account;
  __u64 delay;                /* the kernel's sum of its waits when it left its CPU */
  struct cswitch_counts base; /* the kernel's counts when the account was opened */
  __u64 woken;                /* ns: when, if the kernel's count of its wait is none (bpf/lib/sched.bpf.h) */
  __u64 born;                 /* ns: of the account; with `first`, what tells threads apart */
  __u64 first;                /* the tid it had then, as the kernel has it: an exec can change that */
};

struct cswitch_cpu {
  struct cswitch_account account;
  __u64 lead;   /* of the scheduler's clock on this CPU, ns */
  __u64 pad[5]; /* cache lines of its own */
};
_Static_assert(sizeof(struct cswitch_cpu) % 64 == 0, "a CPU writes no line of another's");

enum cswitch_task_flags {
  CSWITCH_KNOWN = 1, /* `thread` is filled */
  CSWITCH_GONE = 2,
  CSWITCH_RUNS = 4, /* on a CPU now */
  CSWITCH_TORN = 8, /* `thread` was written while it was read */
};

/* One thread as the iterator finds it, or as it was when it left its last CPU. */
struct cswitch_task {
  __u64 now;    /* ns, monotonic */
  __u64 queued; /* since when it waits for a CPU, ns, 0 if it does not */
  __u64 delay;  /* the kernel's sum of its waits */
  __u32 pid;
  __u32 tid;
  __u32 flags; /* enum cswitch_task_flags */
  __u32 cpu;
  __u64 process; /* when that was born, ns */
  __u32 leads;   /* it is its first thread */
  __u32 pad;
  char comm[COMM_LEN];
  struct cswitch_thread thread;
};
_Static_assert(sizeof(struct cswitch_task) == 72 + sizeof(struct cswitch_thread), "no hidden padding");

#endif
