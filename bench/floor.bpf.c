// SPDX-License-Identifier: GPL-2.0-or-later
//
// The least that a program at a hook costs: one that does nothing, and one that hands 64 bytes to a reader. Which hook
// is decided by floor.cpp.

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4 << 20);
} records SEC(".maps");

const volatile int with_record;

struct record {
  __u64 words[8];
};

static __always_inline int put_record(void) {
  if (!with_record) {
    return 0;
  }
  struct record* record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
  if (record) {
    __u64 task = bpf_get_current_pid_tgid();
    for (int i = 0; i < 8; ++i) {
      record->words[i] = task;
    }
    bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
  }
  return 0;
}

SEC("tracepoint")
int at_tracepoint(void* context) { return put_record(); }

SEC("tp_btf")
int at_tp_btf_1(void* context) { return put_record(); }

SEC("tp_btf")
int at_tp_btf_2(void* context) { return put_record(); }

SEC("tp_btf")
int at_tp_btf_3(void* context) { return put_record(); }

SEC("raw_tp")
int at_raw_tp(void* context) { return put_record(); }
