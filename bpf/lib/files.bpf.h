/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the descriptor of a call stands for. For path.bpf.h the tool defines SCRATCH_EVENT and SCRATCH_USERS. */
#ifndef SONDE_FILES_BPF_H
#define SONDE_FILES_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/files.h"
#include "lib/path.bpf.h"

#define S_IFMT 0170000
#define S_IFIFO 0010000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define S_IFREG 0100000
#define S_IFLNK 0120000
#define S_IFSOCK 0140000
#define ANON_INODE_MAGIC 0x09041934
#define PIDFD_MAGIC 0x50494446
#define TTY_MAJOR 4
#define TTYAUX_MAJOR 5
#define PTY_MAJOR 136 /* and the 7 behind it */

/* The first bytes of its name, in the place of a kind. */
static __always_inline __u64 nameless_kind(struct file* file) {
  const unsigned char* name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
  __u64 word = 0;

  if (bpf_probe_read_kernel_str(&word, sizeof(word), name) < 0 || word < FILE_KINDS) return FILE_OTHER;
  return word;
}

static __always_inline __u64 device_kind(struct inode* inode) {
  __u32 major = BPF_CORE_READ(inode, i_rdev) >> 20;

  if (major == TTY_MAJOR || major == TTYAUX_MAJOR || (major >= PTY_MAJOR && major < PTY_MAJOR + 8)) return FILE_TTY;
  return FILE_CHARACTER;
}

/* Since 6.16 an inode without a file system says of itself that it is a regular file (cfd86ef7e8e7). */
static __always_inline __u64 file_kind(struct file* file, struct inode* inode) {
  __u16 type = BPF_CORE_READ(inode, i_mode) & S_IFMT;
  unsigned long magic;

  if (type == S_IFIFO) return FILE_PIPE;
  if (type == S_IFSOCK) return FILE_SOCKET;
  if (type == S_IFDIR) return FILE_DIRECTORY;
  if (type == S_IFCHR) return device_kind(inode);
  if (type == S_IFBLK) return FILE_BLOCK;
  if (type == S_IFLNK) return FILE_LINK;
  magic = BPF_CORE_READ(inode, i_sb, s_magic);
  if (magic == ANON_INODE_MAGIC) return nameless_kind(file);
  if (magic == PIDFD_MAGIC) return FILE_PIDFD;
  return type == S_IFREG ? FILE_REGULAR : FILE_OTHER;
}

/* Puts the path into the tail of the scratch memory of `user`; how many bytes its names take. */
static __always_inline __u32 put_file_path(struct scratch* s, __u32 user, struct file* file, __u16* bits) {
  struct path* path = __builtin_preserve_access_index(&file->f_path);
  int how;
  __u32 length = put_path(s, user, 0, path, 0, &how);

  *bits = path_is_unlinked(path) ? FILE_NAMES_DELETED : 0;
  if (how == PATH_CUT) *bits |= FILE_NAMES_CUT;
  if (how == PATH_DETACHED) *bits |= FILE_NAMES_DETACHED;
  return length;
}

#endif
