/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every tool's BPF object and its user-space side agree on. Included by both. */
#ifndef SONDE_BPF_ABI_H
#define SONDE_BPF_ABI_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#ifdef __cplusplus
#define _Static_assert static_assert
#endif

#define COMM_LEN 16

/* Why an event that passed the filter did not reach the reader. */
enum drop_kind {
  DROP_RING_FULL,   /* the reader was too slow */
  DROP_STATE_FULL,  /* no room to remember the start of a call */
  DROP_FOLLOW_FULL, /* no room to remember a followed process: its events are missing too */
  DROP_NO_ARGS,     /* the registers of the call were not where they should be */
  DROP_NO_RETURN,   /* a kretprobe missed the return */
  DROP_PART,        /* no room for a part of a record: the row is shown, marked as cut */
  DROP_COUNT_FULL,  /* no room for another row of counts */
  DROP_CALL_FULL,   /* no room to remember what a call was about */
  DROP_SHELL,       /* no room to tell of a shell that was started */
  DROP_WAKER_FULL,  /* no room to remember who woke a thread */
  DROP_LEFT_FULL,   /* no room to remember how a thread left its CPU: of its wait the last part is known */
  DROP_WAIT_UNTOLD, /* the kernel does not tell how long a wait was */
  DROP_UNSEEN,      /* a switch that the system did not show: it hides the task that left */
  DROP_THREAD_FULL, /* no room to remember when a thread left its CPU: its absence is not counted */
  DROP_COPY,        /* no room for the copy of a stack: what it is of counts with its stack by frame pointers */
  DROP_MISTAKEN,    /* a kernel stack was counted as another one: at a check, see lib/kernel_walk.bpf.h */
  DROP_HELD,        /* no room to keep one until it is known whether it counts: the same */
  DROP_KINDS,
};

/*
 * Shared through .bss. `running` opens and closes the window: what a program sees outside it did not happen.
 * `asleep` is the reader's: the producer that finds it set clears it and wakes the reader.
 */
struct run_state {
  __u32 running;
  __u32 asleep;
  __u32 crossed;  /* a record crossed a quarter of the ring and the reader was woken for it */
  __u32 interval; /* of a tool that counts: the one that goes on, from 0 */
  __u64 execs32;  /* 32-bit programs started inside the window */
  __u64 asked;    /* ns, CLOCK_MONOTONIC: when the reader asks what is still running */
  __u32 apart[2]; /* the reader's own processes that look up names, see lib_conf: this one and the one before it */
  __u64 pad1[4];  /* the drops get a cache line of their own */
  __u64 drops[DROP_KINDS];
};

/* Rows of counts are handed out so many at a time, see counts.bpf.h. */
#define COUNT_CHUNK 64

/* Lengths of time in ns, 8 to an octave: no value is further than 12.5 % from its bucket's ends. Up to 2^42, 73 min. */
#define BUCKETS 320

/* Or steps of one length, at most BUCKETS - 2 of them, in one of the distributions that a row has. */
struct linear_conf {
  __u64 min;
  __u64 max;
  __u64 step;
  __u32 steps; /* 0: not asked for */
  __u32 of;    /* which distribution */
};

/* Glob, see src/core/glob.h. */
struct glob_conf {
  __u64 accepts[256];
  __u64 loops;
  __u32 tokens;
  __u32 used;
  __u32 negated;
  __u32 pad;
};

/* Which results of a call are wanted, see bpf/lib/result.bpf.h. */
#define ERRNO_WORDS 64

struct result_conf {
  __u32 failed; /* only failed calls */
  __u32 errnos; /* `errno_set` is used */
  __u32 errnos_negated;
  __u32 pad;
  __u64 errno_set[ERRNO_WORDS]; /* bit by errno */
};

enum follow_mode {
  FOLLOW_NONE,
  FOLLOW_ALSO, /* followed processes are wanted whatever else is asked */
  FOLLOW_ONLY, /* of the followed processes, those that pass the rest */
};

enum filter_list {
  FILTER_PID,
  FILTER_TID,
  FILTER_UID,
  FILTER_PPID,
  FILTER_LISTS,
};

struct filter_list_conf {
  __u32 used;
  __u32 negated;
  __u32 single; /* exactly one item: `item`; else the items are in the map filter_ids */
  __u32 item;
};

struct filter_id {
  __u32 list;
  __u32 id;
};

/* Which tasks are wanted. All zero: everybody but the reader itself. */
struct filter_conf {
  __u32 pidns;  /* inode of the reader's PID namespace; 0: the initial one */
  __u32 self;   /* the reader's PID there */
  __u32 any;    /* some condition below is used */
  __u32 follow; /* enum follow_mode */
  struct filter_list_conf lists[FILTER_LISTS];
  __u64 cgroup;       /* id; 0: any */
  __s32 cgroup_level; /* below the root of the hierarchy; -1: not known */
  __u32 cgroup_negated;
  struct glob_conf comm;
};

/* Choices of the library that hold for a whole run. */
struct lib_conf {
  __u32 wake_check;      /* bytes a CPU puts into the ring before it looks how full the ring is */
  __u32 quarter;         /* of the ring, bytes */
  __u32 remembers_calls; /* entries are watched, see calls.bpf.h */
  __u32 task_storage;    /* calls are remembered in task storage, else in a hash */
  __u32 blind_to_compat; /* the rung does not see 32-bit calls: nor should what is attached beside it */
  __u32 misses_returns;  /* ends come by a kretprobe: those that did not are counted */
  __u32 apart;           /* the reader has processes beside itself, which are no more to be seen than itself */
};

/* How the callers of a program's functions are found, see stack_copies.bpf.h. */
enum stack_unwind {
  UNWIND_NEVER,        /* by frame pointers, in the kernel */
  UNWIND_WHERE_NEEDED, /* of programs for which those were found wanting, by the reader from a copy of the stack */
  UNWIND_ALWAYS,       /* of all */
};

/* Where an x86-64 kernel has the tables by which it walks up its stacks; `count` entries, 0: not known. */
struct orc_tables {
  __u64 instructions, entries; /* addresses: of what entries are for, as distances (__s32) from themselves */
  __u64 function;              /* where some function begins */
  __u64 count;
};

/* Which stacks go behind each record, see stack.bpf.h. */
struct stack_conf {
  __u32 kernel;
  __u32 user;
  __u32 unwind; /* enum stack_unwind; only where stacks are counted */
};

#define STACK_MARK 0x6b636174 /* tells records with stacks from those without */
#define STACK_UNKNOWN (-1000) /* in place of a size: there is a stack, which could not be taken */
#define STACK_FRAMES 127      /* as deep as the kernel goes by default */

#define STACK_COPY 16384 /* bytes of a program's stack that are copied at most */
#define STACK_COPY_MARK 0x79706f63
#define STACK_REGISTERS 16

/*
 * A piece of a program's stack, from its stack pointer upwards, for the reader to unwind. Behind this the record has
 * the row that is to be counted (COUNT_ROW, with `what` of its key still to be filled), and then `size` bytes.
 */
struct stack_copy {
  __u64 number; /* 0, which tells it from a stack that is counted by its number */
  __u64 seed;   /* whose it is: what the number of its stack is made from, beside all addresses */
  __u64 time;   /* ns, CLOCK_MONOTONIC */
  __u32 pid;
  __u32 mark;        /* STACK_COPY_MARK */
  __s32 kernel_size; /* bytes of `kernel`, or -errno */
  __u32 size;
  __u64 registers[STACK_REGISTERS]; /* x86-64: ip sp bp bx r12-r15; arm64: pc sp x19-x30 */
  __u64 kernel[STACK_FRAMES];
};
_Static_assert(sizeof(struct stack_copy) == 40 + 8 * (STACK_REGISTERS + STACK_FRAMES), "no hidden padding");

/* Where stacks are wanted, a record ends with this, behind the frames of the kernel and then of the program. */
struct stack_tail {
  __u64 time; /* ns, CLOCK_MONOTONIC: what was mapped then counts */
  __u32 pid;
  __u32 mark;        /* STACK_MARK */
  __s32 kernel_size; /* bytes, or -errno */
  __s32 user_size;
};
_Static_assert(sizeof(struct stack_tail) == 24, "no hidden padding");

#endif
