/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a walk up the kernel's stack keeps, see lib/kernel_walk.bpf.h. */
#ifndef SONDE_KERNEL_WALK_H
#define SONDE_KERNEL_WALK_H

#include "lib/abi.h"

#define WALK_WORDS 96 /* of the stack, read at once; the few beyond are read one by one */
#define WALK_STEPS 512

/* By what a frame is found: the own stack pointer or the frame pointer, or nothing that is known. */
enum walk_by { WALK_BY_STACK, WALK_BY_POINTER, WALK_NOWHERE };

/* How the caller's frame is found from a frame that has this return address above it. */
struct walk_step {
  __u64 address;
  __s32 frame;   /* the caller's stack pointer, from that, bytes */
  __s16 pointer; /* where the frame pointer is kept, from the caller's stack pointer, bytes; 0: nowhere */
  __u16 by;      /* enum walk_by */
};

/* Of one program on one CPU. */
struct walker {
  __u64 words[WALK_WORDS];
  __u64 bottom, top; /* of the stack, from what the program was given up to the user's registers */
  __u64 copied;      /* of it into `words`, bytes */
  /* Where a walk is: kept here, as the verifier follows each value that is kept in a register. */
  __u64 at, pointer, address, number, place;
  __u64 first;      /* return address of the first frame that is no probe's */
  __u64 inner;      /* of the frame below it, which keeps the frame pointer that it began with */
  __u64 unknown;    /* return address that a walk did not get beyond; 0: none */
  __u32 first_word; /* where `first` stands; 0: not known yet */
  __u32 below;      /* frames of probes that the kernel's walk has below it */
  __u32 agreed;     /* times in a row, up to some */
  __u32 walks;      /* begun, and come to the end */
  __u32 known;
  __u32 pad;
  struct walk_step steps[WALK_STEPS];
};

#endif
