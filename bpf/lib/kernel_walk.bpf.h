/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The number of a kernel stack, by a walk of our own. The kernel's costs 1.2 us for a thread that waits for a pipe: it
 * begins far below, among the functions that ran this program, and searches its tables for each frame. Which frame a
 * return address has never changes, so here each is searched for once (in the same tables, see
 * arch/x86/kernel/unwind_orc.c and arch/x86/include/asm/orc_types.h), and only from the probe upwards.
 *
 * Only the number is made here. Its addresses are the kernel's walk, taken when a row is made; until this walk has
 * agreed with it several times, and from then on once in a while, both are made and compared. What this one does not
 * know (frames of modules, of interrupts, of trampolines) the kernel walks alone.
 *
 * For programs at tracepoints in the context of a task. arm64 walks by frame pointers, which is cheap.
 */
#ifndef SONDE_KERNEL_WALK_BPF_H
#define SONDE_KERNEL_WALK_BPF_H

#include "lib/kernel_walk.h"
#include "lib/stack_counts.bpf.h"
#include "lib/syscall.bpf.h"

/* The tables, told by the reader when he has found them. */
struct orc_tables orc = {};

/* The frame pointer, of a frame that is found by it; and where nothing is found by anything. Others were renumbered
 * between 6.18 and 7.2. */
#define ORC_REG_UNDEFINED 0
#define ORC_REG_BP 4
#define ORC_SEARCH 24 /* halvings: for 16 million entries, of which there are 500,000 */

#define WALK_FRAMES 40
#define WALK_PROBE_WORDS 24 /* at most, from what the program was given up to the first frame */
#define WALK_PROBE_FRAMES 8 /* frames below that one */
#define WALK_AGREED 16      /* times, before the walk is believed */

/* From then on each so many-th is compared all the same: a power of two, less 1. */
const volatile __u32 walk_unchecked = 255;

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, STACK_USERS);
  __type(key, __u32);
  __type(value, struct walker);
} walkers SEC(".maps");

/* Without stacks of the kernel there is none, nor where it has no such tables: before 6.8 kernels look at global
 * functions that nobody calls, too, and these ask for what is not there then. */
static __always_inline struct walker* walker_of(__u32 user) {
  if (!stacks.kernel || !bpf_core_type_exists(struct orc_entry)) return 0;
  return bpf_map_lookup_elem(&walkers, &user);
}

/* What is on the current task's stack above `ctx`; false if that is not on it. */
static __always_inline bool read_stack(struct walker* w, struct task_struct* task, void* ctx) {
  __u64 bottom, top, size;

  /* What comes from memory is no pointer any more to the verifier. */
  *(void* volatile*)&w->bottom = ctx;
  *(void* volatile*)&w->top = current_regs(task);
  bottom = *(volatile __u64*)&w->bottom;
  top = *(volatile __u64*)&w->top;
  if (bottom < (__u64)LOAD(task, stack) || bottom >= top) return false;
  size = top - bottom;
  if (size > sizeof(w->words)) size = sizeof(w->words);
  w->copied = size;
  barrier_var(size);
  if (size > sizeof(w->words)) return false;
  return !bpf_probe_read_kernel(w->words, size, (const void*)bottom);
}

static __always_inline __u64 word_at(volatile struct walker* w, __u64 at) {
  __u64 place = at - w->bottom, word = 0;

  if (place < w->copied) {
    w->place = place / 8;
    place = w->place;
    return place < WALK_WORDS ? w->words[place] : 0;
  }
  if (at < w->top) bpf_probe_read_kernel(&word, sizeof(word), (const void*)at);
  return word;
}

/* The entry of the tables for the instruction before `address`; 0: none. Without a branch: the verifier would follow
 * each way down. */
static __always_inline __u64 orc_entry_of(__u64 address) {
  __u64 low = 0, high = orc.count;

#pragma clang loop unroll(disable)
  for (int i = 0; i < ORC_SEARCH; i++) {
    __u64 middle = (low + high) / 2, at = orc.instructions + middle * sizeof(__s32), before;
    __s32 offset;

    if (bpf_probe_read_kernel(&offset, sizeof(offset), (const void*)at)) return 0;
    before = (__s64)(at + (__s64)offset - address) >> 63; /* all ones if it is, both are in the last 2 GiB */
    barrier_var(before);
    low += (middle - low) & before;
    high -= (high - middle) & ~before;
  }
  /* The last one stands for all that is behind the kernel's code. */
  if (low + 1 >= orc.count) return 0;
  return orc.entries + low * bpf_core_type_size(struct orc_entry);
}

static __always_inline bool is_call(const struct orc_entry* entry) {
  __u32 type = BPF_CORE_READ_BITFIELD_PROBED(entry, type);

  /* Before 6.4 (fb799447ae29) kinds were numbered otherwise, and there was a bit for where stacks end. */
  if (!bpf_core_field_exists(struct orc_entry___end, end)) return type == 2;
  return !type && !BPF_CORE_READ_BITFIELD_PROBED((const struct orc_entry___end*)entry, end);
}

static __always_inline __u32 place_of(__u64 address) { return address * 0x9E3779B97F4A7C15ULL >> 55; }

/* By what a frame is found that is found by the stack pointer: that is so where a function begins. */
static __always_inline __u32 orc_reg_sp(void) {
  const struct orc_entry* entry = (const void*)orc_entry_of(orc.function + 1);

  return entry ? BPF_CORE_READ_BITFIELD_PROBED(entry, sp_reg) : 0;
}

/* By what the frame pointer is found that was kept on the stack: from the caller's stack pointer. */
static __always_inline __u32 orc_reg_prev_sp(__u32 sp) { return sp == 5 ? 1 : sp == 3 ? 8 : ~0U; }

/* What the tables say of `address`; `by` stays WALK_NOWHERE where they have nothing that is understood here. */
static __always_inline void look_up_step(struct walk_step* step, __u64 address) {
  const struct orc_entry* entry = (const void*)orc_entry_of(address);
  __u32 frame, pointer, sp, prev_sp;

  if (!entry || !is_call(entry)) return;
  frame = BPF_CORE_READ_BITFIELD_PROBED(entry, sp_reg);
  pointer = BPF_CORE_READ_BITFIELD_PROBED(entry, bp_reg);
  sp = orc_reg_sp();
  prev_sp = orc_reg_prev_sp(sp);
  if ((frame != sp && frame != ORC_REG_BP) || (pointer != ORC_REG_UNDEFINED && pointer != prev_sp)) return;
  step->frame = BPF_CORE_READ(entry, sp_offset);
  step->pointer = pointer == prev_sp ? BPF_CORE_READ(entry, bp_offset) : 0;
  step->by = frame == ORC_REG_BP ? WALK_BY_POINTER : WALK_BY_STACK;
}

/* What a walk did not know is looked up, once. */
__noinline int learn_step(__u32 user) {
  struct walker* w = walker_of(user);
  struct walk_step* step;
  __u64 address;

  if (!w) return 0;
  address = w->unknown;
  w->unknown = 0;
  step = &w->steps[place_of(address) & (WALK_STEPS - 1)];
  if (step->address) step = &w->steps[(place_of(address) ^ 1) & (WALK_STEPS - 1)];
  step->frame = 0;
  step->pointer = 0;
  step->by = WALK_NOWHERE;
  step->address = address;
  look_up_step(step, address);
  return 0;
}

static __always_inline struct walk_step* step_of(struct walker* w, __u64 address) {
  struct walk_step* step = &w->steps[place_of(address) & (WALK_STEPS - 1)];

  if (step->address == address) return step;
  step = &w->steps[(place_of(address) ^ 1) & (WALK_STEPS - 1)];
  return step->address == address ? step : 0;
}

/* From the first frame to the user's registers; 0 if there is something on the way that is not known. */
__noinline __u64 walk(__u32 user) {
  volatile struct walker* w = walker_of(user);
  const struct walk_step* step;

  if (!w) return 0;
  w->at = w->bottom + w->first_word * 8;
  w->number = 0;
  w->address = word_at(w, w->at);
  if (!w->first_word) return 0;
  if (w->address != w->first) { /* another way to the probe: somebody came or went who is at it too */
    w->first_word = 0;
    w->agreed = 0;
    return 0;
  }
  step = step_of((struct walker*)w, w->inner);
  if (!step) w->unknown = w->inner;
  w->pointer = step && step->pointer ? w->at + 8 + step->pointer : 0;
#pragma clang loop unroll(disable)
  for (int i = 0; i < WALK_FRAMES; i++) {
    __u64 at = w->at + 8;

    w->number = mix(w->number, w->address);
    if (at == w->top) return w->number | 1;
    step = step_of((struct walker*)w, w->address);
    if (!step) {
      w->unknown = w->address;
      return 0;
    }
    if (step->by == WALK_NOWHERE) return 0;
    if (step->by == WALK_BY_POINTER) {
      if (!w->pointer) return 0;
      at = word_at(w, w->pointer);
    }
    at += step->frame;
    if (step->pointer) w->pointer = at + step->pointer;
    w->at = at - 8;
    w->address = word_at(w, w->at);
    if (!w->address) return 0;
  }
  return 0;
}

/* The kernel's walk, from the same frame on. */
static __always_inline __u64 known_number(struct stack_here* here, __u32 user, __u32 below) {
  __u32 frames = frames_of(here->tail.kernel_size) / 8;

  return mix_frames(user, below, frames > below ? frames - below : 0, 0) | 1;
}

/* Finds the first frame that is no probe's: the lowest one that stands above what the program was given. Where another
 * number is found there by chance, the walk from it will not agree with the kernel's. */
__noinline int find_first(__u32 user) {
  volatile struct walker* w = walker_of(user);
  const struct stacked* s = bpf_map_lookup_elem(&stacked, &user);
  const __u64* frames;

  if (!w || !s) return 0;
  frames = (const void*)(s->bytes + STACKED_RECORD);
  w->first_word = 0;
#pragma clang loop unroll(disable)
  for (__u32 i = WALK_PROBE_WORDS - 1; i > 0; i--) {
    __u64 word = w->words[i];

    if (!word) continue;
#pragma clang loop unroll(disable)
    for (__u32 j = 1; j < WALK_PROBE_FRAMES; j++) {
      if (word != frames[j]) continue;
      w->first_word = i;
      w->first = word;
      w->inner = frames[j - 1];
      w->below = j;
    }
  }
  return 0;
}

/* Takes the kernel's part, or finds its number without. */
static __always_inline __u64 kernel_part(void* ctx, __u32 user, struct task_struct* task, struct stack_here* here) {
  struct walker* w = orc.count ? walker_of(user) : 0;
  __u64 number = 0, known;

  if (w && read_stack(w, task, ctx)) {
    number = walk(user);
    w->walks++;
    if (number) w->known++;
    if (w->unknown) learn_step(user);
  }
  if (number && w->agreed >= WALK_AGREED && w->known & walk_unchecked) {
    here->untold = ctx;
    return number;
  }
  take_kernel_part(ctx, here);
  if (!w) return known_number(here, user, 0);
  known = known_number(here, user, *(volatile __u32*)&w->below);
  if (number == known) {
    if (w->agreed < WALK_AGREED) w->agreed++;
  } else if (number) {
    if (w->agreed >= WALK_AGREED) count_drop(DROP_MISTAKEN);
    w->agreed = 0;
    w->first_word = 0;
  }
  if (!number && (!w->first_word || w->agreed < WALK_AGREED)) find_first(user);
  return known;
}

/* As stack_of(), of a program at such a tracepoint. */
static __always_inline bool stack_of_caller(void* ctx, __u32 user, const volatile struct count_by* by,
                                            struct task_struct* task, __u32 pid, struct stack_here* here,
                                            struct count_key* key) {
  __u64 kernel = 0;

  if (!begin_stacks(user, pid, here)) return false;
  if (stacks.kernel) kernel = kernel_part(ctx, user, task, here);
  take_user_part(ctx, here);
  number_stacks(by, task, pid, kernel, user, here, key);
  return true;
}

#endif
