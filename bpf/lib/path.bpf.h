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

#include "lib/scratch.bpf.h"
#include "lib/task.bpf.h"

#define PATH_MAX_BYTES 4096 /* names with their NULs: as long as any path that a program can give */
#define PATH_STEPS 32
#define PATH_TURNS 128 /* names of one letter, and a mount at each of them */

/* Set by a tool that will call put_path(): else the verifier need not look at how. */
const volatile __u32 walks_paths = 0;

/* How a walk ended. */
enum path_end {
  PATH_GOES_ON,
  PATH_WHOLE,
  PATH_CUT,      /* there was more than PATH_MAX_BYTES */
  PATH_DETACHED, /* at a mount that is not in the task's file tree: a pipe, a memfd, what was unmounted */
};

/* Up to what the mount is mounted on. */
static __always_inline int path_leaves_mount(struct path_walk* walk) {
  struct mount* mount = (void*)walk->vfs - bpf_core_field_offset(struct mount, mnt);
  struct mount* above = BPF_CORE_READ(mount, mnt_parent);

  if (above == mount) {
    struct task_struct* task = current_task();

    return BPF_CORE_READ(mount, mnt_ns) == LOAD(task, nsproxy, mnt_ns) ? PATH_WHOLE : PATH_DETACHED;
  }
  walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
  walk->vfs = __builtin_preserve_access_index(&above->mnt);
  return PATH_GOES_ON;
}

/* One name more, or one mount up. */
static __always_inline int path_step(struct scratch* s) {
  struct path_walk* walk = &s->walk;
  struct dentry *dentry = walk->dentry, *parent;
  struct vfsmount* vfs = walk->vfs;
  long length;
  __u32 at;

  if (dentry == walk->root_dentry && vfs == walk->root_vfs) return PATH_WHOLE;
  if (dentry == BPF_CORE_READ(vfs, mnt_root)) return path_leaves_mount(walk);
  parent = BPF_CORE_READ(dentry, d_parent);
  at = walk->at;
  barrier_var(at); /* else clang drops the mask, which 5.10 needs: it forgets bounds of spilled registers */
  at &= SCRATCH_TAIL - 1;
  length = bpf_probe_read_kernel_str(s->tail + at, SCRATCH_SPARE, BPF_CORE_READ(dentry, d_name.name));
  if (length <= 0 || at + length > walk->end) return PATH_CUT;
  if (parent == dentry && (length == 1 || s->tail[at] == '/')) return PATH_DETACHED; /* a root has no name */
  walk->at = at + length;
  walk->dentry = parent;
  return parent == dentry ? PATH_DETACHED : PATH_GOES_ON;
}

__noinline int path_steps(__u32 user) {
  struct scratch* s;

  if (!walks_paths) return PATH_CUT;
  s = bpf_map_lookup_elem(&scratch, &user);
  if (!s) return PATH_CUT;
#pragma clang loop unroll(disable)
  for (int i = 0; i < PATH_STEPS; i++) {
    int end = path_step(s);

    if (end != PATH_GOES_ON) return end;
  }
  return PATH_GOES_ON;
}

/*
 * Puts the names of `path` into the tail, from `at`, which is at most SCRATCH_TAIL - PATH_MAX_BYTES. Stops at `root`,
 * if there is one, else at the root of the task's mount namespace. Returns how many bytes they take.
 */
static __always_inline __u32 put_path(struct scratch* s, __u32 user, __u32 at, struct path* path, struct path* root,
                                      int* how) {
  struct path_walk* walk = &s->walk;

  walk->dentry = BPF_CORE_READ(path, dentry);
  walk->vfs = BPF_CORE_READ(path, mnt);
  walk->root_dentry = root ? BPF_CORE_READ(root, dentry) : 0;
  walk->root_vfs = root ? BPF_CORE_READ(root, mnt) : 0;
  walk->at = at;
  walk->end = at + PATH_MAX_BYTES;
  *how = PATH_CUT;
#pragma clang loop unroll(disable)
  for (int i = 0; i < PATH_TURNS; i++) {
    int end = path_steps(user);

    if (end != PATH_GOES_ON) {
      *how = end;
      break;
    }
  }
  return walk->at - at;
}

/* The file has no name any more, or never had one. */
static __always_inline bool path_is_unlinked(struct path* path) {
  struct dentry* dentry = BPF_CORE_READ(path, dentry);

  return !BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry;
}

/* The open file behind a descriptor of the current task; null if there is none. */
static __always_inline struct file* file_of(struct task_struct* task, int fd) {
  struct fdtable* table = LOAD(task, files, fdt);
  struct file *file = 0, **files;

  if (fd < 0 || (__u32)fd >= BPF_CORE_READ(table, max_fds)) return 0;
  files = BPF_CORE_READ(table, fd);
  bpf_probe_read_kernel(&file, sizeof(file), files + fd);
  return file;
}

#endif
