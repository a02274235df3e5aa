// SPDX-License-Identifier: GPL-2.0-or-later
#include "opensnoop.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SCRATCH_EVENT struct opensnoop_event
#define STACK_USERS SCRATCH_USERS

#include "lib/calls.bpf.h"
#include "lib/exec32.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/path.bpf.h"
#include "lib/restart.bpf.h"
#include "lib/result.bpf.h"
#include "lib/ring.bpf.h"
#include "lib/stack.bpf.h"
#include "opensnoop_call.bpf.h"

const volatile struct opensnoop_conf conf = {};

static __always_inline bool flags_wanted(__u64 flags) { return !conf.writes || flags & O_ACCMODE || flags & O_WRITES; }

static __always_inline void fill(struct opensnoop_event* event, struct task_struct* task, __u32 pid,
                                 const struct open_call* call, __u64 start) {
  event->time = bpf_ktime_get_ns();
  event->latency = start ? event->time - start : 0;
  event->cgroup = conf.wants & OPEN_WANT_CGROUP ? LOAD(task, cgroups, dfl_cgrp, kn, id) : 0;
  event->flags = call->flags & ~(__u64)O_LARGEFILE;
  event->pid = pid;
  event->tid = task_tid(task, &filter);
  event->ppid = conf.wants & OPEN_WANT_PPID ? task_ppid(task, &filter) : 0;
  event->uid = task_uid(task);
  event->result = call->result;
  event->dirfd = call->dirfd;
  event->mode = call->mode;
  event->cwd_len = 0;
  event->full_len = 0;
  event->bits = call->bits | (call->flags & O_CREATES ? OPEN_CREATES : 0);
  task_comm(event->comm, task);
}

/* The argument as the program gave it. False if the path is not one that was asked for. */
static __always_inline bool put_argument(struct scratch* s, const struct open_call* call, __u32 user) {
  long length = user >= SCRATCH_URING ? bpf_probe_read_kernel_str(s->tail, OPEN_PATH_MAX + 1, call->path)
                                      : read_user_text(s->tail, OPEN_PATH_MAX + 1, call->path);

  s->event.path_len = 0;
  if (length <= 0) {
    s->event.bits |= OPEN_PATH_UNREAD;
  } else if (length > OPEN_PATH_MAX) {
    s->event.bits |= OPEN_PATH_CUT;
    s->event.path_len = OPEN_PATH_MAX;
  } else {
    s->event.path_len = length - 1;
  }
  if (!tail_glob.used) return true;
  return length > 0 ? tail_wanted(user, s->event.path_len, OPEN_PATH_MAX) : tail_glob.negated;
}

static __always_inline void put_cwd(struct scratch* s, struct task_struct* task, __u32 user) {
  struct fs_struct* fs = LOAD(task, fs);
  int how;

  s->event.cwd_len = put_path(s, user, s->event.path_len, __builtin_preserve_access_index(&fs->pwd),
                              __builtin_preserve_access_index(&fs->root), &how);
  if (how == PATH_CUT) s->event.bits |= OPEN_CWD_CUT;
}

/* What a failed open started from: nothing was resolved, so that is the best there is. */
static __always_inline struct path* start_of(struct scratch* s, struct task_struct* task,
                                             const struct open_call* call) {
  struct fs_struct* fs = LOAD(task, fs);
  struct file* file;

  if (s->tail[0] == '/' && !(call->bits & OPEN_IN_ROOT)) return __builtin_preserve_access_index(&fs->root);
  if (call->dirfd == AT_FDCWD) return __builtin_preserve_access_index(&fs->pwd);
  file = file_of(task, call->dirfd);
  return file ? __builtin_preserve_access_index(&file->f_path) : 0;
}

static __always_inline void put_full_path(struct scratch* s, struct task_struct* task, const struct open_call* call,
                                          __u32 user) {
  struct opensnoop_event* event = &s->event;
  struct path* path = 0;
  int how;

  if (call->result >= 0 && !(call->bits & OPEN_FIXED)) {
    struct file* file = file_of(task, call->result);

    path = file ? __builtin_preserve_access_index(&file->f_path) : 0;
    event->bits |= OPEN_RESOLVED;
  } else if (call->result < 0 && !(event->bits & OPEN_PATH_UNREAD)) {
    path = start_of(s, task, call);
  }
  if (!path) {
    event->bits |= OPEN_FULL_UNKNOWN;
    return;
  }
  if (call->result >= 0 && path_is_unlinked(path)) event->bits |= OPEN_DELETED;
  event->full_len = put_path(s, user, event->path_len + event->cwd_len, path, 0, &how);
  if (how == PATH_CUT) event->bits |= OPEN_FULL_CUT;
  if (how == PATH_DETACHED) event->bits |= OPEN_DETACHED;
}

/* What comes behind the fixed part of the record. */
static __always_inline void emit_filled(void* ctx, struct scratch* s, struct task_struct* task,
                                        const struct open_call* call, __u32 user) {
  __u64 size;

  if (!put_argument(s, call, user)) return;
  if (conf.wants & OPEN_WANT_CWD) put_cwd(s, task, user);
  if (conf.wants & OPEN_WANT_FULL) put_full_path(s, task, call, user);
  size = s->event.path_len + s->event.cwd_len + s->event.full_len;
  if (size > sizeof(s->tail)) size = sizeof(s->tail);
  ring_emit_stacked(ctx, user, &s->event, sizeof(s->event) + size, &s->unchecked);
}

static __always_inline void emit(void* ctx, struct task_struct* task, __u32 pid, const struct open_call* call,
                                 __u64 start, __u32 user) {
  struct scratch* s = bpf_map_lookup_elem(&scratch, &user);

  if (!s) return;
  fill(&s->event, task, pid, call, start);
  emit_filled(ctx, s, task, call, user);
}

/* What all exits share once they know the call. */
static __always_inline int call_ends(void* ctx, struct task_struct* task, struct open_call* call, __u64 start,
                                     __u32 user) {
  __u32 pid;

  if (!result_wanted(&conf.result, call->result) || !flags_wanted(call->flags)) return 0;
  pid = task_pid(task, &filter);
  if (wanted(task, pid)) emit(ctx, task, pid, call, start, user);
  return 0;
}

/* The start if entries are watched; false if the call is not over. */
static __always_inline bool leave(struct task_struct* task, int* result, __u64* start) {
  bool over = call_is_over(task, result);

  *start = 0;
  if (lib.remembers_calls) {
    if (over)
      *start = call_leaves();
    else
      call_may_come_again(current_regs(task));
  }
  return over && window_open();
}

static __always_inline int syscall_ends(void* ctx, struct task_struct* task, struct pt_regs* regs, __u32 nr, int result,
                                        bool compat, __u32 user) {
  struct syscall in = {.nr = nr, .compat = compat};
  struct open_call call = {.result = result};
  __u64 start;

  if (!leave(task, &call.result, &start)) return 0;
  syscall_args(&in, regs);
  if (!take_call(&call, &in)) return 0;
  return call_ends(ctx, task, &call, start, user);
}

static __always_inline int enter(void) {
  struct task_struct* task = current_task();

  if (window_open() && wanted(task, task_pid(task, &filter))) call_enters(current_regs(task));
  return 0;
}

/* Rung fexit: one function that native and 32-bit opens pass, and nothing else does. */
SEC("fexit/do_sys_openat2")
int BPF_PROG(open_fexit, int dirfd, const char* path, struct open_how* how, long result) {
  struct task_struct* task = current_task();
  struct open_call call = {.path = path, .dirfd = dirfd, .result = result};
  __u64 start;

  if (!leave(task, &call.result, &start)) return 0;
  call.flags = how->flags;
  call.mode = how->mode & MODE_BITS;
  call.bits = (compat_call(task) ? OPEN_COMPAT : 0) | (how->resolve & RESOLVE_IN_ROOT ? OPEN_IN_ROOT : 0);
  return call_ends(ctx, task, &call, start, SCRATCH_CHOSEN);
}

SEC("fentry/do_sys_openat2")
int BPF_PROG(open_fentry) { return enter(); }

/* Rung tracepoint: at the exits of the four calls; native ones only. */
SEC("tracepoint")
int open_exit(struct syscall_exit_ctx* ctx) {
  struct task_struct* task = current_task();
  struct pt_regs* regs = current_regs(task);

  /* Where the kernel does not say where the registers are, they must at least be those of this call. */
  if (!HAS_PT_REGS && syscall_number(regs) != (__u32)ctx->nr) {
    if (window_open() && wanted(task, task_pid(task, &filter))) count_drop(DROP_NO_ARGS);
    return 0;
  }
  return syscall_ends(ctx, task, regs, ctx->nr, ctx->ret, false, SCRATCH_CHOSEN);
}

SEC("tracepoint")
int open_enter(struct syscall_enter_ctx* ctx) { return enter(); }

/* Rung tp_btf: at the exit of every system call; needs no tracefs, sees 32-bit calls. */
SEC("tp_btf/sys_exit")
int BPF_PROG(open_sys_exit, struct pt_regs* regs, long result) {
  struct task_struct* task = current_task();
  bool compat = compat_call(task);
  __u32 nr = syscall_number(regs);

  if (!is_open(nr, compat)) return 0;
  return syscall_ends(ctx, task, regs, nr, result, compat, SCRATCH_CHOSEN);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(open_sys_enter, struct pt_regs* regs, long nr) {
  if (!is_open((__u32)nr & ~0x40000000, compat_call(current_task()))) return 0;
  return enter();
}

/* --compat beside the tracepoints: 32-bit calls only. */
SEC("tp_btf/sys_exit")
int BPF_PROG(open_compat_exit, struct pt_regs* regs, long result) {
  struct task_struct* task = current_task();
  __u32 nr = syscall_number(regs);

  if (!compat_call(task) || !is_open(nr, true)) return 0;
  return syscall_ends(ctx, task, regs, nr, result, true, SCRATCH_COMPAT);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(open_compat_enter, struct pt_regs* regs, long nr) {
  if (!compat_call(current_task()) || !is_open(nr, true)) return 0;
  return enter();
}

/* Rung kprobe: only on request. The entry is watched so that missed returns are known. */
SEC("kprobe")
int open_kprobe(void* ctx) { return enter(); }

SEC("kretprobe")
int open_kretprobe(struct pt_regs* ctx) {
  struct task_struct* task = current_task();
  struct pt_regs* regs = current_regs(task);

  return syscall_ends(ctx, task, regs, syscall_number(regs), PT_REGS_RC(ctx), compat_call(task), SCRATCH_CHOSEN);
}

/* Every rung: an open that a signal ended for good, see lib/restart.bpf.h. */
SEC("raw_tp/signal_deliver")
int BPF_PROG(open_interrupted, int signal, void* info, struct k_sigaction* action) {
  struct task_struct* task = current_task();
  struct pt_regs* regs = current_regs(task);
  bool compat = compat_call(task);
  __u32 nr = syscall_number(regs);

  if (!is_open(nr, compat) || (compat && lib.blind_to_compat) ||
      !call_interrupted(syscall_result(regs), signal, action))
    return 0;
  return syscall_ends(ctx, task, regs, nr, -EINTR, compat, SCRATCH_SIGNAL);
}

#include "opensnoop_uring.bpf.h"

char LICENSE[] SEC("license") = "GPL";
