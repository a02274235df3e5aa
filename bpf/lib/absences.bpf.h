/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts times for which threads were off their CPUs, to the ns in each interval, though they go over from one into the
 * next. A program only ever adds the part of an absence that lies in the interval in which the absence ends. What
 * belongs to the interval before is left to the reader, who looks at all threads when an interval is over: of one that
 * is still away the absence says since when, and of one that has come back meanwhile `crossed` does, until the next
 * interval ends. So it does not matter when he looks.
 *
 * Rows of lib/counts.bpf.h are written by one CPU each. A thread comes back on any, so its time is added atomically.
 *
 * The tool includes lib/counts.bpf.h before this, and its row has a struct absence_sums, `absences`.
 */
#ifndef SONDE_ABSENCES_BPF_H
#define SONDE_ABSENCES_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/absences.h"
#include "lib/counts.bpf.h"
#include "lib/sched.bpf.h"

/*
 * When the window opened, when the interval that goes on began, and when the one before it did: ns, monotonic; 0: not
 * yet. The reader fixes them a little ahead, and of the three `interval_began` last.
 */
__u64 window_began = 0;
__u64 interval_began = 0;
__u64 interval_before = 0;

/* By task_key(). Preallocated, as switches must ask no allocator. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u64);
  __type(value, struct absence);
} absences SEC(".maps");

/* When the interval began that `now` lies in; 0: in none. */
static __always_inline __u64 interval_of(__u64 now) {
  __u64 began = *(volatile __u64*)&interval_began;

  return now >= began ? began : *(volatile __u64*)&interval_before;
}

static __always_inline enum sleep_state sleep_state(struct task_struct* task, __u32 state) {
  if (state & STATE_STOPPED) return SLEEP_STOPPED;
  if (state & STATE_TRACED) return SLEEP_TRACED;
  if (state & STATE_FROZEN) return SLEEP_FROZEN;
  if (state & STATE_PARKED) return SLEEP_PARKED;
  if (BPF_CORE_READ_BITFIELD(task, in_iowait)) return SLEEP_IOWAIT;
  if (is_blocked(task, state)) return SLEEP_UNINTERRUPTIBLE;
  return state & STATE_UNINTERRUPTIBLE ? SLEEP_IDLE : SLEEP_INTERRUPTIBLE;
}

/* A thread leaves its CPU; its time is to be counted in that row. */
static __always_inline void absence_begins(__u64 key, __u64 row, __u64 now) {
  struct absence* known = bpf_map_lookup_elem(&absences, &key);

  if (known) {
    known->row = row;
    barrier();
    known->since = now;
  } else {
    struct absence fresh = {.since = now, .row = row};

    if ((int)bpf_map_update_elem(&absences, &key, &fresh, BPF_NOEXIST)) count_drop(DROP_THREAD_FULL);
  }
}

/* What of an absence that ends `now` is to be added in the interval that began then; false: nothing. */
static __always_inline bool part_of(const volatile struct absence_conf* want, __u64 since, __u64 began, __u64 now,
                                    __u64* part) {
  __u64 from = window_began;
  __u64 whole;

  if (since > from) from = since;
  whole = now > from ? now - from : 0;
  if (want->bounded) {
    *part = whole;
    return whole >= want->least && whole <= want->most;
  }
  if (from < began) from = began;
  *part = now > from ? now - from : 0;
  return true;
}

static __always_inline void add_absence(struct absence_sums* sums, __u64 began, __u64 part) {
  if (began & 1) {
    __sync_fetch_and_add(&sums->time[1], part);
    __sync_fetch_and_add(&sums->number[1], 1);
  } else {
    __sync_fetch_and_add(&sums->time[0], part);
    __sync_fetch_and_add(&sums->number[0], 1);
  }
}

/* It is back, and what there is to count is counted. */
static __always_inline void absence_ends(struct absence* absence, __u64 began) {
  __u64 since = absence->since;

  if (since < began && absence->crossed != began) {
    absence->crossed_since = since;
    absence->crossed_row = absence->row;
    barrier();
    absence->crossed = began;
  }
  barrier();
  absence->since = 0;
}

/* A thread leaves that nobody saw come: when it did is not known. */
static __always_inline void absence_lost(__u64 key, __u64 now) {
  struct absence* absence = bpf_map_lookup_elem(&absences, &key);

  if (!absence || !absence->since) return;
  absence->since = 0;
  if (interval_of(now)) count_drop(DROP_UNSEEN);
}

/* A thread ends. What the reader has not seen is kept for him, until another thread has the same key. */
static __always_inline void absence_forget(__u64 key, __u64 now) {
  struct absence* absence = bpf_map_lookup_elem(&absences, &key);
  __u64 began = interval_of(now);

  if (!absence) return;
  absence->since = 0;
  if (!began || absence->crossed != began) bpf_map_delete_elem(&absences, &key);
}

#endif
