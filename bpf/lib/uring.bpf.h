/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of io_uring, from programs at the function that carries one out. Whose request it is must be asked of the
 * request: a worker has a name and a number of its own.
 */
#ifndef SONDE_URING_BPF_H
#define SONDE_URING_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "flavors.h"

struct io_kiocb; /* all that is read of it has a flavor */

/* Kernels from 5.19 on leave the result in the request; those before post it, and only the tracepoint has it then. */
#define REQUEST_HAS_RESULT bpf_core_field_exists(struct io_kiocb___cqe, cqe)

/* The thread that submitted it, or that of the kernel which does so for a process (SQPOLL). */
static __always_inline struct task_struct* request_owner(struct io_kiocb* request) {
  if (bpf_core_field_exists(struct io_kiocb___task, task)) return ((struct io_kiocb___task*)request)->task;
  return ((struct io_kiocb___tctx*)request)->tctx->task;
}

static __always_inline __u64 request_user_data(struct io_kiocb* request) {
  struct io_kiocb___result* old = (void*)request;

  return REQUEST_HAS_RESULT ? 0 : BPF_CORE_READ(old, user_data);
}

/* What the request has for itself begins with it, in a union until 5.19 and in a member `cmd` since. */
static __always_inline struct io_open* request_open(struct io_kiocb* request) { return (struct io_open*)request; }

static __always_inline const char* request_path(struct io_kiocb* request) {
  if (bpf_core_type_exists(struct delayed_filename)) {
    struct io_open___delayed* open = (void*)request;

    return BPF_CORE_READ(open, filename.__incomplete_filename, name);
  } else {
    struct io_open___pointer* open = (void*)request;

    return BPF_CORE_READ(open, filename, name);
  }
}

/* At the end of the function. False if the kernel kept it nowhere. */
static __always_inline bool request_result(struct io_kiocb* request, __u32 issue_flags, int* result) {
  if (REQUEST_HAS_RESULT) {
    struct io_kiocb___cqe* now = (void*)request;

    *result = BPF_CORE_READ(now, cqe.res);
  } else {
    struct io_kiocb___result* old = (void*)request;

    if (!(issue_flags & bpf_core_enum_value(enum io_uring_cmd_flags, IO_URING_F_COMPLETE_DEFER))) return false;
    *result = BPF_CORE_READ(old, result);
  }
  return true;
}

#endif
