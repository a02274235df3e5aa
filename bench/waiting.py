# SPDX-License-Identifier: GPL-2.0-or-later
"""How long one waits for a tracer: for its first line, for a line, for its end."""

import json
import os
import random
import time

from processes import BenchError, Child, Place, pipe, read_until
from session import PAUSE_S, Watcher
from slowdown import spread


def waiting(bench, tracer):
    if tracer.binary_output:
        raise BenchError("its output has no lines")
    rates = bench.tool.start_rates[:1] if bench.quick else bench.tool.start_rates
    return {
        "start_and_stop": [start_and_stop(bench, tracer, rate, to) for rate in rates for to in ("pipe", "terminal")],
        "event_to_line": event_to_line(bench, tracer),
        "idle_cpu": idle_cpu(bench, tracer),
    }


def start_and_stop(bench, tracer, rate, to):
    """exec to first line, and SIGINT to the end, with a process in the background that makes `rate` events a second."""
    first_byte, first_line, last_byte, ended = [], [], [], []
    maker = bench.load(bench.tool.op, "--rate", str(max(1, rate // bench.tool.events_an_op)), "--seconds", "600")
    # SCHED_IDLE: the reader, on the same CPU, must see a line when it comes and not when the maker's time slice ends.
    with Child(maker, place=Place(idle=True)):
        for i in range(2 if bench.quick else 7):
            with Watcher(bench, tracer, to=to) as watcher:
                watcher.read(10, until=lambda: watcher.first_mark_ns)
                if not watcher.first_mark_ns:
                    raise BenchError(f"no line within 10 s: {watcher.err.decode(errors='replace').strip()[:300]}")
                watcher.read(0.1 + random.uniform(0, 0.05))
                last, end = watcher.interrupt()
            time.sleep(PAUSE_S)
            if i == 0:
                continue  # warms the page cache up
            first_byte.append((watcher.first_byte_ns - watcher.child.exec_ns) / 1e6)
            first_line.append((watcher.first_mark_ns - watcher.child.exec_ns) / 1e6)
            ended.append(end)
            if last is not None:
                last_byte.append(last)
    return {
        "events_a_second": rate,
        "to": to,
        "first_byte_ms": spread(first_byte),
        "first_line_ms": spread(first_line),
        "last_byte_ms": spread(last_byte) if last_byte else None,
        "exit_ms": spread(ended),
    }


def event_to_line(bench, tracer):
    """One event at a time on a quiet system: how long until its line can be read from the pipe?"""
    go_r, go_w = pipe()
    out_r, out_w = pipe()
    marker = Child(bench.load(bench.tool.op, "--mark"), stdin=go_r, stdout=out_w, stderr=2)
    os.close(go_r)
    os.close(out_w)
    latencies = []
    missed = 0
    try:
        with marker, Watcher(bench, tracer) as watcher:
            watcher.child.wait_attached()
            watcher.read(0.5)
            for _ in range(5 if bench.quick else 20):
                watcher.read(random.uniform(0.02, 0.25))
                before = watcher.marks
                os.write(go_w, b"\n")
                made_ns = json.loads(read_until(out_r, 5, lambda data: data.endswith(b"\n")) or "{}")["monotonic_ns"]
                watcher.read(1, until=lambda: watcher.marks > before)
                if watcher.marks == before:
                    missed += 1
                    break  # its output is buffered: a later line could not be told from an earlier one's
                latencies.append((watcher.last_mark_ns - made_ns) / 1e6)
            watcher.interrupt()
    finally:
        os.close(go_w)
        os.close(out_r)
    time.sleep(PAUSE_S)
    return {"ms": spread(latencies) if latencies else None, "none_within_1_s": missed > 0}


def idle_cpu(bench, tracer):
    """Its CPU time per second while nothing happens but what the machine does by itself: nothing here does."""
    seconds = 1 if bench.quick else 5
    with bench.tracing(tracer) as child:
        child.wait_idle()
        time.sleep(0.5)
        before = child.cpu_ns()
        time.sleep(seconds)
        spent = child.cpu_ns() - before
        child.interrupt()
    return {"ms_a_second": spent / 1e6 / seconds}
