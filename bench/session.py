# SPDX-License-Identifier: GPL-2.0-or-later
"""What all measures share: the load and the tracer, started where they belong and watched."""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import select
import signal
import struct
import termios
import time
from collections.abc import Callable

from peers import MARK
from processes import BenchError, Child, Place, output_of, pipe, read_until

PAUSE_S = 0.3  # between runs, for what the kernel tears down late

# How far above its lowest an operation may be while nobody traces. The cheapest program on system calls adds 30 %. Quiet runs
# agree within 2 %, but a machine may be a little slower for the rest of an hour; what sleeps or makes processes varies.
TOLERANCE = 1.15
TOLERANCES = {"switch": 1.25, "nanosleep": 1.25, "fork": 1.3, "fork-exec": 1.3}
ALONE = 1.1  # how far above its lowest the arithmetic of bench/reference.h may be where the core is the load's alone
DRIFT = 1.05  # how far the guards before and after a pair may differ


@dataclasses.dataclass
class Machine:
    """What stays the same for all tools."""

    load_path: str
    floor_path: str
    folder: str  # on memory
    cpus: tuple
    quick: bool
    noisy: bool  # pairs that fail the guard are kept
    mounts: Callable  # root -> a mount namespace
    lowest_ns: dict = dataclasses.field(default_factory=dict)  # what an operation takes while nobody traces
    reference_ns: float = 0.0  # what the arithmetic takes where the core is ours alone; 0: not known yet
    crowded: bool = False  # since somebody asked, there was a run beside which the core was hardly ever ours alone


class Bench:
    """One tool on one machine."""

    def __init__(self, machine, tool):
        self.machine = machine
        self.tool = tool
        self.quick = machine.quick
        self.load_cpu, self.tracer_cpu = machine.cpus
        self.mark = os.path.join(machine.folder, "mark")
        self.out = os.path.join(machine.folder, "out")
        self.err = os.path.join(machine.folder, "err")
        with open(self.mark, "w"):
            pass
        # This process reads the pipes that are timed. Beside the load it costs the tracer nothing, and while something is
        # timed through a pipe the load either sleeps or lets anything preempt it.
        os.sched_setaffinity(0, {self.load_cpu})

    # ---- the load ----

    def load(self, op, *arguments, cpu=None):
        cpu = self.load_cpu if cpu is None else cpu
        path = self.machine.load_path
        return [path, "--op", op, "--path", self.mark, "--cpu", str(cpu), *arguments]

    def batches(self):
        wanted = 200 if self.quick else 400
        alone = self.machine.reference_ns * ALONE
        return ("--batches", str(wanted), *(("--alone", f"{alone:.4f}") if alone else ()))

    def run_load(self, op, *arguments):
        return self.judged(json.loads(output_of(self.load(op, *self.batches(), *arguments))))

    def judged(self, run):
        """The run; notes whether the core was the load's alone for enough of it."""
        least = self.machine.reference_ns
        self.machine.reference_ns = min(least, run["reference_ns"]) if least else run["reference_ns"]
        self.machine.crowded |= run["alone"] < 50
        return run

    def time_of(self, op, *arguments):
        return self.run_load(op, *arguments)["ns_p10"]

    def at_floor(self, op, now):
        """Whether nobody traces, by what the operation takes."""
        lowest = self.machine.lowest_ns
        lowest[op] = min(now, lowest.get(op, now))
        return now < lowest[op] * TOLERANCES.get(op, TOLERANCE)

    def find_floor(self):
        """The guard's measure, before anything is traced."""
        for op in (self.tool.op, self.tool.unrelated_op):
            if op not in self.machine.lowest_ns:
                for _ in range(2 if self.quick else 5):
                    self.at_floor(op, self.time_of(op))

    def guard(self):
        return self.time_of(self.tool.unrelated_op)

    def is_quiet(self, before, after):
        """Whether nobody else traced, the core was ours, and the machine was as fast after a pair as before it."""
        op = self.tool.unrelated_op
        free = [self.at_floor(op, ns) for ns in (before, after)]
        alone, self.machine.crowded = not self.machine.crowded, False
        return all(free) and alone and max(before, after) < min(before, after) * DRIFT

    # ---- the tracer ----

    @contextlib.contextmanager
    def tracing(self, tracer, *arguments, to="file", pid=None):
        """The tracer, attached. Its output goes to self.out, by redirection ("file") or by --output ("option"), or through
        a pipe into a cat on the tracer's CPU ("pipe"). pid: the process that a debugger attaches to."""
        if tracer.names_file:
            to = "own file"
        argv = [*tracer.resolved(), *([self.out] if tracer.names_file else []), *arguments]
        if to == "option":
            argv += ["--output", self.out]
        if to not in ("file", "pipe"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.out)
        with contextlib.ExitStack() as stack:
            stdout = None
            if to == "file":
                stdout = stack.enter_context(open(self.out, "wb")).fileno()
            elif to == "pipe":
                reader, stdout = pipe()
                stack.enter_context(Child(["cat"], stdin=reader, place=Place(cpu=self.tracer_cpu)))
                os.close(reader)
                stack.callback(os.close, stdout)
            err = stack.enter_context(open(self.err, "wb")).fileno()
            child = stack.enter_context(self.start(tracer, argv, stdout, err))
            try:
                child.wait_attached(pid)
            except BenchError as e:
                raise BenchError(f"{e}: {self.last_words()}") from None
            yield child
        time.sleep(PAUSE_S)

    def start(self, tracer, argv, stdout, stderr):
        mounts = self.machine.mounts(tracer.root) if tracer.needs_tracefs else None
        place = Place(cpu=self.tracer_cpu, mount_ns=mounts, root=tracer.root)
        child = Child(argv, stdout=stdout, stderr=stderr, place=place)
        # bpftrace ends if SIGINT finds it waiting; what comes while it works is forgotten.
        child.insist = tracer.kind == "bpftrace"
        return child

    def last_words(self):
        with open(self.err, errors="replace") as f:
            lines = f.read().split("\n")
        return "; ".join(line.strip() for line in lines if line.strip())[:300]

    def waiting_load(self, op, *arguments, cpu=None):
        return WaitingLoad(self.load(op, *arguments, "--wait", cpu=cpu))

    def only_load(self, tracer, load):
        """Arguments that filter to the load, so that what the tracer loses is the load's and nobody else's."""
        return [tracer.pid_flag, str(load.pid)] if tracer.pid_flag and self.tool.own_process else []


class WaitingLoad:
    """A load that has started, so that its id is known, and begins on go()."""

    def __init__(self, argv):
        go_r, self.go_w = pipe()
        self.out, out_w = pipe()
        self.child = Child(argv, stdin=go_r, stdout=out_w, stderr=2)
        os.close(go_r)
        os.close(out_w)
        self.pid = self.result()["pid"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.__exit__()  # it ends by being killed: until then a tracer of it alone goes on
        os.close(self.out)
        os.close(self.go_w)

    def go(self):
        os.write(self.go_w, b"\n")

    def result(self, timeout=60):
        line = read_until(self.out, timeout, lambda data: data.endswith(b"\n"))
        if not line.endswith(b"\n"):
            raise BenchError("the load did not end")
        return json.loads(line)

    def run(self):
        self.go()
        return self.result()


def terminal():
    """(our end, the tracer's end) of a terminal of 80 columns."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return ours, theirs


class Watcher:
    """A tracer whose stdout is a pipe or a terminal, and the times at which something came."""

    def __init__(self, bench, tracer, arguments=(), to="pipe"):
        out_r, out_w = terminal() if to == "terminal" else pipe()
        err_r, err_w = pipe()
        self.child = bench.start(tracer, tracer.resolved() + list(arguments), out_w, err_w)
        os.close(out_w)
        os.close(err_w)
        self.open_fds = {out_r, err_r}
        self.out_fd = out_r
        self.poll = select.poll()
        self.poll.register(out_r, select.POLLIN)
        self.poll.register(err_r, select.POLLIN)
        self.first_byte_ns = self.first_mark_ns = self.last_mark_ns = self.last_byte_ns = None
        self.marks = 0
        self.rest = b""
        self.err = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.__exit__()
        for fd in self.open_fds:
            os.close(fd)

    def read(self, timeout_s, until=lambda: False):
        """Read what comes until the condition holds, both have ended or the time is over."""
        deadline = time.monotonic() + timeout_s
        while self.open_fds and not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            for fd, _ in self.poll.poll(left * 1000):
                self.read_some(fd)

    def read_some(self, fd):
        try:
            data = os.read(fd, 1 << 20)
        except OSError as e:
            if e.errno != errno.EIO:  # the end of a terminal
                raise
            data = b""
        now = time.monotonic_ns()
        if not data:
            self.poll.unregister(fd)
            self.open_fds.discard(fd)
            os.close(fd)
            return
        self.last_byte_ns = now
        if fd == self.out_fd:
            self.take(data, now)
        else:
            self.err += data

    def take(self, data, now):
        self.first_byte_ns = self.first_byte_ns or now
        data = self.rest + data
        end = data.rfind(b"\n") + 1
        found = data.count(MARK, 0, end)
        if found:
            self.first_mark_ns = self.first_mark_ns or now
            self.last_mark_ns = now
        self.marks += found
        self.rest = data[end:]

    def interrupt(self):
        """(SIGINT to the last byte of stdout and stderr, SIGINT to exit), in ms; the first is None if nothing came."""
        at = time.monotonic_ns()
        self.child.signal(signal.SIGINT)
        for _ in range(10):
            self.read(1)
            if not self.open_fds:
                break
            if self.child.insist:
                self.child.signal(signal.SIGINT)
        if not self.child.wait(10):
            raise BenchError(f"{self.child.name} did not end within 10 s of SIGINT")
        end = time.monotonic_ns()
        last = self.last_byte_ns
        return ((last - at) / 1e6 if last is not None and last > at else None), (end - at) / 1e6
