/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_SYSCOUNT_H
#define SONDE_SYSCOUNT_H

#include "lib/abi.h"

enum syscount_by {
  BY_PROCESS,
  BY_THREAD,
  BY_COMM,
  BY_SYSCALL,
  BY_PROCESS_SYSCALL,
  BY_CGROUP,
  BY_USER,
};

/* One bit a number; what is beyond has no name, so that no list can mean it. */
#define SYSCALL_NUMBERS 1024
#define SYSCALL_WORDS (SYSCALL_NUMBERS / 64)

struct syscount_conf {
  __u32 by;      /* enum syscount_by */
  __u32 numbers; /* `native` and `compat` are used */
  __u32 timed;   /* latencies are measured */
  __u32 at_exit; /* calls are counted as they end, by their result */
  struct result_conf result;
  __u64 native[SYSCALL_WORDS];
  __u64 compat[SYSCALL_WORDS];
};

#define COMPAT_CALL (1ULL << 32) /* in `call`: the number is from the 32-bit table */

/* What is counted. Members that --by does not name are 0. */
struct syscount_key {
  __u64 who;  /* PID, TID, user, cgroup, or the first half of the comm */
  __u64 call; /* number and COMPAT_CALL, or the second half of the comm */
};

struct syscount_span {
  __u64 interval; /* which interval `least` and `most` are of */
  __u64 least;    /* ns */
  __u64 most;
};

struct syscount_value {
  __u64 calls;
  __u64 failed;
  __u64 ended; /* with a known latency */
  __u64 total; /* ns */
  __u64 seen;  /* jiffies: when `comm` was */
  char comm[COMM_LEN];
  struct syscount_span spans[2]; /* of the even and the odd intervals: a minimum cannot be had as a difference */
};

struct syscount_row {
  struct syscount_key key;
  struct syscount_value value;
};
_Static_assert(sizeof(struct syscount_row) == 120, "no hidden padding");

#endif
