/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rows of a tool that counts are made of: for NAME.h, which both sides include. */
#ifndef SONDE_COUNTS_H
#define SONDE_COUNTS_H

#include "lib/abi.h"

/* Whose it is that is counted: see key_of(). */
enum count_who {
  COUNT_OF_ALL,
  COUNT_OF_PROCESS,
  COUNT_OF_THREAD,
  COUNT_OF_COMM, /* takes both words of the key */
  COUNT_OF_USER,
  COUNT_OF_CGROUP,
  COUNT_OF_CPU,
  COUNT_OF_PIDNS,
};

/* Of stacks: an idle CPU is nobody's, which is not the same as a process without a PID in the reader's namespace. */
#define COUNT_IDLE (1ULL << 32)

/* The tool's choice, in its conf. */
struct count_by {
  __u32 who;  /* enum count_who */
  __u32 what; /* 0, or the tool's own for the second word */
};

/* What is counted. A word by which is not counted is 0. */
struct count_key {
  __u64 who;  /* PID, TID, user, cgroup, PID namespace, or the first half of the comm */
  __u64 what; /* the tool's own, or the second half of the comm */
};

/* The name that a process or thread had when it was last counted. */
struct count_name {
  __u64 seen; /* jiffies */
  char comm[COMM_LEN];
};

struct count_span {
  __u64 interval; /* which interval, from 1, `least` and `most` are of */
  __u64 least;
  __u64 most;
};

/* How large things were: lengths of time in ns, or bytes. */
struct count_sums {
  __u64 number;
  __u64 total;
  struct count_span spans[2]; /* of the even and the odd intervals: a minimum cannot be had as a difference */
};

/* A system call as a word of a key: its number, and whose. */
#define COMPAT_CALL (1ULL << 32) /* from the 32-bit table */

/* Which system calls are wanted, a bit a number. What is beyond has no name: only a negated list means it. */
#define SYSCALL_NUMBERS 1024
#define SYSCALL_WORDS (SYSCALL_NUMBERS / 64)

struct syscalls_conf {
  __u32 used;
  __u32 others; /* those beyond */
  __u64 native[SYSCALL_WORDS];
  __u64 compat[SYSCALL_WORDS];
};

#endif
