#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes unicode_ranges.inc: the code points above U+007F that do not take exactly one terminal cell.

    src/core/generate_unicode_ranges.py > src/core/unicode_ranges.inc
"""
import unicodedata

# Unassigned code points of these blocks are wide by default (EastAsianWidth.txt says so in its header).
WIDE_BY_DEFAULT = [(0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FFFD), (0x30000, 0x3FFFD)]
# Vowels and final consonants that join the Hangul syllable before them.
JOINING_JAMO = [(0x1160, 0x11FF), (0xD7B0, 0xD7FF)]


def within(code, ranges):
    return any(first <= code <= last for first, last in ranges)


def kind(code):
    char = chr(code)
    category = unicodedata.category(char)
    # Controls, format characters (bidi among them) and the line and paragraph separators: never shown as they are.
    if category in ("Cc", "Cf", "Zl", "Zp"):
        return "control"
    if category in ("Mn", "Me") or within(code, JOINING_JAMO):
        return "none"
    if category == "Cn":
        return "two" if within(code, WIDE_BY_DEFAULT) else "one"
    return "two" if unicodedata.east_asian_width(char) in "WF" else "one"


def ranges():
    first, current = 0x80, kind(0x80)
    for code in range(0x81, 0x110001):
        here = kind(code) if code < 0x110000 else None
        if here != current:
            if current != "one":
                yield first, code - 1, current
            first, current = code, here


def main():
    print("// SPDX-License-Identifier: GPL-2.0-or-later")
    print(f"// Made by generate_unicode_ranges.py from Unicode {unicodedata.unidata_version}.")
    line = ""
    for first, last, name in ranges():
        entry = f"{{0x{first:04X}, 0x{last:04X}, Cells::{name}}},"
        if len(line) + len(entry) >= 120:
            print(line)
            line = ""
        line += (" " if line else "") + entry
    print(line)


if __name__ == "__main__":
    main()
