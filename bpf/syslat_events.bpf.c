// SPDX-License-Identifier: GPL-2.0-or-later
// --slower: each slow call.
#include "syslat.h"

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#define SCRATCH_EVENT struct syslat_event
#define SCRATCH_USERS 7

#define STACK_USERS SCRATCH_USERS

#include "lib/ring.bpf.h"
#include "lib/stack.bpf.h"
#include "syslat_call.bpf.h"
_Static_assert(SCRATCH_USERS == USER_COUNT, "each program has its own");

static __always_inline void call_noted(struct task_struct* task, const struct open_call* call) {}

static __always_inline struct scratch* fill(struct task_struct* task, const struct open_call* call, __u64 now,
                                            __u32 user) {
  struct scratch* s = bpf_map_lookup_elem(&scratch, &user);
  struct syslat_event* event;

  if (!s) return 0;
  event = &s->event;
  event->time = now;
  event->latency = now - call->start;
  event->call = call->word;
  event->cgroup = LOAD(task, cgroups, dfl_cgrp, kn, id);
  event->kind = FILE_NONE;
  event->inode = 0;
  event->pid = task_pid(task, &filter);
  event->tid = task_tid(task, &filter);
  event->uid = task_uid(task);
  event->fd = call->fd;
  event->bits = has_fd(call) ? SYSLAT_HAS_FD : 0;
  event->path_bits = 0;
  event->path_len = 0;
  event->pad = 0;
  task_comm(event->comm, task);
  return s;
}

static __always_inline void put_file(struct scratch* s, struct task_struct* task, const struct open_call* call,
                                     __u32 user) {
  struct file* file = same_file(task, call);
  struct inode* inode;

  if (!file) return;
  inode = BPF_CORE_READ(file, f_inode);
  s->event.kind = file_kind(file, inode);
  s->event.inode = BPF_CORE_READ(inode, i_ino);
  s->event.bits |= SYSLAT_FILE_KNOWN;
  s->event.path_len = put_file_path(s, user, file, &s->event.path_bits);
}

static __always_inline void put_args(struct syslat_event* event, struct task_struct* task,
                                     const struct open_call* call) {
  struct syscall in = {.compat = is_compat(call)};

  syscall_args(&in, current_regs(task));
  __builtin_memcpy(event->args, in.args, sizeof(in.args));
}

static __always_inline __u64 size_of(const struct scratch* s) {
  __u64 size = s->event.path_len;

  if (size > sizeof(s->tail)) size = sizeof(s->tail);
  return sizeof(s->event) + size;
}

static __always_inline void call_ended(void* ctx, struct task_struct* task, const struct open_call* call, int error,
                                       long result, __u64 now, __u32 user) {
  struct scratch* s;

  if (now - call->start < conf.slower) return;
  s = fill(task, call, now, user);
  if (!s) return;
  s->event.result = error ? error : result;
  s->event.error = error;
  if (!error && syscall_wanted(&conf.with_size, call->word, is_compat(call))) s->event.bits |= SYSLAT_HAS_SIZE;
  put_args(&s->event, task, call);
  put_file(s, task, call, user);
  ring_emit_stacked(ctx, user, &s->event, size_of(s), &s->unchecked);
}

static __always_inline void call_runs(struct task_struct* task, const struct open_call* call, __u64 now) {
  struct scratch* s;

  if (now - call->start < conf.slower) return;
  s = fill(task, call, now, USER_RUNNING);
  if (!s) return;
  s->event.result = s->event.error = 0;
  s->event.bits |= SYSLAT_RUNNING;
  put_args(&s->event, task, call);
  put_file(s, task, call, USER_RUNNING);
  ring_emit(&s->event, size_of(s), &s->unchecked); /* in the task of the reader: there is no stack to be had */
}

char LICENSE[] SEC("license") = "GPL";
