/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_CSWITCH_TIMELINE_H
#define SONDE_CSWITCH_TIMELINE_H

#include "lib/abi.h"

enum cswitch_timeline_what {
  CSWITCH_TIMELINE_SWITCH, /* `by` left, `to` came */
  CSWITCH_TIMELINE_WAKEUP, /* `by` woke `to`; the name is that of `by` */
  CSWITCH_TIMELINE_THREAD, /* `to` is there, in `state`, when the window opens */
  CSWITCH_TIMELINE_START,  /* all are told that are there */
};

#define CSWITCH_TIMELINE_OTHER (~0U) /* a thread that is not wanted, or idle beside those that are */
#define CSWITCH_TIMELINE_OUTSIDE \
  0x20000000                              /* in a number: the kernel's own, of who has none in the reader's namespace */
#define CSWITCH_TIMELINE_RUNNABLE 0x10000 /* in `state`, beside the kernel's bits */
#define CSWITCH_TIMELINE_RUNNING 0x20000

struct cswitch_timeline_event {
  __u64 time; /* ns, monotonic */
  __u64 lost; /* ns, monotonic: since then this CPU has lost records; 0: none */
  __u32 what; /* enum cswitch_timeline_what */
  __u32 cpu;
  __u32 state; /* of who left, is there, or woke: that runs if it is wanted itself */
  __u32 by_tid;
  __u32 by_pid;
  __u32 to_tid;
  __u32 to_pid;
  __s32 prio;
  char comm[COMM_LEN]; /* of `to` */
};
_Static_assert(sizeof(struct cswitch_timeline_event) == 64, "no hidden padding");

#endif
