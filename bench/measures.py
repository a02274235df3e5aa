# SPDX-License-Identifier: GPL-2.0-or-later
"""The measures. Each takes a Bench and a Tracer and returns plain data, or raises BenchError."""

import json
import os
import random
import statistics
import time

from processes import BenchError, BpfStats, Child, output_of, pipe
from session import PAUSE_S, Watcher


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}


# ---- a. what tracing does to the traced ----


def slowdown(bench, tracer):
    outputs = ["file", "pipe"] + (["option"] if tracer.is_sonde else [])
    return {to: slowdown_to(bench, tracer, to) for to in outputs}


def slowdown_to(bench, tracer, to):
    ops = (bench.tool.op, bench.tool.unrelated_op)
    wanted = 3 if bench.quick else 7
    pairs, dropped = [], 0
    while len(pairs) < wanted and dropped <= wanted:
        pair = {}
        # Alternating which half comes first cancels a drift of the machine.
        halves = ["untraced", "traced"] if (len(pairs) + dropped) % 2 == 0 else ["traced", "untraced"]
        quiet = bench.guard()
        for half in halves:
            if half == "untraced":
                pair[half] = [bench.time_of(op) for op in ops]
                time.sleep(PAUSE_S)
            else:
                with bench.tracing(tracer, to=to) as child:
                    pair[half] = [bench.time_of(op) for op in ops]
                    child.interrupt()
        quiet = bench.guard() and quiet
        if quiet and all(bench.at_floor(op, ns) for op, ns in zip(ops, pair["untraced"])):
            pairs.append(pair)
        else:
            dropped += 1
    if not pairs:
        raise BenchError(f"all {dropped} pairs failed the guard: somebody else traces this machine, or it is too busy")
    figures = {"pairs": len(pairs), "dropped": dropped}
    for i, key in enumerate(("traced", "unrelated")):
        figures[f"{key}_ratio"] = spread([p["traced"][i] / p["untraced"][i] for p in pairs])
        figures[f"{key}_untraced_ns"] = spread([p["untraced"][i] for p in pairs])
    return figures


# ---- b. what reading costs ----


def reader_cpu(bench, tracer):
    seconds = 2 if bench.quick else 5
    rows = []
    for rate in (100_000, 300_000):
        runs = []
        for _ in range(1 if bench.quick else 3):
            with bench.waiting_load(bench.tool.op, rate, seconds) as load, bench.tracing(tracer) as child:
                child.wait_idle()
                before = child.cpu_ns()  # its start-up share
                made = load.run()
                child.wait_idle()
                spent = child.cpu_ns() - before
                child.interrupt()
            shown = tracer.counts(bench.out, bench.err, bench.mark).shown
            if shown == 0:
                raise BenchError("no event shown")
            runs.append({"us": spent / 1000 / shown, "rate": made["rate"], "made": made["made"], "shown": shown})
        rows.append({
            "asked_rate": rate,
            "rate": statistics.median(r["rate"] for r in runs),
            "us_an_event": spread([r["us"] for r in runs]),
            "shown_share": sum(r["shown"] for r in runs) / sum(r["made"] for r in runs),
        })
    return rows


# ---- c. what gets lost, and whether it is said ----


def loss_run(bench, tracer, rate, seconds, arguments=(), as_json=False, to="file"):
    with bench.waiting_load(bench.tool.fast_op, rate, seconds) as load:
        # Filtered to the load where the tracer can, so that the losses it reports are the load's and nobody else's.
        only = [tracer.pid_flag, str(load.pid)] if tracer.pid_flag else []
        with bench.tracing(tracer, *only, *arguments, to=to) as child:
            made = load.run()
            child.wait_idle()
            child.interrupt()
    found = tracer.counts(bench.out, bench.err, bench.mark, as_json)
    return {
        "asked_rate": rate,
        "rate": made["rate"],
        "made": made["made"],
        "shown": found.shown,
        "reported_lost": found.lost,
        "unexplained": made["made"] - found.shown - found.lost,
        "summary": found.summary,
    }


def loss(bench, tracer):
    seconds = 1 if bench.quick else 3
    step = 100_000 if bench.quick else 50_000
    sweep = []
    for rate in range(step, 500_001, step):
        sweep.append(loss_run(bench, tracer, rate, seconds))
        if sweep[-1]["rate"] < rate * 0.8:
            break  # the tracer slows the load so much that a higher rate would be the same run again
    lossless = 0.0
    for run in sweep:
        if run["shown"] != run["made"]:
            break
        lossless = run["rate"]
    return {"sweep": sweep, "lossless_rate": lossless, "law": law(bench, tracer, seconds) if tracer.is_sonde else []}


def law(bench, tracer, seconds):
    """made = shown + reported lost, and the summary says the same: in every output, with the ring as it comes and with one
    so small that it must lose."""
    rows = []
    as_json = ("--format", "json")
    for to, arguments in (("file", ()), ("option", ()), ("file", as_json), ("option", as_json)):
        for extra, rate in (((), 100_000), (("--buffer-size", "64K"), 500_000)):
            run = loss_run(bench, tracer, rate, seconds, arguments + extra, bool(arguments), to)
            run["arguments"] = " ".join((*arguments, *extra)) or "(none)"
            run["to"] = {"file": "redirection", "option": "--output"}[to]
            run["kept"] = run["unexplained"] == 0 and run["summary"] == (run["shown"], run["reported_lost"])
            rows.append(run)
    return rows


# ---- d. how long one waits ----


def start_and_stop(bench, tracer, rate):
    """exec to first line, and SIGINT to the end, with a process in the background that opens `rate` files a second."""
    first_byte, first_line, last_byte, ended = [], [], [], []
    runs = 5 if bench.quick else 15
    opener = bench.load(bench.tool.op, "--rate", str(rate), "--seconds", "600")
    # SCHED_IDLE: the reader, on the same CPU, must see a line when it comes and not when the opener's time slice ends.
    with Child(opener, idle=True):
        for i in range(runs + 1):
            with Watcher(bench, tracer) as watcher:
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
        "opens_a_second": rate,
        "first_byte_ms": spread(first_byte),
        "first_line_ms": spread(first_line),
        "last_byte_ms": spread(last_byte) if last_byte else None,
        "exit_ms": spread(ended),
    }


def event_to_line(bench, tracer):
    """One open at a time on a quiet system: how long until its line can be read from the pipe?"""
    go_r, go_w = pipe()
    out_r, out_w = pipe()
    marker = Child(bench.load(bench.tool.op, "--mark"), stdin=go_r, stdout=out_w, stderr=2)
    os.close(go_r)
    os.close(out_w)
    latencies = []
    missed = 0
    with marker, os.fdopen(out_r) as times, Watcher(bench, tracer) as watcher:
        watcher.child.wait_attached()
        watcher.read(0.5)
        for _ in range(10 if bench.quick else 40):
            watcher.read(random.uniform(0.02, 0.3))
            before = watcher.marks
            os.write(go_w, b"\n")
            opened_ns = json.loads(times.readline())["monotonic_ns"]
            watcher.read(1, until=lambda: watcher.marks > before)
            if watcher.marks == before:
                missed += 1
                break  # its output is buffered: a later line could not be told from an earlier one's
            latencies.append((watcher.last_mark_ns - opened_ns) / 1e6)
        watcher.interrupt()
    os.close(go_w)
    time.sleep(PAUSE_S)
    return {"ms": spread(latencies) if latencies else None, "none_within_1_s": missed > 0}


def idle_cpu(bench, tracer):
    """Its CPU time per second while nothing is opened but what the machine opens by itself: nothing here does."""
    seconds = 3 if bench.quick else 10
    with bench.tracing(tracer) as child:
        child.wait_idle()
        time.sleep(0.5)
        before = child.cpu_ns()
        time.sleep(seconds)
        spent = child.cpu_ns() - before
        child.interrupt()
    return {"ms_a_second": spent / 1e6 / seconds}


def timing(bench, tracer):
    return {
        "start_and_stop": [start_and_stop(bench, tracer, rate) for rate in (1_000, 20_000)],
        "event_to_line": event_to_line(bench, tracer),
        "idle_cpu": idle_cpu(bench, tracer),
    }


# ---- e. memory and size ----


def memory(bench, tracer):
    seconds = 2 if bench.quick else 5
    samples = []
    with bench.waiting_load(bench.tool.op, 100_000, seconds) as load, bench.tracing(tracer) as child:
        child.wait_idle()
        idle, idle_peak = child.memory_kib()
        load.go()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            samples.append(child.memory_kib()[0])
            time.sleep(0.25)
        load.result()
        child.wait_idle()
        after, peak = child.memory_kib()
        child.interrupt()
    return {
        "idle_kib": idle,
        "idle_peak_kib": idle_peak,
        "busy_kib": statistics.median(samples[len(samples) // 2 :]),
        "after_kib": after,
        "peak_kib": peak,
        "binary_bytes": stripped_size(bench, tracer),
    }


def stripped_size(bench, tracer):
    stripped = os.path.join(bench.folder, "stripped")
    try:
        output_of(["strip", "-o", stripped, tracer.resolved()[0]])
        size = os.stat(stripped).st_size
        os.unlink(stripped)
        return size
    except (BenchError, OSError):
        return None


# ---- f. the floor: time in the kernel's programs ----


def floor(bench, tracer):
    with BpfStats(), bench.tracing(tracer) as child:
        bench.time_of(bench.tool.op)
        child.wait_idle()
        programs = {}
        for fd, what in child.descriptors().items():
            if what == "anon_inode:bpf-prog":
                with open(f"/proc/{child.pid}/fdinfo/{fd}") as f:
                    info = dict(line.rstrip("\n").split(":\t") for line in f if ":\t" in line)
                programs[info["prog_id"]] = info
        names = program_names(programs)
        child.interrupt()
    rows = [
        {
            "program": names.get(number, f"program of type {info['prog_type']}"),
            "runs": int(info["run_cnt"]),
            "ns_a_run": int(info["run_time_ns"]) / int(info["run_cnt"]),
            "recursion_misses": int(info.get("recursion_misses", 0)),
        }
        for number, info in programs.items()
        if int(info.get("run_cnt", 0)) > 100
    ]
    if not rows:
        raise BenchError("it keeps no descriptor of a program that ran")
    return sorted(rows, key=lambda row: row["program"])


def program_names(ids):
    """Names by id, if bpftool is there to ask."""
    names = {}
    for number in ids:
        try:
            names[number] = json.loads(output_of(["bpftool", "-j", "prog", "show", "id", number]))["name"]
        except (BenchError, OSError, ValueError, KeyError):
            pass
    return names


MEASURES = {
    "slowdown": slowdown,
    "cpu": reader_cpu,
    "loss": loss,
    "timing": timing,
    "memory": memory,
    "floor": floor,
}
