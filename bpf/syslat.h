/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_SYSLAT_H
#define SONDE_SYSLAT_H

#include "lib/counts.h"
#include "lib/files.h"

/* What the second word of a key is, and what more the first can be. */
enum syslat_what {
  SYSLAT_CALL = 1, /* the call, and COMPAT_CALL */
  SYSLAT_KIND,     /* the same; the first word is enum file_kind */
  SYSLAT_FILE,     /* the same if the first word is 0; else that is an inode, this its device and the call, packed */
};
#define SYSLAT_PACKED_COMPAT (1ULL << 16)
#define SYSLAT_PACKED_DEVICE 32

/* What is noted of a call's file as it begins; each includes what is above it. */
enum syslat_notes {
  SYSLAT_NO_FILE,
  SYSLAT_NOTE_FILE, /* which it is, so that its path can be read at the end, if it is still there */
  SYSLAT_NOTE_KIND,
  SYSLAT_NOTE_INODE,
};

struct syslat_conf {
  struct count_by by;
  __u32 sizes;  /* bytes are counted */
  __u32 notes;  /* enum syslat_notes */
  __u64 slower; /* --slower, ns */
  struct result_conf result;
  struct syscalls_conf calls;
  struct syscalls_conf with_fd;   /* those whose first argument is a descriptor */
  struct syscalls_conf with_size; /* those that return how many bytes there were */
  __u64 ends[SYSCALL_WORDS];      /* numbers at whose exit a wanted call may end, of either table */
};

/* Calls that have not ended when an interval does. */
struct syslat_running {
  __u64 interval; /* which, from 1 */
  __u64 number;
  __u64 longest; /* ns */
};

struct syslat_value {
  __u64 failed;
  struct count_sums times; /* of those that ended */
  struct count_sums sizes;
  struct syslat_running running;
  struct count_name name;
};

struct syslat_row {
  struct count_key key;
  struct syslat_value value;
};
_Static_assert(sizeof(struct syslat_row) == 200, "no hidden padding");

#define SYSLAT_RUNNING 1    /* it has not ended */
#define SYSLAT_HAS_FD 2     /* `fd` is one */
#define SYSLAT_FILE_KNOWN 4 /* the names are those of its file */
#define SYSLAT_HAS_SIZE 8   /* the result is a number of bytes */

/* --slower: the names of the path (lib/files.h) come behind it. */
struct syslat_event {
  __u64 time;    /* ns, CLOCK_MONOTONIC: when it ended */
  __u64 latency; /* ns */
  __u64 call;    /* and COMPAT_CALL */
  __s64 result;
  __u64 cgroup;
  __u64 kind;
  __u64 inode;
  __u64 args[4];
  char comm[COMM_LEN];
  __u32 pid;
  __u32 tid;
  __u32 uid;
  __s32 fd;
  __s32 error; /* negative, 0: none */
  __u16 bits;
  __u16 path_bits;
  __u32 path_len;
  __u32 pad;
};
_Static_assert(sizeof(struct syslat_event) == 136, "no hidden padding");

#endif
