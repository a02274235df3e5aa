/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's types as far as sonde uses them, for every architecture. Only names and types of members count: CO-RE
 * moves them to where the running kernel has them. A member's SIZE is not relocated by BPF_CORE_READ, which is why
 * tests/bpf compares every member here with the kernel's own BTF. A member that kernels renamed or moved lives in
 * flavors.h.
 */
#ifndef SONDE_VMLINUX_H
#define SONDE_VMLINUX_H
#define __VMLINUX_H__ /* bpf_tracing.h: registers have their kernel names */

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;

typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef _Bool bool;
enum { false = 0, true = 1 };

enum {
  BPF_ANY = 0,
  BPF_NOEXIST = 1,
};

enum bpf_map_type {
  BPF_MAP_TYPE_HASH = 1,
  BPF_MAP_TYPE_ARRAY = 2,
  BPF_MAP_TYPE_PERCPU_ARRAY = 6,
  BPF_MAP_TYPE_LRU_HASH = 9,
  BPF_MAP_TYPE_RINGBUF = 27,
  BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum {
  BPF_RB_NO_WAKEUP = 1,
  BPF_RB_FORCE_WAKEUP = 2,
};

enum {
  BPF_RB_AVAIL_DATA = 0,
};

enum {
  BPF_F_USER_STACK = 1 << 8,
};

enum {
  BPF_F_NO_PREALLOC = 1,
  BPF_F_MMAPABLE = 1 << 10,
};

enum {
  BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

/* Only asked for existence; the values are UAPI. */
enum bpf_func_id {
  BPF_FUNC_get_current_task_btf = 158,
  BPF_FUNC_task_pt_regs = 175,
  BPF_FUNC_ktime_get_tai_ns = 208,
};

/* Its value is asked for. */
enum io_uring_cmd_flags {
  IO_URING_F_COMPLETE_DEFER = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Of x86-64 with CONFIG_UNWINDER_ORC. */
struct orc_entry {
  s16 sp_offset;
  s16 bp_offset;
  unsigned sp_reg : 4;
  unsigned bp_reg : 4;
  unsigned type : 3;
} __attribute__((packed));

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
  unsigned long r15;
  unsigned long r14;
  unsigned long r13;
  unsigned long r12;
  unsigned long bp;
  unsigned long bx;
  unsigned long r11;
  unsigned long r10;
  unsigned long r9;
  unsigned long r8;
  unsigned long ax;
  unsigned long cx;
  unsigned long dx;
  unsigned long si;
  unsigned long di;
  unsigned long orig_ax;
  unsigned long ip;
  unsigned long flags;
  unsigned long sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
  u64 regs[31];
  u64 sp;
  u64 pc;
  u64 pstate;
};
struct pt_regs {
  union {
    struct user_pt_regs user_regs;
    struct {
      u64 regs[31];
      u64 sp;
      u64 pc;
      u64 pstate;
    };
  };
  u64 orig_x0;
  s32 syscallno;
};
#else
#error "no pt_regs for this architecture yet"
#endif

struct ns_common {
  unsigned int inum;
};

struct pid_namespace {
  struct ns_common ns;
};

struct upid {
  int nr;
  struct pid_namespace* ns;
};

struct pid {
  unsigned int level;
  struct upid numbers[1];
};

typedef struct {
  unsigned int val;
} kuid_t;

struct cred {
  kuid_t uid;
};

struct kernfs_node {
  u64 id;
};

struct cgroup {
  int level;
  struct kernfs_node* kn;
};

struct css_set {
  struct cgroup* dfl_cgrp;
};

typedef struct {
  unsigned long sig[1];
} sigset_t;

struct sigpending {
  sigset_t signal;
};

struct list_head {
  struct list_head* next;
};

struct signal_struct {
  int nr_threads;
  struct list_head thread_head;
  struct sigpending shared_pending;
  int group_exit_code;
  unsigned int flags;
  unsigned long long sum_sched_runtime;
  struct {
    int counter;
  } live;
};

struct sigaction {
  void* sa_handler;
  unsigned long sa_flags;
};

struct k_sigaction {
  struct sigaction sa;
};

struct sighand_struct {
  struct k_sigaction action[64];
};

struct qstr {
  const unsigned char* name;
};

struct hlist_bl_node {
  struct hlist_bl_node* next;
  struct hlist_bl_node** pprev;
};

struct dentry {
  struct hlist_bl_node d_hash;
  struct dentry* d_parent;
  struct qstr d_name;
};

struct vfsmount {
  struct dentry* mnt_root;
};

struct mount {
  struct mount* mnt_parent;
  struct dentry* mnt_mountpoint;
  struct vfsmount mnt;
  struct mnt_namespace* mnt_ns;
};

struct path {
  struct vfsmount* mnt;
  struct dentry* dentry;
};

struct fs_struct {
  struct path root;
  struct path pwd;
};

struct super_block {
  u32 s_dev;
  unsigned long s_magic;
};

struct inode {
  u16 i_mode;
  u32 i_rdev;
  unsigned long i_ino;
  struct super_block* i_sb;
};

struct file {
  struct path f_path;
  struct inode* f_inode;
};

struct fdtable {
  unsigned int max_fds;
  struct file** fd;
};

struct files_struct {
  struct fdtable* fdt;
};

struct timespec64 {
  s64 tv_sec;
  long tv_nsec;
};

struct timens_offsets {
  struct timespec64 monotonic;
  struct timespec64 boottime;
};

struct time_namespace {
  struct timens_offsets offsets;
};

struct nsproxy {
  struct mnt_namespace* mnt_ns;
  struct time_namespace* time_ns;
};

struct thread_info {
  unsigned long flags;
#if defined(__TARGET_ARCH_x86)
  u32 status;
#endif
};

struct mm_struct {
  unsigned long arg_start;
  unsigned long arg_end;
  struct file* exe_file;
};

struct rq {
  u64 clock;
};

struct cfs_rq {
  struct rq* rq;
};

struct sched_entity {
  u64 sum_exec_runtime;
  u64 nr_migrations;
  struct cfs_rq* cfs_rq;
};

struct sched_info {
  unsigned long pcount;
  unsigned long long run_delay;
  unsigned long long last_queued;
};

struct task_struct {
  struct thread_info thread_info;
  void* stack;
  unsigned int flags;
  int wake_cpu;
  int prio;
  struct sched_entity se;
  struct sched_info sched_info;
  struct mm_struct* mm;
  int exit_code;
  unsigned sched_contributes_to_load : 1;
  unsigned in_iowait : 1;
  int pid;
  int tgid;
  struct task_struct* real_parent;
  struct task_struct* group_leader;
  struct pid* thread_pid;
  struct list_head thread_node;
  unsigned long nvcsw;
  unsigned long nivcsw;
  u64 start_time;
  const struct cred* cred;
  char comm[16];
  struct fs_struct* fs;
  struct files_struct* files;
  struct nsproxy* nsproxy;
  struct signal_struct* signal;
  struct sighand_struct* sighand;
  sigset_t blocked;
  struct sigpending pending;
  struct css_set* cgroups;
};

struct linux_binprm {
  const char* filename;
  const char* interp;
  char buf[256];
};

struct open_how {
  u64 flags;
  u64 mode;
  u64 resolve;
};

struct filename {
  const char* name;
};

struct io_open {
  int dfd;
  u32 file_slot;
  struct open_how how;
};

struct io_cqe {
  __s32 res;
};

typedef s64 ktime_t;

struct timerqueue_node {
  ktime_t expires;
};

struct hrtimer_clock_base {
  int clockid;
  ktime_t offset;
};

struct hrtimer {
  struct timerqueue_node node;
  ktime_t _softexpires;
  struct hrtimer_clock_base* base;
};

struct hrtimer_sleeper {
  struct hrtimer timer;
};

struct bpf_iter_meta {
  struct seq_file* seq;
};

struct bpf_iter__task {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
};

#pragma clang attribute pop

/*
 * What a perf tracepoint program of syscalls/sys_enter_* and sys_exit_* is given. `nr` is an int there: the BTF struct
 * trace_event_raw_sys_exit has a long in its place and would read four bytes of garbage.
 */
struct syscall_enter_ctx {
  __u64 common;
  __s32 nr;
  __u32 pad;
  unsigned long args[6];
};

struct syscall_exit_ctx {
  __u64 common;
  __s32 nr;
  __u32 pad;
  long ret;
};

#endif
