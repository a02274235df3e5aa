# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens as there is more: of traced processes, of keys, of filters that match nothing, of producing CPUs."""

from processes import Child, Place
from session import PAUSE_S
from slowdown import slowdown_to

import time


def growth(bench, tracer):
    return {what: WHAT[what](bench, tracer) for what in bench.tool.growth}


def pairs(bench):
    return 1 if bench.quick else 3


def few_or_all(bench, sizes):
    return sizes[-1:] if bench.quick else sizes


def processes(bench, tracer):
    """The same operation, made by so many processes in turn on one CPU."""
    return [
        {"of": n, **slowdown_to(bench, tracer, "file", wanted=pairs(bench), load_arguments=("--processes", str(n)))}
        for n in few_or_all(bench, (1, 10, 100, 1_000))
    ]


def keys(bench, tracer):
    """A call under so many names in turn; beside the slowdown the memory, and what found no room."""
    rows = []
    for n in few_or_all(bench, (10, 100, 1_000, 10_000, 100_000)):
        arguments = ("--keys", str(n))
        row = slowdown_to(bench, tracer, "file", wanted=pairs(bench), load_arguments=arguments)
        with bench.tracing(tracer) as child:
            bench.run_load(bench.tool.op, *arguments)
            resident = child.interrupt_watching()
        found = tracer.counts(bench.out, bench.err)
        with open(bench.out, "rb") as f:
            rows_shown = sum(1 for line in f if b"k00" in line)
        lost = found.summary[1] if found.summary else found.lost
        rows.append({"of": n, **row, "peak_kib": resident, "keys_shown": rows_shown, "reported_lost": lost})
    return rows


def filters(bench, tracer):
    """The traced operation, made by somebody whom the filter leaves out."""
    rows = []
    with Child(["sleep", "600"], place=Place(cpu=bench.tracer_cpu)) as other:
        cases = [(f"{tracer.pid_flag} PID", (tracer.pid_flag, str(other.pid)))] if tracer.pid_flag else []
        if tracer.is_sonde:
            cases.append(("--comm nobody", ("--comm", "nobody")))
        for name, arguments in cases:
            row = slowdown_to(bench, tracer, "file", wanted=pairs(bench), arguments=arguments)
            rows.append({"of": name, **{k: row[k] for k in row if k not in ("made", "shown", "reported_lost")}})
    if not rows:
        rows.append({"of": "it cannot filter by process"})
    return rows


def producers(bench, tracer):
    """100,000 and 300,000 events a second in all, made on one CPU, and on two of which one is also the tracer's."""
    rows = []
    seconds = 1 if bench.quick else 2
    for total in few_or_all(bench, (100_000, 300_000)):
        for cpus in ((bench.load_cpu,), (bench.load_cpu, bench.tracer_cpu)):
            rows.append({"of": len(cpus), "asked_rate": total, **produced_on(bench, tracer, cpus, total, seconds)})
    return rows


def produced_on(bench, tracer, cpus, total, seconds):
    op = bench.tool.fast_op or bench.tool.op
    loads = []
    try:
        for cpu in cpus:
            arguments = ("--rate", str(total // len(cpus)), "--seconds", str(seconds))
            loads.append(bench.waiting_load(op, *arguments, cpu=cpu))
        with bench.tracing(tracer) as child:
            child.wait_idle()
            before = child.cpu_ns()
            for load in loads:
                load.go()
            results = [load.result() for load in loads]
            child.wait_idle()
            spent = child.cpu_ns() - before
            child.interrupt()
    finally:
        for load in loads:
            load.__exit__()
        time.sleep(PAUSE_S)
    found = tracer.counts(bench.out, bench.err)
    made = sum(r["made"] for r in results)
    return {
        "rate": sum(r["rate"] for r in results),
        "made": made,
        "shown": found.shown,
        "reported_lost": found.lost,
        "cpu_us_an_event": spent / 1000 / made,
    }


WHAT = {"processes": processes, "keys": keys, "filters": filters, "producers": producers}
