# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured in which order, how long it takes, and that what has been measured is never lost."""

import json
import os
import signal
import sys
import time

from measures import MEASURES
from peers import floor, newest, sonde
from processes import BenchError
from session import Bench

# Seconds from the start of a tracer to its end beside the work, for the estimate alone.
TURN_S = {"sonde": 0.8, "libbpf-tools": 1.1, "bpftrace": 1.7, "perf": 1.5, "ptrace": 1.1, "bcc": 0.1, "floor": 0.7}


def estimate(tool, tracer, measure, quick):
    turn = TURN_S[tracer.kind]
    if measure == "slowdown":
        outputs = 2 if "rates" in tool.measures and not quick and tracer.kind not in ("floor", "ptrace") else 1
        pairs = (2 if tool.targets else 1) if quick else 7
        return outputs * pairs * (turn + 1.1)
    if measure == "rates":
        runs = (2 if quick else len(tool.rates)) + (3 if tracer.is_sonde else 0)
        return runs * (turn + (1.3 if quick else 2.4))
    if measure == "waiting":
        runs = 4 if quick else 14 * len(tool.start_rates)
        return runs * turn + (4 if quick else 11)
    if measure == "growth":
        turns = {"processes": 4, "keys": 6, "filters": 2, "producers": 4}
        return sum(turns[g] for g in tool.growth) * (turn + 1.2) * (0.4 if quick else 3)
    return {"memory": 3.5, "programs": 1, "size": 0.3}[measure] + turn


class Task:
    def __init__(self, command, tool, tracer, measure, quick):
        self.command, self.tool, self.tracer, self.measure = command, tool, tracer, measure
        self.seconds = estimate(tool, tracer, measure, quick)

    @property
    def same_as(self):
        """Peers are shared by modes: what has been measured once is not measured again."""
        tool = self.tool
        return (self.tracer.label, self.tracer.argv, self.tracer.root, tool.op, tool.unrelated_op, tool.rates, tool.growth, self.measure)


# What makes no sense for a kind: it has no programs of BPF, or holds one process back.
NOT_OF = {"ptrace": ("rates", "memory", "waiting", "programs", "growth"), "perf": ("programs", "growth"), "bcc": ("growth",)}


def tracers_of(arguments, command, tool, machine, sid):
    """sonde and what it is compared with."""
    found = [] if arguments.no_sonde else [sonde(arguments.sonde, command, tool.own_process, tool.names_file)]
    if arguments.no_peers:
        return found
    for peer in tool.peers:
        if machine.quick and not peer.is_rival:
            continue
        found.append(peer)
        younger = newest(peer, sid) if sid else None
        if younger:
            found.append(younger)
    if tool.floor and not machine.quick:
        found += [floor(machine.floor_path, tool.floor, with_record) for with_record in (False, True)]
    return found


def measures_of(tool, tracer, quick):
    if tracer.kind == "floor":
        return ["slowdown"]
    names = list(tool.measures)
    if quick:
        # What a promise is about.
        promised = tool.goals.keys() | tool.targets.keys()
        needs = {
            "size": {"binary_mb"},
            "memory": {"rss", "rss_mb"},
            "rates": {"lossless_rate", "lossless", "rss"},
            "waiting": {"first_line_ms"},
        }
        return [n for n in names if n == "slowdown" or needs.get(n, set()) & promised]
    names += ["growth"] if tool.growth else []
    # There is no hour for more: how peers grow is told by those that are installed.
    without = NOT_OF.get(tracer.kind, ()) + (("growth", "programs") if tracer.root else ())
    return [n for n in names if n not in without]


def tasks(arguments, tools, machine, sid):
    return [
        Task(command, tool, tracer, measure, machine.quick)
        for command, tool in tools.items()
        for tracer in tracers_of(arguments, command, tool, machine, sid)
        for measure in measures_of(tool, tracer, machine.quick)
        if measure in arguments.only
    ]


class TooLong(BenchError):
    pass


def limited(seconds, work):
    """work(), which is ended by an alarm if it takes much longer than it should. All children end with it."""

    def ring(*_):
        raise TooLong(f"it took more than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(max(1, round(seconds)))
    try:
        return work()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Run:
    """All tasks, one after the other; the report is written after each."""

    def __init__(self, report, json_path, limit_s):
        self.report, self.json_path = report, json_path
        self.began = time.monotonic()
        self.end = self.began + limit_s
        self.benches = {}
        self.done = {}
        self.planned_s = self.took_s = 0.0

    def results_of(self, task):
        tools = self.report["tools"]
        tool = task.tool
        entry = tools.setdefault(task.command, {
            "op": tool.op,
            "unrelated_op": tool.unrelated_op,
            "goals": tool.goals,
            "targets": tool.targets,
            "against": tool.against,
            "tracers": {},
        })
        kind = {"kind": task.tracer.kind, "rival": task.tracer.is_rival, "errors": {}}
        return entry["tracers"].setdefault(task.tracer.label, kind)

    def write(self):
        if self.json_path:
            temporary = f"{self.json_path}.new"
            with open(temporary, "w") as f:
                f.write(json.dumps(self.report, indent=1) + "\n")
            os.replace(temporary, self.json_path)

    def say(self, number, all_tasks, task):
        left = sum(t.seconds for t in all_tasks[number:])
        scale = self.took_s / self.planned_s if self.planned_s > 20 else 1.0
        minutes = left * scale / 60
        print(
            f"[{number + 1}/{len(all_tasks)}, {minutes:.0f} min left] {task.command}: {task.tracer.label}: {task.measure} ...",
            end=" ",
            file=sys.stderr,
            flush=True,
        )

    def without_known(self, all_tasks):
        """What an earlier part of this run has not measured."""
        left = []
        for task in all_tasks:
            tracers = self.report["tools"].get(task.command, {}).get("tracers", {})
            result = tracers.get(task.tracer.label, {}).get(task.measure)
            if result is None:
                left.append(task)
            else:
                self.done[task.same_as] = result
        return left

    def all(self, machine, all_tasks):
        all_tasks = self.without_known(all_tasks)
        self.report.pop("not_begun", None)
        for number, task in enumerate(all_tasks):
            if time.monotonic() > self.end:
                missing = [f"{t.command}: {t.tracer.label}: {t.measure}" for t in all_tasks[number:]]
                self.report["not_begun"] = missing
                print(f"the time is over: {len(missing)} measures were not begun", file=sys.stderr)
                break
            self.say(number, all_tasks, task)
            began = time.monotonic()
            error = self.one(machine, task)
            took = time.monotonic() - began
            if not error:
                self.planned_s += task.seconds
                self.took_s += took
            print(f"failed: {error}" if error else f"{took:.0f} s", file=sys.stderr)
            self.write()
        self.report["complete"] = True
        before = self.report["meta"].get("took_minutes", 0)
        self.report["meta"]["took_minutes"] = round(before + (time.monotonic() - self.began) / 60, 1)
        self.write()

    def one(self, machine, task):
        """The error, or None."""
        results = self.results_of(task)
        if "absent" in results["errors"]:
            return results["errors"]["absent"]
        try:
            task.tracer.resolved()
        except BenchError as e:
            results["errors"]["absent"] = str(e)
            return str(e)
        results.setdefault("version", task.tracer.version_text())
        try:
            if task.same_as not in self.done:
                self.done[task.same_as] = self.measure(machine, task)
            results[task.measure] = self.done[task.same_as]
            results["errors"].pop(task.measure, None)
        except (BenchError, OSError, ValueError, KeyError, IndexError) as e:
            results["errors"][task.measure] = str(e) or type(e).__name__
            return results["errors"][task.measure]
        return None

    def measure(self, machine, task):
        bench = self.benches.get(task.command)
        if bench is None:
            bench = self.benches[task.command] = Bench(machine, task.tool)
            limited(60, bench.find_floor)
        return limited(30 + 4 * task.seconds, lambda: MEASURES[task.measure](bench, task.tracer))
