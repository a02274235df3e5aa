/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples of what each CPU does, by a perf event on it. How many there were is written down for each CPU, those of idle
 * CPUs and of whom nobody asked for included: the reader knows how many there should have been.
 */
#ifndef SONDE_SAMPLES_BPF_H
#define SONDE_SAMPLES_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/filter.bpf.h"

struct cpu_samples {
  __u64 number;
  __u64 pad[7]; /* a cache line for each CPU */
};

/* An entry for each CPU; its size is set before the load. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_samples);
} samples SEC(".maps");

/* False outside the window. */
static __always_inline bool sample_counts(void) {
  __u32 cpu = bpf_get_smp_processor_id();
  struct cpu_samples* own;

  if (!window_open()) return false;
  own = bpf_map_lookup_elem(&samples, &cpu);
  if (own) own->number++;
  return true;
}

#endif
