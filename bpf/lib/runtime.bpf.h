/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU time as the scheduler counts it, in ns. It counts a running thread at each tick and when it leaves the CPU, so
 * that of a thread which is on a CPU now up to a tick is missing. (utime and stime know whole ticks only.)
 */
#ifndef SONDE_RUNTIME_BPF_H
#define SONDE_RUNTIME_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/task.bpf.h"

#define RUNTIME_THREADS 1024
#define RUNTIME_TRIES 3
#define RUNTIME_UNKNOWN (~0ULL)

/* Of the threads that a process still has. */
static __noinline __u64 runtime_of_threads(struct signal_struct* signal) {
  struct list_head* head = __builtin_preserve_access_index(&signal->thread_head);
  struct list_head* node = BPF_CORE_READ(head, next);
  __u64 sum = 0;

#pragma clang loop unroll(disable)
  for (int i = 0; i < RUNTIME_THREADS; i++) {
    struct task_struct* thread = (void*)node - bpf_core_field_offset(struct task_struct, thread_node);

    if (node == head) return sum;
    sum += BPF_CORE_READ(thread, se.sum_exec_runtime);
    node = BPF_CORE_READ(node, next);
  }
  return RUNTIME_UNKNOWN;
}

/* Of the process of the current task, the threads it had included. */
static __always_inline __u64 process_runtime(struct task_struct* task) {
  __u64 gone = LOAD(task, signal, sum_sched_runtime);

  if (LOAD(task, signal, nr_threads) == 1) return gone + LOAD(task, se.sum_exec_runtime);
    /* A thread that goes meanwhile moves from one sum to the other. */
#pragma clang loop unroll(disable)
  for (int i = 0; i < RUNTIME_TRIES; i++) {
    __u64 there = runtime_of_threads(LOAD(task, signal)), before = gone;

    gone = LOAD(task, signal, sum_sched_runtime);
    if (there == RUNTIME_UNKNOWN) break;
    if (gone == before) return gone + there;
  }
  return RUNTIME_UNKNOWN;
}

#endif
