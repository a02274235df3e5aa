/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --slower; the sums are those of sched_times.h. */
#ifndef SONDE_RUNQLAT_H
#define SONDE_RUNQLAT_H

#include "lib/abi.h"

/* Why a thread was in a run queue. */
enum runqlat_reason {
  RUNQLAT_UNSEEN, /* it had left its CPU before anybody saw it */
  RUNQLAT_WOKEN,
  RUNQLAT_PREEMPTED, /* or it gave way */
  RUNQLAT_NEW,
};

struct runqlat_conf {
  __u64 slower; /* ns */
};

#define RUNQLAT_UNKNOWN (~0ULL)

/* A wait that ended, or at the end of the run one that goes on. */
struct runqlat_event {
  __u64 time; /* ns, monotonic: when it ended; of one that goes on, when the run did */
  __u64 waited;
  __u64 prev_ran; /* ns that `prev` had been on the CPU, or that this was idle; or RUNQLAT_UNKNOWN */
  __u64 cgroup;
  __u32 cpu;
  __u32 reason; /* enum runqlat_reason */
  __u32 pid;
  __u32 tid;
  __u32 uid;
  __s32 prio;
  __u32 waiting; /* it goes on: nothing is known of `prev` */
  __u32 prev_pid;
  __u32 prev_tid; /* 0: idle */
  __s32 prev_prio;
  char comm[COMM_LEN];
  char prev_comm[COMM_LEN];
};
_Static_assert(sizeof(struct runqlat_event) == 104, "no hidden padding");

#endif
