/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A system call seen at its exit: the registers still hold the original arguments (every kernel from 5.10 on; not for
 * execve and rt_sigreturn), so that no entry program and no map are needed, and user memory that was not resident at
 * entry has been faulted in by the call itself.
 */
#ifndef SONDE_SYSCALL_BPF_H
#define SONDE_SYSCALL_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "flavors.h"
#include "lib/task.bpf.h"

#define KERNEL_STACK_SIZE 16384 /* x86-64 and arm64 with 4 KiB pages; where BTF says, it is asked */

#if defined(__TARGET_ARCH_x86)
#define X32_SYSCALL_BIT 0x40000000
#define TS_COMPAT 2
#elif defined(__TARGET_ARCH_arm64)
#define TIF_32BIT 22
#endif

/* As LOAD, for registers: the BTF pointer to those of the current task is of 5.15 (dd6e10fbd9fb). */
#define HAS_PT_REGS bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)
#define LOAD_REG(regs, reg) (HAS_PT_REGS ? (regs)->reg : BPF_CORE_READ(regs, reg))

struct syscall {
  __u32 nr;
  __u32 compat; /* a 32-bit call: numbers come from the other table */
  __u64 args[4];
};

/* True inside a system call that was made with the 32-bit ABI, int $0x80 from a 64-bit program included. */
static __always_inline bool compat_call(struct task_struct* task) {
#if defined(__TARGET_ARCH_x86)
  return LOAD(task, thread_info.status) & TS_COMPAT;
#elif defined(__TARGET_ARCH_arm64)
  return LOAD(task, thread_info.flags) >> TIF_32BIT & 1;
#endif
}

/* The user registers of the current task, from a program that is not given them. */
static __always_inline struct pt_regs* current_regs(struct task_struct* task) {
  __u64 size = KERNEL_STACK_SIZE;

  if (HAS_PT_REGS) return (struct pt_regs*)bpf_task_pt_regs(task);
  if (bpf_core_type_exists(union thread_union)) size = bpf_core_type_size(union thread_union);
  return (void*)BPF_CORE_READ(task, stack) + size - bpf_core_type_size(struct pt_regs);
}

static __always_inline __u32 syscall_number(struct pt_regs* regs) {
#if defined(__TARGET_ARCH_x86)
  return (__u32)LOAD_REG(regs, orig_ax) & ~X32_SYSCALL_BIT;
#elif defined(__TARGET_ARCH_arm64)
  return LOAD_REG(regs, syscallno);
#endif
}

/* What the call returned, or will once its signals are looked at. */
static __always_inline long syscall_result(struct pt_regs* regs) {
#if defined(__TARGET_ARCH_x86)
  return LOAD_REG(regs, ax);
#elif defined(__TARGET_ARCH_arm64)
  return LOAD_REG(regs, regs[0]);
#endif
}

/* The first four arguments; `compat` must be set. */
static __always_inline void syscall_args(struct syscall* call, struct pt_regs* regs) {
#if defined(__TARGET_ARCH_x86)
  if (call->compat) {
    call->args[0] = (__u32)LOAD_REG(regs, bx);
    call->args[1] = (__u32)LOAD_REG(regs, cx);
    call->args[2] = (__u32)LOAD_REG(regs, dx);
    call->args[3] = (__u32)LOAD_REG(regs, si);
  } else {
    call->args[0] = LOAD_REG(regs, di);
    call->args[1] = LOAD_REG(regs, si);
    call->args[2] = LOAD_REG(regs, dx);
    call->args[3] = LOAD_REG(regs, r10);
  }
#elif defined(__TARGET_ARCH_arm64)
  call->args[0] = LOAD_REG(regs, orig_x0);
  call->args[1] = LOAD_REG(regs, regs[1]);
  call->args[2] = LOAD_REG(regs, regs[2]);
  call->args[3] = LOAD_REG(regs, regs[3]);
#endif
}

#endif
