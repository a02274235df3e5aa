/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths as the kernel resolved them, by walking dentries and mounts from the leaf up. The names go out in that order,
 * each with its NUL; user space turns them round.
 */
#ifndef SONDE_PATH_BPF_H
#define SONDE_PATH_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define PATH_NAME_MAX 256
#define PATH_BUFFER 8192  /* a power of two: the verifier is convinced by a mask */
#define PATH_DEPTH_MAX 48 /* names; the verifier walks each */

/*
 * Appends to `buffer`, of PATH_BUFFER + PATH_NAME_MAX bytes, from `at`. Returns the new end; *cut is set if there was
 * more. Stops at the root of the task, as the task would.
 */
static __always_inline __u64 put_path(char* buffer, __u64 at, struct path* path, struct path* root, __u8* cut) {
  struct dentry *dentry = BPF_CORE_READ(path, dentry), *root_dentry = BPF_CORE_READ(root, dentry);
  struct vfsmount *vfs = BPF_CORE_READ(path, mnt), *root_vfs = BPF_CORE_READ(root, mnt);

#pragma clang loop unroll(disable)
  for (int i = 0; i < PATH_DEPTH_MAX; i++) {
    struct dentry* parent;
    long length;

    if (dentry == root_dentry && vfs == root_vfs) return at;
    if (dentry == BPF_CORE_READ(vfs, mnt_root)) {
      struct mount* mount = (void*)vfs - bpf_core_field_offset(struct mount, mnt);
      struct mount* above = BPF_CORE_READ(mount, mnt_parent);

      if (above == mount) return at;
      dentry = BPF_CORE_READ(mount, mnt_mountpoint);
      vfs = __builtin_preserve_access_index(&above->mnt);
      continue;
    }
    parent = BPF_CORE_READ(dentry, d_parent);
    if (parent == dentry) return at;
    if (at >= PATH_BUFFER) break;
    barrier_var(at); /* else clang drops the mask, which 5.10 needs: it forgets bounds of spilled registers */
    at &= PATH_BUFFER - 1;
    length = bpf_probe_read_kernel_str(buffer + at, PATH_NAME_MAX, BPF_CORE_READ(dentry, d_name.name));
    if (length <= 0) break;
    at += length;
    dentry = parent;
  }
  *cut = 1;
  return at;
}

#endif
