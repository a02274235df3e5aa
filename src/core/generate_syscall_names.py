#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes syscall_names.inc from the kernel's own headers (linux-libc-dev on x86-64).

usage: generate_syscall_names.py > syscall_names.inc

arm64 has no table of its own: it takes asm-generic/unistd.h with the options below (arch/arm64, asm/unistd.h).
"""
import re
import subprocess

ARM64 = ["RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "TIME32_SYSCALLS", "SYS_CLONE3", "MEMFD_SECRET"]

# Younger than the headers of Debian 12; from 424 on the numbers are the same everywhere.
NEWER = {
    451: "cachestat", 452: "fchmodat2", 453: "map_shadow_stack", 454: "futex_wake", 455: "futex_wait",
    456: "futex_requeue", 457: "statmount", 458: "listmount", 459: "lsm_get_self_attr", 460: "lsm_set_self_attr",
    461: "lsm_list_modules", 462: "mseal", 463: "setxattrat", 464: "getxattrat", 465: "listxattrat",
    466: "removexattrat", 467: "open_tree_attr", 468: "file_getattr", 469: "file_setattr", 470: "listns",
}
NEWER_X86_64 = {335: "uretprobe", 336: "uprobe"}


def numbers(header, *options):
    text = subprocess.run(["cpp", "-dM", *options], input=f"#include <{header}>\n", text=True, check=True,
                          capture_output=True).stdout
    macros = dict(re.findall(r"^#define (__NR\w+) (\w+)$", text, re.M))
    table = {}
    for macro, value in macros.items():
        name = re.fullmatch(r"__NR_(\w+)", macro)
        while value in macros:
            value = macros[value]
        if name and value.isdigit() and name[1] not in ("syscalls", "arch_specific_syscall"):
            table[int(value)] = name[1]
    return table


def put(name, table):
    print(f"constexpr Entry {name}[] = {{")
    for number, call in sorted(table.items()):
        print(f'    {{{number}, "{call}"}},')
    print("};")


print("// SPDX-License-Identifier: GPL-2.0-or-later")
print("// Made by generate_syscall_names.py.")
print("// clang-format off")
put("x86_64", NEWER | NEWER_X86_64 | numbers("asm/unistd_64.h"))
put("ia32", NEWER | numbers("asm/unistd_32.h"))
put("arm64", NEWER | numbers("asm-generic/unistd.h", *(f"-D__ARCH_WANT_{option}" for option in ARM64)))
