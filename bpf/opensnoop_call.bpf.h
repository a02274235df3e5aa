/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The four calls that open, by their numbers and arguments, native and 32-bit. */
#ifndef SONDE_OPENSNOOP_CALL_BPF_H
#define SONDE_OPENSNOOP_CALL_BPF_H

#include "opensnoop.h"

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/syscall.bpf.h"

#if defined(__TARGET_ARCH_x86)
#define NR_OPEN 2
#define NR_CREAT 85
#define NR_OPENAT 257
#define O_LARGEFILE 0x8000
#define O_DIRECTORY 0x10000
#define O_NOFOLLOW 0x20000
#define NR32_OPENAT 295
#elif defined(__TARGET_ARCH_arm64)
#define NR_OPEN 0xffffff /* the architecture has openat only */
#define NR_CREAT 0xfffffe
#define NR_OPENAT 56
#define O_LARGEFILE 0x20000
#define O_DIRECTORY 0x4000
#define O_NOFOLLOW 0x8000
#define NR32_OPENAT 322
#endif
#define NR_OPENAT2 437
#define NR32_OPEN 5
#define NR32_CREAT 8
#define NR32_OPENAT2 437

#define O_ACCMODE 3
#define O_WRONLY 1
#define O_CREAT 0x40
#define O_TRUNC 0x200
#define O_CLOEXEC 0x80000
#define O_PATH 0x200000
#define O_TMPFILE_BIT 0x400000
#define O_CREATES (O_CREAT | O_TMPFILE_BIT)
#define O_WRITES (O_CREAT | O_TRUNC | O_TMPFILE_BIT)
#define OPEN_VALID_FLAGS 0x7fffc3 /* the rest is ignored by all but openat2, which refuses it */
#define OPEN_PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)
#define MODE_BITS 07777
#define AT_FDCWD -100
#define RESOLVE_IN_ROOT 0x10

struct open_call {
  const char* path;
  __u64 flags;
  int dirfd;
  int result;
  __u16 mode;
  __u16 bits;
};

static __always_inline bool is_open(__u32 nr, bool compat) {
  if (compat) return nr == NR32_OPENAT || nr == NR32_OPEN || nr == NR32_OPENAT2 || nr == NR32_CREAT;
  return nr == NR_OPENAT || nr == NR_OPEN || nr == NR_OPENAT2 || nr == NR_CREAT;
}

/* What open(2) and openat(2) make of their arguments before they look at them (build_open_how). */
static __always_inline void take_flags(struct open_call* call, __u32 flags, __u32 mode) {
  call->flags = flags & OPEN_VALID_FLAGS;
  if (call->flags & O_PATH) call->flags &= OPEN_PATH_FLAGS;
  if (call->flags & O_CREATES) call->mode = mode & MODE_BITS;
}

static __always_inline void take_how(struct open_call* call, const void* user_how, __u64 size) {
  struct open_how how = {};

  if (size > sizeof(how)) size = sizeof(how);
  if (size < sizeof(how) || bpf_probe_read_user(&how, sizeof(how), user_how)) call->bits |= OPEN_FLAGS_UNREAD;
  call->flags = how.flags;
  call->mode = how.mode & MODE_BITS;
  if (how.resolve & RESOLVE_IN_ROOT) call->bits |= OPEN_IN_ROOT;
}

/* False if it is not an open. */
static __always_inline bool take_call(struct open_call* call, const struct syscall* in) {
  __u32 nr = in->nr;
  int path = 1;

  call->dirfd = in->args[0];
  if (nr == (in->compat ? NR32_OPENAT : NR_OPENAT)) {
    take_flags(call, in->args[2], in->args[3]);
  } else if (nr == (in->compat ? NR32_OPENAT2 : NR_OPENAT2)) {
    take_how(call, (void*)in->args[2], in->args[3]);
  } else {
    path = 0;
    call->dirfd = AT_FDCWD;
    if (nr == (in->compat ? NR32_OPEN : NR_OPEN))
      take_flags(call, in->args[1], in->args[2]);
    else if (nr == (in->compat ? NR32_CREAT : NR_CREAT))
      take_flags(call, O_CREAT | O_WRONLY | O_TRUNC, in->args[1]);
    else
      return false;
  }
  call->path = (const char*)in->args[path];
  if (in->compat) call->bits |= OPEN_COMPAT;
  return true;
}

#endif
