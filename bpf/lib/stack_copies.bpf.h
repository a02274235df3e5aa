/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks of programs that keep no frame pointers. Where a function's caller is, the compiler wrote into the program's
 * file (call frame information), which no BPF program reads: so the registers and a piece of the stack go through the
 * ring, and the reader unwinds them and counts what would have been counted here. If there is no room for that, it is
 * counted here after all, by frame pointers.
 *
 * A tool that counts by stack asks stack_copied() first, and stack_of() if that gives nothing or copy_counted() fails.
 */
#ifndef SONDE_STACK_COPIES_BPF_H
#define SONDE_STACK_COPIES_BPF_H

#include "lib/stack_counts.bpf.h"
#include "lib/syscall.bpf.h"

#define COPY_PIECE 4096 /* the smallest page */
#define UNWOUND_PROGRAMS 4096

struct copied {
  struct stack_copy head;
  COUNT_ROW row;
  char stack[STACK_COPY + COPY_PIECE]; /* the verifier believes that the last piece may be a whole one */
  __u32 unchecked;                     /* see ring_put() */
  __u32 pad;
};

/* Created only if stacks are copied. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, COUNT_USERS);
  __type(key, __u32);
  __type(value, struct copied);
} stack_copies SEC(".maps");

/* Programs for which frame pointers were found wanting, told by the reader; created only if it is asked. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, UNWOUND_PROGRAMS);
  __type(key, __u64);
  __type(value, __u8);
} unwound_programs SEC(".maps");

#if defined(__TARGET_ARCH_x86)
static __always_inline void copy_registers(__u64* to, struct pt_regs* regs) {
  to[0] = LOAD_REG(regs, ip);
  to[1] = LOAD_REG(regs, sp);
  to[2] = LOAD_REG(regs, bp);
  to[3] = LOAD_REG(regs, bx);
  to[4] = LOAD_REG(regs, r12);
  to[5] = LOAD_REG(regs, r13);
  to[6] = LOAD_REG(regs, r14);
  to[7] = LOAD_REG(regs, r15);
}
#elif defined(__TARGET_ARCH_arm64)
static __always_inline void copy_registers(__u64* to, struct pt_regs* regs) {
  to[0] = LOAD_REG(regs, pc);
  to[1] = LOAD_REG(regs, sp);
  to[2] = LOAD_REG(regs, regs[19]);
  to[3] = LOAD_REG(regs, regs[20]);
  to[4] = LOAD_REG(regs, regs[21]);
  to[5] = LOAD_REG(regs, regs[22]);
  to[6] = LOAD_REG(regs, regs[23]);
  to[7] = LOAD_REG(regs, regs[24]);
  to[8] = LOAD_REG(regs, regs[25]);
  to[9] = LOAD_REG(regs, regs[26]);
  to[10] = LOAD_REG(regs, regs[27]);
  to[11] = LOAD_REG(regs, regs[28]);
  to[12] = LOAD_REG(regs, regs[29]);
  to[13] = LOAD_REG(regs, regs[30]);
}
#endif

/* How many bytes. Page by page: no page is fetched here, and a read fails as a whole where one of them is missing. */
static __noinline __u32 copy_stack(struct copied* c, __u64 from) {
  __u64 at = 0;

#pragma clang loop unroll(disable)
  for (int i = 0; i <= STACK_COPY / COPY_PIECE; i++) {
    __u64 size = COPY_PIECE - ((from + at) & (COPY_PIECE - 1));

    if (size > STACK_COPY - at) size = STACK_COPY - at;
    barrier_var(size);
    barrier_var(at); /* 5.10 forgets the bound of what was spilled */
    if (size > COPY_PIECE || at >= STACK_COPY) break;
    if (bpf_probe_read_user(c->stack + at, size, (const void*)(from + at))) break;
    at += size;
  }
  return at;
}

/* A stack below 4 GiB is that of a 32-bit program: frame pointers are the usual thing there. */
static __always_inline bool is_narrow(__u64 stack_pointer) { return !(stack_pointer >> 32); }

static __always_inline bool copies_stacks(void) { return stacks.user && stacks.unwind != UNWIND_NEVER; }

/* Whether the current task's stack is to be copied, if there is one. */
static __always_inline bool is_unwound(struct task_struct* task) {
  __u64 program;

  if (!copies_stacks() || !BPF_CORE_READ(task, mm)) return false;
  if (stacks.unwind == UNWIND_ALWAYS) return true;
  program = program_of(task);
  return bpf_map_lookup_elem(&unwound_programs, &program);
}

/* Copies it, with a row whose value is all zero and the tool's to fill. False where nothing is to be had. */
static __always_inline bool take_copy(void* ctx, struct copied* c, const volatile struct count_by* by,
                                      struct task_struct* task, __u32 pid) {
  copy_registers(c->head.registers, current_regs(task));
  if (is_narrow(c->head.registers[1])) return false;
  c->head.size = copy_stack(c, c->head.registers[1]);
  if (!c->head.size) return false;
  c->head.number = 0;
  c->head.seed = seed_of(by, task, pid);
  c->head.pid = pid;
  c->head.mark = STACK_COPY_MARK;
  c->head.kernel_size = stacks.kernel ? bpf_get_stack(ctx, c->head.kernel, sizeof(c->head.kernel), 0) : 0;
  __builtin_memset(&c->row, 0, sizeof(c->row));
  c->row.key.who = owner_of(by, task, pid);
  return true;
}

/* The copy of the current task's stack; null where nothing is to be unwound or to be had. `user` is below COUNT_USERS.
 */
static __always_inline struct copied* stack_copied(void* ctx, __u32 user, const volatile struct count_by* by,
                                                   struct task_struct* task, __u32 pid) {
  struct copied* c;

  if (!is_unwound(task)) return 0;
  c = bpf_map_lookup_elem(&stack_copies, &user);
  return c && take_copy(ctx, c, by, task, pid) ? c : 0;
}

/* Hands it to the reader, who counts it. `unchecked` is of this CPU. False if there is no room. */
static __always_inline bool put_copy(struct copied* c, __u32* unchecked) {
  __u64 size = c->head.size;

  barrier_var(size);
  if (size > STACK_COPY) size = STACK_COPY;
  size += __builtin_offsetof(struct copied, stack);
  if (ring_put(c, size, unchecked)) return true;
  count_drop(DROP_COPY);
  return false;
}

static __always_inline bool copy_counted(struct copied* c, const volatile struct count_by* by, struct task_struct* task,
                                         struct count_name* name) {
  name_row(by, task, name);
  c->head.time = bpf_ktime_get_ns();
  return put_copy(c, &c->unchecked);
}

#endif
