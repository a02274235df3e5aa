/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often each length of time, or size, came, for histograms and percentiles: see BUCKETS. Beside the rows of
 * counts.bpf.h, one for each thing that is measured.
 */
#ifndef SONDE_BUCKETS_BPF_H
#define SONDE_BUCKETS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/abi.h"

struct bucket_row {
  __u32 count[BUCKETS];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, COUNT_CHUNK);
  __type(key, __u32);
  __type(value, struct bucket_row);
} buckets SEC(".maps");

const volatile __u32 uses_buckets = 0; /* how many a row has */
const volatile struct linear_conf linear = {};

/* Below 8 each value has its own; from there each octave has 8. The last one takes all that is longer. */
static __always_inline __u32 bucket_of(__u64 value) {
  __u32 octave = 0, at;
  __u64 rest = value;

  if (value < 8) return value;
  if (rest >> 32) rest >>= 32, octave += 32;
  if (rest >> 16) rest >>= 16, octave += 16;
  if (rest >> 8) rest >>= 8, octave += 8;
  if (rest >> 4) rest >>= 4, octave += 4;
  if (rest >> 2) rest >>= 2, octave += 2;
  if (rest >> 1) octave += 1;
  at = (octave - 2) * 8 + (value >> ((octave - 3) & 63) & 7);
  return at < BUCKETS ? at : BUCKETS - 1;
}

/* Steps of one length; the first and the last take all that is below and beyond. */
static __always_inline __u32 linear_bucket_of(__u64 value) {
  if (value < linear.min) return 0;
  if (value >= linear.max) return linear.steps + 1;
  return 1 + (value - linear.min) / linear.step;
}

/* In the `which`-th distribution of the row. */
static __always_inline void count_in_buckets(__u32 row, __u32 which, __u64 value) {
  struct bucket_row* own;
  __u32 place = row, at;

  if (which >= uses_buckets) return;
  if (uses_buckets > 1) place = row * uses_buckets + which;
  own = bpf_map_lookup_elem(&buckets, &place);
  at = linear.steps && linear.of == which ? linear_bucket_of(value) : bucket_of(value);
  if (own && at < BUCKETS) own->count[at]++;
}

static __always_inline void count_bucket(__u32 row, __u64 value) { count_in_buckets(row, 0, value); }

#endif
