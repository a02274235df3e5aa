/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times that go over from one interval into the next: what both sides know of them. See lib/absences.bpf.h. */
#ifndef SONDE_ABSENCES_H
#define SONDE_ABSENCES_H

#include "lib/abi.h"

/* What a thread does that has left its CPU of its own accord. */
enum sleep_state {
  SLEEP_INTERRUPTIBLE,
  SLEEP_UNINTERRUPTIBLE,
  SLEEP_IOWAIT,
  SLEEP_STOPPED,
  SLEEP_TRACED,
  SLEEP_IDLE, /* a thread of the kernel that waits for work */
  SLEEP_PARKED,
  SLEEP_FROZEN,
  SLEEP_STATES,
};

/* Beside the row of one whose stack should have been copied, for which there was no room: lib/held_copies.bpf.h. */
#define ABSENCE_WITHOUT_ROOM (1ULL << 32)

/* A thread that is off its CPU, or was last. */
struct absence {
  __u64 since;   /* ns, monotonic: when it left; 0: it is on a CPU */
  __u64 row;     /* of the counts, where its time belongs; 0: nowhere */
  __u64 crossed; /* the beginning of an interval that an absence which is over by now went across; 0: of none */
  __u64 crossed_since;
  __u64 crossed_row;
};

/* Which absences are meant, in the tool's conf. */
struct absence_conf {
  __u64 least; /* ns */
  __u64 most;
  __u32 bounded; /* one of them was asked for: whole lengths are counted where they end */
  __u32 pad;
};

/* In each row. An interval adds to one of the two, that of the lowest bit of the time at which it began. */
struct absence_sums {
  __u64 time[2];   /* ns */
  __u64 number[2]; /* absences that ended */
};

#endif
