/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_SYSCOUNT_H
#define SONDE_SYSCOUNT_H

#include "lib/counts.h"

struct syscount_conf {
  struct count_by by; /* `what`: 1 by call */
  __u32 timed;        /* latencies are measured */
  __u32 at_exit;      /* calls are counted as they end, by their result */
  struct syscalls_conf calls;
  struct result_conf result;
};

struct syscount_value {
  __u64 calls;
  __u64 failed;
  struct count_sums times; /* of those that ended */
  struct count_name name;
};

struct syscount_row {
  struct count_key key; /* `what`: the call, and COMPAT_CALL */
  struct syscount_value value;
};
_Static_assert(sizeof(struct syscount_row) == 120, "no hidden padding");

#endif
