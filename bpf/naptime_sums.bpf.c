// SPDX-License-Identifier: GPL-2.0-or-later
#include "naptime_sleep.bpf.h"

#define COUNT_KEY struct count_key
#define COUNT_ROW struct naptime_row
#define COUNT_USERS SLEEP_USERS

#include "lib/counts.bpf.h"

#include "lib/buckets.bpf.h"
#include "lib/sums.bpf.h"

static __always_inline void sleep_ends(void* ctx, struct task_struct* task, __u32 pid,
                                       const struct naptime_event* sleep, __u32 user) {
  struct naptime_row* row;
  struct count_key key;
  __u64 overshoot;
  __u32 at;

  key_of(&key, &conf.by, task, pid, 0);
  row = count_row(&key, user, &at);
  if (!row) return;
  row->value.sleeps++;
  row->value.slept += sleep->actual;
  note_name(&row->value.name, &conf.by, task);
  if (!(sleep->bits & SLEEP_UNREAD)) count_in_buckets(at, SLEEP_REQUESTED, sleep->requested);
  if (sleep->result) {
    row->value.interrupted++;
  } else if (!(sleep->bits & (SLEEP_UNREAD | SLEEP_BY_CPU))) {
    overshoot = sleep->actual > sleep->requested ? sleep->actual - sleep->requested : 0;
    add_to_sums(&row->value.overshoot, overshoot);
    count_in_buckets(at, SLEEP_OVERSHOOT, overshoot);
  }
}

char LICENSE[] SEC("license") = "GPL";
