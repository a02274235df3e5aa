#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the benchmarks without measuring: the entries, the report, what counts as met. Takes no time and needs no root."""

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import growth  # noqa: E402
import targets  # noqa: E402
from measures import MEASURES  # noqa: E402
from peers import FRAME, Counts, bpftrace, libbpf_tools, sonde  # noqa: E402
from report import markdown  # noqa: E402
from tables import Figure, compared  # noqa: E402
from tracers import TOOLS  # noqa: E402

TOP = Path(__file__).resolve().parent.parent


def spread(value):
    return {"median": value, "min": value * 0.9, "max": value * 1.1, "n": 7}


def slow(ratio, shown=None):
    figures = {"pairs": 7, "dropped": 0}
    for key, value in (("traced", ratio), ("unrelated", 1 + (ratio - 1) / 2)):
        figures[f"{key}_ratio"] = spread(value)
        figures[f"{key}_untraced_ns"] = spread(1000.0)
    if shown is not None:
        figures.update(made=1000, shown=shown, reported_lost=0)
    return {"file": figures}


def at_rate(rate, cpu, lost=0):
    memory = {"idle_kib": 3000, "busy_kib": 3000, "after_kib": 3000, "peak_kib": 4000}
    run = {"asked_rate": rate, "rate": rate, "made": rate, "shown": rate - lost, "reported_lost": lost, "unaccounted": 0}
    return {**run, "cpu_us_an_event": cpu, "memory": memory, "summary": None}


def swept(cpu, lossless):
    rates = (100_000, 200_000, 300_000)
    sweep = [at_rate(rate, cpu, 0 if rate <= lossless else 10) for rate in rates]
    return {
        "sweep": sweep,
        "lossless_rate": lossless,
        "limited_by_load": False,
        "memory": sweep[0]["memory"],
        "law": [],
    }


def tracer(kind, rival=False, **measured):
    return {"kind": kind, "rival": rival, "errors": {}, "version": "1", **measured}


def canned():
    tool = TOOLS["opensnoop"]
    return {
        "op": tool.op,
        "unrelated_op": tool.unrelated_op,
        "goals": tool.goals,
        "targets": tool.targets,
        "against": "",
        "tracers": {
            "sonde opensnoop": tracer("sonde", slowdown=slow(1.25, 1000), rates=swept(0.2, 300_000)),
            "libbpf-tools: opensnoop": tracer("libbpf-tools", True, slowdown=slow(1.5, 900), rates=swept(4.0, 100_000)),
            "bpftrace: opensnoop.bt": tracer("bpftrace", True, slowdown=slow(3.0, 1000), rates=swept(5.0, 200_000)),
        },
    }


class Targets(unittest.TestCase):
    def row(self, tool, key):
        return targets.target_row("opensnoop", tool, key, tool["targets"][key])

    def test_who_loses_events_is_no_rival(self):
        row = self.row(canned(), "overhead")
        self.assertIn("bpftrace: opensnoop.bt", row[4])
        self.assertEqual((row[3], row[5]), ("0.12", "met"))

    def test_if_all_lose_events_all_are_rivals(self):
        tool = canned()
        tool["tracers"]["bpftrace: opensnoop.bt"]["slowdown"] = slow(3.0, 900)
        row = self.row(tool, "overhead")
        self.assertIn("libbpf-tools: opensnoop", row[4])
        self.assertEqual((row[3], row[5]), ("**0.50**", "**missed**"))

    def test_a_reader_is_compared_where_both_lose_nothing(self):
        row = self.row(canned(), "reader")
        self.assertIn("0.2 µs against 4 µs (libbpf-tools", row[4])

    def test_more_is_better_for_rates(self):
        row = self.row(canned(), "lossless")
        self.assertEqual((row[3], row[5]), ("**1.50**", "**missed**"))

    def test_without_rivals_nothing_is_decided(self):
        tool = canned()
        tool["tracers"] = {k: v for k, v in tool["tracers"].items() if v["kind"] == "sonde"}
        self.assertEqual(self.row(tool, "overhead")[5], "not decided")


class Report(unittest.TestCase):
    def test_sonde_is_bold_where_a_peer_is_better(self):
        rows = compared([([["sonde", Figure("2", 2), Figure("5", 5, 1)]], [["peer", Figure("1", 1), Figure("4", 4, 1)]])])
        self.assertEqual(rows, [["sonde", "**2**", "5"], ["peer", "1", "4"]])

    def test_a_run_that_was_broken_off_has_a_report(self):
        meta = dict.fromkeys(("command", "date", "kernel", "cpu", "mitigations", "provisional"), "x")
        meta |= {"cpus": 2, "load_cpu": 0, "tracer_cpu": 1}
        text = markdown({"meta": meta, "complete": False, "tools": {"opensnoop": canned()}})
        self.assertIn("broken off", text)
        self.assertIn("| **missed** |", text)
        self.assertIn("x1.25 (1.12 - 1.38)", text)


class Output(unittest.TestCase):
    def test_sondes_summary(self):
        found = Counts()
        found.take_summary(b"opensnoop: 1,234 events in 2.00s, 56 LOST; cost 1ms CPU")
        self.assertEqual(found.summary, (1234, 56))


class Entries(unittest.TestCase):
    def test_each_names_what_exists(self):
        operations = (TOP / "bench" / "operations.h").read_text()
        for command, tool in TOOLS.items():
            with self.subTest(command):
                self.assertTrue((TOP / "tools" / f"{command.split()[0]}.cpp").exists())
                for op in (tool.op, tool.unrelated_op, tool.fast_op or tool.op):
                    self.assertIn(f'{{"{op}", ', operations)
                self.assertLessEqual(set(tool.measures), set(MEASURES))
                self.assertLessEqual(set(tool.growth), set(growth.WHAT))
                self.assertLessEqual(set(tool.targets), set(targets.TARGETS))

    def test_labels_tell_peers_apart(self):
        for command, tool in TOOLS.items():
            labels = [t.label for t in (sonde("sonde", command), *tool.peers)]
            self.assertEqual(len(labels), len(set(labels)), command)

    def test_kinds(self):
        self.assertTrue(libbpf_tools("x").is_rival and bpftrace("x.bt").is_rival)


class Lines(unittest.TestCase):
    def test_frames_of_stacks_are_no_events(self):
        for line in (b"            main+0x12 (/x/bench-load)\n", b"    ustack: main (/x/bench-load)\n", b"        syscall+25\n"):
            self.assertTrue(FRAME.match(line), line)
        for line in (b"18:22:28.243914  305  bench-load  3  /x\n", b"   0.000 ( 0.004 ms): bench-load/123 openat(\n", b"  305  bench-load  3\n"):
            self.assertFalse(FRAME.match(line), line)


if __name__ == "__main__":
    unittest.main()
