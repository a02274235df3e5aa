/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tasks and CPUs do with their time, kept for each of them in the kernel and read by src/core/census.h. Included
 * by both sides.
 */
#ifndef SONDE_BPF_ACCOUNTS_H
#define SONDE_BPF_ACCOUNTS_H

#include "lib/abi.h"

/* What a thread does, or a CPU: that is on with a thread or asleep (idle). */
enum account_state {
  ACCOUNT_ON,
  ACCOUNT_WAIT,  /* runnable, in a run queue */
  ACCOUNT_SLEEP, /* interruptible; idle kernel threads and parked ones too */
  ACCOUNT_BLOCK, /* uninterruptible */
  ACCOUNT_STOP,  /* stopped, traced or frozen */
  ACCOUNT_STATES,
};
#define ACCOUNT_SPENT 8 /* a power of two for the verifier */

struct account_counts {
  __u64 voluntary; /* switches away from it; of a CPU: away from threads */
  __u64 involuntary;
  __u64 other; /* migrations; of a CPU: all switches */
};

/* They only grow. */
struct account_sums {
  __u64 spent[ACCOUNT_SPENT]; /* ns by state, without the spell that goes on; of a CPU, ACCOUNT_WAIT: of who came */
  struct account_counts counts;
};

/*
 * The spell that goes on and the sums of those before it. An interval ends for all at the same moment, `boundary`,
 * which the reader fixes a little ahead: whoever is the first to touch the account after it puts away what was summed
 * up till then.
 */
struct task_account {
  __u64 serial; /* odd: it is being written */
  __u64 since;  /* ns, monotonic; 0: it was not touched yet */
  __u64 boundary;
  __u64 state; /* enum account_state */
  struct account_sums now, before;
};

struct thread_account {
  struct task_account account;
  __u64 delay;                /* the kernel's sum of its waits when it left its CPU */
  struct account_counts base; /* the kernel's counts when the account was opened */
  __u64 woken;                /* ns: when, if the kernel's count of its wait is none (bpf/lib/sched.bpf.h) */
  __u64 born;                 /* ns: of the account; with `first`, what tells threads apart */
  __u64 first;                /* the tid it had then, as the kernel has it: an exec can change that */
};

struct cpu_account {
  struct task_account account;
  __u64 lead;   /* of the scheduler's clock on this CPU, ns */
  __u64 came;   /* see came_unseen() in bpf/lib/sched.bpf.h */
  __u64 pad[4]; /* cache lines of its own */
};
_Static_assert(sizeof(struct cpu_account) % 64 == 0, "a CPU writes no line of another's");

enum account_flags {
  ACCOUNT_KNOWN = 1, /* `thread` is filled */
  ACCOUNT_GONE = 2,
  ACCOUNT_RUNS = 4, /* on a CPU now */
  ACCOUNT_TORN = 8, /* `thread` was written while it was read */
};

/* One thread as the iterator finds it, or as it was when it left its last CPU. */
struct account_record {
  __u64 now;    /* ns, monotonic */
  __u64 queued; /* since when it waits for a CPU, ns, 0 if it does not */
  __u64 delay;  /* the kernel's sum of its waits */
  __u32 pid;
  __u32 tid;
  __u32 flags; /* enum account_flags */
  __u32 cpu;
  __u64 process; /* when that was born, ns */
  __u32 leads;   /* it is its first thread */
  __u32 pad;
  char comm[COMM_LEN];
  struct thread_account thread;
};
_Static_assert(sizeof(struct account_record) == 72 + sizeof(struct thread_account), "no hidden padding");

#endif
