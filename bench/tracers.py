# SPDX-License-Identifier: GPL-2.0-or-later
"""What is compared with what, and what sonde promises. A later tool joins with one entry of TOOLS for each of its modes."""

import dataclasses

from peers import bcc, bpftrace, libbpf_tools, perf, strace


@dataclasses.dataclass(frozen=True)
class Tool:
    """One way to use a tool of sonde's. Its key in TOOLS is what follows `sonde` on the command line."""

    op: str  # the traced operation of the load
    unrelated_op: str  # an operation that the tool does not ask about
    peers: tuple = ()
    goals: dict = dataclasses.field(default_factory=dict)  # figure -> highest (lossless_rate: lowest) value
    targets: dict = dataclasses.field(default_factory=dict)  # figure -> the same, as a part of the best rival's
    against: str = ""  # only rivals with this in their names count for targets
    measures: tuple = ("slowdown",)
    floor: tuple = ()  # the hooks of sonde's rung, for floor.cpp
    growth: tuple = ()  # of growth.py
    # What follows is for modes that show events.
    fast_op: str = ""  # makes the same event with less work, for the sweep; without it: op
    events_an_op: int = 1
    rates: tuple = ()  # of the sweep, in events a second; without the measure: it shows events, and they are counted
    start_rates: tuple = (1_000, 20_000)  # in the background of what is waited for
    own_process: bool = True  # events are of the load itself, so that tracers can filter by its PID
    op_arguments: tuple = ()
    names_file: bool = False  # see Tracer

    @property
    def shows_events(self):
        return bool(self.rates)


STREAM = ("slowdown", "rates", "waiting", "programs", "size")
SUMS = ("slowdown", "memory", "programs")
TO_700_000 = (50_000, 75_000, 100_000, 125_000, 150_000, 175_000, 200_000, 250_000, 300_000, 350_000, 400_000, 500_000, 600_000, 700_000)

BY_ENTRY_AND_EXIT = "tracepoint:{0}:sys_enter{1} {{ @start[tid] = nsecs; }} tracepoint:{0}:sys_exit{1} /@start[tid]/ "


def timed_by_bpftrace(what, name, category="raw_syscalls", call=""):
    """From the entry of a call to its exit, in the idiom of its own scripts."""
    hooks = BY_ENTRY_AND_EXIT.format(category, call)
    return bpftrace(hooks + "{ $ns = nsecs - @start[tid]; delete(@start[tid]); " + what + " }", name)


def opensnoop_with_stacks(function):
    script = f'tracepoint:syscalls:sys_exit_openat {{ printf("%d %s %d%s\\n", pid, comm, args->ret, {function}()); }}'
    return Tool(
        op="openat",
        unrelated_op="getppid",
        peers=(bpftrace(script, f"openat with {function}"), perf("trace -e openat --call-graph fp -o /dev/stdout")),
        measures=("slowdown", "memory", "programs"),
        rates=TO_700_000,
    )


def syscount(peers, goal, ratio, **more):
    return Tool(
        op="getppid",
        unrelated_op="openat",
        peers=peers,
        goals={"traced_ratio": goal},
        targets={"overhead": ratio, "rss": 1.5} if ratio else {},
        measures=SUMS,
        **more,
    )


def cswitch(peers, goal, **more):
    return Tool(
        op="switch",
        unrelated_op="getppid",
        peers=peers,
        goals={"unrelated_ratio": 1.02, **({"traced_ratio": goal} if goal else {})},
        measures=more.pop("measures", SUMS),
        **more,
    )


SWITCHES = "tracepoint:sched:sched_switch"
WAITS = (
    "tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @since[args->pid] = nsecs; } "
    + SWITCHES
    + " { if (args->prev_state == 0) { @since[args->prev_pid] = nsecs; } $at = @since[args->next_pid]; "
    "if ($at) { @usecs = hist((nsecs - $at) / 1000); } delete(@since[args->next_pid]); }"
)
EVENTS = (
    SWITCHES + ' { printf("%lld %d %s %d %d %s %d\\n", nsecs, cpu, args->prev_comm, args->prev_pid, args->prev_state, '
    "args->next_comm, args->next_pid); }"
)

TOOLS = {
    "opensnoop": Tool(
        op="openat",
        unrelated_op="getppid",
        fast_op="openat-refused",
        peers=(
            libbpf_tools("opensnoop"),
            bpftrace("opensnoop.bt"),
            perf("trace -e openat -o /dev/stdout"),
            strace("openat"),
            bcc("opensnoop"),
        ),
        measures=STREAM,
        rates=TO_700_000,
        growth=("processes", "filters", "producers"),
        floor=("tracepoint:syscalls/sys_exit_openat",),
        targets={"overhead": 0.25, "unrelated": 0.9, "reader": 0.1, "lossless": 1.8, "first_line": 0.3, "rss": 1.5},
        goals={
            "traced_ratio": 1.30,
            "unrelated_ratio": 1.35,
            "reader_us": 0.3,
            "lossless_rate": 300_000,
            "first_line_ms": 20,
            "latency_ms": 50,
            "last_byte_ms": 20,
            "rss_mb": 6,
            "binary_mb": 6,
        },
    ),
    "opensnoop --ustack": opensnoop_with_stacks("ustack"),
    "opensnoop --kstack": opensnoop_with_stacks("kstack"),
    "syscount": syscount(
        (
            libbpf_tools("syscount -P"),
            bpftrace("tracepoint:raw_syscalls:sys_enter { @[pid, comm] = count(); }", "count by pid, comm"),
            perf("trace -s"),
            strace("getppid"),
            bcc("syscount"),
        ),
        1.60,
        0.5,
        growth=("processes", "filters"),
        floor=("tp_btf:sys_enter",),
    ),
    "syscount --by syscall": syscount(
        (libbpf_tools("syscount"), bpftrace("tracepoint:raw_syscalls:sys_enter { @[args->id] = count(); }", "count by call")),
        1.55,
        0.5,
    ),
    "syscount -L": syscount(
        (
            libbpf_tools("syscount -L -P"),
            timed_by_bpftrace("@n[pid, comm] = count(); @ns[pid, comm] = sum($ns);", "count and time by pid, comm"),
        ),
        2.6,
        0.55,
        floor=("tp_btf:sys_enter", "tp_btf:sys_exit", "tp_btf:sched_switch"),
    ),
    "syscount --by syscall --percentiles": syscount(
        (timed_by_bpftrace("@ns[args->id] = hist($ns);", "histogram of times by call"),), 3.0, None
    ),
    "syscount --by comm": Tool(
        op="name",
        unrelated_op="openat",
        peers=(bpftrace("tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }", "count by comm"),),
        measures=(),
        growth=("keys",),
    ),
    "cswitch": cswitch(
        (
            libbpf_tools("runqlat"),
            bpftrace(SWITCHES + " { @[args->prev_pid, args->prev_comm] = count(); }", "count of switches by thread"),
            bpftrace(WAITS, "histogram of waits"),
            perf("sched record -o -", binary_output=True),
        ),
        1.15,
        targets={"overhead": 0.5, "rss": 1.5},
        against="runqlat",
        growth=("processes",),
        floor=("tp_btf:sched_switch",),
    ),
    "cswitch --histogram-of wait": cswitch((libbpf_tools("runqlat -P"), bpftrace(WAITS, "histogram of waits")), 1.25),
    "cswitch --histogram-of block": cswitch((libbpf_tools("cpudist -O -P"), libbpf_tools("offcputime")), 1.25),
    "cswitch --histogram-of slice": cswitch((libbpf_tools("cpudist -P"),), 1.25),
    "runqlat": cswitch((libbpf_tools("runqlat"), bpftrace(WAITS, "histogram of waits"), bpftrace("runqlat.bt")), 1.25),
    "runqlat --slower 1ms": cswitch((libbpf_tools("runqslower 1000"),), 1.25, measures=("slowdown",)),
    "cpudist": cswitch((libbpf_tools("cpudist"),), 1.25),
    "cpudist --off": cswitch((libbpf_tools("cpudist -O"),), 1.25),
    "cswitch --events": cswitch(
        (bpftrace(EVENTS, "each switch"), perf("sched record -o -", binary_output=True)),
        1.35,
        measures=STREAM,
        rates=(100_000, 200_000, 300_000, 400_000),
        events_an_op=2,
    ),
    "cswitch --timeline": cswitch(
        (perf("sched record -o -", binary_output=True),), 1.35, measures=("slowdown",), names_file=True
    ),
    "offcputime -K": cswitch((libbpf_tools("offcputime"),), 1.30),
    "offcputime": cswitch((libbpf_tools("offcputime"),), None),
    "offcputime --min 1ms --unwind dwarf": cswitch((libbpf_tools("offcputime -m 1000"),), None, measures=("slowdown",)),
    "profile": Tool(
        op="getppid",
        unrelated_op="openat",
        peers=(libbpf_tools("profile"), perf("record -a -g -F 99 -o -", binary_output=True)),
        measures=("slowdown", "memory"),
        goals={"traced_ratio": 1.01, "unrelated_ratio": 1.01},
    ),
    "profile -F 999": Tool(
        op="getppid",
        unrelated_op="openat",
        peers=(libbpf_tools("profile -F 999"), perf("record -a -g -F 999 -o -", binary_output=True)),
        measures=("slowdown", "memory"),
        goals={"traced_ratio": 1.02, "unrelated_ratio": 1.02},
    ),
    "execsnoop": Tool(
        op="fork-exec",
        unrelated_op="getppid",
        peers=(
            libbpf_tools("execsnoop", pid_flag=""),
            bpftrace("execsnoop.bt"),
            perf("trace -e execve -o /dev/stdout"),
            bcc("execsnoop"),
        ),
        measures=STREAM,
        rates=(500, 1_000, 2_000),
        start_rates=(500,),
        own_process=False,
        floor=("tracepoint:syscalls/sys_exit_execve",),
        targets={"rss": 1.5},
    ),
    "exitsnoop": Tool(
        op="fork",
        unrelated_op="getppid",
        peers=(
            libbpf_tools("exitsnoop", pid_flag=""),
            bpftrace('tracepoint:sched:sched_process_exit { printf("%d %s\\n", pid, comm); }', "each exit"),
        ),
        measures=("slowdown", "rates"),
        rates=(5_000, 10_000, 20_000),
        own_process=False,
    ),
    "sigsnoop": Tool(
        op="kill",
        unrelated_op="getppid",
        peers=(libbpf_tools("sigsnoop"), bpftrace("killsnoop.bt")),
        measures=("slowdown", "rates"),
        rates=(50_000, 100_000, 200_000, 300_000),
    ),
    "syslat read": Tool(
        op="read",
        unrelated_op="getppid",
        peers=(
            timed_by_bpftrace("@ns = hist($ns);", "histogram of times", "syscalls", "_read"),
            perf("trace -s -e read"),
        ),
        measures=SUMS,
        goals={"unrelated_ratio": 1.40},
        floor=("tracepoint:syscalls/sys_enter_read", "tracepoint:syscalls/sys_exit_read"),
    ),
    "syslat read --slower 1ms": Tool(
        op="read",
        unrelated_op="getppid",
        peers=(
            timed_by_bpftrace(
                'if ($ns > 1000000) { printf("%d %s %d\\n", pid, comm, $ns); }', "reads of over 1 ms", "syscalls", "_read"
            ),
        ),
    ),
    "naptime": Tool(
        op="nanosleep",
        unrelated_op="getppid",
        peers=(bpftrace("naptime.bt"),),
        goals={"traced_ratio": 1.60},
        rates=(10_000,),
    ),
}
