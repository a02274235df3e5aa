/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members that kernels renamed or moved: one flavor (NAME___suffix, which CO-RE matches with NAME) and one accessor for
 * each, with the commit that made the change.
 */
#ifndef SONDE_FLAVORS_H
#define SONDE_FLAVORS_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* 7f203bc89eb6 ("cgroup: Replace cgroup->ancestor_ids[] with ->ancestors[]"), 6.1 */
struct cgroup___ids {
  u64 ancestor_ids[1];
};
struct cgroup___pointers {
  struct cgroup* ancestors[1];
};

/* a10787e6d58c ("bpf: Enable task local storage for tracing programs"), 5.12 */
struct task_struct___storage {
  void* bpf_storage;
};

/* 2f064a59a11f ("sched: Change task_struct::state"), 5.14 */
struct task_struct___state {
  unsigned int __state;
};
struct task_struct___wide_state {
  long state;
};

/* Size of a kernel stack, where the kernel's BTF has the union (5.10 does). */
union thread_union {
  unsigned long stack[1];
};

/* Until 6.4 (fb799447ae29), with other kinds. */
struct orc_entry___end {
  s16 sp_offset;
  s16 bp_offset;
  unsigned sp_reg : 4;
  unsigned bp_reg : 4;
  unsigned type : 2;
  unsigned end : 1;
} __attribute__((packed));

/* Since 5.19 a request of io_uring has its result as it will be posted. */
struct io_kiocb___cqe {
  struct io_cqe cqe;
};
struct io_kiocb___result {
  u32 result;
  u64 user_data;
};

/* 6.14: the task of a request is that of its context. */
struct io_kiocb___task {
  struct task_struct* task;
};
struct io_uring_task___owner {
  struct task_struct* task;
};
struct io_kiocb___tctx {
  struct io_uring_task___owner* tctx;
};

/* 7.0: the path of a request is a struct of its own. */
struct delayed_filename {
  struct filename* __incomplete_filename;
};
struct io_open___delayed {
  struct delayed_filename filename;
};
struct io_open___pointer {
  struct filename* filename;
};

#pragma clang attribute pop

/* TASK_INTERRUPTIBLE and so on, of a BTF pointer. */
static __always_inline __u32 task_state(struct task_struct* task) {
  if (bpf_core_field_exists(struct task_struct___state, __state)) return ((struct task_struct___state*)task)->__state;
  return ((struct task_struct___wide_state*)task)->state;
}

/* The id of the ancestor of `cgrp` at `level`, which must not exceed the level of `cgrp`. */
static __always_inline __u64 cgroup_ancestor(struct cgroup* cgrp, __u32 level) {
  __u64 id = 0;

  if (bpf_core_field_exists(struct cgroup___pointers, ancestors)) {
    struct cgroup___pointers* flavor = (void*)cgrp;
    struct cgroup* ancestor = 0;

    bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
                          (void*)__builtin_preserve_access_index(&flavor->ancestors) + level * sizeof(ancestor));
    id = BPF_CORE_READ(ancestor, kn, id);
  } else {
    struct cgroup___ids* flavor = (void*)cgrp;

    bpf_probe_read_kernel(&id, sizeof(id),
                          (void*)__builtin_preserve_access_index(&flavor->ancestor_ids) + level * sizeof(id));
  }
  return id;
}

#endif
