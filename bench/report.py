# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as Markdown. It reads what bench wrote as JSON and measures nothing."""


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def ranged(s, digits=2, prefix=""):
    """median (min - max)"""
    if s is None:
        return "-"
    return f"{prefix}{s['median']:.{digits}f} ({s['min']:.{digits}f} - {s['max']:.{digits}f})"


def thousands(n):
    return f"{round(n):,}"


def megabytes(kib):
    return kib * 1024 / 1e6


# ---- goals: how each promised figure is found in sonde's results ----


def goal_figures(r):
    """(goal key, what, unit, value), for what was measured. The worst of several outputs and rates is the figure."""
    if "slowdown" in r:
        runs = r["slowdown"].values()
        yield "traced_ratio", "slowdown of the traced operation", "x", max(s["traced_ratio"]["median"] for s in runs)
        yield "unrelated_ratio", "slowdown of an unrelated call", "x", max(s["unrelated_ratio"]["median"] for s in runs)
    if "cpu" in r:
        slowest = max(c["us_an_event"]["median"] for c in r["cpu"])
        yield "reader_us", "reader CPU an event, table into a file", "µs", slowest
    if "loss" in r:
        yield "lossless_rate", "highest rate without loss, default buffers", "/s", r["loss"]["lossless_rate"]
    if "timing" in r:
        runs = r["timing"]["start_and_stop"]
        yield "first_line_ms", "exec to first line", "ms", max(s["first_line_ms"]["median"] for s in runs)
        event = r["timing"]["event_to_line"]
        yield "latency_ms", "event to line in a pipe, slowest", "ms", (
            float("inf") if event["none_within_1_s"] else event["ms"]["max"]
        )
        last = [s["last_byte_ms"]["median"] for s in runs if s["last_byte_ms"]]
        yield "last_byte_ms", "SIGINT to last byte of the report", "ms", max(last, default=0)
    if "memory" in r:
        m = r["memory"]
        yield "rss_mb", "steady RSS", "MB", megabytes(max(m["idle_kib"], m["busy_kib"], m["after_kib"]))
        if m["binary_bytes"]:
            yield "binary_mb", "stripped binary", "MB", m["binary_bytes"] / 1e6


def goals(results, promised):
    rows = []
    for key, what, unit, value in goal_figures(results):
        goal = promised[key]
        least = key == "lossless_rate"
        # The load is paced by a clock and never faster than asked: 1 % less is the rate asked for.
        met = value >= goal * 0.99 if least else value <= goal
        text = thousands(value) if least else f"{value:.{3 if goal < 2 else 1}f}"
        limit = f"at least {thousands(goal)}" if least else f"at most {goal}"
        cells = [what, f"{limit} {unit}", f"{text} {unit}", "met" if met else "missed"]
        rows.append(cells if met else [f"**{c}**" for c in cells])
    bad = [x for x in results.get("loss", {}).get("law", []) if not x["kept"]]
    if "loss" in results:
        verdict = "missed" if bad else "met"
        cells = ["events made = shown + reported lost", "always", f"{len(bad)} runs broke it", verdict]
        rows.append([f"**{c}**" for c in cells] if bad else cells)
    return table(["figure", "goal", "sonde", ""], rows)


# ---- one section a measure ----


def each(tracers, measure):
    """(name, data) of the tracers that have this measure; a failure becomes a line of text."""
    for name, results in tracers.items():
        if measure in results:
            yield name, results[measure]


def slowdown(tracers, tool):
    rows = []
    for name, data in each(tracers, "slowdown"):
        for to, s in data.items():
            rows.append([
                name,
                {"file": "file", "pipe": "pipe", "option": "`--output` file"}[to],
                ranged(s["traced_ratio"], prefix="x"),
                ranged(s["unrelated_ratio"], prefix="x"),
                f"{s['traced_untraced_ns']['median']:.0f} ns, {s['unrelated_untraced_ns']['median']:.0f} ns",
                f"{s['pairs']}, {s['dropped']}",
            ])
    traced, unrelated = f"{tool['op']} loop", f"unrelated {tool['unrelated_op']} loop"
    head = ["tracer", "output", traced, unrelated, "untraced", "pairs, dropped"]
    return (
        "### Slowdown of what is traced\n\nTraced / untraced time of an operation: median of the pairs (min - max).\n\n"
    ) + table(head, rows)


def cpu(tracers, _):
    rows = [
        [
            name,
            thousands(c["asked_rate"]),
            thousands(c["rate"]),
            ranged(c["us_an_event"], 3),
            f"{100 * c['shown_share']:.2f} %",
        ]
        for name, data in each(tracers, "cpu")
        for c in data
    ]
    return (
        "### CPU time of the reader\n\nUser and system time of the tracer, without its start, divided by the events it "
        "showed; a table into a file. A slow tracer holds the load back: beside the rate asked for stands the rate reached.\n\n"
    ) + table(["tracer", "opens/s asked", "reached", "µs an event", "events shown"], rows)


def loss(tracers, _):
    rows, laws = [], []
    for name, data in each(tracers, "loss"):
        for run in data["sweep"]:
            rows.append([name, thousands(run["asked_rate"]), *loss_cells(run)])
        for run in data["law"]:
            kept = "the same" if run["kept"] else f"**{run['summary']}**"
            laws.append([run["to"], run["arguments"], *loss_cells(run), kept])
    best = [[name, thousands(data["lossless_rate"])] for name, data in each(tracers, "loss")]
    counts = ["opens/s reached", "made", "shown", "reported lost", "unexplained"]
    text = (
        "### Loss\n\nThe load makes opens that the kernel refuses at once, so that it reaches these rates; the highest "
        "rate tried is 500,000/s, or what a tracer that slows the load leaves of it.\n\n"
    )
    text += table(["tracer", "highest rate without loss, opens/s"], best)
    text += "\n" + table(["tracer", "opens/s asked", *counts], rows)
    if laws:
        text += "\nsonde, each output, with the ring as it comes and with one so small that it must lose:\n\n"
        text += table(["output", "arguments", *counts, "summary"], laws)
    return text


def loss_cells(run):
    return [
        thousands(run["rate"]),
        thousands(run["made"]),
        thousands(run["shown"]),
        thousands(run["reported_lost"]),
        thousands(run["unexplained"]),
    ]


def timing(tracers, _):
    waits, others = [], []
    moments = ["exec to first byte", "exec to first line", "SIGINT to last byte", "SIGINT to exit"]
    for name, data in each(tracers, "timing"):
        for s in data["start_and_stop"]:
            waits.append([
                name,
                thousands(s["opens_a_second"]),
                ranged(s["first_byte_ms"], 1),
                ranged(s["first_line_ms"], 1),
                ranged(s["last_byte_ms"], 1) if s["last_byte_ms"] else "nothing came",
                ranged(s["exit_ms"], 1),
            ])
        event = data["event_to_line"]
        latency = "none within 1 s" if event["none_within_1_s"] else f"{ranged(event['ms'], 1)}, n = {event['ms']['n']}"
        others.append([name, latency, f"{data['idle_cpu']['ms_a_second']:.3f}"])
    return (
        "### Waiting\n\nms, through a pipe: median (min - max). The first line is that of the first event, with a process "
        "in the background that opens files at the rate given.\n\n"
        + table(["tracer", "opens/s", *moments], waits)
        + "\nSingle opens at random intervals on a quiet system, and CPU time with nothing to do:\n\n"
        + table(["tracer", "event to line, ms", "idle CPU, ms a second"], others)
    )


def memory(tracers, _):
    rows = []
    for name, m in each(tracers, "memory"):
        size = f"{m['binary_bytes'] / 1e6:.2f}" if m["binary_bytes"] else "-"
        resident = [f"{megabytes(m[key]):.1f}" for key in ("idle_kib", "busy_kib", "after_kib", "peak_kib")]
        rows.append([name, *resident, size])
    return (
        "### Memory and size\n\nResident MB (a million bytes); busy is 100,000 opens/s. The size is that of the stripped "
        "executable, without the shared libraries that the peers need.\n\n"
    ) + table(["tracer", "idle", "busy", "after", "peak", "binary, MB"], rows)


def floor(tracers, _):
    rows = [
        [name, f"`{p['program']}`", thousands(p["runs"]), f"{p['ns_a_run']:.0f}", str(p["recursion_misses"])]
        for name, data in each(tracers, "floor")
        for p in data
    ]
    return (
        "### Time in the kernel's programs\n\nBy the kernel's own BPF statistics, which add a clock reading to each run.\n\n"
    ) + table(["tracer", "program", "runs", "ns a run", "skipped by recursion"], rows)


SECTIONS = {"slowdown": slowdown, "cpu": cpu, "loss": loss, "timing": timing, "memory": memory, "floor": floor}


def markdown(report):
    meta, tool, tracers = report["meta"], report["tool"], report["tracers"]
    cpus = f"{meta['cpus']} CPUs; load on CPU {meta['load_cpu']}, tracer on CPU {meta['tracer_cpu']}"
    text = f"""# Benchmarks of `sonde {tool["name"]}`

Written by `{meta["command"]}` on {meta["date"]}.

"""
    if meta["provisional"]:
        text += f"**Not final: {meta['provisional']}.**\n\n"
    text += table(
        ["", ""],
        [
            ["kernel", meta["kernel"]],
            ["CPU", f"{meta['cpu']}, {cpus}"],
            ["mitigations", meta["mitigations"]],
            ["output files on", meta["filesystem"]],
            *([name, r["version"]] for name, r in tracers.items()),
        ],
    )
    text += """
Load and tracer are pinned to different CPUs. An operation's time is the 10th percentile over 400 short batches; traced and
untraced runs alternate in pairs, and a guard loop before and after each pair drops it if something else was tracing. A
tracer counts as attached when its descriptors say so, never after a sleep. The load counts what it does, so that what a
tracer shows is compared with what was made, not with what it says of itself.

"""
    if "sonde" in tracers:
        text += "## Goals\n\nA missed goal is in bold.\n\n" + goals(tracers["sonde"], tool["goals"]) + "\n"
    text += "## Figures\n\n"
    text += "\n".join(
        section(tracers, tool) for key, section in SECTIONS.items() if any(key in r for r in tracers.values())
    )
    failures = [[name, what, error] for name, r in tracers.items() for what, error in r["errors"].items()]
    if failures:
        text += "\n### What could not be measured\n\n" + table(["tracer", "measure", "why"], failures)
    return text
