# SPDX-License-Identifier: GPL-2.0-or-later
"""The section on growth."""

from tables import megabytes, ranged, table, thousands

TITLES = {
    "processes": "So many processes make the operation in turn",
    "keys": "So many names under which calls are made",
    "filters": "A filter that leaves out who makes the operation",
    "producers": "Events made on one CPU, and on two of which one is the tracer's",
}


def size_of(n):
    return thousands(n) if isinstance(n, int) else f"`{n}`" if n.startswith("-") else n


def slowdown_row(row):
    ratio = row.get("traced_ratio")
    if not ratio:
        return ["-", "-"]
    return [ranged(ratio, prefix="x"), f"{row['traced_untraced_ns']['median']:,.0f} ns"]


def processes(row):
    return slowdown_row(row)


def keys(row):
    shown = thousands(row["keys_shown"])
    return [*slowdown_row(row), f"{megabytes(row['peak_kib']):.1f}", shown, thousands(row["reported_lost"])]


def producers(row):
    cells = [thousands(row[k]) for k in ("asked_rate", "rate", "made", "shown", "reported_lost")]
    return [*cells, f"{row['cpu_us_an_event']:.3f}"]


ROWS = {
    "processes": (processes, ["processes", "slowdown", "untraced"]),
    "keys": (keys, ["keys", "slowdown", "untraced", "peak MB", "names shown", "reported lost, calls"]),
    "filters": (processes, ["filter", "slowdown", "untraced"]),
    "producers": (producers, ["CPUs", "events/s asked", "reached", "made", "shown", "reported lost", "CPU an event, µs"]),
}


def growth(tools):
    text = ""
    for what, (cells, head) in ROWS.items():
        rows = [
            [f"`{label}`" if results["kind"] == "sonde" else label, size_of(row["of"]), *cells(row)]
            for tool in tools.values()
            for label, results in tool["tracers"].items()
            for row in results.get("growth", {}).get(what, [])
        ]
        if rows:
            text += f"{TITLES[what]}:\n\n" + table(["tracer", *head], rows) + "\n"
    return "### Growth\n\n" + text.rstrip("\n") + "\n" if text else ""
