/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting by stack: under which stacks of the kernel and of the program something happened, and how often or how much.
 * What a row is counted under is a number of 64 bits, made of every address of both stacks, of the address space that
 * they are of, and of whose it is; it goes through lib/counts.bpf.h as any key does, so that nothing is lost to a table
 * that has one place for two stacks. (Of 100,000 stacks two have the same number once in 3.7 billion runs.)
 *
 * The addresses themselves go to the reader once, through the ring, when a row is made. If there is no room, what is
 * counted is counted all the same, and the row tells them the next time.
 *
 * The tool's row has a `told` and a `name`, see stack_counted(); the tool defines COUNT_ROW and COUNT_USERS. Programs
 * that may preempt each other on their CPU are users of their own.
 */
#ifndef SONDE_STACK_COUNTS_BPF_H
#define SONDE_STACK_COUNTS_BPF_H

#define COUNT_KEY struct count_key
#define STACK_USERS COUNT_USERS
#define STACKED_RECORD 16 /* the number, and the program: see program_of() */

#include "lib/counts.bpf.h"
#include "lib/stack.bpf.h"

/* Where the current task is: its stacks are in `memory`, behind the number. */
struct stack_here {
  struct stacked* memory;
  struct stack_tail tail;
  __u64 end;    /* in `memory`, of the stacks */
  void* untold; /* given to the program, if the kernel's part is known by its number only; see lib/kernel_walk.bpf.h */
};

static __always_inline __u64 mix(__u64 number, __u64 word) {
  number = (number ^ word) * 0x9E3779B97F4A7C15ULL;
  return number ^ number >> 29;
}

/* The frames of one part, which begin with the one numbered `from`. Global: the verifier looks at it once, not wherever
 * it is called. */
__noinline __u64 mix_frames(__u32 user, __u32 from, __u32 frames, __u64 number) {
  const struct stacked* s = bpf_map_lookup_elem(&stacked, &user);
  const __u64* all;

  if (!s) return 0;
  barrier_var(from);
  all = (const void*)(s->bytes + STACKED_RECORD);
  all += from & 127;
#pragma clang loop unroll(disable)
  for (__u32 i = 0; i < STACK_FRAMES; i++) {
    if (i >= frames) break;
    number = mix(number, all[i]);
  }
  return number;
}

_Static_assert(STACK_FRAMES <= 127, "a part begins at most so many frames behind the other");

/* The number of the kernel's part. */
static __always_inline __u64 kernel_number(struct stack_here* here, __u32 user) {
  return mix_frames(user, 0, frames_of(here->tail.kernel_size) / 8, (__u32)here->tail.kernel_size);
}

/* Whose it is, as rows tell it. Who has the same name is told apart by the number. */
static __always_inline __u64 owner_of(const volatile struct count_by* by, struct task_struct* task, __u32 pid) {
  if (by->who == COUNT_OF_CPU) return bpf_get_smp_processor_id();
  if (!LOAD(task, pid)) return COUNT_IDLE;
  if (by->who == COUNT_OF_THREAD) return task_tid(task, &filter);
  return pid;
}

/*
 * What of a number does not depend on where it is. exec gives a process another address space, where the same addresses
 * mean something else. Inverted, so that an idle CPU without any stack has a number that is not 0, which may mean that
 * there is none. A pointer that is loaded is one to the verifier, which lets nobody calculate with it; one that
 * is read is a number.
 */
static __always_inline __u64 seed_of(const volatile struct count_by* by, struct task_struct* task, __u32 pid) {
  __u64 number = mix(~(__u64)BPF_CORE_READ(task, mm), pid);

  if (by->who == COUNT_OF_COMM) {
    __u64 comm[COMM_LEN / 8];

    task_comm((char*)comm, task);
    number = mix(mix(number, comm[0]), comm[1]);
  }
  return number;
}

/* The file that the process executes, as a number; 0: none. All processes of a program have it, however short they
 * live. */
static __always_inline __u64 program_of(struct task_struct* task) {
  struct inode* inode = BPF_CORE_READ(task, mm, exe_file, f_inode);

  return inode ? mix(BPF_CORE_READ(inode, i_ino), BPF_CORE_READ(inode, i_sb, s_dev)) : 0;
}

/* The stacks are taken, the kernel's part has that number: makes the number of both, and where they are counted. */
static __always_inline void number_stacks(const volatile struct count_by* by, struct task_struct* task, __u32 pid,
                                          __u64 kernel, __u32 user, struct stack_here* here, struct count_key* key) {
  struct stacked* s = here->memory;
  __u64 number = mix(seed_of(by, task, pid), kernel);

  if (here->tail.user_size == STACK_UNKNOWN) number = mix(number, 1);
  number = mix_frames(user, frames_of(here->tail.kernel_size) / 8, frames_of(here->tail.user_size) / 8, number);
  *(__u64*)s->bytes = number;
  key->who = owner_of(by, task, pid);
  key->what = number;
}

static __always_inline bool begin_stacks(__u32 user, __u32 pid, struct stack_here* here) {
  here->memory = bpf_map_lookup_elem(&stacked, &user);
  here->tail = (struct stack_tail){.pid = pid, .mark = STACK_MARK};
  here->untold = 0;
  return here->memory;
}

static __always_inline void take_kernel_part(void* ctx, struct stack_here* here) {
  if (stacks.kernel) here->tail.kernel_size = put_stack(ctx, here->memory, STACKED_RECORD, STACKED_RECORD, 0);
}

/* Behind the kernel's part. */
static __always_inline void take_user_part(void* ctx, struct stack_here* here) {
  __u64 at = STACKED_RECORD + frames_of(here->tail.kernel_size);

  if (stacks.user)
    here->tail.user_size = put_stack(ctx, here->memory, at, STACKED_RECORD + STACK_BYTES, BPF_F_USER_STACK);
  here->end = at + frames_of(here->tail.user_size);
}

/* Takes the stacks of the current task; `key` is then where it is counted. `user` is below COUNT_USERS. */
static __always_inline bool stack_of(void* ctx, __u32 user, const volatile struct count_by* by,
                                     struct task_struct* task, __u32 pid, struct stack_here* here,
                                     struct count_key* key) {
  if (!begin_stacks(user, pid, here)) return false;
  take_kernel_part(ctx, here);
  take_user_part(ctx, here);
  number_stacks(by, task, pid, kernel_number(here, user), user, here, key);
  return true;
}

/* The same of another task, which sleeps: what is known of its stack is the kernel's part. For iterators. */
static __always_inline bool stack_of_sleeper(__u32 user, const volatile struct count_by* by, struct task_struct* task,
                                             __u32 pid, struct stack_here* here, struct count_key* key) {
  if (!begin_stacks(user, pid, here)) return false;
  if (stacks.kernel)
    here->tail.kernel_size = bpf_get_task_stack(task, here->memory->bytes + STACKED_RECORD, STACK_BYTES, 0);
  if (stacks.user && task->mm) here->tail.user_size = STACK_UNKNOWN;
  here->end = STACKED_RECORD + frames_of(here->tail.kernel_size);
  number_stacks(by, task, pid, kernel_number(here, user), user, here, key);
  return true;
}

static __noinline bool tell_stack(struct stack_here* here) {
  __u64 at = here->end;

  ((__u64*)here->memory->bytes)[1] = stacks.unwind == UNWIND_WHERE_NEEDED ? program_of(current_task()) : 0;
  here->tail.time = bpf_ktime_get_ns();
  put_stack_tail(here->memory, at, &here->tail);
  at += sizeof(here->tail);
  barrier_var(at);
  if (at > sizeof(here->memory->bytes)) at = sizeof(here->memory->bytes);
  return ring_put(here->memory->bytes, at, &here->memory->unchecked);
}

static __always_inline void name_row(const volatile struct count_by* by, struct task_struct* task,
                                     struct count_name* name) {
  if (by->who == COUNT_OF_CPU) return;
  name->seen = bpf_jiffies64();
  task_comm(name->comm, task);
}

/* After something was added to the row that has the key of `here`. */
static __always_inline void stack_counted(struct stack_here* here, const volatile struct count_by* by,
                                          struct task_struct* task, struct count_name* name, __u64* told) {
  name_row(by, task, name);
  if (*told) return;
  if (here->untold) {
    take_kernel_part(here->untold, here);
    take_user_part(here->untold, here);
  }
  *told = tell_stack(here);
}

#endif
