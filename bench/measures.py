# SPDX-License-Identifier: GPL-2.0-or-later
"""The measures. Each takes a Bench and a Tracer and returns plain data, or raises BenchError."""

import json

from growth import growth
from processes import BenchError, BpfStats, output_of
from rates import memory, rates
from slowdown import slowdown
from waiting import waiting


def programs(bench, tracer):
    """By the kernel's own statistics, of the descriptors of programs that the tracer holds."""
    with BpfStats(), bench.tracing(tracer) as child:
        bench.time_of(bench.tool.op)
        child.wait_idle()
        found = {}
        for fd, what in child.descriptors().items():
            if what == "anon_inode:bpf-prog":
                with open(f"/proc/{child.pid}/fdinfo/{fd}") as f:
                    info = dict(line.rstrip("\n").split(":\t") for line in f if ":\t" in line)
                found[info["prog_id"]] = info
        names = program_names(found)
        child.interrupt()
    rows = [
        {
            "program": names.get(number, f"program of type {info['prog_type']}"),
            "runs": int(info["run_cnt"]),
            "ns_a_run": int(info["run_time_ns"]) / int(info["run_cnt"]),
            "recursion_misses": int(info.get("recursion_misses", 0)),
        }
        for number, info in found.items()
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


def size(bench, tracer):
    executable, libraries = tracer.installed_bytes()
    return {"executable_bytes": executable, "libraries_bytes": libraries}


MEASURES = {
    "slowdown": slowdown,
    "rates": rates,
    "memory": memory,
    "waiting": waiting,
    "programs": programs,
    "size": size,
    "growth": growth,
}
