# SPDX-License-Identifier: GPL-2.0-or-later
"""What sonde promises: against the best rival of the same run (targets), and by itself (goals)."""

from tables import megabytes, table, thousands

# ---- what can be read off one tracer's results ----


def loses_nothing(results):
    """At full speed, by what it showed of what was made. Who counts in the kernel says so if it loses."""
    run = results.get("slowdown", {}).get("file", {})
    if "made" in run:
        return run["shown"] >= run["made"] and run["reported_lost"] == 0
    return not results.get("memory", {}).get("reported_lost")


def overheads(results, key="traced_ratio"):
    return {to: s[key]["median"] - 1 for to, s in results.get("slowdown", {}).items() if key in s}


def reader_costs(results):
    """CPU time an event, by rate, where nothing was lost."""
    sweep = results.get("rates", {}).get("sweep", [])
    return {
        r["asked_rate"]: r["cpu_us_an_event"]
        for r in sweep
        if not r["unaccounted"] and not r["reported_lost"] and r["rate"] > 0.95 * r["asked_rate"]
    }


def first_lines(results):
    runs = results.get("waiting", {}).get("start_and_stop", [])
    return {s["events_a_second"]: s["first_line_ms"]["median"] for s in runs if s["to"] == "pipe"}


def memory(results):
    return results.get("memory") or results.get("rates", {}).get("memory")


def resident(results):
    found = memory(results)
    return {"busy": megabytes(found["busy_kib"])} if found else {}


def lossless(results):
    return {"rate": results["rates"]["lossless_rate"]} if "rates" in results else {}


# ---- targets ----

# key -> what, how it is read, its unit, whether only rivals count that lose nothing, whether more is better
TARGETS = {
    "overhead": ("overhead of the traced operation", overheads, "", True, False),
    "unrelated": ("tax on unrelated calls", lambda r: overheads(r, "unrelated_ratio"), "", False, False),
    "reader": ("reader CPU an event", reader_costs, " µs", False, False),
    "lossless": ("rate without loss", lossless, "/s", False, True),
    "first_line": ("first line through a pipe", first_lines, " ms", False, False),
    "rss": ("resident memory", resident, " MB", False, False),
}


def shown(value, unit):
    return f"{thousands(value)}{unit}" if unit == "/s" else f"{value:.3g}{unit}"


def against_best(mine, rivals, more_is_better):
    """(worst ratio, my value, the best rival's, its name) over the conditions (outputs, rates) that both were measured
    in; None if there is none."""
    worst = None
    for condition, value in mine.items():
        others = [(figures[condition], name) for name, figures in rivals.items() if figures.get(condition, 0) > 0]
        if not others:
            continue
        best, name = max(others) if more_is_better else min(others)
        ratio = value / best
        if worst is None or (ratio < worst[0] if more_is_better else ratio > worst[0]):
            worst = (ratio, value, best, name)
    return worst


def target_row(command, tool, key, limit):
    """The row, or None if sonde was not measured."""
    what, read, unit, only_lossless, more_is_better = TARGETS[key]
    tracers = tool["tracers"]
    ours = next((r for r in tracers.values() if r["kind"] == "sonde"), None)
    mine = read(ours) if ours else {}
    if not mine:
        return None
    rivals = {n: r for n, r in tracers.items() if r["rival"] and (key == "rss" or tool["against"] in n)}
    clean = {n: r for n, r in rivals.items() if loses_nothing(r)} if only_lossless else rivals
    remark = "" if clean or not rivals else "; no rival keeps up, so all of them count"
    found = against_best(mine, {n: read(r) for n, r in (clean or rivals).items()}, more_is_better)
    text = f"{'at least' if more_is_better else 'at most'} {limit} of the best rival's"
    row = [f"`sonde {command}`", what, text]
    if found is None:
        figure = ", ".join(shown(v, unit) for v in mine.values())
        return [*row, "-", f"{figure} against nothing: no rival could be measured or keeps up", "not decided"]
    ratio, value, best, name = found
    met = ratio >= limit if more_is_better else ratio <= limit
    cells = [*row, f"{ratio:.2f}", f"{shown(value, unit)} against {shown(best, unit)} ({name}){remark}"]
    return [*cells, "met"] if met else [*cells[:3], f"**{cells[3]}**", cells[4], "**missed**"]


def targets(tools):
    rows = [target_row(c, t, key, limit) for c, t in tools.items() for key, limit in t["targets"].items()]
    return table(["tool", "target", "limit", "figure", "how it comes about", ""], [r for r in rows if r])


# ---- goals ----


def worst(figures):
    figures = list(figures)
    return max(figures) if figures else None


def goal_figures(results):
    """{goal key: (what, unit, value)} for what was measured. The worst of several outputs and rates is the figure."""
    slow = results.get("slowdown", {}).values()
    found = {
        "traced_ratio": ("slowdown of the traced operation", "x", worst(s["traced_ratio"]["median"] for s in slow)),
        "unrelated_ratio": ("slowdown of an unrelated call", "x", worst(s["unrelated_ratio"]["median"] for s in slow)),
        "reader_us": ("reader CPU an event", " µs", worst(reader_costs(results).values())),
        "lossless_rate": ("rate without loss", "/s", results.get("rates", {}).get("lossless_rate")),
        "first_line_ms": ("exec to first line", " ms", worst(first_lines(results).values())),
    }
    if "waiting" in results:
        event = results["waiting"]["event_to_line"]
        slowest = float("inf") if event["none_within_1_s"] else event["ms"]["max"]
        found["latency_ms"] = ("event to line in a pipe, slowest", " ms", slowest)
        last = [s["last_byte_ms"]["median"] for s in results["waiting"]["start_and_stop"] if s["last_byte_ms"]]
        found["last_byte_ms"] = ("SIGINT to last byte of the report", " ms", worst(last))
    if resident(results):
        found["rss_mb"] = ("resident memory at work", " MB", resident(results)["busy"])
    if "size" in results:
        found["binary_mb"] = ("stripped binary, all tools", " MB", results["size"]["executable_bytes"] / 1e6)
    return {key: f for key, f in found.items() if f[2] is not None}


def goal_row(command, key, goal, figure, limited_by_load):
    what, unit, value = figure
    least = key == "lossless_rate"
    # The load is paced by a clock and never faster than asked: 1 % less is the rate asked for.
    met = value >= goal * 0.99 if least else value <= goal
    text = thousands(value) if least else f"{value:.{3 if goal < 2 else 1}f}"
    limit = f"at least {thousands(goal)}{unit}" if least else f"at most {goal}{unit}"
    row = [f"`sonde {command}`", what, limit, f"{text}{unit}"]
    if not met and least and limited_by_load:
        return [*row, "not decided: the load makes no more"]
    return [*row, "met"] if met else [*row[:3], f"**{row[3]}**", "**missed**"]


def goals(tools):
    rows = []
    for command, tool in tools.items():
        for results in tool["tracers"].values():
            if results["kind"] != "sonde":
                continue
            found = goal_figures(results)
            limited = results.get("rates", {}).get("limited_by_load", False)
            rows += [goal_row(command, k, g, found[k], limited) for k, g in tool["goals"].items() if k in found]
            laws = results.get("rates", {}).get("law", [])
            bad = [law for law in laws if not law["kept"]]
            if laws:
                text = f"{len(laws) - len(bad)} of {len(laws)} runs"
                cells = [f"`sonde {command}`", "made = shown + reported lost, with a ring far too small", "always"]
                rows.append([*cells, f"**{text}**", "**missed**"] if bad else [*cells, text, "met"])
    return table(["tool", "figure", "budget", "sonde", ""], rows)
