/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading tasks. */
#ifndef SONDE_TASK_BPF_H
#define SONDE_TASK_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/abi.h"

/*
 * A plain load from a BTF pointer is one instruction, a probe read is a call: 127 against 194 ns a record. Kernels
 * before 5.11 (3ca1032ab7ab) have no BTF pointer to the current task, and there every load is a probe read. The
 * condition is known when the program is loaded, so that only one side of it is left.
 */
#define HAS_TASK_BTF bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

#define LOAD_ARROW_1(p, a) (p)->a
#define LOAD_ARROW_2(p, a, b) (p)->a->b
#define LOAD_ARROW_3(p, a, b, c) (p)->a->b->c
#define LOAD_ARROW_4(p, a, b, c, d) (p)->a->b->c->d
#define LOAD_PICK(_1, _2, _3, _4, name, ...) name
#define LOAD_ARROWS(p, ...) \
  LOAD_PICK(__VA_ARGS__, LOAD_ARROW_4, LOAD_ARROW_3, LOAD_ARROW_2, LOAD_ARROW_1)(p, __VA_ARGS__)

/* LOAD(task, real_parent, tgid) is task->real_parent->tgid. */
#define LOAD(p, ...) (HAS_TASK_BTF ? LOAD_ARROWS(p, __VA_ARGS__) : BPF_CORE_READ(p, __VA_ARGS__))

static __always_inline struct task_struct* current_task(void) {
  if (HAS_TASK_BTF) return bpf_get_current_task_btf();
  return (struct task_struct*)bpf_get_current_task();
}

#define MAX_PID_NS_LEVEL 32

/*
 * The number that `pid` has in the PID namespace with inode `inum`, 0 if it has none there. A task has one number for
 * each level from the initial namespace down to its own, which is where the search begins: that is nearly always it.
 */
static __noinline __u32 pid_in_namespace(struct pid* pid, __u32 inum) {
  __u32 level = BPF_CORE_READ(pid, level);
  void* numbers = __builtin_preserve_access_index(&pid->numbers);

#pragma clang loop unroll(disable)
  for (int i = 0; i <= MAX_PID_NS_LEVEL; i++) {
    struct upid number;

    bpf_probe_read_kernel(&number, sizeof(number), numbers + level * sizeof(number));
    if (BPF_CORE_READ(number.ns, ns.inum) == inum) return number.nr;
    if (!level) break;
    level--;
  }
  return 0;
}

/* PIDs as the reader's own namespace has them; 0: the task is not in it. */
static __always_inline __u32 task_tid(struct task_struct* task, const volatile struct filter_conf* filter) {
  if (!filter->pidns) return LOAD(task, pid);
  return pid_in_namespace(LOAD(task, thread_pid), filter->pidns);
}

static __always_inline __u32 task_pid(struct task_struct* task, const volatile struct filter_conf* filter) {
  if (!filter->pidns) return LOAD(task, tgid);
  return pid_in_namespace(LOAD(task, group_leader, thread_pid), filter->pidns);
}

static __always_inline __u32 task_ppid(struct task_struct* task, const volatile struct filter_conf* filter) {
  if (!filter->pidns) return LOAD(task, real_parent, tgid);
  return pid_in_namespace(LOAD(task, real_parent, group_leader, thread_pid), filter->pidns);
}

/* The inode of the PID namespace that the task is in; 0 if it has been reaped and has no number any more. */
static __always_inline __u32 task_pidns(struct task_struct* task) {
  struct pid* pid = LOAD(task, thread_pid);
  void* numbers = __builtin_preserve_access_index(&pid->numbers);
  __u32 level = BPF_CORE_READ(pid, level);
  struct upid number;

  bpf_probe_read_kernel(&number, sizeof(number), numbers + level * sizeof(number));
  return BPF_CORE_READ(number.ns, ns.inum);
}

/* Whether the numbers that the task gives to system calls, those of its own namespace, are the reader's. */
static __always_inline bool speaks_our_numbers(struct task_struct* task, const volatile struct filter_conf* filter) {
  struct pid* pid = LOAD(task, thread_pid);

  if (!filter->pidns) return !BPF_CORE_READ(pid, level);
  return task_pidns(task) == filter->pidns;
}

static __always_inline __u32 task_uid(struct task_struct* task) { return LOAD(task, cred, uid.val); }

static __always_inline struct cgroup* task_cgroup(struct task_struct* task) { return LOAD(task, cgroups, dfl_cgrp); }

/* The whole array, whatever stands behind the NUL. `comm` is aligned to 8 bytes. */
static __always_inline void task_comm(char comm[COMM_LEN], struct task_struct* task) {
  if (HAS_TASK_BTF) {
    const __u64* words = __builtin_preserve_access_index((const void*)&task->comm);

    ((__u64*)comm)[0] = words[0];
    ((__u64*)comm)[1] = words[1];
  } else {
    bpf_probe_read_kernel(comm, COMM_LEN, __builtin_preserve_access_index(&task->comm));
  }
}

#endif
