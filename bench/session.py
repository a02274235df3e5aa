# SPDX-License-Identifier: GPL-2.0-or-later
"""What all measures share: the load and the tracer, started where they belong and watched."""

import contextlib
import json
import os
import select
import signal
import time

from processes import BenchError, Child, output_of, pipe

PAUSE_S = 0.3  # between runs, for what the kernel tears down late


class Bench:
    """The CPUs, the load, the scratch folder, how long to measure."""

    def __init__(self, tool, load, folder, cpus, quick, tracefs_ns):
        self.tool = tool
        self.load_path = load
        self.folder = folder
        self.load_cpu, self.tracer_cpu = cpus
        self.quick = quick
        self.tracefs_ns = tracefs_ns
        self.mark = os.path.join(folder, "mark")
        self.out = os.path.join(folder, "out")
        self.err = os.path.join(folder, "err")
        with open(self.mark, "w"):
            pass
        # This process reads the pipes that are timed. Beside the load it costs the tracer nothing, and while something is
        # timed through a pipe the load either sleeps or lets anything preempt it.
        os.sched_setaffinity(0, {self.load_cpu})
        self.floor_ns = {}

    # ---- the load ----

    def load(self, op, *arguments):
        return [self.load_path, "--op", op, "--path", self.mark, "--cpu", str(self.load_cpu), *arguments]

    def time_of(self, op):
        batches = "200" if self.quick else "400"
        return json.loads(output_of(self.load(op, "--batches", batches)))["ns_p10"]

    def find_floor(self):
        """What the operations take while nobody traces."""
        for op in (self.tool.op, self.tool.unrelated_op):
            self.floor_ns[op] = min(self.time_of(op) for _ in range(5))

    def at_floor(self, op, now):
        """The cheapest program on system calls adds 30 %; quiet runs agree within 2 %."""
        if now < self.floor_ns[op] * 0.97:
            self.floor_ns[op] = now  # somebody traced while the floor was taken
        return now < self.floor_ns[op] * 1.05

    def guard(self):
        """True if nobody traces at the moment, by what the unrelated system call takes."""
        return self.at_floor(self.tool.unrelated_op, self.time_of(self.tool.unrelated_op))

    # ---- the tracer ----

    @contextlib.contextmanager
    def tracing(self, tracer, *arguments, to="file"):
        """The tracer, attached. Its output goes to self.out, by redirection ("file") or by --output ("option"), or through
        a pipe into a cat on the tracer's CPU ("pipe")."""
        argv = tracer.resolved() + list(arguments)
        if to == "option":
            argv += ["--output", self.out]
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.out)
        with contextlib.ExitStack() as stack:
            stdout = None
            if to == "file":
                stdout = stack.enter_context(open(self.out, "wb")).fileno()
            elif to == "pipe":
                reader, stdout = pipe()
                stack.enter_context(Child(["cat"], cpu=self.tracer_cpu, stdin=reader))
                os.close(reader)
                stack.callback(os.close, stdout)
            err = stack.enter_context(open(self.err, "wb")).fileno()
            child = stack.enter_context(self.start(tracer, argv, stdout, err))
            try:
                child.wait_attached()
            except BenchError as e:
                raise BenchError(f"{e}: {self.last_words()}") from None
            yield child
        time.sleep(PAUSE_S)

    def start(self, tracer, argv, stdout, stderr):
        namespace = self.tracefs_ns() if tracer.needs_tracefs else None
        return Child(argv, cpu=self.tracer_cpu, stdout=stdout, stderr=stderr, mount_ns=namespace)

    def last_words(self):
        with open(self.err, errors="replace") as f:
            lines = f.read().split("\n")
        return "; ".join(line.strip() for line in lines if line.strip())[:300]

    def waiting_load(self, op, rate, seconds):
        return WaitingLoad(self.load(op, "--rate", str(rate), "--seconds", str(seconds), "--wait"))


class WaitingLoad:
    """A paced load that has started, so that its id is known, and begins on go()."""

    def __init__(self, argv):
        go_r, self.go_w = pipe()
        out_r, out_w = pipe()
        self.child = Child(argv, stdin=go_r, stdout=out_w, stderr=2)
        os.close(go_r)
        os.close(out_w)
        self.out = os.fdopen(out_r)
        self.pid = json.loads(self.out.readline())["pid"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.__exit__()
        self.out.close()
        os.close(self.go_w)

    def go(self):
        os.write(self.go_w, b"\n")

    def result(self):
        return json.loads(self.out.readline())

    def run(self):
        self.go()
        return self.result()


class Watcher:
    """A tracer whose stdout and stderr are pipes, and the times at which something came."""

    def __init__(self, bench, tracer):
        self.mark = bench.mark.encode()
        out_r, out_w = pipe()
        err_r, err_w = pipe()
        self.child = bench.start(tracer, tracer.resolved(), out_w, err_w)
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
        """Read what comes until the condition holds, both pipes have ended or the time is over."""
        deadline = time.monotonic() + timeout_s
        while self.open_fds and not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            for fd, _ in self.poll.poll(left * 1000):
                data = os.read(fd, 1 << 20)
                now = time.monotonic_ns()
                if not data:
                    self.poll.unregister(fd)
                    self.open_fds.discard(fd)
                    os.close(fd)
                    continue
                self.last_byte_ns = now
                if fd == self.out_fd:
                    self.take(data, now)
                else:
                    self.err += data

    def take(self, data, now):
        self.first_byte_ns = self.first_byte_ns or now
        data = self.rest + data
        end = data.rfind(b"\n") + 1
        found = data.count(self.mark, 0, end)
        if found:
            self.first_mark_ns = self.first_mark_ns or now
            self.last_mark_ns = now
        self.marks += found
        self.rest = data[end:]

    def interrupt(self):
        """(SIGINT to the last byte of stdout and stderr, SIGINT to exit), in ms; the first is None if nothing came."""
        at = time.monotonic_ns()
        self.child.signal(signal.SIGINT)
        self.read(10)
        if not self.child.wait(10):
            raise BenchError(f"{self.child.name} did not end within 10 s of SIGINT")
        end = time.monotonic_ns()
        last = self.last_byte_ns
        return ((last - at) / 1e6 if last is not None and last > at else None), (end - at) / 1e6
