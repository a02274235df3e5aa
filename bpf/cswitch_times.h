/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_CSWITCH_TIMES_H
#define SONDE_CSWITCH_TIMES_H

#include "lib/counts.h"

/* Whose lengths are counted. */
enum cswitch_times_of {
  CSWITCH_TIMES_OF_SLICES,
  CSWITCH_TIMES_OF_WAITS,
  CSWITCH_TIMES_OF_BLOCKS,
};

struct cswitch_times_conf {
  struct count_by by; /* `what`: 1 by CPU */
  __u32 of;           /* enum cswitch_times_of */
  __u32 pad;
};

struct cswitch_times_value {
  struct count_sums times;
  struct count_name name;
};

struct cswitch_times_row {
  struct count_key key; /* `what`: the CPU */
  struct cswitch_times_value value;
};
_Static_assert(sizeof(struct cswitch_times_row) == 104, "no hidden padding");

#endif
