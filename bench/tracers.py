# SPDX-License-Identifier: GPL-2.0-or-later
"""What is compared: the tools, their peers, and what sonde promises. A later tool joins with one entry of TOOLS."""

import dataclasses
import json
import os
import re
import shutil

from processes import BenchError, output_of


@dataclasses.dataclass(frozen=True)
class Tracer:
    name: str
    argv: tuple  # argv[0] is looked for in PATH; so is each argument that ends in .bt
    lost: str  # a pattern whose first group is a number of lost events, in stdout or stderr
    version: tuple  # a command; its last word of the first line is the version
    pid_flag: str = ""  # empty: it cannot filter by process
    needs_tracefs: bool = False
    is_sonde: bool = False  # knows --output, --format json and --buffer-size

    def resolved(self):
        """argv with full paths; a BenchError says what is not installed."""

        def find(word):
            path = shutil.which(word)
            if path is None:
                remedy = "not there: build it, or name it with --sonde" if self.is_sonde else "not installed"
                raise BenchError(f"{os.path.basename(word)} is {remedy}")
            return path

        argv = [find(self.argv[0])]
        argv += [find(a) if a.endswith(".bt") else a for a in self.argv[1:]]
        if not self.is_sonde and os.path.basename(os.path.realpath(argv[0])) == "sonde":
            raise BenchError(f"{self.argv[0]} in PATH is a link to sonde")
        return argv

    def version_text(self):
        try:
            return output_of(list(self.version)).splitlines()[0].split()[-1]
        except (BenchError, OSError, IndexError):
            return "version unknown"

    def counts(self, out_path, err_path, mark, as_json=False):
        """What the files of a finished run say."""
        found = Counts()
        mark = mark.encode()
        pattern = re.compile(self.lost.encode())
        for path in (out_path, err_path):
            with open(path, "rb") as f:
                for line in f:
                    if mark in line:
                        found.shown += 1
                    elif as_json:
                        found.take_object(line)
                    else:
                        found.lost += sum(number(n) for n in pattern.findall(line))
                        if self.is_sonde:
                            found.take_summary(line)
        return found


SONDE_SUMMARY = re.compile(rb"^\w+: ([\d,]+) (?:event|row)s? in [^,]+, (?:none lost|([\d,]+) LOST)")


def number(digits):
    return int(digits.replace(b",", b""))


@dataclasses.dataclass
class Counts:
    shown: int = 0  # lines with the mark
    lost: int = 0  # the losses reported as they happened
    summary: tuple | None = None  # (events, lost) by the summary at the end; None without one

    def take_object(self, line):
        entry = json.loads(line) if line.strip() else {}
        if entry.get("type") == "lost":
            self.lost += entry["count"]
        elif entry.get("type") == "summary":
            self.summary = (entry["events"], entry["lost"])

    def take_summary(self, line):
        found = SONDE_SUMMARY.match(line)
        if found:
            self.summary = (number(found[1]), number(found[2] or b"0"))


@dataclasses.dataclass(frozen=True)
class Tool:
    name: str
    op: str  # the traced operation of the load
    unrelated_op: str  # an operation that the tool does not ask about
    fast_op: str  # makes the same event with less work, for the loss sweep
    peers: tuple
    goals: dict  # figure -> highest (at_least: lowest) value that keeps the promise
    verb: tuple = ()  # what sonde is given, if not the name alone


def sonde(path, tool):
    return Tracer(
        name="sonde",
        argv=(path, *(tool.verb or (tool.name,))),
        lost=r"^lost: ([\d,]+) events?:",
        version=(path, "--version"),
        pid_flag="--pid",
        is_sonde=True,
    )


LOST = r"(?i)lost (\d+) events"


def libbpf_tools(tool):
    return Tracer(
        name="libbpf-tools",
        argv=(tool,),
        lost=LOST,
        version=("dpkg-query", "-W", "-f", "${Version}\n", "libbpf-tools"),
        pid_flag="-p",
        needs_tracefs=True,
    )


def switches(arguments, goal):
    return Tool(
        name="cswitch",
        op="switch",
        unrelated_op="getppid",
        fast_op="switch",
        peers=(
            dataclasses.replace(libbpf_tools("cpudist"), name="cpudist"),
            dataclasses.replace(libbpf_tools("runqlat"), name="runqlat"),
        ),
        goals={"traced_ratio": goal, "unrelated_ratio": 1.02},
        verb=("cswitch", *arguments),
    )


READ_TIMES_BY_BPFTRACE = (
    "tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; } "
    "tracepoint:syscalls:sys_exit_read /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start[tid]); }"
)


TOOLS = {
    "opensnoop": Tool(
        name="opensnoop",
        op="openat",
        unrelated_op="getppid",
        fast_op="openat-refused",
        peers=(
            libbpf_tools("opensnoop"),
            Tracer(
                name="bpftrace",
                argv=("bpftrace", "opensnoop.bt"),
                lost=LOST,
                version=("bpftrace", "--version"),
                needs_tracefs=True,
            ),
        ),
        goals={
            "traced_ratio": 1.30,
            "unrelated_ratio": 1.35,
            "reader_us": 0.3,
            "lossless_rate": 300_000,
            "first_line_ms": 20,
            "latency_ms": 50,
            "last_byte_ms": 20,
            "rss_mb": 6,
            "binary_mb": 6,
        },
    ),
    # Only its slowdown is a figure: ./dev bench --tool naptime --only a
    "naptime": Tool(
        name="naptime",
        op="nanosleep",
        unrelated_op="openat",
        fast_op="nanosleep",
        peers=(
            Tracer(
                name="bpftrace",
                argv=("bpftrace", "naptime.bt"),
                lost=LOST,
                version=("bpftrace", "--version"),
                needs_tracefs=True,
            ),
        ),
        goals={"traced_ratio": 1.60},
    ),
    # Only its slowdown is a figure: ./dev bench --tool syscount --only a
    "syscount": Tool(
        name="syscount",
        op="getppid",
        unrelated_op="openat",
        fast_op="getppid",
        peers=(
            libbpf_tools("syscount"),
        ),
        goals={"traced_ratio": 1.60},
    ),
    # An operation is two switches. Only its slowdown is a figure: ./dev bench --tool cswitch --only a
    "cswitch": switches((), 1.15),
    "cswitch-wait": switches(("--histogram-of", "wait"), 1.25),
    "cswitch-block": switches(("--histogram-of", "block"), 1.25),
    "cswitch-slice": switches(("--histogram-of", "slice"), 1.25),
    "cswitch-events": switches(("--events",), 1.35),
    # Only slowdowns are figures: ./dev bench --tool syslat --only a
    "syslat": Tool(
        name="syslat",
        op="read",
        unrelated_op="getppid",
        fast_op="read",
        peers=(
            Tracer(
                name="bpftrace",
                argv=("bpftrace", "-e", READ_TIMES_BY_BPFTRACE),
                lost=LOST,
                version=("bpftrace", "--version"),
                needs_tracefs=True,
            ),
        ),
        verb=("syslat", "read"),
        goals={"unrelated_ratio": 1.40},
    ),
}
