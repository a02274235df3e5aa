// SPDX-License-Identifier: GPL-2.0-or-later
#include "execsnoop.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum scratch_user { SCRATCH_DONE, SCRATCH_FAILED, SCRATCH_COMPAT, SCRATCH_SIGNAL, SCRATCH_USERS };
#define SCRATCH_EVENT struct execsnoop_event
#define STACK_USERS SCRATCH_USERS

#include "lib/argv.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/path.bpf.h"
#include "lib/restart.bpf.h"
#include "lib/result.bpf.h"
#include "lib/ring.bpf.h"
#include "lib/stack.bpf.h"
#include "lib/syscall.bpf.h"

#if defined(__TARGET_ARCH_x86)
#define NR_EXECVE 59
#define NR_EXECVEAT 322
#define NR32_EXECVEAT 358
#define FUNCTION_EXECVE "__x64_sys_execve"
#define FUNCTION_EXECVEAT "__x64_sys_execveat"
#define FUNCTION32_EXECVE "__ia32_compat_sys_execve"
#define FUNCTION32_EXECVEAT "__ia32_compat_sys_execveat"
#elif defined(__TARGET_ARCH_arm64)
#define NR_EXECVE 221
#define NR_EXECVEAT 281
#define NR32_EXECVEAT 387
#define FUNCTION_EXECVE "__arm64_sys_execve"
#define FUNCTION_EXECVEAT "__arm64_sys_execveat"
#define FUNCTION32_EXECVE "__arm64_compat_sys_execve"
#define FUNCTION32_EXECVEAT "__arm64_compat_sys_execveat"
#endif
#define NR32_EXECVE 11

#define SIGKILL 9
#define SIGSEGV 11
#define MAX_ERRNO 4095

const volatile struct execsnoop_conf conf = {};

static __always_inline void fill(struct execsnoop_event* event, struct task_struct* task, __u32 pid) {
  event->time = bpf_ktime_get_ns();
  event->cgroup = conf.wants & EXEC_WANT_CGROUP ? LOAD(task, cgroups, dfl_cgrp, kn, id) : 0;
  event->pid = pid;
  event->tid = task_tid(task, &filter);
  event->ppid = task_ppid(task, &filter);
  event->uid = task_uid(task);
  event->result = 0;
  event->dirfd = 0;
  event->cpu = bpf_get_smp_processor_id();
  event->argv_ahead = 0;
  event->file_len = event->argv_len = event->cwd_len = event->exe_len = 0;
  event->bits = 0;
  task_comm(event->comm, task);
  task_comm(event->parent, LOAD(task, real_parent, group_leader));
}

/* `length` as the string helpers return it. */
static __always_inline void put_file(struct execsnoop_event* event, long length) {
  if (length <= 0) {
    event->bits |= EXEC_FILE_UNREAD;
  } else if (length > EXEC_FILE_MAX) {
    event->bits |= EXEC_FILE_CUT;
    event->file_len = EXEC_FILE_MAX;
  } else {
    event->file_len = length - 1;
  }
}

static __always_inline void put_cwd(struct scratch* s, struct task_struct* task, __u32 user) {
  struct fs_struct* fs = LOAD(task, fs);
  int how;

  s->event.cwd_len = put_path(s, user, s->event.file_len + s->event.argv_len, __builtin_preserve_access_index(&fs->pwd),
                              __builtin_preserve_access_index(&fs->root), &how);
  if (how == PATH_CUT) s->event.bits |= EXEC_CWD_CUT;
}

static __always_inline void put_exe(struct scratch* s, struct task_struct* task, __u32 user) {
  struct file* file = LOAD(task, mm, exe_file);
  struct path* path = __builtin_preserve_access_index(&file->f_path);
  int how;

  s->event.exe_len = put_path(s, user, s->event.file_len + s->event.argv_len + s->event.cwd_len, path, 0, &how);
  if (how == PATH_CUT) s->event.bits |= EXEC_EXE_CUT;
  if (path_is_unlinked(path)) s->event.bits |= EXEC_EXE_DELETED;
}

static __always_inline bool emit(void* ctx, struct scratch* s, __u32 user) {
  __u64 size = s->event.file_len + s->event.argv_len + s->event.cwd_len + s->event.exe_len;

  if (size > sizeof(s->tail)) size = sizeof(s->tail);
  return ring_emit_stacked(ctx, user, &s->event, sizeof(s->event) + size, &s->unchecked);
}

/* Puts one part of a long argv out. Its size, 0 if it could not be read, or negative if there was no room. */
__noinline int put_argv_part(__u32 from, __u32 left) {
  __u32 user = SCRATCH_DONE, size = left < EXEC_ARGV_CHUNK ? left : EXEC_ARGV_CHUNK;
  struct scratch* s = bpf_map_lookup_elem(&scratch, &user);

  if (!s || !read_argv(s, current_task(), 0, from, size, EXEC_ARGV_CHUNK)) return 0;
  s->event.argv_len = size;
  barrier_var(size);
  if (size > EXEC_ARGV_CHUNK) return 0;
  return ring_put(&s->event, sizeof(s->event) + size, &s->unchecked) ? size : -1;
}

/* A long argv goes ahead of its record, so that whoever has the record has all parts there will ever be. False if one
 * of them found no room. */
static __always_inline bool put_argv_ahead(struct scratch* s, __u64 size) {
  __u32 wanted_size = size > EXEC_ARGV_MAX ? EXEC_ARGV_MAX : size, at = 0;
  int put = 1;

  s->event.bits = EXEC_PART;
#pragma clang loop unroll(disable)
  for (int i = 0; i < EXEC_ARGV_MAX / EXEC_ARGV_CHUNK + 1; i++) {
    if (at >= wanted_size) break;
    put = put_argv_part(at, wanted_size - at);
    if (put <= 0) break;
    at += put;
  }
  s->event.bits = at < size ? EXEC_ARGV_CUT : 0;
  s->event.argv_len = 0;
  s->event.argv_ahead = at;
  return put >= 0;
}

static __always_inline void put_argv(struct scratch* s, struct task_struct* task, __u32 size) {
  if (read_argv(s, task, s->event.file_len, 0, size, EXEC_ARGV_INLINE))
    s->event.argv_len = size;
  else
    s->event.bits |= EXEC_ARGV_UNREAD | EXEC_ARGV_CUT;
}

static __always_inline bool is_rewritten(struct linux_binprm* program) {
  return BPF_CORE_READ(program, interp) != BPF_CORE_READ(program, filename);
}

/* Every exec that succeeded, of either ABI: the new program is in place and has not run yet. The thread that called is
 * the leader of the process by now, whichever it was. raw_tp: libbpf need not read the kernel's types for it. */
SEC("raw_tp/sched_process_exec")
int BPF_PROG(exec_done, void* exec_task, int old_tid, struct linux_binprm* program) {
  struct task_struct* task = current_task();
  __u32 pid, user = SCRATCH_DONE;
  bool room = true;
  struct scratch* s;
  __u64 size;

  if (!window_open() || !result_wanted(&conf.result, 0)) return 0;
  pid = task_pid(task, &filter);
  if (!wanted(task, pid)) return 0;
  s = bpf_map_lookup_elem(&scratch, &user);
  if (!s) return 0;
  fill(&s->event, task, pid);
  if (old_tid != LOAD(task, pid)) s->event.tid = filter.pidns ? 0 : old_tid;
  size = argv_size(task);
  if (size > EXEC_ARGV_INLINE) room = put_argv_ahead(s, size);
  if (is_rewritten(program)) s->event.bits |= EXEC_REWRITTEN;
  put_file(&s->event, bpf_probe_read_kernel_str(s->tail, EXEC_FILE_MAX + 1, BPF_CORE_READ(program, filename)));
  if (size <= EXEC_ARGV_INLINE) put_argv(s, task, size);
  if (conf.wants & EXEC_WANT_CWD) put_cwd(s, task, user);
  if (conf.wants & EXEC_WANT_EXE) put_exe(s, task, user);
  if (emit(ctx, s, user) && !room) count_drop(DROP_PART);
  return 0;
}

static __always_inline bool is_exec(__u32 nr, bool compat) {
  if (compat) return nr == NR32_EXECVE || nr == NR32_EXECVEAT;
  return nr == NR_EXECVE || nr == NR_EXECVEAT;
}

/* Behind the point of no return the old program is gone, and the call ends in a signal: what the registers point to is
 * no longer what the caller gave. */
static __always_inline bool arguments_are_gone(struct task_struct* task) {
  return LOAD(task, pending.signal.sig[0]) & (1UL << (SIGKILL - 1) | 1UL << (SIGSEGV - 1));
}

static __always_inline void put_given(struct scratch* s, struct task_struct* task, struct pt_regs* regs, __u32 nr,
                                      bool compat, __u32 user) {
  bool at = nr == (compat ? NR32_EXECVEAT : NR_EXECVEAT);
  struct syscall in = {.nr = nr, .compat = compat};
  struct execsnoop_event* event = &s->event;
  int how;

  if (arguments_are_gone(task)) {
    event->bits |= EXEC_FILE_UNREAD | EXEC_ARGV_UNREAD;
    return;
  }
  syscall_args(&in, regs);
  event->dirfd = in.args[0];
  if (at) event->bits |= EXEC_FROM_FD;
  put_file(event, read_user_text(s->tail, EXEC_FILE_MAX + 1, (void*)(at ? in.args[1] : in.args[0])));
  event->argv_len = put_given_argv(user, event->file_len, at ? in.args[2] : in.args[1], compat, &how);
  if (how == ARGV_CUT) event->bits |= EXEC_ARGV_CUT;
  if (how == ARGV_UNREAD) event->bits |= event->argv_len ? EXEC_ARGV_CUT : EXEC_ARGV_UNREAD;
}

static __always_inline int failed(void* ctx, struct task_struct* task, struct pt_regs* regs, __u32 nr, int result,
                                  bool compat, __u32 user) {
  struct scratch* s;
  __u32 pid;

  if (!window_open() || !result_wanted(&conf.result, result)) return 0;
  pid = task_pid(task, &filter);
  if (!wanted(task, pid)) return 0;
  s = bpf_map_lookup_elem(&scratch, &user);
  if (!s) return 0;
  fill(&s->event, task, pid);
  s->event.result = result;
  put_given(s, task, regs, nr, compat, user);
  if (conf.wants & EXEC_WANT_CWD) put_cwd(s, task, user);
  emit(ctx, s, user);
  return 0;
}

/* Most calls succeed: they are let go before anything is read. */
static __always_inline int call_ends(void* ctx, long result, __u32 user) {
  struct task_struct* task;
  struct pt_regs* regs;
  int code = result;
  bool compat;
  __u32 nr;

  if (result >= 0 || result < -MAX_ERRNO) return 0;
  task = current_task();
  regs = current_regs(task);
  nr = syscall_number(regs);
  compat = compat_call(task);
  if (!is_exec(nr, compat) || (user == SCRATCH_COMPAT && !compat) || !call_is_over(task, &code)) return 0;
  return failed(ctx, task, regs, nr, code, compat, user);
}

/* Rung fexit: the four calls and nothing else. */
SEC("fexit/" FUNCTION_EXECVE)
int BPF_PROG(exec_fexit, const struct pt_regs* regs, long result) { return call_ends(ctx, result, SCRATCH_FAILED); }

SEC("fexit/" FUNCTION_EXECVEAT)
int BPF_PROG(execat_fexit, const struct pt_regs* regs, long result) { return call_ends(ctx, result, SCRATCH_FAILED); }

SEC("fexit/" FUNCTION32_EXECVE)
int BPF_PROG(exec32_fexit, const struct pt_regs* regs, long result) { return call_ends(ctx, result, SCRATCH_FAILED); }

SEC("fexit/" FUNCTION32_EXECVEAT)
int BPF_PROG(execat32_fexit, const struct pt_regs* regs, long result) { return call_ends(ctx, result, SCRATCH_FAILED); }

/* Rung tracepoint: at the exits of the two calls; native ones only. */
SEC("tracepoint")
int exec_exit(struct syscall_exit_ctx* ctx) {
  struct task_struct* task = current_task();

  /* Where the kernel does not say where the registers are, they must at least be those of this call. */
  if (!HAS_PT_REGS && ctx->ret < 0 && syscall_number(current_regs(task)) != (__u32)ctx->nr) {
    if (window_open() && wanted(task, task_pid(task, &filter))) count_drop(DROP_NO_ARGS);
    return 0;
  }
  return call_ends(ctx, ctx->ret, SCRATCH_FAILED);
}

/* Rung raw_tp: at the end of every system call. */
SEC("raw_tp/sys_exit")
int BPF_PROG(exec_sys_exit, struct pt_regs* regs, long result) { return call_ends(ctx, result, SCRATCH_FAILED); }

/* --compat beside the tracepoints: 32-bit calls only. */
SEC("raw_tp/sys_exit")
int BPF_PROG(exec_compat_exit, struct pt_regs* regs, long result) { return call_ends(ctx, result, SCRATCH_COMPAT); }

/* Every rung: an exec that a signal ended for good, see lib/restart.bpf.h. */
SEC("raw_tp/signal_deliver")
int BPF_PROG(exec_interrupted, int signal, void* info, struct k_sigaction* action) {
  struct task_struct* task = current_task();
  struct pt_regs* regs = current_regs(task);
  bool compat = compat_call(task);
  __u32 nr = syscall_number(regs);

  if (!is_exec(nr, compat) || (compat && lib.blind_to_compat) ||
      !call_interrupted(syscall_result(regs), signal, action))
    return 0;
  return failed(ctx, task, regs, nr, -EINTR, compat, SCRATCH_SIGNAL);
}

char LICENSE[] SEC("license") = "GPL";
