/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_EXITSNOOP_H
#define SONDE_EXITSNOOP_H

#include "lib/abi.h"

enum exit_bits {
  EXIT_OF_KERNEL_THREAD = 1, /* the code is what its function returned, no wait status */
  EXIT_CPU_UNKNOWN = 2,      /* too many threads ended at once */
};

enum exit_wants {
  EXIT_WANT_CGROUP = 1,
  EXIT_WANT_CPU = 2,
};

struct exitsnoop_conf {
  __u32 wants;
  __u32 threads; /* each thread, not whole processes */
  __u32 failed;  /* only what did not end with 0 */
  __u32 pad;
};

struct exitsnoop_event {
  __u64 time;   /* ns, CLOCK_MONOTONIC */
  __u64 age;    /* ns, since the fork */
  __u64 cpu;    /* ns */
  __u64 cgroup; /* id */
  __u32 pid;
  __u32 tid;
  __u32 ppid;
  __u32 uid;
  __s32 status; /* as wait() has it */
  __u32 bits;
  char comm[COMM_LEN];
};
_Static_assert(sizeof(struct exitsnoop_event) == 72, "no hidden padding");

#endif
