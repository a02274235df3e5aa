// SPDX-License-Identifier: GPL-2.0-or-later
#include "bashreadline.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/ring.bpf.h"
#include "lib/user_text.bpf.h"

const volatile struct bashreadline_conf conf = {};

static __always_inline bool is_bash(const char name[4]) {
  return name[0] == 'b' && name[1] == 'a' && name[2] == 's' && name[3] == 'h';
}

static __always_inline bool runs_bash(struct task_struct* task) {
  char name[4] = {};

  bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name));
  return is_bash(name);
}

static __always_inline void fill(struct bashreadline_event* event, struct task_struct* task, __u32 pid) {
  event->time = bpf_ktime_get_ns();
  event->cgroup = conf.wants & BASHREADLINE_WANT_CGROUP ? LOAD(task, cgroups, dfl_cgrp, kn, id) : 0;
  event->pid = pid;
  event->tid = task_tid(task, &filter);
  event->ppid = conf.wants & BASHREADLINE_WANT_PPID ? task_ppid(task, &filter) : 0;
  event->uid = task_uid(task);
  event->length = 0;
  event->bits = 0;
  task_comm(event->comm, task);
}

/*
 * Into the ring without a detour: a program at a user's function can be preempted, so memory of its CPU is not its own.
 * False if the line needs more than `room`, a constant; of the largest it is cut.
 */
static __always_inline bool show(struct task_struct* task, __u32 pid, const char* line, const __u32 room) {
  struct bashreadline_event* event = bpf_ringbuf_reserve(&events, sizeof(*event) + room, 0);
  long length;
  char end = 0;

  if (!event) {
    count_drop(DROP_RING_FULL);
    return true;
  }
  fill(event, task, pid);
  length = read_user_text((char*)(event + 1), room, line);
  if (length >= room && room < BASHREADLINE_MAX) {
    bpf_ringbuf_discard(event, BPF_RB_NO_WAKEUP);
    return false;
  }
  if (length >= room) bpf_probe_read_user(&end, sizeof(end), line + room - 1);
  event->bits = length <= 0 ? BASHREADLINE_UNREAD : end ? BASHREADLINE_CUT : 0;
  event->length = length <= 0 ? 0 : length - 1;
  ring_submit(event);
  return true;
}

/* What the function returns is the line, in memory of the shell's; at the end of its input, nothing. */
SEC("uretprobe")
int readline_returns(struct pt_regs* ctx) {
  const char* line = (const char*)PT_REGS_RC(ctx);
  struct task_struct* task = current_task();
  __u32 pid;

  if (!line || !window_open() || (conf.only_shells && !runs_bash(task))) return 0;
  pid = task_pid(task, &filter);
  if (!wanted(task, pid)) return 0;
  if (!show(task, pid, line, 256) && !show(task, pid, line, 4096)) show(task, pid, line, BASHREADLINE_MAX);
  return 0;
}

/* So that the reader finds the file of a shell that nobody ran before, in a container that was started since. */
SEC("raw_tp/sched_process_exec")
int BPF_PROG(shell_starts) {
  struct task_struct* task = current_task();
  struct bashreadline_event* event;

  if (!window_open() || !runs_bash(task)) return 0;
  event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_drop(DROP_SHELL);
    return 0;
  }
  fill(event, task, task_pid(task, &filter));
  event->bits = BASHREADLINE_STARTED;
  ring_submit(event);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
