/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sleeps of nanosleep(2) and clock_nanosleep(2), each once, when it is over: the programs that naptime has for its
 * events and for its sums. Whoever includes this defines sleep_ends() below.
 */
#ifndef SONDE_NAPTIME_SLEEP_BPF_H
#define SONDE_NAPTIME_SLEEP_BPF_H

#include "naptime.h"

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* What is known of a sleep when it begins. */
struct sleep_note {
  __s64 began;     /* by its clock, ns */
  __s64 requested; /* ns */
  __s64 expires;   /* by its clock: a sleep that goes on after a signal has the same */
  __u64 at;        /* the timer, or what the program asked for in its own memory */
  __s32 clock;
  __u32 bits;
};
#define CALL_NOTE struct sleep_note

#include "lib/calls.bpf.h"
#include "lib/exec32.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/follow.bpf.h"
#include "lib/restart.bpf.h"
#include "lib/result.bpf.h"
#include "lib/syscall.bpf.h"

#if defined(__TARGET_ARCH_x86)
#define NR_NANOSLEEP 35
#define NR_CLOCK_NANOSLEEP 230
#define NR_RESTART_SYSCALL 219
#define NR32_CLOCK_NANOSLEEP 267
#elif defined(__TARGET_ARCH_arm64)
#define NR_NANOSLEEP 101
#define NR_CLOCK_NANOSLEEP 115
#define NR_RESTART_SYSCALL 128
#define NR32_CLOCK_NANOSLEEP 265
#endif
#define NR32_NANOSLEEP 162
#define NR32_CLOCK_NANOSLEEP_TIME64 407
#define NR32_RESTART_SYSCALL 0

#define TIMER_ABSTIME 1
#define HRTIMER_MODE_REL 1
#define KTIME_MAX 0x7fffffffffffffffLL
#define NSEC_PER_SEC 1000000000LL
#define KTIME_SEC_MAX (KTIME_MAX / NSEC_PER_SEC)

const volatile struct naptime_conf conf = {};

__s64 sleeping = 0; /* sleeps that have begun and not ended */

/* A sleep is over, and passed all filters. `user` is the program that says so: see enum sleep_user. */
static __always_inline void sleep_ends(void* ctx, struct task_struct* task, __u32 pid,
                                       const struct naptime_event* sleep, __u32 user);

/* Each may preempt the others. */
enum sleep_user { SLEEP_END, SLEEP_COMPAT_END, SLEEP_SIGNAL, SLEEP_USERS };

/* True if the sleep of `state`, which a signal interrupted, goes on: the kernel makes it again. */
static __always_inline bool sleep_goes_on(struct call_state* state, struct pt_regs* regs, __s64 expires) {
  bool same = state->restarts && state->restarts == LOAD_REG(regs, sp) && state->note.expires == expires;

  state->restarts = 0;
  return same;
}

static __always_inline void sleep_starts(struct call_state* state, const struct sleep_note* note, __u64 now) {
  if (!state->start) __sync_fetch_and_add(&sleeping, 1);
  state->note = *note;
  state->start = now;
}

/* For a state with a start. `now` is CLOCK_MONOTONIC, `there` the time by the clock of the sleep. */
static __always_inline void sleep_is_over(void* ctx, struct task_struct* task, struct call_state* state, __u64 now,
                                          __s64 there, int result, __u32 user) {
  struct naptime_event sleep = {.time = now, .clock = state->note.clock, .bits = state->note.bits};
  __s64 actual = there - state->note.began;
  __u32 pid;

  sleep.requested = state->note.requested;
  sleep.actual = actual > 0 ? actual : 0;
  sleep.result = result;
  state->start = 0;
  state->restarts = 0;
  __sync_fetch_and_add(&sleeping, -1);
  if (!window_open() || !result_wanted(&conf.result, result)) return;
  if (conf.slower && sleep.actual <= conf.slower) return;
  if (conf.late &&
      (result || sleep.bits & (SLEEP_UNREAD | SLEEP_BY_CPU) || sleep.actual <= sleep.requested + conf.late))
    return;
  pid = task_pid(task, &filter);
  if (wanted(task, pid)) sleep_ends(ctx, task, pid, &sleep, user);
}

/* What the kernel is about to wait for. */
struct sleep_timer {
  __s64 soft; /* what was asked for; the kernel may add the slack of the timer to it */
  __s64 expires;
  __s64 offset; /* from CLOCK_MONOTONIC to the clock */
  __s32 clock;
  __u32 pad;
};

static __always_inline void read_timer(struct sleep_timer* timer, struct hrtimer_sleeper* sleeper) {
  timer->soft = BPF_CORE_READ(sleeper, timer._softexpires);
  timer->expires = BPF_CORE_READ(sleeper, timer.node.expires);
  timer->offset = BPF_CORE_READ(sleeper, timer.base, offset);
  timer->clock = BPF_CORE_READ(sleeper, timer.base, clockid);
}

/* do_nanosleep begins. */
static __always_inline int sleep_begins(struct task_struct* task, const struct sleep_timer* timer, __u64 at, int mode) {
  struct call_state* state;
  struct sleep_note note = {.at = at, .clock = timer->clock, .expires = timer->expires};
  __u64 now;

  if (!window_open() || !wanted(task, task_pid(task, &filter))) return 0;
  state = call_state(true);
  if (!state) {
    count_drop(DROP_CALL_FULL);
    return 0;
  }
  if (sleep_goes_on(state, current_regs(task), timer->expires)) {
    state->note.at = at; /* by another timer */
    return 0;
  }
  if (state->start) count_missed_return();
  now = bpf_ktime_get_ns();
  note.began = now + timer->offset;
  note.requested = timer->soft;
  if (!(mode & HRTIMER_MODE_REL)) {
    note.bits = SLEEP_ABSOLUTE;
    note.requested = timer->soft > note.began ? timer->soft - note.began : 0;
  }
  sleep_starts(state, &note, now);
  return 0;
}

/* do_nanosleep ends. */
static __always_inline int sleep_returns(void* ctx, struct task_struct* task, struct call_state* state,
                                         const struct sleep_timer* timer, int result) {
  if (call_is_over(task, &result)) {
    __u64 now = bpf_ktime_get_ns();

    sleep_is_over(ctx, task, state, now, now + timer->offset, result, SLEEP_END);
  } else {
    state->note.expires = timer->expires;
    state->restarts = LOAD_REG(current_regs(task), sp);
  }
  return 0;
}

static __always_inline struct call_state* sleep_state(void) {
  struct call_state* state = call_state(false);

  return state && state->start ? state : 0;
}

/* Rung fexit: the function that sleeps, whichever call it is for. */
SEC("fentry/do_nanosleep")
int BPF_PROG(sleep_fentry, struct hrtimer_sleeper* sleeper, int mode) {
  struct sleep_timer timer = {.soft = sleeper->timer._softexpires,
                              .expires = sleeper->timer.node.expires,
                              .offset = sleeper->timer.base->offset,
                              .clock = sleeper->timer.base->clockid};

  return sleep_begins(current_task(), &timer, 0, mode);
}

SEC("fexit/do_nanosleep")
int BPF_PROG(sleep_fexit, struct hrtimer_sleeper* sleeper, int mode, int result) {
  struct call_state* state = sleep_state();
  struct sleep_timer timer = {.expires = sleeper->timer.node.expires, .offset = sleeper->timer.base->offset};

  return state ? sleep_returns(ctx, current_task(), state, &timer, result) : 0;
}

/* Rung kprobe: the same function. */
SEC("kprobe")
int sleep_kprobe(struct pt_regs* ctx) {
  struct hrtimer_sleeper* sleeper = (void*)PT_REGS_PARM1(ctx);
  struct sleep_timer timer = {};

  read_timer(&timer, sleeper);
  return sleep_begins(current_task(), &timer, (__u64)sleeper, PT_REGS_PARM2(ctx));
}

SEC("kretprobe")
int sleep_kretprobe(struct pt_regs* ctx) {
  struct call_state* state = sleep_state();
  struct sleep_timer timer = {};

  if (!state) return 0;
  read_timer(&timer, (void*)state->note.at);
  return sleep_returns(ctx, current_task(), state, &timer, PT_REGS_RC(ctx));
}

/* Rung tracepoint: the calls. What do_nanosleep is given must be made of their arguments. */
struct sleep_call {
  const void* request;
  __s32 clock;
  __u32 bits; /* of enum sleep_bits */
};

static __always_inline bool is_cpu_clock(__s32 clock) {
  return clock == SLEEP_PROCESS_CPU || clock == SLEEP_THREAD_CPU || clock < 0;
}

/* The time by a clock, when CLOCK_MONOTONIC is `now`; of CPU time it is not known, and that is taken. */
static __noinline __s64 clock_time(__s32 clock, __u64 now) {
  __s64 tai;

  if (clock == SLEEP_MONOTONIC || is_cpu_clock(clock)) return now;
  if (clock == SLEEP_BOOTTIME || clock == SLEEP_BOOTTIME_ALARM) return bpf_ktime_get_boot_ns();
  tai = bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_ktime_get_tai_ns)
            ? bpf_ktime_get_tai_ns()
            : now + conf.real_offset + conf.tai_offset;
  return clock == SLEEP_TAI ? tai : tai - conf.tai_offset;
}

/* As sleep_is_over(), where there is no timer to ask. */
static __always_inline void call_is_done(void* ctx, struct task_struct* task, struct call_state* state, int result,
                                         __u32 user) {
  __u64 now = bpf_ktime_get_ns();

  sleep_is_over(ctx, task, state, now, clock_time(state->note.clock, now), result, user);
}

/* What the clocks of the task's time namespace are ahead of the kernel's own. */
static __always_inline __s64 namespace_offset(struct task_struct* task, __s32 clock) {
  struct nsproxy* proxy = LOAD(task, nsproxy);

  if (!bpf_core_field_exists(proxy->time_ns) || !proxy) return 0;
  if (clock == SLEEP_MONOTONIC)
    return LOAD(proxy, time_ns, offsets.monotonic.tv_sec) * NSEC_PER_SEC +
           LOAD(proxy, time_ns, offsets.monotonic.tv_nsec);
  if (clock == SLEEP_BOOTTIME || clock == SLEEP_BOOTTIME_ALARM)
    return LOAD(proxy, time_ns, offsets.boottime.tv_sec) * NSEC_PER_SEC +
           LOAD(proxy, time_ns, offsets.boottime.tv_nsec);
  return 0;
}

/* False if it cannot be read, or the kernel will not take it. */
static __always_inline bool read_request(const struct sleep_call* call, __s64* ns) {
  __s64 seconds, rest;

  if (call->bits & SLEEP_TIME32) {
    __s32 parts[2];

    if (bpf_probe_read_user(parts, sizeof(parts), call->request)) return false;
    seconds = parts[0];
    rest = parts[1];
  } else {
    __s64 parts[2];

    if (bpf_probe_read_user(parts, sizeof(parts), call->request)) return false;
    seconds = parts[0];
    rest = call->bits & SLEEP_COMPAT ? (__u32)parts[1] : parts[1];
  }
  if (seconds < 0 || rest < 0 || rest >= NSEC_PER_SEC) return false;
  *ns = seconds >= KTIME_SEC_MAX ? KTIME_MAX : seconds * NSEC_PER_SEC + rest;
  return true;
}

/* What the call asks for, as long as nothing has overwritten it. */
static __always_inline void take_request(struct sleep_note* note, struct task_struct* task,
                                         const struct sleep_call* call) {
  __s64 ns;

  if (!read_request(call, &ns)) {
    note->bits |= SLEEP_UNREAD;
    return;
  }
  note->bits &= ~SLEEP_UNREAD;
  note->requested = ns;
  if (!(call->bits & SLEEP_ABSOLUTE)) return;
  ns -= namespace_offset(task, call->clock);
  note->expires = ns > 0 ? ns : 0;
  note->requested = note->expires > note->began ? note->expires - note->began : 0;
}

static __always_inline int call_begins(struct task_struct* task, struct sleep_call* call) {
  struct sleep_note note = {.at = (__u64)call->request};
  struct call_state* state;
  __u64 now;

  if (!window_open() || !wanted(task, task_pid(task, &filter))) return 0;
  state = call_state(true);
  if (!state) {
    count_drop(DROP_CALL_FULL);
    return 0;
  }
  /* The kernel's own rule: setting the clock does not change how long a relative sleep is. */
  if (!(call->bits & SLEEP_ABSOLUTE) && call->clock == SLEEP_REALTIME) call->clock = SLEEP_MONOTONIC;
  now = bpf_ktime_get_ns();
  note.clock = call->clock;
  note.began = clock_time(call->clock, now);
  note.bits = call->bits | (is_cpu_clock(call->clock) ? SLEEP_BY_CPU : 0);
  take_request(&note, task, call);
  if (sleep_goes_on(state, current_regs(task), note.expires) && call->bits & SLEEP_ABSOLUTE) return 0;
  sleep_starts(state, &note, now);
  return 0;
}

static __always_inline int call_ends(void* ctx, struct task_struct* task, struct call_state* state, int result,
                                     __u32 user) {
  if (!call_is_over(task, &result)) {
    state->restarts = LOAD_REG(current_regs(task), sp);
    return 0;
  }
  /* The page was not there yet; the call itself has fetched it, and did not write. */
  if (state->note.bits & SLEEP_UNREAD && !result) {
    struct sleep_call call = {(const void*)state->note.at, state->note.clock, state->note.bits};

    take_request(&state->note, task, &call);
  }
  call_is_done(ctx, task, state, result, user);
  return 0;
}

static __always_inline bool is_sleep(__u32 nr, bool compat) {
  if (compat) return nr == NR32_NANOSLEEP || nr == NR32_CLOCK_NANOSLEEP || nr == NR32_CLOCK_NANOSLEEP_TIME64;
  return nr == NR_NANOSLEEP || nr == NR_CLOCK_NANOSLEEP;
}

/* Two programs: none may be at a tracepoint with fewer arguments than it reads. */
SEC("tracepoint")
int nanosleep_enter(struct syscall_enter_ctx* ctx) {
  struct sleep_call call = {.request = (void*)ctx->args[0], .clock = SLEEP_MONOTONIC};

  return call_begins(current_task(), &call);
}

SEC("tracepoint")
int clock_nanosleep_enter(struct syscall_enter_ctx* ctx) {
  struct sleep_call call = {
      .request = (void*)ctx->args[2], .clock = ctx->args[0], .bits = ctx->args[1] & TIMER_ABSTIME ? SLEEP_ABSOLUTE : 0};

  return call_begins(current_task(), &call);
}

/* ... and of restart_syscall, by which a relative sleep goes on after a signal. */
SEC("tracepoint")
int sleep_exit(struct syscall_exit_ctx* ctx) {
  struct call_state* state = sleep_state();

  if (!state || (ctx->nr == NR_RESTART_SYSCALL && !state->restarts)) return 0;
  return call_ends(ctx, current_task(), state, ctx->ret, SLEEP_END);
}

/* --compat beside the tracepoints: 32-bit calls only. */
SEC("raw_tp/sys_enter")
int BPF_PROG(sleep_compat_enter, void* regs_of_call, long number) {
  struct task_struct* task = current_task();
  struct syscall in = {.nr = number, .compat = true};
  struct sleep_call call = {.clock = SLEEP_MONOTONIC, .bits = SLEEP_COMPAT};

  if (!compat_call(task) || !is_sleep(in.nr, true)) return 0;
  syscall_args(&in, current_regs(task));
  call.request = (void*)in.args[0];
  if (in.nr != NR32_CLOCK_NANOSLEEP_TIME64) call.bits |= SLEEP_TIME32;
  if (in.nr != NR32_NANOSLEEP) {
    call.clock = in.args[0];
    if (in.args[1] & TIMER_ABSTIME) call.bits |= SLEEP_ABSOLUTE;
    call.request = (void*)in.args[2];
  }
  return call_begins(task, &call);
}

SEC("raw_tp/sys_exit")
int BPF_PROG(sleep_compat_exit, void* regs_of_call, long result) {
  struct task_struct* task = current_task();
  __u32 nr;
  struct call_state* state;

  if (!compat_call(task)) return 0;
  nr = syscall_number(current_regs(task));
  if (!is_sleep(nr, true) && nr != NR32_RESTART_SYSCALL) return 0;
  state = sleep_state();
  if (!state || (nr == NR32_RESTART_SYSCALL && !state->restarts)) return 0;
  return call_ends(ctx, task, state, result, SLEEP_COMPAT_END);
}

/* Every rung: a sleep that a signal ended for good, see lib/restart.bpf.h. */
SEC("raw_tp/signal_deliver")
int BPF_PROG(sleep_interrupted, int signal, void* info, struct k_sigaction* action) {
  struct task_struct* task;
  struct pt_regs* regs;
  struct call_state* state = sleep_state();

  if (!state || !state->restarts) return 0;
  task = current_task();
  regs = current_regs(task);
  if (state->restarts != LOAD_REG(regs, sp) || !call_interrupted(syscall_result(regs), signal, action)) return 0;
  call_is_done(ctx, task, state, -EINTR, SLEEP_SIGNAL);
  return 0;
}

#endif
