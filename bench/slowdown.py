# SPDX-License-Identifier: GPL-2.0-or-later
"""What tracing does to the traced, and to calls that nobody asked about: pairs of a traced and an untraced run."""

import statistics
import time

from processes import BenchError
from session import PAUSE_S


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}


def slowdown(bench, tracer):
    if tracer.attaches_to:
        return {"file": slowdown_to(bench, tracer, "file", AttachedTo)}
    outputs = ["file"]
    if "rates" in bench.tool.measures and not bench.quick and tracer.kind != "floor" and not tracer.binary_output:
        outputs.append("pipe")
    return {to: slowdown_to(bench, tracer, to) for to in outputs}


class System:
    """Runs of the load beside a tracer of the whole system."""

    def __init__(self, bench, tracer, to, arguments=(), load_arguments=()):
        self.bench, self.tracer, self.to = bench, tracer, to
        self.arguments, self.load_arguments = arguments, load_arguments
        tool = bench.tool
        self.ops = [(tool.op, *load_arguments)] + ([] if load_arguments else [(tool.unrelated_op,)])
        self.shown = self.lost = self.made = 0

    def untraced(self):
        figures = [self.bench.time_of(*op) for op in self.ops]
        time.sleep(PAUSE_S)
        return figures

    def traced(self):
        with self.bench.tracing(self.tracer, *self.arguments, to=self.to) as child:
            runs = [self.bench.run_load(*op) for op in self.ops]
            child.wait_idle(5)
            child.interrupt()
        self.take_counts(runs[0]["made"])
        return [run["ns_p10"] for run in runs]

    def take_counts(self, made):
        if self.to == "file" and self.bench.tool.shows_events:
            found = self.tracer.counts(self.bench.out, self.bench.err)
            self.shown += found.shown
            self.lost += found.lost
            self.made += made * self.bench.tool.events_an_op


class AttachedTo(System):
    """Runs of the load to which a debugger attaches."""

    def untraced(self):
        figures = []
        for op, *arguments in self.ops:
            with self.bench.waiting_load(op, *self.bench.batches(), *arguments) as load:
                figures.append(self.bench.judged(load.run())["ns_p10"])
        time.sleep(PAUSE_S)
        return figures

    def traced(self):
        figures = []
        for op, *arguments in self.ops:
            with self.bench.waiting_load(op, *self.bench.batches(), *arguments) as load:
                with self.bench.tracing(self.tracer, "-p", str(load.pid), to=self.to, pid=load.pid) as child:
                    figures.append(self.bench.judged(load.run())["ns_p10"])
                    child.interrupt()
        return figures


def slowdown_to(bench, tracer, to, how=System, wanted=None, **more):
    quick = 2 if bench.tool.targets else 1
    wanted = wanted or (quick if bench.quick else 7)
    runs = how(bench, tracer, to, **more)
    pairs, dropped = [], 0
    while len(pairs) < wanted and dropped <= wanted:
        pair = {}
        # Alternating which half comes first cancels a drift of the machine.
        halves = ["untraced", "traced"] if (len(pairs) + dropped) % 2 == 0 else ["traced", "untraced"]
        before = bench.guard()
        for half in halves:
            pair[half] = runs.untraced() if half == "untraced" else runs.traced()
        quiet = bench.is_quiet(before, bench.guard())
        if not more:
            quiet = all(bench.at_floor(op[0], ns) for op, ns in zip(runs.ops, pair["untraced"])) and quiet
        if quiet or bench.machine.noisy:
            pairs.append(pair)
        else:
            dropped += 1
    if not pairs:
        raise BenchError(f"all {dropped} pairs failed the guard: somebody else traces this machine, or it is too busy")
    figures = {"pairs": len(pairs), "dropped": dropped}
    for i, key in enumerate(("traced", "unrelated")[: len(runs.ops)]):
        figures[f"{key}_ratio"] = spread([p["traced"][i] / p["untraced"][i] for p in pairs])
        figures[f"{key}_untraced_ns"] = spread([p["untraced"][i] for p in pairs])
    if runs.made and not tracer.binary_output and tracer.kind != "floor":
        figures.update(made=runs.made, shown=runs.shown, reported_lost=runs.lost)
    return figures
