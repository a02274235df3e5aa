/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs of both forms of syslat. Each form says what becomes of a call whose file was noted as it begins
 * (call_noted), of one that ended (call_ended), and of one that has not when it is asked for (call_runs).
 */
#ifndef SONDE_SYSLAT_CALL_BPF_H
#define SONDE_SYSLAT_CALL_BPF_H

#include "syslat.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/exec32.bpf.h"
#include "lib/files.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/open_calls.bpf.h"
#include "lib/restart.bpf.h"
#include "lib/result.bpf.h"
#include "lib/syscall.bpf.h"
#include "lib/syscalls.bpf.h"

#define MAX_ERRNO 4095

const volatile struct syslat_conf conf = {};

/* Programs that may preempt each other have rows or scratch memory of their own. */
enum syslat_user {
  USER_ENTER,
  USER_COMPAT_ENTER,
  USER_EXIT,
  USER_COMPAT,
  USER_SIGNAL,
  USER_DEATH,
  USER_RUNNING,
  USER_COUNT
};

static __always_inline void call_noted(struct task_struct* task, const struct open_call* call);
/* `error` is negative, or 0. `result` is that of the call, whole. */
static __always_inline void call_ended(void* ctx, struct task_struct* task, const struct open_call* call, int error,
                                       long result, __u64 now, __u32 user);
static __always_inline void call_runs(struct task_struct* task, const struct open_call* call, __u64 now);

static __always_inline bool is_compat(const struct open_call* call) { return call->word & COMPAT_CALL; }

static __always_inline bool has_fd(const struct open_call* call) {
  return conf.with_fd.used && syscall_wanted(&conf.with_fd, call->word, is_compat(call));
}

/* Its file now, if it is still the one that it was when the call began. */
static __always_inline struct file* same_file(struct task_struct* task, const struct open_call* call) {
  struct file* file = call->file ? file_of(task, call->fd) : 0;

  return (__u64)file == call->file ? file : 0;
}

static __noinline int note_file(struct task_struct* task, struct open_call* call) {
  struct file* file = file_of(task, call->fd);
  struct inode* inode;

  call->file = (__u64)file;
  call->kind = FILE_NONE;
  call->inode = 0;
  if (!file || conf.notes < SYSLAT_NOTE_KIND) return 0;
  inode = BPF_CORE_READ(file, f_inode);
  call->kind = file_kind(file, inode);
  if (conf.notes < SYSLAT_NOTE_INODE) return 0;
  /* Nameless files share an inode, whatever they are. */
  call->inode = call->kind < FILE_KINDS ? BPF_CORE_READ(inode, i_ino) : call->kind;
  call->device = BPF_CORE_READ(inode, i_sb, s_dev);
  return 0;
}

static __always_inline __s32 first_argument(struct pt_regs* regs, bool compat) {
#if defined(__TARGET_ARCH_x86)
  return compat ? LOAD_REG(regs, bx) : LOAD_REG(regs, di);
#elif defined(__TARGET_ARCH_arm64)
  return LOAD_REG(regs, regs[0]);
#endif
}

/* Not from what a tracepoint is given: of a call without arguments it has none, and refuses a program that asks. */
static __always_inline int begins(__u32 nr, bool compat, struct task_struct* task) {
  struct open_call* call;

  if (!window_open()) return 0;
  if (is_restart(nr, compat)) {
    call_goes_on(task);
    return 0;
  }
  if (!syscall_wanted(&conf.calls, nr, compat) || !wanted(task, task_pid(task, &filter))) return 0;
  call = call_begins(task, call_word(nr, compat));
  if (!call) return 0;
  if (conf.notes) {
    call->file = call->kind = call->inode = 0;
    if (has_fd(call)) {
      call->fd = first_argument(current_regs(task), compat);
      note_file(task, call);
      call_noted(task, call);
    }
  }
  call->start = bpf_ktime_get_ns();
  return 0;
}

static __always_inline int ends(void* ctx, struct task_struct* task, long result, __u32 user) {
  struct thread_calls* own = own_calls(task, false);
  int error = result < 0 && result >= -MAX_ERRNO ? result : 0; /* an address is none */
  __u64 now;

  if (!own || !own->now.start || !window_open()) return 0; /* it was running when the window was closed */
  now = bpf_ktime_get_ns();
  if (!call_is_over(task, &error)) {
    call_may_come_again(own, current_regs(task));
    return 0;
  }
  if (result_wanted(&conf.result, error)) call_ended(ctx, task, &own->now, error, result, now, user);
  own->now.start = 0;
  return 0;
}

/* At the exit of any call: true if it may be one that is wanted. The task is not asked for it. */
static __always_inline bool may_end(__u32 nr) {
  __u32 at = nr / 64;

  if (!conf.calls.used || nr == (__u32)-1) return true; /* rt_sigreturn leaves no number */
  if (nr >= SYSCALL_NUMBERS) return conf.calls.others;
  barrier_var(at);
  return conf.ends[at & (SYSCALL_WORDS - 1)] >> (nr % 64) & 1;
}

static __always_inline int any_begins(long number) {
  __u32 nr = number & NUMBER_BITS;
  struct task_struct* task;

  if (!may_end(nr)) return 0;
  task = current_task();
  return begins(nr, compat_call(task), task);
}

/* Rung tracepoint: at the entries and exits of the chosen calls and of restart_syscall; native ones only. */
SEC("tracepoint")
int call_enter(struct syscall_enter_ctx* ctx) { return begins(ctx->nr, false, current_task()); }

SEC("tracepoint")
int call_exit(struct syscall_exit_ctx* ctx) { return ends(ctx, current_task(), ctx->ret, USER_EXIT); }

/* Rungs tp_btf and raw_tp: all calls, native and 32-bit. */
SEC("tp_btf/sys_enter")
int BPF_PROG(enter_btf, struct pt_regs* regs, long nr) { return any_begins(nr); }

SEC("tp_btf/sys_exit")
int BPF_PROG(exit_btf, struct pt_regs* regs, long result) {
  return may_end(syscall_number(regs)) ? ends(ctx, current_task(), result, USER_EXIT) : 0;
}

SEC("raw_tp/sys_enter")
int BPF_PROG(enter_raw, struct pt_regs* regs, long nr) { return any_begins(nr); }

SEC("raw_tp/sys_exit")
int BPF_PROG(exit_raw, struct pt_regs* regs, long result) {
  struct task_struct* task = current_task();

  return may_end(syscall_number(current_regs(task))) ? ends(ctx, task, result, USER_EXIT) : 0;
}

/* --compat beside the tracepoints: 32-bit calls only. */
SEC("raw_tp/sys_enter")
int BPF_PROG(compat_enter, struct pt_regs* regs, long nr) {
  struct task_struct* task = current_task();

  return compat_call(task) ? begins(nr, true, task) : 0;
}

SEC("raw_tp/sys_exit")
int BPF_PROG(compat_exit, struct pt_regs* regs, long result) {
  struct task_struct* task = current_task();

  return compat_call(task) ? ends(ctx, task, result, USER_COMPAT) : 0;
}

/* A signal meets a call that it interrupted, and ends it for good: see lib/restart.bpf.h. */
SEC("raw_tp/signal_deliver")
int BPF_PROG(call_meets_signal, int signal, void* info, struct k_sigaction* action) {
  struct task_struct* task = current_task();
  struct thread_calls* own = own_calls(task, false);
  struct pt_regs* regs;

  if (!own || !own->stack || !window_open()) return 0;
  regs = current_regs(task);
  if (own->stack != LOAD_REG(regs, sp) || !call_interrupted(syscall_result(regs), signal, action)) return 0;
  if (result_wanted(&conf.result, -EINTR))
    call_ended(ctx, task, &own->again, -EINTR, -EINTR, bpf_ktime_get_ns(), USER_SIGNAL);
  own->stack = 0;
  return 0;
}

/* A thread ends: as a rule in a call that does not return. */
SEC("raw_tp/sched_process_exit")
int BPF_PROG(thread_ends) {
  struct task_struct* task = current_task();
  struct thread_calls* own = own_calls(task, false);
  int error = own && !own->now.start ? -EINTR : 0;
  struct open_call* call = call_that_runs(own);

  if (call && window_open() && result_wanted(&conf.result, error))
    call_ended(ctx, task, call, error, error, bpf_ktime_get_ns(), USER_DEATH);
  if (own) own->now.start = own->stack = 0;
  forget_calls();
  return 0;
}

/* Run by the reader: calls that have not ended. */
SEC("iter/task")
int still_running(struct bpf_iter__task* ctx) {
  struct task_struct* task = ctx->task;
  struct open_call* call;

  if (!task || conf.result.failed || conf.result.errnos) return 0; /* nobody knows how they will end */
  call = call_that_runs(calls_of(task));
  if (call && call->start <= run.asked) call_runs(task, call, run.asked);
  return 0;
}

#endif
