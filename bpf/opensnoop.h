/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_OPENSNOOP_H
#define SONDE_OPENSNOOP_H

#include "lib/abi.h"

#define OPEN_PATH_MAX 4096 /* with the NUL, as in the kernel */

enum open_bits {
  OPEN_COMPAT = 1,       /* made with the 32-bit ABI */
  OPEN_PATH_CUT = 2,     /* the argument was longer than a path can be */
  OPEN_PATH_UNREAD = 4,  /* the argument could not be read */
  OPEN_FLAGS_UNREAD = 8, /* openat2: its struct could not be read */
  OPEN_CWD_CUT = 16,
  OPEN_CREATES = 32,   /* a file may be created, with `mode` */
  OPEN_IN_ROOT = 64,   /* openat2: the directory was to be taken for the root */
  OPEN_RESOLVED = 128, /* the full path is that of the file that was opened, else that of the directory to start from */
  OPEN_FULL_UNKNOWN = 256, /* ... and neither was to be had */
  OPEN_FULL_CUT = 512,
  OPEN_DETACHED = 1024, /* it does not lead to the root of the caller's file tree */
  OPEN_DELETED = 2048,  /* the file has no name any more, or never had one */
  OPEN_BY_URING = 4096,
  OPEN_FIXED = 8192, /* into a slot of an io_uring, not a descriptor */
};

/* See lib/scratch.bpf.h. From SCRATCH_URING on they are there with --io-uring only. */
enum scratch_user { SCRATCH_CHOSEN, SCRATCH_COMPAT, SCRATCH_SIGNAL, SCRATCH_URING, SCRATCH_POSTED, SCRATCH_USERS };

enum open_wants {
  OPEN_WANT_CGROUP = 1,
  OPEN_WANT_CWD = 2,
  OPEN_WANT_PPID = 4,
  OPEN_WANT_FULL = 8,
};

struct opensnoop_conf {
  __u32 wants;
  __u32 writes; /* only calls that could change something */
  struct result_conf result;
};

struct opensnoop_event {
  __u64 time;    /* ns, CLOCK_MONOTONIC, at the end of the call */
  __u64 latency; /* ns; 0: not known */
  __u64 cgroup;  /* id */
  __u64 flags;   /* as the kernel took them, without O_LARGEFILE, which it adds to nearly every call */
  __u32 pid;
  __u32 tid;
  __u32 ppid;
  __u32 uid;
  __s32 result; /* fd or -errno */
  __s32 dirfd;
  __u16 mode; /* of a file that would be created */
  __u16 path_len;
  __u16 cwd_len; /* names of the working directory, leaf first, each with its NUL, behind the path */
  __u16 bits;
  __u16 full_len; /* names of the full path, leaf first, each with its NUL, behind those */
  __u16 pad[3];
  char comm[COMM_LEN];
};
_Static_assert(sizeof(struct opensnoop_event) == 88, "no hidden padding");

#endif
