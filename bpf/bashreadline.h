/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_BASHREADLINE_H
#define SONDE_BASHREADLINE_H

#include "lib/abi.h"

#define BASHREADLINE_MAX 16384 /* bytes of a line, with its NUL */

enum bashreadline_bits {
  BASHREADLINE_CUT = 1,
  BASHREADLINE_UNREAD = 2,  /* it was not in memory */
  BASHREADLINE_STARTED = 4, /* no line: a shell was started */
};

enum bashreadline_wants {
  BASHREADLINE_WANT_CGROUP = 1,
  BASHREADLINE_WANT_PPID = 2,
};

struct bashreadline_conf {
  __u32 wants;
  __u32 only_shells; /* libreadline is used by others too */
};

struct bashreadline_event {
  __u64 time;   /* ns, CLOCK_MONOTONIC */
  __u64 cgroup; /* id */
  __u32 pid;
  __u32 tid;
  __u32 ppid;
  __u32 uid;
  __u32 length; /* of the line, behind this */
  __u32 bits;
  char comm[COMM_LEN];
};
_Static_assert(sizeof(struct bashreadline_event) == 56, "no hidden padding");

#endif
