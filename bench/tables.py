# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of Markdown, in which sonde's cell is bold where a peer's is better."""

import dataclasses

SLACK = 1.01  # what differs by less is the same


@dataclasses.dataclass(frozen=True)
class Figure:
    """A cell that can be compared. better: -1 if less is better, 1 if more is."""

    text: str
    value: float | None
    better: int = -1


def worse(mine, theirs, better):
    return theirs * SLACK < mine if better < 0 else theirs > mine * SLACK


def loses(cell, column, peers):
    if not isinstance(cell, Figure) or cell.value is None:
        return False
    others = [row[column] for row in peers if isinstance(row[column], Figure)]
    return any(o.value is not None and worse(cell.value, o.value, cell.better) for o in others)


def compared(groups):
    """groups: [(sonde's rows or others', the peers' rows that they are compared with)]; the texts, in that order."""
    texts = []
    for ours, peers in groups:
        for row in ours:
            cells = [(cell.text if isinstance(cell, Figure) else cell, loses(cell, i, peers)) for i, cell in enumerate(row)]
            texts.append([f"**{text}**" if bad else text for text, bad in cells])
        texts += [[cell.text if isinstance(cell, Figure) else cell for cell in row] for row in peers]
    return texts


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def ranged(s, digits=2, prefix=""):
    """median (min - max)"""
    if s is None:
        return "-"
    if s["n"] == 1:
        return f"{prefix}{s['median']:.{digits}f}"
    return f"{prefix}{s['median']:.{digits}f} ({s['min']:.{digits}f} - {s['max']:.{digits}f})"


def spread_figure(s, digits=2, prefix="", better=-1):
    return Figure(ranged(s, digits, prefix), s["median"] if s else None, better)


def thousands(n):
    return "-" if n is None else f"{round(n):,}"


def megabytes(kib):
    return kib * 1024 / 1e6


def memory_figure(kib):
    return Figure(f"{megabytes(kib):.1f}", kib)
