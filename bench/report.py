# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as Markdown. It reads what bench wrote as JSON and measures nothing."""

from growth_report import growth
from tables import Figure, compared, memory_figure, spread_figure, table, thousands
from targets import goals, memory, targets

PEERS = ("libbpf-tools", "bpftrace", "perf", "bcc")  # compared with; the floor and debuggers are shown beside


def names(results, label):
    return f"`{label}`" if results["kind"] == "sonde" else label


def groups(tools, measure, rows_of):
    """For each mode: (sonde's rows, its peers' rows)."""
    found = []
    for tool in tools.values():
        have = [(label, r) for label, r in tool["tracers"].items() if measure(r)]
        ours = [row for label, r in have if r["kind"] == "sonde" for row in rows_of(label, r)]
        peers = [row for label, r in have if r["kind"] in PEERS for row in rows_of(label, r)]
        beside = [row for label, r in have if r["kind"] not in (*PEERS, "sonde") for row in rows_of(label, r)]
        found += [(ours, peers), (beside, [])]
    return found


# ---- one section a measure ----


def shown_of_made(s):
    share = f"{min(1, s['shown'] / s['made']):.2%}"
    silent = s["made"] - s["shown"] - s["reported_lost"]
    if s["shown"] >= s["made"]:
        return share
    return f"{share}, {thousands(silent)} lost in silence" if silent > 0 else f"{share}, the rest reported lost"


def slowdown_rows(label, results):
    for to, s in results["slowdown"].items():
        unrelated, made = s.get("unrelated_ratio"), s.get("made")
        yield [
            names(results, label),
            to,
            spread_figure(s["traced_ratio"], prefix="x"),
            spread_figure(unrelated, prefix="x") if unrelated else "-",
            f"{s['traced_untraced_ns']['median']:,.0f} ns",
            shown_of_made(s) if made else "",
            f"{s['pairs']}, {s['dropped']}",
        ]


def slowdown(tools):
    found = groups(tools, lambda r: "slowdown" in r, slowdown_rows)
    if not any(a or b for a, b in found):
        return ""
    ops = sorted({f"{t['op']} (unrelated: {t['unrelated_op']})" for t in tools.values()})
    head = ["tracer", "output to", "traced", "unrelated", "untraced", "shown of made", "pairs, dropped"]
    return (
        f"### Slowdown\n\nOperation: {', '.join(ops)}. Traced / untraced time: median of the pairs (min - max).\n\n"
        + table(head, compared(found))
    )


def rates_row(label, results):
    data = results["rates"]
    at = {r["asked_rate"]: r for r in data["sweep"]}
    best = thousands(data["lossless_rate"]) + (" (all the load makes)" if data["limited_by_load"] else "")
    cells = [names(results, label), Figure(best, data["lossless_rate"], 1)]
    cheapest = min(r["cpu_us_an_event"] for r in at.values())
    dearest = max(r["cpu_us_an_event"] for r in at.values())
    yield [*cells, Figure(f"{dearest:.3f}", dearest), Figure(f"{cheapest:.3f}", cheapest)]


def sweep_row(label, results):
    for r in results["rates"]["sweep"]:
        yield [names(results, label), thousands(r["asked_rate"]), *loss_cells(r), f"{r['cpu_us_an_event']:.3f}"]


def loss_cells(run):
    return [thousands(run[key]) for key in ("rate", "made", "shown", "reported_lost", "unaccounted")]


def rates(tools):
    found = groups(tools, lambda r: "rates" in r, rates_row)
    if not any(a or b for a, b in found):
        return ""
    laws = [
        [names(r, label), law["to"], law["arguments"], *loss_cells(law), "kept" if law["kept"] else f"**{law['summary']}**"]
        for t in tools.values()
        for label, r in t["tracers"].items()
        for law in r.get("rates", {}).get("law", [])
    ]
    counts = ["reached", "made", "shown", "reported lost", "unaccounted for"]
    sweep = compared(groups(tools, lambda r: "rates" in r, sweep_row))
    text = "### Rates: loss and the cost of reading\n\nEvents a second; CPU time of the tracer for each event made, in µs.\n\n"
    text += table(["tracer", "highest rate without loss", "CPU, dearest rate", "CPU, cheapest rate"], compared(found))
    text += "\n" + table(["tracer", "asked", *counts, "CPU"], sweep)
    if laws:
        text += "\nEach event is shown or reported as lost, however small the ring:\n\n"
        text += table(["tracer", "output", "arguments", *counts, "made = shown + lost"], laws)
    return text


def waiting_rows(label, results):
    for s in results["waiting"]["start_and_stop"]:
        yield [
            names(results, label),
            s["to"],
            thousands(s["events_a_second"]),
            spread_figure(s["first_byte_ms"], 1),
            spread_figure(s["first_line_ms"], 1),
            spread_figure(s["last_byte_ms"], 1) if s["last_byte_ms"] else "nothing came",
            spread_figure(s["exit_ms"], 1),
        ]


def line_row(label, results):
    data = results["waiting"]
    event, idle = data["event_to_line"], data["idle_cpu"]["ms_a_second"]
    never = Figure("none within 1 s", float("inf"))
    yield [
        names(results, label),
        never if event["none_within_1_s"] else spread_figure(event["ms"], 1),
        Figure(f"{idle:.3f}", idle),
    ]


def per_output(tools, to):
    def rows(label, results):
        return [row for row in waiting_rows(label, results) if row[1] == to[0] and row[2] == to[1]]

    return compared(groups(tools, lambda r: "waiting" in r, rows))


def waiting(tools):
    runs = [s for t in tools.values() for r in t["tracers"].values() for s in r.get("waiting", {}).get("start_and_stop", [])]
    if not runs:
        return ""
    conditions = sorted({(s["to"], thousands(s["events_a_second"])) for s in runs})
    moments = ["exec to first byte", "exec to first line", "SIGINT to last byte", "SIGINT to exit"]
    rows = [row for condition in conditions for row in per_output(tools, condition)]
    return (
        "### Waiting\n\nms: median (min - max). The first line is that of the first event, with a process in the background "
        "that makes so many events a second.\n\n"
        + table(["tracer", "output to", "events/s", *moments], rows)
        + "\nSingle events at random intervals on a quiet system, into a pipe; and CPU time with nothing to do:\n\n"
        + table(
            ["tracer", "event to line, ms", "idle CPU, ms a second"],
            compared(groups(tools, lambda r: "waiting" in r, line_row)),
        )
    )


def memory_row(label, results):
    m, size = memory(results), results.get("size")
    cells = [memory_figure(m[key]) for key in ("idle_kib", "busy_kib", "after_kib", "peak_kib")] if m else ["-"] * 4
    size_cells = ["-", "-"]
    if size:
        whole = size["executable_bytes"] + size["libraries_bytes"]
        size_cells = [f"{size['executable_bytes'] / 1e6:.2f}", Figure(f"{whole / 1e6:.2f}", whole)]
    cpu = f"{m['cpu_ms_a_second']:.2f}" if m and "cpu_ms_a_second" in m else "-"
    yield [names(results, label), *cells, cpu, *size_cells]


def memory_and_size(tools):
    found = groups(tools, lambda r: memory(r) or "size" in r, memory_row)
    if not any(a or b for a, b in found):
        return ""
    head = ["tracer", "idle", "at work", "after", "peak", "CPU, ms/s", "executable, MB", "with libraries, MB"]
    return (
        "### Memory and size\n\nResident MB (a million bytes); of who shows events at 100,000 a second, or the highest rate "
        "tried. sonde's executable has all its tools in it; libraries without those of the C and C++ languages.\n\n"
    ) + table(head, compared(found))


def programs_rows(label, results):
    for p in results["programs"]:
        yield [names(results, label), f"`{p['program']}`", thousands(p["runs"]), f"{p['ns_a_run']:.0f}"]


def programs(tools):
    found = groups(tools, lambda r: "programs" in r, programs_rows)
    if not any(a or b for a, b in found):
        return ""
    return "### In the kernel\n\nns a run by the kernel's own statistics, which add a clock reading to each.\n\n" + table(
        ["tracer", "program", "runs", "ns a run"], compared(found)
    )


SECTIONS = (slowdown, rates, waiting, memory_and_size, growth, programs)


def family(name, tools):
    text = f"\n## {name}\n\n" + "\n".join(part for part in (section(tools) for section in SECTIONS) if part)
    failures = [
        [f"`sonde {command}`", label, what, error]
        for command, tool in tools.items()
        for label, results in tool["tracers"].items()
        for what, error in results["errors"].items()
    ]
    if failures:
        text += "\n### What could not be measured\n\n" + table(["beside", "tracer", "measure", "why"], failures)
    return text


METHOD = """
Load and tracer are pinned to different CPUs. An operation's time is the 10th percentile over 400 batches of 0.4 ms. Only
batches count beside which the load had its core for itself: between two of them arithmetic is timed that no tracer can see and
that is slower while others, such as another guest of the machine, use the same core. Traced and untraced runs alternate in
pairs, and a guard loop before and after each pair drops it if something else was tracing, or the machine had become faster or
slower. A tracer counts as attached when its descriptors say so, never after a sleep. The load counts what it does, so that what a
tracer shows is compared with what was made, not with what it says of itself. Where a peer is better, sonde's figure is
bold. `floor` is an empty program on the hooks that sonde uses, and one that hands on 64 bytes: no tracer there costs less.
`ptrace` is strace on one process; it is no rival. A figure of what sonde and its peers share is measured once and stands in
each table where it belongs.

"""


def versions(tools):
    found = {}
    for tool in tools.values():
        for label, results in tool["tracers"].items():
            if results.get("version", "-") != "-":
                found.setdefault(f"{results['kind']}{' (sid)' if '(sid)' in label else ''}", results["version"])
    return [[name, version] for name, version in found.items()]


def markdown(report):
    meta, tools = report["meta"], report["tools"]
    cpus = f"{meta['cpus']} CPUs; load on CPU {meta['load_cpu']}, tracer on CPU {meta['tracer_cpu']}"
    text = f"# Benchmarks\n\nWritten by `{meta['command']}` on {meta['date']}.\n\n"
    if meta["provisional"]:
        text += f"**Not final: {meta['provisional']}.**\n\n"
    if report.get("not_begun"):
        text += f"**Not complete: the time was over before {len(report['not_begun'])} measures, from "
        text += f"\"{report['not_begun'][0]}\" on.**\n\n"
    if not report["complete"]:
        text += "**Not complete: the run was broken off.**\n\n"
    about = [["kernel", meta["kernel"]], ["CPU", f"{meta['cpu']}, {cpus}"], ["mitigations", meta["mitigations"]]]
    text += table(["", ""], about + versions(tools)) + METHOD
    text += "## Targets\n\nOverhead and tax are the slowdown less 1. Rivals are libbpf-tools and bpftrace in the same run; "
    text += "for overhead only those that lose nothing.\n\n" + targets(tools)
    text += "\n## Budgets\n\nWhat sonde may cost by itself.\n\n" + goals(tools)
    families = {}
    for command, tool in tools.items():
        families.setdefault(command.split()[0], {})[command] = tool
    return text + "".join(family(name, members) for name, members in families.items())
