/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_NAPTIME_H
#define SONDE_NAPTIME_H

#include "lib/counts.h"

enum sleep_bits {
  SLEEP_ABSOLUTE = 1,
  SLEEP_UNREAD = 2, /* what was asked for could not be read, or is no time */
  SLEEP_BY_CPU = 4, /* by a clock of CPU time: nothing can be said of lateness */
  SLEEP_COMPAT = 8, /* by the 32-bit ABI, where that matters */
  SLEEP_TIME32 = 16,
};

enum sleep_wants {
  SLEEP_WANT_CGROUP = 1,
  SLEEP_WANT_PPID = 2,
};

/* The clocks of clock_nanosleep(2). */
enum sleep_clock {
  SLEEP_REALTIME = 0,
  SLEEP_MONOTONIC = 1,
  SLEEP_PROCESS_CPU = 2,
  SLEEP_THREAD_CPU = 3,
  SLEEP_BOOTTIME = 7,
  SLEEP_REALTIME_ALARM = 8,
  SLEEP_BOOTTIME_ALARM = 9,
  SLEEP_TAI = 11,
};

struct naptime_conf {
  __u32 wants;
  __u32 pad;
  struct count_by by; /* of sums */
  __u64 slower;       /* ns: only sleeps that took longer; 0: all */
  __u64 late;         /* ns: only such as woke later than that; 0: all */
  __s64 tai_offset;   /* ns from CLOCK_REALTIME to CLOCK_TAI */
  __s64 real_offset;  /* ns from CLOCK_MONOTONIC to CLOCK_REALTIME when the run began */
  struct result_conf result;
};

/* One sleep, when it is over. All lengths of time are by the clock of the sleep, in ns. */
struct naptime_event {
  __u64 time; /* ns, CLOCK_MONOTONIC, at the end */
  __u64 requested;
  __u64 actual;
  __u64 cgroup; /* id */
  __u32 pid;
  __u32 tid;
  __u32 ppid;
  __u32 uid;
  __s32 result; /* 0 or -errno */
  __s32 clock;  /* enum sleep_clock; negative: that of another process or thread */
  __u32 bits;
  __u32 pad;
  char comm[COMM_LEN];
};
_Static_assert(sizeof(struct naptime_event) == 80, "no hidden padding");

/* Distributions of a row. */
enum sleep_distribution { SLEEP_REQUESTED, SLEEP_OVERSHOOT, SLEEP_DISTRIBUTIONS };

struct naptime_value {
  __u64 sleeps; /* that ended */
  __u64 interrupted;
  __u64 slept;                 /* ns in all */
  struct count_sums overshoot; /* ns; of complete ones */
  struct count_name name;
};

struct naptime_row {
  struct count_key key;
  struct naptime_value value;
};
_Static_assert(sizeof(struct naptime_row) == 128, "no hidden padding");

#endif
