/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls from their beginning to their end, with what the end does not tell any more: which call it is, and of
 * which file. By thread, in task storage, which goes with the task; where tracing programs cannot have that (before
 * 5.12), in a hash. A call that the kernel makes again goes on as what it was, whatever calls the signal's handler
 * makes meanwhile.
 */
#ifndef SONDE_OPEN_CALLS_BPF_H
#define SONDE_OPEN_CALLS_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/filter.bpf.h"
#include "lib/syscall.bpf.h"
#include "lib/syscalls.bpf.h"

struct open_call {
  __u64 start;  /* ns, CLOCK_MONOTONIC; 0: none */
  __u64 word;   /* which, see call_word() */
  __u64 file;   /* the struct file of `fd`, to be compared, not followed: it may be gone. 0: none, or not asked for */
  __u64 kind;   /* of it, see file_kind() */
  __u64 inode;  /* of it */
  __u32 device; /* of it */
  __s32 fd;     /* the first argument */
};

struct thread_calls {
  struct open_call now;
  struct open_call again; /* one that may be made again */
  __u64 stack;            /* the user's stack pointer at that; 0: there is none */
};

/* One of the two is created. */
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct thread_calls);
} calls SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u32);
  __type(value, struct thread_calls);
} calls_by_tid SEC(".maps");

/* Of any thread; null if it has made no call that was wanted. */
static __always_inline struct thread_calls* calls_of(struct task_struct* task) {
  __u32 tid;

  if (lib.task_storage) return bpf_task_storage_get(&calls, task, 0, 0);
  tid = BPF_CORE_READ(task, pid);
  return bpf_map_lookup_elem(&calls_by_tid, &tid);
}

/* Of the current thread. */
static __always_inline struct thread_calls* own_calls(struct task_struct* task, bool create) {
  struct thread_calls *found, zero = {};
  __u32 tid;

  if (lib.task_storage) return bpf_task_storage_get(&calls, task, 0, create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
  tid = bpf_get_current_pid_tgid();
  found = bpf_map_lookup_elem(&calls_by_tid, &tid);
  if (found || !create) return found;
  bpf_map_update_elem(&calls_by_tid, &tid, &zero, BPF_NOEXIST);
  return bpf_map_lookup_elem(&calls_by_tid, &tid);
}

static __always_inline bool is_restart(__u32 nr, bool compat) { return nr == (compat ? NR32_RESTART : NR_RESTART); }

/* A call begins: where it is to be noted. Null if it is one that goes on, or if there is no room, which is counted. */
static __always_inline struct open_call* call_begins(struct task_struct* task, __u64 word) {
  struct thread_calls* own = own_calls(task, true);

  if (!own) {
    count_drop(DROP_STATE_FULL);
    return 0;
  }
  if (own->stack && own->again.word == word && own->stack == LOAD_REG(current_regs(task), sp)) {
    own->now = own->again;
    own->stack = 0;
    return 0;
  }
  own->now.word = word;
  return &own->now;
}

/* The kernel makes a call again by restart_syscall(2), for which no program asks. */
static __always_inline void call_goes_on(struct task_struct* task) {
  struct thread_calls* own = own_calls(task, false);

  if (!own || !own->stack) return;
  own->now = own->again;
  own->stack = 0;
}

static __always_inline void call_may_come_again(struct thread_calls* own, struct pt_regs* regs) {
  own->again = own->now;
  own->stack = LOAD_REG(regs, sp);
  own->now.start = 0;
}

/* The call that a thread is in, or will be in again; null: none. */
static __always_inline struct open_call* call_that_runs(struct thread_calls* calls) {
  if (!calls) return 0;
  if (calls->now.start) return &calls->now;
  return calls->stack ? &calls->again : 0;
}

static __always_inline void forget_calls(void) {
  __u32 tid;

  if (lib.task_storage) return;
  tid = bpf_get_current_pid_tgid();
  bpf_map_delete_elem(&calls_by_tid, &tid);
}

#endif
