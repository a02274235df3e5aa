/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_PROFILE_H
#define SONDE_PROFILE_H

#include "lib/counts.h"

struct profile_conf {
  struct count_by by;
  __u32 idle; /* idle CPUs are shown, too */
};

struct profile_value {
  __u64 samples;
  __u64 told; /* the reader has been told what the stack is */
  struct count_name name;
};

struct profile_row {
  struct count_key key; /* `what`: the number of the stack */
  struct profile_value value;
};
_Static_assert(sizeof(struct profile_row) == 56, "no hidden padding");

#endif
