// SPDX-License-Identifier: GPL-2.0-or-later
#include "syscount.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* A program that may preempt another one counts in rows of its own. */
enum count_user { COUNT_ENTER, COUNT_EXIT, COUNT_SIGNAL, COUNT_DEATH, COUNT_USERS };
#define COUNT_KEY struct count_key
#define COUNT_ROW struct syscount_row

#include "lib/buckets.bpf.h"
#include "lib/counts.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/restart.bpf.h"
#include "lib/result.bpf.h"
#include "lib/sums.bpf.h"
#include "lib/syscall.bpf.h"
#include "lib/syscalls.bpf.h"

#define MAX_ERRNO 4095

const volatile struct syscount_conf conf = {};

/* A call that has begun and not ended. */
struct open_call {
  __u64 start; /* ns; 0 where latencies are not measured */
  struct count_key key;
  __u64 again; /* user stack pointer of a call that the kernel may make again: then it is still the same call */
};

/* The call that a CPU is in. It is put away when its thread leaves the CPU, which most calls end without. */
struct cpu_call {
  __u64 tid; /* 0: none. Written last, cleared first: programs that preempt each other see a whole call or none */
  struct open_call call;
  __u64 pad[3]; /* a cache line for each CPU */
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_call);
} cpu_calls SEC(".maps");

/* Calls whose thread has left its CPU meanwhile, and such as may be made again; by thread. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u32);
  __type(value, struct open_call);
} open_calls SEC(".maps");

__s64 may_come_again = 0; /* how many of them */

static __always_inline struct syscount_row* row_of(const struct count_key* key, struct task_struct* task, __u32 user,
                                                   __u32* at) {
  struct syscount_row* row = count_row(key, user, at);

  if (row) note_name(&row->value.name, &conf.by, task);
  return row;
}

/* True if it is the continuation of a call that was counted when it began. */
static __always_inline bool comes_again(__u32 tid, __u64 stack, struct open_call* call) {
  struct open_call* open = bpf_map_lookup_elem(&open_calls, &tid);

  if (!open || open->again != stack) return false;
  *call = *open;
  if (!bpf_map_delete_elem(&open_calls, &tid)) __sync_fetch_and_add(&may_come_again, -1);
  return true;
}

static __always_inline struct cpu_call* cpu_call(void) {
  __u32 cpu = bpf_get_smp_processor_id();

  return bpf_map_lookup_elem(&cpu_calls, &cpu);
}

static __always_inline void remember(struct task_struct* task, const struct open_call* call) {
  struct cpu_call* own = cpu_call();

  if (!own) return;
  *(volatile __u64*)&own->tid = 0;
  own->call = *call;
  barrier();
  *(volatile __u64*)&own->tid = LOAD(task, pid);
}

static __always_inline void remember_now(struct task_struct* task, const struct count_key* key) {
  struct open_call call = {.start = bpf_ktime_get_ns(), .key = *key};

  remember(task, &call);
}

/* The call that ends; false if it is none that was seen to begin. */
static __always_inline bool recall(struct task_struct* task, struct open_call* call) {
  struct cpu_call* own = cpu_call();
  __u32 tid = LOAD(task, pid);
  struct open_call* open;

  if (own && own->tid == tid) {
    *call = own->call;
    barrier();
    *(volatile __u64*)&own->tid = 0;
    return true;
  }
  open = bpf_map_lookup_elem(&open_calls, &tid);
  if (!open || open->again) return false;
  *call = *open;
  bpf_map_delete_elem(&open_calls, &tid);
  return true;
}

static __always_inline void put_away(__u32 tid, const struct open_call* call) {
  if (bpf_map_update_elem(&open_calls, &tid, call, BPF_ANY))
    count_drop(DROP_STATE_FULL);
  else if (call->again)
    __sync_fetch_and_add(&may_come_again, 1);
}

/* True if it was counted when it began: the kernel makes it again. */
static __noinline bool goes_on(struct task_struct* task, __u64 stack) {
  struct open_call call;

  if (!comes_again(LOAD(task, pid), stack, &call)) return false;
  call.again = 0;
  if (conf.timed) remember(task, &call);
  return true;
}

/*
 * By call, of everybody, nothing of the task is needed but whether it is the reader and whether its call is a 32-bit
 * one; and asking who is current is a helper, 18 ns where returns are guarded, more than all the rest. The registers of
 * a thread lie at the top of its stack, always at the same place: so the reader's are known by their address, which it
 * tells by the calls that it makes before the window opens. And the SYSCALL instruction leaves the address to return to
 * in cx and the flags in r11: what looks like that is a native call, of what does not the task is asked.
 */
__u64 reader_regs = 0;

static __always_inline bool needs_no_task(void) {
  return conf.by.what && conf.by.who == COUNT_OF_ALL && !filter.any && !conf.timed && !conf.at_exit;
}

static __always_inline bool surely_native(struct pt_regs* regs) {
#if defined(__TARGET_ARCH_x86)
  return regs->cx == regs->ip && regs->r11 == regs->flags;
#else
  return false;
#endif
}

/* True if the call is counted. */
static __always_inline bool count_without_task(struct pt_regs* regs, long number) {
  struct count_key key = {.what = (__u32)number & NUMBER_BITS};
  struct syscount_row* row;
  __u32 at;

  if (may_come_again || !surely_native(regs) || key.what == NR_RESTART) return false;
  if ((__u64)regs == reader_regs || !syscall_wanted(&conf.calls, key.what, false)) return true;
  row = count_row(&key, COUNT_ENTER, &at);
  if (row) row->value.calls++;
  return true;
}

static __always_inline int call_begins(struct pt_regs* regs, long number) {
  struct task_struct* task = current_task();
  bool compat = compat_call(task);
  __u32 nr = number & NUMBER_BITS, pid, at;
  struct count_key key;
  struct syscount_row* row;

  if (!window_open()) return 0;
  if (may_come_again && goes_on(task, LOAD_REG(regs, sp))) return 0;
  if (nr == (compat ? NR32_RESTART : NR_RESTART) || !syscall_wanted(&conf.calls, nr, compat)) return 0;
  pid = task_pid(task, &filter);
  if (!wanted(task, pid)) return 0;
  key_of(&key, &conf.by, task, pid, call_word(nr, compat));
  if (conf.timed) remember_now(task, &key);
  if (conf.at_exit) return 0;
  row = row_of(&key, task, COUNT_ENTER, &at);
  if (row) row->value.calls++;
  return 0;
}

/* A call that was seen to begin has ended. */
static __always_inline void timed_call_ends(struct task_struct* task, const struct open_call* call, int result,
                                            __u32 user) {
  struct syscount_row* row;
  __u64 latency;
  __u32 at;

  if (conf.at_exit && !result_wanted(&conf.result, result)) return;
  row = row_of(&call->key, task, user, &at);
  if (!row) return;
  if (conf.at_exit) row->value.calls++;
  latency = bpf_ktime_get_ns() - call->start;
  add_to_sums(&row->value.times, latency);
  count_bucket(at, latency);
  if (result < 0) row->value.failed++;
}

static __always_inline int timed_exit(struct task_struct* task, struct pt_regs* regs, int result) {
  struct open_call call;

  if (!recall(task, &call)) return 0;
  if (!call_is_over(task, &result)) {
    call.again = LOAD_REG(regs, sp);
    put_away(LOAD(task, pid), &call);
    return 0;
  }
  if (window_open()) timed_call_ends(task, &call, result, COUNT_EXIT);
  return 0;
}

/* A call that failed, where its begin is not remembered. */
static __always_inline int judge(struct task_struct* task, __u32 nr, bool compat, int result, __u32 user) {
  struct count_key key;
  struct syscount_row* row;
  __u32 pid, at;

  if (!window_open() || !syscall_wanted(&conf.calls, nr, compat)) return 0;
  if (conf.at_exit && !result_wanted(&conf.result, result)) return 0;
  pid = task_pid(task, &filter);
  if (!wanted(task, pid)) return 0;
  key_of(&key, &conf.by, task, pid, call_word(nr, compat));
  row = row_of(&key, task, user, &at);
  if (!row) return 0;
  if (conf.at_exit) row->value.calls++;
  row->value.failed++;
  return 0;
}

static __always_inline int call_ends(struct pt_regs* regs, long result) {
  struct task_struct* task = current_task();
  int code = result < 0 && result >= -MAX_ERRNO ? result : 0; /* an address is none */

  if (conf.timed) return timed_exit(task, regs, code);
  /* rt_sigreturn has put back the registers of another time: no number, and no result of its own. */
  if (!code || (__s32)syscall_number(regs) == -1 || !call_is_over(task, &code)) return 0;
  return judge(task, syscall_number(regs), compat_call(task), code, COUNT_EXIT);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(begin_btf, struct pt_regs* regs, long nr) {
  if (needs_no_task()) {
    if (!window_open()) {
      if (task_pid(current_task(), &filter) == filter.self) reader_regs = (__u64)regs;
      return 0;
    }
    if (count_without_task(regs, nr)) return 0;
  }
  return call_begins(regs, nr);
}

SEC("raw_tp/sys_enter")
int BPF_PROG(begin_raw, struct pt_regs* regs, long nr) { return call_begins(current_regs(current_task()), nr); }

SEC("tp_btf/sys_exit")
int BPF_PROG(end_btf, struct pt_regs* regs, long result) { return call_ends(regs, result); }

SEC("raw_tp/sys_exit")
int BPF_PROG(end_raw, struct pt_regs* regs, long result) { return call_ends(current_regs(current_task()), result); }

/* A signal meets a call that it interrupted: it ends it, or the call is made again and must not count twice. */
SEC("raw_tp/signal_deliver")
int BPF_PROG(call_meets_signal, int signal, void* info, struct k_sigaction* action) {
  struct task_struct* task = current_task();
  struct pt_regs* regs = current_regs(task);
  __u32 tid = LOAD(task, pid), nr = syscall_number(regs);
  int result = syscall_result(regs);
  struct open_call call = {};

  if (!window_open() || !call_may_restart(result) || (__s32)nr == -1) return 0;
  if (!call_interrupted(result, signal, action)) {
    call.again = LOAD_REG(regs, sp);
    if (!conf.timed && !conf.at_exit && !bpf_map_lookup_elem(&open_calls, &tid)) put_away(tid, &call);
    return 0;
  }
  if (!comes_again(tid, LOAD_REG(regs, sp), &call) && conf.timed) return 0;
  if (conf.timed)
    timed_call_ends(task, &call, -EINTR, COUNT_SIGNAL);
  else
    judge(task, nr, compat_call(task), -EINTR, COUNT_SIGNAL);
  return 0;
}

SEC("raw_tp/sched_switch")
int BPF_PROG(call_leaves_cpu) {
  struct cpu_call* own = cpu_call();
  __u32 tid = bpf_get_current_pid_tgid();

  if (!own || !own->tid || own->tid != tid) return 0;
  put_away(tid, &own->call);
  *(volatile __u64*)&own->tid = 0;
  return 0;
}

/* A thread ends, as a rule in a call that does not return. */
SEC("raw_tp/sched_process_exit")
int BPF_PROG(thread_ends) {
  struct task_struct* task = current_task();
  __u32 tid = LOAD(task, pid);
  struct open_call call, *open;

  if (conf.timed && recall(task, &call)) {
    if (window_open()) timed_call_ends(task, &call, 0, COUNT_DEATH);
    return 0;
  }
  open = bpf_map_lookup_elem(&open_calls, &tid);
  if (open && open->again && !bpf_map_delete_elem(&open_calls, &tid)) __sync_fetch_and_add(&may_come_again, -1);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
