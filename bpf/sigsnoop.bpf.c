// SPDX-License-Identifier: GPL-2.0-or-later
#include "sigsnoop.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define STACK_USERS 2

#include "lib/exec32.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/result.bpf.h"
#include "lib/ring.bpf.h"
#include "lib/stack.bpf.h"
#include "lib/syscall.bpf.h"
#include "sigsnoop_call.bpf.h"

#define SIGILL 4
#define SIGTRAP 5
#define SIGBUS 7
#define SIGFPE 8
#define SIGSEGV 11
#define SIGALRM 14
#define SIGCHLD 17
#define SIGURG 23
#define SIGIO 29
#define SIGSYS 31

#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_TIMER -2
#define SI_ASYNCIO -4
#define SI_SIGIO -5
#define POLL_CODES 6 /* POLL_IN to POLL_HUP: 1 to 6 */
#define SIGNAL_BIT(signal) (1ULL << (signal))
/* Their positive codes are their own; those of all other signals are of files that became ready. */
#define HAVE_OWN_CODES                                                                                        \
  (SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSEGV) | \
   SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGSYS))

/* What the kernel passes where it has no siginfo: on behalf of a process, and of its own. */
#define NO_INFO 0
#define PRIVATE_INFO 1

#define MAX_ERRNO 4095
#define PF_EXITING 0x4
#define PF_WORKERS \
  (0x10 | 0x4000 | 0x200000) /* io_uring's, other threads made by the kernel for a user, the kernel's */
#define CALL_NUMBERS 1024    /* no call has a higher one; what is none has -1 */
#define NOBODY 0xffffffff

const volatile struct sigsnoop_conf conf = {};

/* The beginning of a siginfo, which is UAPI. */
struct info {
  __s32 signal, errno, code, pad;
  union {
    __u64 address;
    struct {
      __s32 pid, uid;
    };
  };
  union {
    __u64 value;
    __s32 status;
  };
};

struct record {
  __u32 unchecked; /* see ring_put() */
  __u32 pad;
  struct sigsnoop_event event;
};

/* One for each program that may preempt another. */
enum record_user { RECORD_CHOSEN, RECORD_COMPAT, RECORD_USERS };
_Static_assert(RECORD_USERS == STACK_USERS, "the same programs put out stacks");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, RECORD_USERS);
  __type(key, __u32);
  __type(value, struct record);
} records SEC(".maps");

static __always_inline bool signal_wanted(int signal) {
  __u32 number = signal, at = number / 64;
  bool listed;

  if (!conf.some) return true;
  barrier_var(at); /* else clang, which knows the bound, leaves the mask out, and 5.10 sees none */
  at &= 1;
  listed = number < SIGSNOOP_SIGNALS && conf.signals[at] >> (number % 64) & 1;
  return listed != !!conf.signals_negated;
}

static __always_inline void read_info(struct info* info, void* given) {
  if ((__u64)given > PRIVATE_INFO)
    bpf_probe_read_kernel(info, sizeof(*info), given);
  else
    info->code = (__u64)given == PRIVATE_INFO ? SI_KERNEL : SI_USER;
}

/*
 * Whether the call that the current task is in sent the signal. Its siginfo may say anything: a process may give itself
 * signals with any code.
 */
static __always_inline bool sent_by_call(struct sigsnoop_event* event, struct task_struct* task, int signal, int code,
                                         bool private) {
  struct pt_regs* regs = current_regs(task);
  struct syscall call = {.nr = syscall_number(regs), .compat = compat_call(task)};
  enum sending_call kind = sending_call(call.nr, call.compat);

  if (private || call.nr >= CALL_NUMBERS || LOAD(task, flags) & (PF_EXITING | PF_WORKERS)) return false;
  if (gives_code(kind)) syscall_args(&call, regs);
  if (!gives_code(kind) || signal_of(&call, kind) != signal) {
    /* Or by one that does something else, such as a write into a pipe that nobody reads. */
    if (code > SI_USER || code == SI_TIMER || code == SI_ASYNCIO || code == SI_SIGIO) return false;
  }
  event->call = call.nr;
  event->bits |= SIGSNOOP_BY_CALL | (call.compat ? SIGSNOOP_COMPAT : 0);
  return true;
}

/* Made in an interrupt, or it may be: the current task has nothing to do with it. */
static __always_inline bool sent_by_nobody(int signal, int code, bool private) {
  if (private) return signal == SIGALRM || signal == SIGURG || signal == SIGIO;
  if (code == SI_TIMER || code == SI_ASYNCIO || code == SI_SIGIO) return true;
  return code > 0 && code <= POLL_CODES && !(HAVE_OWN_CODES >> (signal & 63) & 1);
}

static __always_inline void fill_sender(struct sigsnoop_event* event, struct task_struct* task, __u32 pid) {
  event->pid = pid;
  event->tid = task_tid(task, &filter);
  event->uid = task_uid(task);
  event->cgroup = conf.wants & SIGSNOOP_WANT_CGROUP ? LOAD(task, cgroups, dfl_cgrp, kn, id) : 0;
  task_comm(event->comm, task);
}

static __always_inline void fill_no_sender(struct sigsnoop_event* event) {
  event->pid = event->tid = 0;
  event->uid = NOBODY;
  event->cgroup = 0;
  event->comm[0] = 0;
  event->bits |= SIGSNOOP_NO_SENDER;
}

/*
 * Every signal that is generated passes here, whatever becomes of it. tp_btf, so that the target's members are loaded
 * as the current task's are.
 */
SEC("tp_btf/signal_generate")
int BPF_PROG(signal_generated, int signal, void* given, struct task_struct* target, int group, int result) {
  struct task_struct* sender = current_task();
  bool private = (__u64)given == PRIVATE_INFO, nobody;
  struct sigsnoop_event* event;
  struct info info = {};
  struct record* record;
  __u32 user = RECORD_CHOSEN, pid, target_pid;

  if (!window_open() || !signal_wanted(signal)) return 0;
  record = bpf_map_lookup_elem(&records, &user);
  if (!record) return 0;
  event = &record->event;
  event->bits = 0;
  event->call = 0;
  read_info(&info, given);
  nobody = !sent_by_call(event, sender, signal, info.code, private) && sent_by_nobody(signal, info.code, private);
  pid = task_pid(sender, &filter);
  target_pid = task_pid(target, &filter);
  if (nobody ? !wanted(target, target_pid) : !pair_wanted(sender, pid, target, target_pid)) return 0;
  if (nobody)
    fill_no_sender(event);
  else
    fill_sender(event, sender, pid);
  event->time = bpf_ktime_get_ns();
  event->value = info.code < 0 ? info.value : info.address;
  event->target = target_pid;
  event->target_tid = group ? 0 : task_tid(target, &filter);
  event->to = 0;
  event->signal = signal;
  event->code = info.code;
  event->result = result;
  event->status = info.status;
  if (group) event->bits |= SIGSNOOP_TO_PROCESS;
  task_comm(event->target_comm, target);
  if (nobody)
    ring_emit(event, sizeof(*event), &record->unchecked);
  else
    ring_emit_stacked(ctx, user, event, sizeof(*event), &record->unchecked);
  return 0;
}

/* -x: the tasks that a failed call meant may not exist. Who asks for a process by its number means that too. */
static __always_inline bool target_wanted(__u32 pid) {
  const volatile struct filter_list_conf* lists = filter.lists;

  if (!pid || !lists[FILTER_PID].used || lists[FILTER_PID].negated || filter.follow) return false;
  if (lists[FILTER_TID].used || lists[FILTER_UID].used || lists[FILTER_PPID].used) return false;
  return !filter.comm.used && !filter.cgroup && in_list(FILTER_PID, pid);
}

static __always_inline int failed(void* ctx, struct task_struct* task, const struct syscall* call,
                                  enum sending_call kind, int result, __u32 user) {
  int signal = signal_of(call, kind), to = call->args[0];
  __u32 pid, target = 0, target_tid = 0;
  struct sigsnoop_event* event;
  struct record* record;

  if (!window_open() || !result_wanted(&conf.result, result) || !signal_wanted(signal)) return 0;
  pid = task_pid(task, &filter);
  if (to > 0 && kind != SENDS_PIDFD && speaks_our_numbers(task, &filter)) {
    target = kind == SENDS_TKILL ? 0 : to;
    target_tid = kind == SENDS_TKILL ? to : names_thread_too(kind) ? call->args[1] : 0;
  }
  if (!wanted(task, pid) && !(pid != filter.self && target_wanted(target))) return 0;
  record = bpf_map_lookup_elem(&records, &user);
  if (!record) return 0;
  event = &record->event;
  event->bits = SIGSNOOP_FAILED | SIGSNOOP_BY_CALL | (call->compat ? SIGSNOOP_COMPAT : 0);
  fill_sender(event, task, pid);
  event->time = bpf_ktime_get_ns();
  event->value = 0;
  event->call = call->nr;
  event->target = target;
  event->target_tid = target_tid;
  event->to = to;
  event->signal = signal;
  event->code = 0;
  event->result = result;
  event->status = 0;
  event->target_comm[0] = 0;
  ring_emit_stacked(ctx, user, event, sizeof(*event), &record->unchecked);
  return 0;
}

/* The calls that send are never made again by the kernel: they do not wait. */
static __always_inline int call_ends(void* ctx, long result, __u32 user) {
  enum sending_call kind;
  struct task_struct* task;
  struct syscall call = {};
  struct pt_regs* regs;

  if (result >= 0 || result < -MAX_ERRNO) return 0;
  task = current_task();
  regs = current_regs(task);
  call.nr = syscall_number(regs);
  call.compat = compat_call(task);
  kind = sending_call(call.nr, call.compat);
  if (kind == SENDS_NOT || (user == RECORD_COMPAT && !call.compat)) return 0;
  syscall_args(&call, regs);
  return failed(ctx, task, &call, kind, result, user);
}

/* Rung fexit: these calls and nothing else. */
#define FEXIT(name, function) \
  SEC("fexit/" function)      \
  int BPF_PROG(name, const struct pt_regs* regs, long result) { return call_ends(ctx, result, RECORD_CHOSEN); }

FEXIT(kill_fexit, NATIVE(kill))
FEXIT(tkill_fexit, NATIVE(tkill))
FEXIT(tgkill_fexit, NATIVE(tgkill))
FEXIT(sigqueue_fexit, NATIVE(rt_sigqueueinfo))
FEXIT(tgsigqueue_fexit, NATIVE(rt_tgsigqueueinfo))
FEXIT(pidfd_fexit, NATIVE(pidfd_send_signal))
FEXIT(sigqueue32_fexit, COMPAT(rt_sigqueueinfo))
FEXIT(tgsigqueue32_fexit, COMPAT(rt_tgsigqueueinfo))
#if defined(__TARGET_ARCH_x86)
FEXIT(kill32_fexit, NARROW(kill))
FEXIT(tkill32_fexit, NARROW(tkill))
FEXIT(tgkill32_fexit, NARROW(tgkill))
FEXIT(pidfd32_fexit, NARROW(pidfd_send_signal))
#endif

/* Rung tracepoint: at the exits of the six calls; native ones only. */
SEC("tracepoint")
int send_exit(struct syscall_exit_ctx* ctx) {
  struct task_struct* task = current_task();

  /* Where the kernel does not say where the registers are, they must at least be those of this call. */
  if (!HAS_PT_REGS && ctx->ret < 0 && syscall_number(current_regs(task)) != (__u32)ctx->nr) {
    if (window_open() && wanted(task, task_pid(task, &filter))) count_drop(DROP_NO_ARGS);
    return 0;
  }
  return call_ends(ctx, ctx->ret, RECORD_CHOSEN);
}

/* Rung raw_tp: at the end of every system call. */
SEC("raw_tp/sys_exit")
int BPF_PROG(send_sys_exit, struct pt_regs* regs, long result) { return call_ends(ctx, result, RECORD_CHOSEN); }

/* --compat beside the tracepoints: 32-bit calls only. */
SEC("raw_tp/sys_exit")
int BPF_PROG(send_compat_exit, struct pt_regs* regs, long result) { return call_ends(ctx, result, RECORD_COMPAT); }

char LICENSE[] SEC("license") = "GPL";
