/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_CSWITCH_EVENTS_H
#define SONDE_CSWITCH_EVENTS_H

#include "lib/abi.h"

struct cswitch_events_conf {
  __u32 wakers; /* who woke a thread is remembered */
  __u32 pad;
};

#define CSWITCH_PREEMPTED 0x10000 /* in `state`, beside the kernel's bits: it could have gone on */
#define CSWITCH_UNKNOWN (~0ULL)

/* One switch. PID and TID 0: the CPU is idle. */
struct cswitch_events_event {
  __u64 time; /* ns, monotonic */
  __u64 ran;  /* ns that the thread was on the CPU, or that this was idle; or CSWITCH_UNKNOWN */
  __u64 waited;
  __u32 cpu;
  __u32 state;
  __u32 prev_pid;
  __u32 prev_tid;
  __s32 prev_prio;
  __s32 next_prio;
  __u32 next_pid;
  __u32 next_tid;
  __u32 waker_tid; /* 0: nobody, or idle */
  __u32 woken;     /* the waker is known */
  char prev_comm[COMM_LEN];
  char next_comm[COMM_LEN];
  char waker_comm[COMM_LEN];
};
_Static_assert(sizeof(struct cswitch_events_event) == 112, "no hidden padding");

#endif
