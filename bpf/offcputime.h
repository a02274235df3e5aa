/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_OFFCPUTIME_H
#define SONDE_OFFCPUTIME_H

#include "lib/absences.h"
#include "lib/counts.h"

#define OFFCPUTIME_CHAIN 8 /* how far back who woke whom is followed */

/* Of rows that are no absences but stacks of who woke somebody: `who` of their key. */
#define OFFCPUTIME_WAKER (1ULL << 33)

struct offcputime_conf {
  struct count_by by;
  struct absence_conf want;
  __u32 states; /* wanted, a bit by enum sleep_state */
  __u32 chain;  /* how many wakers are told; 0: none */
};

struct offcputime_value {
  struct absence_sums absences;
  __u64 told; /* the reader has been told what the stack is; beside a copy: `what` of the row that tells who woke it */
  struct count_name name;
  __u64 stack; /* its number */
  __u32 state; /* enum sleep_state */
  __u32 pid;   /* of a waker */
};

struct offcputime_row {
  struct count_key key; /* `what`: made of the stack, the state and who woke it */
  struct offcputime_value value;
};
_Static_assert(sizeof(struct offcputime_row) == 96, "no hidden padding");

/* Beside each row, with --wakers: the numbers of their stacks, who woke it first. 0: nobody was seen to. */
struct offcputime_wakers {
  __u64 stacks[OFFCPUTIME_CHAIN];
};

#endif
