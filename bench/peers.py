# SPDX-License-Identifier: GPL-2.0-or-later
"""What traces: sonde, what a user would run instead, and the floor. How each is started, and what its output says."""

import dataclasses
import json
import os
import re
from pathlib import Path

from processes import BenchError, Place, output_of

MARK = b"bench-l"  # the name of the load as it stands in rows, where a terminal of 80 columns may cut it


@dataclasses.dataclass(frozen=True)
class Tracer:
    kind: str  # sonde, libbpf-tools, bpftrace, perf, ptrace, bcc, floor
    name: str  # as one would type it
    argv: tuple  # argv[0] is looked for in PATH; so is each argument that ends in .bt
    package: str = ""  # the Debian package that has it
    lost: str = r"(?i)(?:lost|skipped) ([\d,]+) (?:events?|chunks?)"  # its first group: events that it says it lost
    pid_flag: str = ""  # empty: it cannot filter by process
    needs_tracefs: bool = True
    attaches_to: bool = False  # it traces one process that is named to it (ptrace)
    binary_output: bool = False  # rows cannot be counted in it
    names_file: bool = False  # its last word is the option that says where its output goes
    root: str = ""  # run there by chroot, not from the machine's own packages

    @property
    def is_sonde(self):
        return self.kind == "sonde"

    @property
    def is_rival(self):
        """Of the class that sonde's targets are set against."""
        return self.kind in ("libbpf-tools", "bpftrace")

    @property
    def label(self):
        if self.is_sonde:
            return self.name
        where = " (sid)" if self.root else ""
        return f"{self.kind}{where}: {self.name}"

    def find(self, word):
        """The full path, in the root."""
        folders = ["/usr/sbin", "/usr/bin", "/usr/share/bpftrace/tools"]
        if "/" in word:
            folders = [os.path.dirname(word)]
        elif not self.root:
            folders = [*os.environ.get("PATH", "").split(":"), *folders]
        # Younger Debians call them NAME-libbpf.
        names = [f"{word}-libbpf", word] if self.kind == "libbpf-tools" else [word]
        for path in (os.path.join(folder, os.path.basename(name)) for name in names for folder in folders):
            is_sonde = os.path.basename(os.path.realpath(self.root + path)) == "sonde"
            if os.access(self.root + path, os.R_OK if path.endswith(".bt") else os.X_OK) and (self.is_sonde or not is_sonde):
                return path
        remedy = "not there: build it, or name it with --sonde" if self.is_sonde else "not installed"
        raise BenchError(f"{os.path.basename(word)} is {remedy}")

    def resolved(self):
        """argv with full paths; a BenchError says what is not installed."""
        arguments = [self.find(a) if a.endswith(".bt") else a for a in self.argv[1:]]
        return [self.find(self.argv[0]), *arguments]

    def version_text(self):
        try:
            if self.is_sonde:
                return output_of([self.argv[0], "--version"]).splitlines()[0].split()[-1]
            if self.root:
                rows = (line.split() for line in Path(self.root, "versions").read_text().splitlines())
                return next(version for name, version in rows if name == self.package)
            return output_of(["dpkg-query", "-W", "-f", "${Version}\n", self.package]).split()[0] if self.package else "-"
        except (BenchError, OSError, IndexError, StopIteration):
            return "unknown"

    def installed_bytes(self):
        """(the executable without symbols, the shared libraries that it needs beside the C library's own)"""
        path = self.resolved()[0]
        stripped = f"/tmp/sonde-bench-stripped.{os.getpid()}"
        try:
            output_of(["strip", "-o", stripped, self.root + path])
            size = os.stat(stripped).st_size
        except BenchError:
            size = os.stat(os.path.realpath(self.root + path)).st_size  # a script
        finally:
            if os.path.exists(stripped):
                os.unlink(stripped)
        try:
            listed = output_of(["/lib64/ld-linux-x86-64.so.2", "--list", path], place=Place(root=self.root), stderr=None)
        except BenchError:
            return size, 0  # static
        libraries = re.findall(r"=> (/\S+)", listed)
        base = ("libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6")
        files = {os.path.realpath(self.root + f) for f in libraries if os.path.basename(f) not in base}
        return size, sum(os.stat(f).st_size for f in files if os.path.exists(f))

    def counts(self, out_path, err_path, as_json=False):
        """What the files of a finished run say."""
        found = Counts()
        if self.binary_output:
            out_path = os.devnull
        pattern = re.compile(self.lost.encode())
        for path in (out_path, err_path):
            with open(path, "rb") as f:
                for line in f:
                    if MARK in line and not FRAME.match(line):
                        found.shown += 1
                    elif as_json:
                        found.take_object(line)
                    else:
                        found.lost += sum(number(n) for n in pattern.findall(line))
                        if self.is_sonde:
                            found.take_summary(line)
        return found


# A line of a stack beneath an event: it may name the load's file.
FRAME = re.compile(rb"^\s+(?:[ku]stack: |\S+\+(?:0x)?[0-9a-f]+\s|\S+ \(/|0x|\[)")

SONDE_LOST = r"^lost: ([\d,]+) events?:"
SONDE_SUMMARY = re.compile(rb"^\w+: ([\d,]+) (?:event|row)s? in [^,]+, (?:none lost|([\d,]+) LOST)")


def number(digits):
    return int(digits.replace(b",", b""))


@dataclasses.dataclass
class Counts:
    shown: int = 0  # lines with the mark
    lost: int = 0  # the losses reported as they happened
    summary: tuple | None = None  # (events, lost) by the summary at the end; None without one

    def take_object(self, line):
        try:
            entry = json.loads(line) if line.strip() else {}
        except ValueError:
            return
        if entry.get("type") == "lost":
            self.lost += entry["count"]
        elif entry.get("type") == "summary":
            self.summary = (entry["events"], entry["lost"])

    def take_summary(self, line):
        found = SONDE_SUMMARY.match(line)
        if found:
            self.summary = (number(found[1]), number(found[2] or b"0"))


def sonde(path, command, pid_filter=True, names_file=False):
    """command: the words after `sonde`."""
    return Tracer(
        kind="sonde",
        name=f"sonde {command if isinstance(command, str) else ' '.join(command)}",
        argv=(path, *(command.split() if isinstance(command, str) else command)),
        lost=SONDE_LOST,
        pid_flag="--pid" if pid_filter else "",
        needs_tracefs=False,
        binary_output=names_file,
        names_file=names_file,
    )


def libbpf_tools(command, pid_flag="-p"):
    return Tracer("libbpf-tools", command, tuple(command.split()), "libbpf-tools", pid_flag=pid_flag)


def bpftrace(script, name=""):
    """A script that the package has, as opensnoop.bt, or a program of ours with a name."""
    argv = ("bpftrace", "-e", script) if name else ("bpftrace", script)
    return Tracer("bpftrace", name or script, argv, "bpftrace")


def perf(command, **more):
    return Tracer("perf", f"perf {command}", ("perf", *command.split()), "linux-perf", **more)


def strace(calls):
    argv = ("strace", "-e", f"trace={calls}", "-o", "/dev/stdout")
    return Tracer("ptrace", f"strace -e trace={calls} -p PID", argv, "strace", pid_flag="-p", attaches_to=True)


def bcc(command):
    """bpfcc-tools compile against the headers of the running kernel."""
    return Tracer("bcc", f"{command}-bpfcc", (f"{command}-bpfcc",), "bpfcc-tools")


def floor(binary, hooks, with_record):
    argv = (binary, *(["--record"] if with_record else []), *hooks)
    what = "with a 64-byte record" if with_record else "empty"
    return Tracer("floor", f"{what}: {', '.join(hooks)}", argv)


def newest(tracer, root):
    """The same from sid; None if sid's are not compared."""
    if not tracer.is_rival:
        return None
    return dataclasses.replace(tracer, root=root)
