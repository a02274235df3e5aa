/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records to the reader without waking it for each: waking is over nine tenths of what an event costs elsewhere. A busy
 * reader comes by itself every 10 ms; a ring that fills faster wakes it once a quarter; a sleeping reader has said so.
 */
#ifndef SONDE_RING_BPF_H
#define SONDE_RING_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/filter.bpf.h"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 2 * 1024 * 1024);
} events SEC(".maps");

/* An empty, discarded record: the ring can only be made to wake its reader by committing something. */
static __noinline int ring_poke(void) {
  void* nothing = bpf_ringbuf_reserve(&events, 8, 0);

  if (nothing) bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
  return 0;
}

static __noinline int ring_look(void) {
  if (run.crossed || bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) < lib.quarter) return 0;
  run.crossed = 1;
  return ring_poke();
}

/*
 * `unchecked` is per CPU: how much went into the ring since this CPU last looked how full it is. The look at `asleep`
 * comes after the record is committed (a full barrier) and the reader sets it before its last look at the ring, so that
 * one of the two always sees the other.
 */
static __always_inline bool ring_put(void* record, __u64 size, __u32* unchecked) {
  if (bpf_ringbuf_output(&events, record, size, BPF_RB_NO_WAKEUP)) return false;
  if (*(volatile __u32*)&run.asleep) {
    run.asleep = 0;
    ring_poke();
    return true;
  }
  *unchecked += size;
  if (*unchecked >= lib.wake_check) {
    *unchecked = 0;
    ring_look();
  }
  return true;
}

/* A record that was reserved in the ring, for programs that have no memory of their own. */
static __always_inline void ring_submit(void* record) {
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
  if (*(volatile __u32*)&run.asleep) {
    run.asleep = 0;
    ring_poke();
  } else {
    ring_look();
  }
}

/* A record that stands for an event: false if it is lost. */
static __always_inline bool ring_emit(void* record, __u64 size, __u32* unchecked) {
  if (ring_put(record, size, unchecked)) return true;
  count_drop(DROP_RING_FULL);
  return false;
}

#endif
