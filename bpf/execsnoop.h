/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_EXECSNOOP_H
#define SONDE_EXECSNOOP_H

#include "lib/abi.h"

#define EXEC_FILE_MAX 4096    /* with the NUL, as in the kernel */
#define EXEC_ARGV_MAX 102400  /* of a successful exec; more is cut */
#define EXEC_ARGV_INLINE 4096 /* so much goes with the record itself; also all that is shown of a failed exec */
#define EXEC_ARGV_CHUNK 16384 /* a longer argv goes ahead of its record in parts of this size */

enum exec_bits {
  EXEC_PART = 1,         /* no event, but a part of the argv of one that comes on the same CPU with the same time */
  EXEC_ARGV_CUT = 2,     /* there was more, or it could not be read */
  EXEC_ARGV_UNREAD = 4,  /* nothing is known of it */
  EXEC_FILE_CUT = 8,     /* longer than a path can be */
  EXEC_FILE_UNREAD = 16, /* could not be read */
  EXEC_FROM_FD = 32,     /* execveat: a file that does not begin with / starts from `dirfd` */
  EXEC_REWRITTEN = 64,   /* a script or the like: argv begins with the interpreter */
  EXEC_CWD_CUT = 128,
  EXEC_EXE_CUT = 256,
  EXEC_EXE_DELETED = 512,
};

enum exec_wants {
  EXEC_WANT_CGROUP = 1,
  EXEC_WANT_CWD = 2,
  EXEC_WANT_EXE = 4,
};

struct execsnoop_conf {
  __u32 wants;
  __u32 pad;
  struct result_conf result;
};

struct execsnoop_event {
  __u64 time;   /* ns, CLOCK_MONOTONIC, when the new program was in place, or the call ended */
  __u64 cgroup; /* id */
  __u32 pid;
  __u32 tid; /* the thread that called; 0: not known */
  __u32 ppid;
  __u32 uid;
  __s32 result; /* 0 or -errno */
  __s32 dirfd;
  __u32 cpu;
  __u32 argv_ahead; /* bytes of argv that came in parts before this record */
  __u16 file_len;   /* the tail: the file, */
  __u16 argv_len;   /* argv, each string with its NUL, */
  __u16 cwd_len;    /* names of the working directory, leaf first, each with its NUL, */
  __u16 exe_len;    /* and those of the executable */
  __u16 bits;
  __u16 pad[3];
  char comm[COMM_LEN];
  char parent[COMM_LEN];
};
_Static_assert(sizeof(struct execsnoop_event) == 96, "no hidden padding");

#endif
