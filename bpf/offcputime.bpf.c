// SPDX-License-Identifier: GPL-2.0-or-later
#include "offcputime.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Switches happen with interrupts off, and so does waking; the iterator may be preempted by both. */
enum { USER_SWITCH, USER_WAKE, USER_SEED };
#define COUNT_ROW struct offcputime_row
#define COUNT_USERS 3

#include "lib/follow.bpf.h"
#include "lib/held_copies.bpf.h"
#include "lib/kernel_walk.bpf.h"
/* Behind what it counts in. */
#include "lib/absences.bpf.h"

const volatile struct offcputime_conf conf = {};

struct cpu_switches {
  __u64 came; /* see came_unseen() */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_switches);
} switches SEC(".maps");

/* Who woke a thread, and who woke him. Kept while it runs, as it may wake others. */
struct waking {
  struct offcputime_wakers by;
  __u64 pending; /* it has not come to a CPU since */
};

/* By task_key(). Preallocated, as the scheduler must ask no allocator. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u64);
  __type(value, struct waking);
} wakings SEC(".maps");

/* Beside each row. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, COUNT_CHUNK);
  __type(key, __u32);
  __type(value, struct offcputime_wakers);
} beside SEC(".maps");

static __always_inline bool state_wanted(__u32 state) { return conf.states >> (state & 31) & 1; }

/* The row of the stacks in `here` and that state; 0 if there is no room. */
static __always_inline __u32 row_of(struct stack_here* here, struct count_key* key, __u32 user, __u32 state,
                                    struct task_struct* task) {
  __u64 number = key->what;
  struct offcputime_row* row;
  __u32 at;

  key->what = mix(number, state);
  row = count_row(key, user, &at);
  if (!row) return 0;
  row->value.stack = number;
  row->value.state = state;
  stack_counted(here, &conf.by, task, &row->value.name, &row->value.told);
  return at;
}

/* Whoever leaves has its stack copied, if it is to be unwound: what is counted then is a row of the copy's. */
static __always_inline __u64 copied_for(void* ctx, struct task_struct* task, __u64 key, __u32 pid, __u32 state,
                                        __u64 now) {
  struct copied* copy = 0;
  enum hold hold = hold_copy(ctx, USER_SWITCH, &conf.by, task, key, pid, now, &copy);

  if (copy) {
    copy->row.value.state = state;
    name_row(&conf.by, task, &copy->row.value.name);
  }
  return hold == HOLD_NO_ROOM ? ABSENCE_WITHOUT_ROOM : 0;
}

static __always_inline void leaves(void* ctx, struct task_struct* task, bool preempt, bool unseen, __u64 now,
                                   bool copying) {
  __u32 bits = task_state(task), state, pid, row;
  __u64 key = task_key(task), without_room = 0;
  struct stack_here here;
  struct count_key counted;

  if (bits & STATE_DEAD) {
    absence_forget(key, now);
    if (conf.chain) bpf_map_delete_elem(&wakings, &key);
    if (copying) let_go_of_copy(key);
    return;
  }
  if (unseen) absence_lost(key, now);
  if (preempt || !bits) return;
  state = sleep_state(task, bits);
  if (!state_wanted(state)) return;
  pid = task_pid(task, &filter);
  if (!wanted(task, pid)) return;
  if (copying) without_room = copied_for(ctx, task, key, pid, state, now);
  if (!stack_of_caller(ctx, USER_SWITCH, &conf.by, task, pid, &here, &counted)) return;
  row = row_of(&here, &counted, USER_SWITCH, state, task);
  if (row) absence_begins(key, row | without_room, now);
}

/* The row of an absence that was ended by these. */
static __always_inline struct offcputime_row* row_of_woken(struct offcputime_row* row, const struct waking* waking) {
  struct offcputime_wakers* wakers;
  struct offcputime_row* own;
  struct count_key key = row->key;
  __u32 at;

#pragma clang loop unroll(disable)
  for (int i = 0; i < OFFCPUTIME_CHAIN; i++) key.what = mix(key.what, waking->by.stacks[i]);
  own = count_row(&key, USER_SWITCH, &at);
  if (!own) return 0;
  if (!own->value.told) {
    wakers = bpf_map_lookup_elem(&beside, &at);
    if (!wakers) return 0;
    *wakers = waking->by;
    own->value.stack = row->value.stack;
    own->value.state = row->value.state;
    own->value.told = 1; /* with the other row */
  }
  own->value.name = row->value.name;
  return own;
}

/* Whether the reader counts it, by the stack that was copied when it left. `woken` is the key of who woke it, or 0. */
static __always_inline bool counted_by_copy(__u64 key, const struct absence* absence, __u64 began, __u64 part,
                                            __u64 woken) {
  struct copied* copy = copy_held(key, absence->since);

  if (!copy) {
    if (absence->row & ABSENCE_WITHOUT_ROOM) count_drop(DROP_HELD);
    return false;
  }
  copy->row.value.absences = (struct absence_sums){};
  add_absence(&copy->row.value.absences, began, part);
  copy->row.value.told = woken;
  return put_held_copy(copy, USER_SWITCH);
}

static __always_inline void arrives(struct task_struct* task, __u64 now, bool copying) {
  __u64 key = task_key(task), began = interval_of(now), since, part;
  struct absence* absence = bpf_map_lookup_elem(&absences, &key);
  struct waking* waking = conf.chain ? bpf_map_lookup_elem(&wakings, &key) : 0;
  struct offcputime_row* row;
  bool woken = waking && waking->pending;
  __u32 at;

  if (waking) waking->pending = 0;
  if (!absence || !absence->since) return;
  since = absence->since;
  at = absence->row;
  row = bpf_map_lookup_elem(&rows, &at);
  if (began && row && part_of(&conf.want, since, began, now, &part)) {
    if (woken) row = row_of_woken(row, waking);
    if (row && !(copying && counted_by_copy(key, absence, began, part, woken ? row->key.what : 0)))
      add_absence(&row->value.absences, began, part);
  }
  absence_ends(absence, began);
}

static __always_inline int switches_to(void* ctx, bool preempt, struct task_struct* prev, struct task_struct* next,
                                       bool copying) {
  __u32 zero = 0;
  struct cpu_switches* cpu = bpf_map_lookup_elem(&switches, &zero);
  bool unseen;
  __u64 now;

  if (!cpu) return 0;
  now = bpf_ktime_get_ns();
  unseen = came_unseen(&cpu->came, prev, next);
  if (next->pid) arrives(next, now, copying);
  if (prev->pid) leaves(ctx, prev, preempt, unseen, now, copying);
  return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(off_and_on, bool preempt, struct task_struct* prev, struct task_struct* next) {
  return switches_to(ctx, preempt, prev, next, false);
}

/* With --unwind: one of its own, since the other would save registers for what it never does. */
SEC("tp_btf/sched_switch")
int BPF_PROG(off_on_copying, bool preempt, struct task_struct* prev, struct task_struct* next) {
  return switches_to(ctx, preempt, prev, next, true);
}

static const struct count_by by_process = {.who = COUNT_OF_PROCESS};

/* The number of the stacks of who wakes, which is the current task. */
static __always_inline __u64 waker(void* ctx, struct task_struct* by) {
  __u32 pid = task_pid(by, &filter), at;
  struct offcputime_row* row;
  struct stack_here here;
  struct count_key key;

  if (!stack_of_caller(ctx, USER_WAKE, &by_process, by, pid, &here, &key)) return 0;
  key.who = OFFCPUTIME_WAKER;
  row = count_row(&key, USER_WAKE, &at);
  if (!row) return 0;
  row->value.stack = key.what;
  row->value.pid = pid;
  stack_counted(&here, &by_process, by, &row->value.name, &row->value.told);
  return key.what;
}

/* Attached with --wakers. */
SEC("tp_btf/sched_waking")
int BPF_PROG(wakes, struct task_struct* task) {
  __u64 key = task_key(task), own_key;
  struct absence* absence = bpf_map_lookup_elem(&absences, &key);
  struct waking *known, *own, fresh = {};
  struct task_struct* by;

  /* Of who is not wanted it is told only who woke it, if it may come to wake one who is. */
  if ((!absence || !absence->since) && conf.chain < 2) return 0;
  by = current_task();
  fresh.pending = 1;
  fresh.by.stacks[0] = waker(ctx, by);
  own_key = (__u64)LOAD(by, stack);
  own = conf.chain > 1 && LOAD(by, pid) ? bpf_map_lookup_elem(&wakings, &own_key) : 0;
  if (own) {
#pragma clang loop unroll(full)
    for (__u32 i = 1; i < OFFCPUTIME_CHAIN; i++)
      if (i < conf.chain) fresh.by.stacks[i] = own->by.stacks[i - 1];
  }
  known = bpf_map_lookup_elem(&wakings, &key);
  if (known) {
    *known = fresh;
    return 0;
  }
  if ((int)bpf_map_update_elem(&wakings, &key, &fresh, BPF_ANY)) count_drop(DROP_WAKER_FULL);
  return 0;
}

/* Who is away already when the window opens. Of the program's part of its stack nothing can be known. */
SEC("iter/task")
int already_there(struct bpf_iter__task* ctx) {
  struct task_struct* task = ctx->task;
  __u32 bits, state, pid, row;
  struct stack_here here;
  struct count_key counted;
  struct absence* absence;
  __u64 key, now;

  if (!task || !task->pid) return 0;
  bits = task_state(task);
  if (!bits || bits & STATE_DEAD) return 0;
  state = sleep_state(task, bits);
  if (!state_wanted(state)) return 0;
  key = task_key(task);
  absence = bpf_map_lookup_elem(&absences, &key);
  if (absence && absence->since) return 0;
  pid = task_pid(task, &filter);
  if (!wanted(task, pid)) return 0;
  now = bpf_ktime_get_ns();
  if (!stack_of_sleeper(USER_SEED, &conf.by, task, pid, &here, &counted)) return 0;
  row = row_of(&here, &counted, USER_SEED, state, task);
  if (!row) return 0;
  absence_begins(key, row, now);
  /* It came back before this was written down: nobody would end it. */
  if (task_state(task)) return 0;
  absence = bpf_map_lookup_elem(&absences, &key);
  if (absence && absence->since == now) absence->since = 0;
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
