// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/accounts.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/ring.bpf.h"
#include "lib/sched.bpf.h"

#define EEXIST 17

/* When the window opened, and when the last interval ended: ns, monotonic. The reader fixes both a little ahead. */
__u64 opened = 0;
__u64 boundary = 0;

__u64 unlisted = 0; /* threads that were there and that the iterator did not show */

/* Accounts of threads, by task_key(). Preallocated: where a thread leaves its CPU, nothing may be asked of the
 * allocator. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8192);
  __type(key, __u64);
  __type(value, struct thread_account);
} threads SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_account);
} cpus SEC(".maps");

/* Where an account or a record is made before anybody else sees it. */
struct workshop {
  struct thread_account fresh;
  struct account_record task;
  __u32 unchecked; /* see ring_put() */
};

enum { WORKSHOP_SWITCH, WORKSHOP_ITERATOR, WORKSHOPS };

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, WORKSHOPS);
  __type(key, __u32);
  __type(value, struct workshop);
} workshops SEC(".maps");

static __always_inline __u64 last_boundary(__u64 now) {
  __u64 at = *(volatile __u64*)&boundary;

  return now >= at ? at : 0;
}

/*
 * Ends the spell of an account. Who slept or was blocked did so until `woken`, and waited from there until `now`;
 * otherwise both are the same.
 */
static __always_inline void end_spell(struct task_account* account, __u64 woken, __u64 now) {
  __u64 at = last_boundary(now), since = account->since;
  __u32 state = account->state;

  barrier_var(state);
  state &= ACCOUNT_SPENT - 1;
  if (at && account->boundary != at) {
    account->before = account->now;
    if (since < at) {
      __u64 until = woken < at ? woken : at;

      account->before.spent[state] += until - since;
      account->before.spent[ACCOUNT_WAIT] += at - until;
    }
    account->boundary = at;
  }
  account->now.spent[state] += woken - since;
  account->now.spent[ACCOUNT_WAIT] += now - woken;
}

static __always_inline void begin_spell(struct task_account* account, __u32 state, __u64 now) {
  account->state = state;
  account->since = now;
}

/* The reader sees whether an account was written meanwhile. */
static __always_inline void begin_writing(struct task_account* account) {
  *(volatile __u64*)&account->serial = account->serial + 1;
  barrier();
}

static __always_inline void end_writing(struct task_account* account) {
  barrier();
  *(volatile __u64*)&account->serial = account->serial + 1;
}

static __always_inline struct workshop* workshop(__u32 which) { return bpf_map_lookup_elem(&workshops, &which); }

/* Opens an account whose spell began at `since`. False if there is no room, or if it was opened meanwhile. */
static __always_inline bool open_account(struct workshop* shop, struct task_struct* task, __u32 state, __u64 since,
                                         __u64 now) {
  struct thread_account* fresh = &shop->fresh;
  __u64 key = task_key(task);
  int error;

  __builtin_memset(fresh, 0, sizeof(*fresh));
  fresh->account.boundary = last_boundary(now);
  begin_spell(&fresh->account, state, since);
  if (since < fresh->account.boundary)
    fresh->account.before.spent[state & (ACCOUNT_SPENT - 1)] = fresh->account.boundary - since;
  fresh->base.voluntary = task->nvcsw;
  fresh->base.involuntary = task->nivcsw;
  fresh->base.other = task->se.nr_migrations;
  fresh->delay = task->sched_info.run_delay;
  fresh->born = since;
  fresh->first = task->pid;
  error = bpf_map_update_elem(&threads, &key, fresh, BPF_NOEXIST);
  if (error && error != -EEXIST) count_drop(DROP_COUNT_FULL);
  return !error;
}

/* What a thread does that leaves its CPU. */
static __always_inline __u32 state_of(struct task_struct* task, __u32 state) {
  if (state & (STATE_STOPPED | STATE_TRACED | STATE_FROZEN)) return ACCOUNT_STOP;
  return is_blocked(task, state) ? ACCOUNT_BLOCK : ACCOUNT_SLEEP;
}

static __always_inline __u32 state_of_leaving(struct task_struct* task, bool preempt) {
  __u32 state = task_state(task);

  return preempt || !state ? ACCOUNT_WAIT : state_of(task, state);
}

static __always_inline void describe(struct account_record* row, struct task_struct* task, __u32 pid, __u64 now) {
  row->now = now;
  row->queued = 0;
  row->delay = task->sched_info.run_delay;
  row->pid = pid;
  row->tid = task_tid(task, &filter);
  row->flags = 0;
  row->cpu = task->wake_cpu;
  row->process = LOAD(task, group_leader, start_time);
  row->leads = task->pid == task->tgid;
  row->pad = 0;
  task_comm(row->comm, task);
}

/* A thread has left its last CPU. */
static __noinline void close_account(struct task_struct* task, struct thread_account* thread, __u64 now) {
  struct workshop* shop = workshop(WORKSHOP_SWITCH);
  __u64 key = task_key(task);

  if (shop && opened && now >= opened) {
    describe(&shop->task, task, task_pid(task, &filter), now);
    shop->task.flags = ACCOUNT_KNOWN | ACCOUNT_GONE;
    __builtin_memcpy(&shop->task.thread, thread, sizeof(*thread));
    ring_emit(&shop->task, sizeof(shop->task), &shop->unchecked);
  }
  bpf_map_delete_elem(&threads, &key);
}

static __always_inline struct thread_account* thread_of(struct task_struct* task) {
  __u64 key = task_key(task);

  return bpf_map_lookup_elem(&threads, &key);
}

/* Of a thread that has no account yet. */
static __always_inline bool is_new(struct task_struct* task) {
  if (!opened) return false;
  if (task->start_time >= opened) return true;
  __sync_fetch_and_add(&unlisted, 1);
  return false;
}

static __always_inline bool leaves(struct task_struct* task, bool preempt, __u64 now) {
  struct thread_account* thread = thread_of(task);
  __u32 state = state_of_leaving(task, preempt);
  struct task_account* account;

  if (!thread) {
    struct workshop* shop = workshop(WORKSHOP_SWITCH);

    if (task_state(task) & STATE_DEAD || !shop || !wanted(task, task_pid(task, &filter))) return false;
    is_new(task); /* only to count it */
    open_account(shop, task, state, now, now);
    return true;
  }
  account = &thread->account;
  if (now < account->since) now = account->since; /* this clock may step back by a few ns */
  begin_writing(account);
  end_spell(account, now, now);
  account->now.counts.voluntary = task->nvcsw - thread->base.voluntary;
  account->now.counts.involuntary = task->nivcsw - thread->base.involuntary;
  account->now.counts.other = task->se.nr_migrations - thread->base.other;
  thread->delay = task->sched_info.run_delay;
  begin_spell(account, state, now);
  end_writing(account);
  if (task_state(task) & STATE_DEAD) close_account(task, thread, now);
  return true;
}

/* How long a wanted thread has waited; -1 if it is not wanted. */
static __always_inline __s64 arrives(struct task_struct* task, __u64 now, __u64 clock) {
  struct thread_account* thread = thread_of(task);
  struct task_account* account;
  __u64 off, wait;

  if (!thread) {
    struct workshop* shop = workshop(WORKSHOP_SWITCH);

    if (!shop || !wanted(task, task_pid(task, &filter))) return -1;
    /* If it is new, it began to wait when it was born; else of its last wait the last part is known. */
    wait = waited(task, is_new(task) ? 0 : task->sched_info.run_delay, clock);
    if (wait > now - task->start_time) wait = now - task->start_time;
    if (!open_account(shop, task, ACCOUNT_WAIT, now - wait, now)) return wait;
    thread = thread_of(task);
    if (!thread) return wait;
  }
  account = &thread->account;
  if (now < account->since) now = account->since;
  off = now - account->since;
  if (account->state == ACCOUNT_WAIT)
    wait = off;
  else if (thread->woken > account->since)
    wait = now > thread->woken ? now - thread->woken : 0;
  else
    wait = waited(task, thread->delay, clock);
  if (wait > off) wait = off;
  begin_writing(account);
  end_spell(account, account->state == ACCOUNT_WAIT ? now : now - wait, now);
  begin_spell(account, ACCOUNT_ON, now);
  end_writing(account);
  return wait;
}

static __always_inline void count_on_cpu(struct cpu_account* cpu, bool was_idle, bool idle, bool left, bool preempt,
                                         __s64 wait, __u64 now) {
  struct task_account* account = &cpu->account;

  begin_writing(account);
  if (!account->since) begin_spell(account, was_idle ? ACCOUNT_SLEEP : ACCOUNT_ON, opened ? opened : now);
  if (now < account->since) now = account->since;
  end_spell(account, now, now);
  account->now.counts.other++;
  if (left && preempt) account->now.counts.involuntary++;
  if (left && !preempt) account->now.counts.voluntary++;
  if (wait > 0 && opened) account->now.spent[ACCOUNT_WAIT] += now - wait < opened ? now - opened : wait;
  begin_spell(account, idle ? ACCOUNT_SLEEP : ACCOUNT_ON, now);
  end_writing(account);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(threads_switch, bool preempt, struct task_struct* prev, struct task_struct* next) {
  __u32 number = bpf_get_smp_processor_id();
  struct cpu_account* cpu = bpf_map_lookup_elem(&cpus, &number);
  __u64 now = bpf_ktime_get_ns(), clock = queue_clock(next->pid ? next : prev);
  bool left = false;
  __s64 wait = -1;

  if (!cpu) return 0;
  if (came_unseen(&cpu->came, prev, next) && prev->pid && window_open() && wanted(prev, task_pid(prev, &filter)))
    count_drop(DROP_UNSEEN);
  cpu->lead = clock ? clock - now : 0;
  if (prev->pid) left = leaves(prev, preempt, now);
  if (next->pid) wait = arrives(next, now, clock);
  count_on_cpu(cpu, !prev->pid, !next->pid, left, preempt || !task_state(prev), wait, now);
  return 0;
}

/* Attached where the kernel's count of waits can be wrong. */
SEC("tp_btf/sched_waking")
int BPF_PROG(thread_wakes, struct task_struct* task) {
  struct thread_account* thread;

  if (!wait_is_none(task)) return 0;
  thread = thread_of(task);
  if (thread) thread->woken = bpf_ktime_get_ns();
  return 0;
}

#define COPY_TRIES 32

/* Copies an account while it is not written. */
static __always_inline bool copy_thread(struct thread_account* to, struct thread_account* from) {
#pragma clang loop unroll(disable)
  for (int i = 0; i < COPY_TRIES; i++) {
    __u64 serial = *(volatile __u64*)&from->account.serial;

    barrier();
    __builtin_memcpy(to, from, sizeof(*to));
    barrier();
    if (!(serial & 1) && serial == *(volatile __u64*)&from->account.serial) return true;
  }
  return false;
}

static __always_inline __u32 state_now(struct task_struct* task) {
  if (is_on_cpu(task)) return ACCOUNT_ON;
  if (is_queued(task)) return ACCOUNT_WAIT;
  return state_of(task, task_state(task));
}

/* Every thread with its account, which is opened for one that has none yet. */
SEC("iter/task")
int read_tasks(struct bpf_iter__task* ctx) {
  struct task_struct* task = ctx->task;
  struct workshop* shop = workshop(WORKSHOP_ITERATOR);
  __u32 number = bpf_get_smp_processor_id();
  struct cpu_account* cpu = bpf_map_lookup_elem(&cpus, &number);
  struct thread_account* thread;
  struct account_record* row;
  __u32 pid;

  if (!task || !shop || !cpu) return 0;
  pid = task_pid(task, &filter);
  row = &shop->task;
  describe(row, task, pid, bpf_ktime_get_ns());
  if (is_queued(task) && cpu->lead) row->queued = task->sched_info.last_queued - cpu->lead;
  if (is_on_cpu(task)) row->flags |= ACCOUNT_RUNS; /* not wanted perhaps, but its CPU is not idle */
  thread = thread_of(task);
  if (!thread) {
    if (task_state(task) & STATE_DEAD) return 0;
    if (wanted(task, pid)) {
      open_account(shop, task, state_now(task), row->queued ? row->queued : row->now, row->now);
      thread = thread_of(task);
    } else if (!is_on_cpu(task)) {
      return 0;
    }
  }
  if (thread) {
    row->flags |= ACCOUNT_KNOWN;
    if (!copy_thread(&row->thread, thread)) row->flags |= ACCOUNT_TORN;
  }
  bpf_seq_write(ctx->meta->seq, row, sizeof(*row));
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
