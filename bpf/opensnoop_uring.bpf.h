/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opensnoop --io-uring, beside every rung: a part of opensnoop.bpf.c, whose functions it uses. The path is gone when
 * io_openat2 ends, the result is not there when it begins; and a worker sleeps in between, so that what is kept is kept
 * by thread.
 */
#ifndef SONDE_OPENSNOOP_URING_BPF_H
#define SONDE_OPENSNOOP_URING_BPF_H

#include "lib/uring.bpf.h"

struct uring_open {
  __u64 request;
  __u64 user_data;
  __u64 start;
  __u64 shown;
  struct opensnoop_event event; /* of the thread that asked; time, latency and result are still to come */
  char path[OPEN_PATH_MAX];
};

/* Allocated beforehand: a kernel of 5.10 complains in its log where a program at a tracepoint has it otherwise. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, struct uring_open);
} uring_opens SEC(".maps");

/* Too large for the stack. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct uring_open);
} uring_begun SEC(".maps");

static __always_inline void take_request(struct open_call* call, struct io_kiocb* request) {
  struct io_open* open = request_open(request);

  call->flags = BPF_CORE_READ(open, how.flags);
  call->mode = BPF_CORE_READ(open, how.mode) & MODE_BITS;
  call->dirfd = BPF_CORE_READ(open, dfd);
  call->bits = OPEN_BY_URING;
  if (bpf_core_field_exists(open->file_slot) && BPF_CORE_READ(open, file_slot)) call->bits |= OPEN_FIXED;
  if (BPF_CORE_READ(open, how.resolve) & RESOLVE_IN_ROOT) call->bits |= OPEN_IN_ROOT;
}

SEC("fentry/io_openat2")
int BPF_PROG(uring_open_begins, struct io_kiocb* request) {
  struct task_struct* owner = request_owner(request);
  __u32 zero = 0, tid = bpf_get_current_pid_tgid(), pid = task_pid(owner, &filter);
  struct uring_open* kept = bpf_map_lookup_elem(&uring_begun, &zero);
  struct open_call call = {};

  if (!kept || !wanted(owner, pid)) return 0;
  take_request(&call, request);
  if (!flags_wanted(call.flags)) return 0;
  if (bpf_probe_read_kernel_str(kept->path, sizeof(kept->path), request_path(request)) <= 0) {
    call.bits |= OPEN_PATH_UNREAD;
    kept->path[0] = 0;
  }
  fill(&kept->event, owner, pid, &call, 0);
  kept->request = (__u64)request;
  kept->user_data = request_user_data(request);
  kept->start = lib.remembers_calls ? kept->event.time : 0;
  kept->shown = 0;
  if (bpf_map_update_elem(&uring_opens, &tid, kept, BPF_ANY) && window_open()) count_drop(DROP_CALL_FULL);
  return 0;
}

/* Working directory and descriptors are those of the current task, which shares them with the one that asked. */
static __always_inline void show_uring_open(void* ctx, struct uring_open* kept, int result, __u32 user) {
  struct scratch* s = bpf_map_lookup_elem(&scratch, &user);
  struct open_call call = {.path = kept->path, .dirfd = kept->event.dirfd, .result = result, .bits = kept->event.bits};

  if (!s || !window_open() || !result_wanted(&conf.result, result)) return;
  s->event = kept->event;
  s->event.time = bpf_ktime_get_ns();
  s->event.latency = kept->start ? s->event.time - kept->start : 0;
  s->event.result = result;
  emit_filled(ctx, s, current_task(), &call, user);
}

/*
 * Before 5.19 io_openat2 itself posts the result of what did not run inside the submitting call, and keeps it nowhere.
 * Shown here, before the program can know: at the end of the function it may have closed the file already.
 */
SEC("raw_tp/io_uring_complete")
int BPF_PROG(uring_completes, void* ring, __u64 second, __u64 third, __u64 fourth) {
  __u32 tid = bpf_get_current_pid_tgid();
  struct uring_open* kept = bpf_map_lookup_elem(&uring_opens, &tid);
  bool named; /* 5.18 put the request in front */

  if (!kept || kept->shown) return 0;
  named = second == kept->request;
  if (!named && second != kept->user_data) return 0;
  kept->shown = 1;
  show_uring_open(ctx, kept, named ? fourth : third, SCRATCH_POSTED);
  return 0;
}

/* What does not return 0 was only tried, without waiting: a worker does it again. */
SEC("fexit/io_openat2")
int BPF_PROG(uring_open_ends, struct io_kiocb* request, __u32 issue_flags, int tried) {
  __u32 tid = bpf_get_current_pid_tgid();
  struct uring_open* kept = bpf_map_lookup_elem(&uring_opens, &tid);
  int result;

  if (!kept) return 0;
  if (kept->request == (__u64)request && !tried && !kept->shown && request_result(request, issue_flags, &result))
    show_uring_open(ctx, kept, result, SCRATCH_URING);
  bpf_map_delete_elem(&uring_opens, &tid);
  return 0;
}

#endif
