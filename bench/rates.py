# SPDX-License-Identifier: GPL-2.0-or-later
"""A sweep over rates: what reading costs, what memory it takes, what gets lost and whether that is said."""

import statistics
import time

RATE_OF_MEMORY = 100_000  # or the highest of a sweep that does not come so far


def rates(bench, tracer):
    tool = bench.tool
    wanted = [r for r in (tool.rates[len(tool.rates) // 4], tool.rates[-1])] if bench.quick else tool.rates
    sweep = []
    for rate in wanted:
        sweep.append(run_at(bench, tracer, rate))
        if sweep[-1]["rate"] < rate * 0.8:
            break  # no more comes out of the load under this tracer: a higher rate would be the same run again
    lossless = 0.0
    for run in sweep:
        if run["unaccounted"] or run["reported_lost"]:
            break
        lossless = run["rate"]
    clean = lossless == sweep[-1]["rate"]
    # The load is paced by a clock and never faster than asked: 2 % less is the rate asked for.
    return {
        "sweep": sweep,
        "lossless_rate": lossless,
        "limited_by_load": clean and sweep[-1]["rate"] < sweep[-1]["asked_rate"] * 0.98,
        "memory": next((r["memory"] for r in sweep if r["asked_rate"] >= RATE_OF_MEMORY), sweep[-1]["memory"]),
        "law": law(bench, tracer) if tracer.is_sonde and tool.own_process else [],
    }


def run_at(bench, tracer, rate, arguments=(), as_json=False, to="file"):
    """rate: events a second."""
    tool = bench.tool
    seconds = 1 if bench.quick else 2
    load_arguments = ("--rate", str(rate // tool.events_an_op), "--seconds", str(seconds))
    with bench.waiting_load(tool.fast_op or tool.op, *load_arguments) as load:
        only = bench.only_load(tracer, load)
        with bench.tracing(tracer, *only, *arguments, to=to) as child:
            child.wait_idle()
            memory = [child.memory_kib()]
            before = child.cpu_ns()  # its start-up share
            load.go()
            time.sleep(seconds * 0.8)
            memory.append(child.memory_kib())
            made = load.result()
            child.wait_idle()
            spent = child.cpu_ns() - before
            memory.append(child.memory_kib())
            child.interrupt()
    found = tracer.counts(bench.out, bench.err, as_json)
    events = made["made"] * tool.events_an_op
    counted = not tracer.binary_output
    return {
        "asked_rate": rate,
        "rate": made["rate"] * tool.events_an_op,
        "made": events,
        "shown": found.shown if counted else None,
        "reported_lost": found.lost,
        "unaccounted": unaccounted(bench.tool, events, found) if counted else 0,
        "cpu_us_an_event": spent / 1000 / events,
        "memory": of_samples(memory),
        "summary": found.summary,
    }


def unaccounted(tool, made, found):
    """Where not only the load's rows bear its name, there can be more of them than it made."""
    missing = made - found.shown - found.lost
    return missing if tool.events_an_op == 1 and tool.own_process else max(0, missing)


def of_samples(samples):
    """Of (resident, peak) before, during and after the work."""
    return {
        "idle_kib": samples[0][0],
        "busy_kib": statistics.median(s[0] for s in samples[1:-1]),
        "after_kib": samples[-1][0],
        "peak_kib": samples[-1][1],
    }


def law(bench, tracer):
    """made = shown + reported lost, and the summary says the same: with the ring as it comes, and with one so small that it
    must lose."""
    rows = []
    small = ("--buffer-size", "64K")
    as_json = ("--format", "json")
    highest = bench.tool.rates[-1]
    cases = [("file", small, highest), ("option", (*as_json, *small), highest), ("file", as_json, highest // 5)]
    for to, arguments, rate in cases[: 1 if bench.quick else 3]:
        run = run_at(bench, tracer, rate, arguments, as_json[1] in arguments, to)
        run["arguments"] = " ".join(arguments)
        run["to"] = {"file": "redirection", "option": "--output"}[to]
        summary = run["summary"]
        run["kept"] = run["unaccounted"] == 0 and summary is not None and summary[1] == run["reported_lost"]
        rows.append(run)
    return rows


def memory(bench, tracer):
    """Of a tracer that counts: there is no row an event, but the same memory and CPU time."""
    seconds = 1 if bench.quick else 3
    samples = []
    with bench.waiting_load(bench.tool.op, "--rate", "1000000", "--seconds", str(seconds)) as load:
        with bench.tracing(tracer) as child:
            child.wait_idle()
            samples.append(child.memory_kib())
            before = child.cpu_ns()
            load.go()
            for _ in range(seconds * 4 - 1):
                time.sleep(0.25)
                samples.append(child.memory_kib())
            made = load.result()
            child.wait_idle()
            spent = child.cpu_ns() - before
            samples.append(child.memory_kib())
            peak = child.interrupt_watching()
    found = tracer.counts(bench.out, bench.err)
    return {
        **of_samples(samples),
        "peak_kib": max(peak, samples[-1][1]),
        "rate": made["rate"],
        "cpu_ms_a_second": spent / 1e6 / seconds,
        "reported_lost": found.summary[1] if found.summary else found.lost,
    }
