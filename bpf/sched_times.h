/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cswitch --histogram-of, runqlat and cpudist count. */
#ifndef SONDE_SCHED_TIMES_H
#define SONDE_SCHED_TIMES_H

#include "lib/counts.h"

/* Whose lengths are counted. */
enum sched_times_of {
  SCHED_TIMES_OF_SLICES,   /* on a CPU */
  SCHED_TIMES_OF_WAITS,    /* for a CPU */
  SCHED_TIMES_OF_BLOCKS,   /* off it, asleep or blocked, until woken */
  SCHED_TIMES_OF_ABSENCES, /* off it, for whatever reason */
};

struct sched_times_conf {
  struct count_by by;
  __u32 of; /* enum sched_times_of */
  __u32 pad;
};

struct sched_times_value {
  struct count_sums times;
  struct count_name name;
};

struct sched_times_row {
  struct count_key key;
  struct sched_times_value value;
};
_Static_assert(sizeof(struct sched_times_row) == 104, "no hidden padding");

#endif
