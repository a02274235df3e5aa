/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting by key without a loss and without a locked instruction. Each lane, which is one program on one CPU, has rows
 * of its own, so nothing but user space adds them up; and since rows only grow, it may read at any time. A memo of the
 * last keys spares most calls the hash: it holds where a row is, never a count, so nothing is ever in flight.
 *
 * The tool says what a row is: it defines COUNT_KEY (two words), COUNT_ROW (it begins with the key) and COUNT_USERS,
 * the programs that count, before it includes this. Rows are handed out in chunks, so that a CPU takes only what it
 * needs.
 */
#ifndef SONDE_COUNTS_BPF_H
#define SONDE_COUNTS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/filter.bpf.h"

#define COUNT_MEMO 256

struct count_memo {
  COUNT_KEY key;
  __u64 row; /* 0: none */
};

struct count_lane {
  __u32 next; /* free row; at the end of a chunk, a multiple of COUNT_CHUNK, there is none */
  __u32 pad[15];
  struct count_memo memo[COUNT_MEMO];
};

struct count_place {
  COUNT_KEY key;
  __u64 lane;
};

/* All of these are given their sizes before the load. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, COUNT_CHUNK);
  __type(key, __u32);
  __type(value, COUNT_ROW);
} rows SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, COUNT_USERS);
  __type(key, __u32);
  __type(value, struct count_lane);
} lanes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, COUNT_CHUNK);
  __type(key, struct count_place);
  __type(value, __u32);
} places SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u8);
} chunks SEC(".maps");

const volatile __u32 count_users = COUNT_USERS;
const volatile __u32 count_chunks = 1;
__u32 chunks_taken = 0; /* about: the first that may be free */

#define CLAIM_TRIES 64

/* The first row of a chunk that nobody else has, 0 if there is none: adding a key to a hash is atomic on all kernels.
 */
static __noinline __u32 count_claim(void) {
  __u32 chunk = *(volatile __u32*)&chunks_taken;
  __u8 one = 1;

#pragma clang loop unroll(disable)
  for (int i = 0; i < CLAIM_TRIES; i++, chunk++) {
    if (chunk >= count_chunks) return 0;
    if (bpf_map_update_elem(&chunks, &chunk, &one, BPF_NOEXIST)) continue;
    *(volatile __u32*)&chunks_taken = chunk + 1;
    return chunk * COUNT_CHUNK + !chunk; /* row 0 stays empty */
  }
  return 0;
}

static __noinline __u32 count_find(struct count_lane* lane, __u32 number, const COUNT_KEY* key) {
  struct count_place place = {.key = *key, .lane = number};
  __u32* known = bpf_map_lookup_elem(&places, &place);
  __u32 row;
  COUNT_ROW* fresh;

  if (known) return *known;
  row = lane->next;
  if (!(row % COUNT_CHUNK)) row = count_claim();
  fresh = row ? bpf_map_lookup_elem(&rows, &row) : 0;
  if (!fresh || bpf_map_update_elem(&places, &place, &row, BPF_NOEXIST)) {
    count_drop(DROP_COUNT_FULL);
    return 0;
  }
  fresh->key = *key;
  lane->next = row + 1;
  return row;
}

/* The row of `key` that the calling program, one of COUNT_USERS, may write; null, and a drop, if there is no room. */
static __always_inline COUNT_ROW* count_row(const COUNT_KEY* key, __u32 user, __u32* at) {
  const __u64* words = (const void*)key;
  __u32 number = bpf_get_smp_processor_id() * COUNT_USERS + user;
  struct count_lane* lane = bpf_map_lookup_elem(&lanes, &number);
  struct count_memo* memo;
  const __u64* known;

  if (!lane) return 0;
  memo = &lane->memo[((words[0] + words[1] * 31) * 0x9E3779B97F4A7C15ULL >> 56) & (COUNT_MEMO - 1)];
  known = (const void*)&memo->key;
  *at = memo->row;
  if (!*at || known[0] != words[0] || known[1] != words[1]) {
    *at = count_find(lane, number, key);
    if (!*at) return 0;
    memo->key = *key;
    memo->row = *at;
  }
  return bpf_map_lookup_elem(&rows, at);
}

#endif
