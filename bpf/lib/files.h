/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a descriptor stands for: both sides agree on it. */
#ifndef SONDE_FILES_H
#define SONDE_FILES_H

#include "lib/abi.h"

/* Or, of what the kernel has without a file system (an eventfd), up to 7 bytes of its name: a larger number. */
enum file_kind {
  FILE_NONE, /* no descriptor, or one that is not open */
  FILE_REGULAR,
  FILE_DIRECTORY,
  FILE_PIPE,
  FILE_SOCKET,
  FILE_TTY,
  FILE_CHARACTER, /* another such device */
  FILE_BLOCK,
  FILE_LINK, /* itself, by O_PATH */
  FILE_PIDFD,
  FILE_OTHER,
  FILE_KINDS,
};

/* Names of a path, leaf first, each with its NUL, so far as they fit. */
#define FILE_NAMES 240

/* How they end. */
#define FILE_NAMES_CUT 1      /* the upper end is missing */
#define FILE_NAMES_DETACHED 2 /* it is in no file tree: a pipe, a memfd */
#define FILE_NAMES_DELETED 4

struct file_path {
  __u32 known; /* 1: this is filled in */
  __u16 bits;
  __u16 length;
  __u64 kind;
  char names[FILE_NAMES];
};
_Static_assert(sizeof(struct file_path) == 256, "no hidden padding");

#endif
