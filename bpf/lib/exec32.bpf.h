/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts the 32-bit programs started inside the window, so that "32-bit calls are not seen" is a note about facts. */
#ifndef SONDE_EXEC32_BPF_H
#define SONDE_EXEC32_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/filter.bpf.h"

#define EI_CLASS 4
#define ELFCLASS32 1
#define E_MACHINE 18
#define EM_X86_64 62 /* with ELFCLASS32: x32, whose calls are 64-bit ones */

/* raw_tp, as all that is attached beside a rung: tp_btf would make libbpf read all of the kernel's types at start. */
SEC("raw_tp/sched_process_exec")
int BPF_PROG(exec32, void* exec_task, int old_pid, struct linux_binprm* program) {
  struct task_struct* task = current_task();
  char head[E_MACHINE + 1];

  if (!window_open()) return 0;
  bpf_probe_read_kernel(head, sizeof(head), __builtin_preserve_access_index(&program->buf));
  if (head[EI_CLASS] == ELFCLASS32 && head[E_MACHINE] != EM_X86_64 && wanted(task, task_pid(task, &filter)))
    __sync_fetch_and_add(&run.execs32, 1);
  return 0;
}

#endif
