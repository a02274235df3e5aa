/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_SIGSNOOP_H
#define SONDE_SIGSNOOP_H

#include "lib/abi.h"

#define SIGSNOOP_SIGNALS 65 /* 0, which only asks whether somebody is there, to 64 */

enum sigsnoop_bits {
  SIGSNOOP_TO_PROCESS = 1, /* any thread of it may take the signal */
  SIGSNOOP_NO_SENDER = 2,  /* made in an interrupt: who ran on that CPU has nothing to do with it */
  SIGSNOOP_BY_CALL = 4,    /* `call` is set */
  SIGSNOOP_COMPAT = 8,     /* ... from the 32-bit table */
  SIGSNOOP_FAILED = 16,    /* a call that sent nothing: `result` is -errno, else what became of the signal */
};

/* What became of a signal, as the kernel has it (enum in trace/events/signal.h). */
enum sigsnoop_result {
  SIGSNOOP_DELIVERED,
  SIGSNOOP_IGNORED,
  SIGSNOOP_PENDING,
  SIGSNOOP_OVERFLOW,
  SIGSNOOP_INFO_LOST,
};

enum sigsnoop_wants {
  SIGSNOOP_WANT_CGROUP = 1,
};

struct sigsnoop_conf {
  __u32 wants;
  __u32 some; /* `signals` is used */
  __u32 signals_negated;
  __u32 pad;
  __u64 signals[2]; /* bit by number */
  struct result_conf result;
};

struct sigsnoop_event {
  __u64 time;   /* ns, CLOCK_MONOTONIC */
  __u64 cgroup; /* id, of the sender */
  __u64 value;  /* sigqueue's, or the address of a fault, as `code` has it */
  __u32 pid;    /* of the sender, as all up to `uid` */
  __u32 tid;
  __u32 uid;
  __u32 call;
  __u32 target;     /* PID */
  __u32 target_tid; /* 0: the whole process */
  __s32 to;         /* of a failed call: its first argument */
  __s32 signal;
  __s32 code; /* si_code */
  __s32 result;
  __s32 status; /* of a child, with SIGCHLD */
  __u32 bits;
  char comm[COMM_LEN];
  char target_comm[COMM_LEN];
};
_Static_assert(sizeof(struct sigsnoop_event) == 104, "no hidden padding");

#endif
