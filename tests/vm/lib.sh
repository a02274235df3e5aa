# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
# What fetch, run, matrix and compat share; each of them sources it.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
vm=$top/tests/vm
build=${SONDE_BUILD:-$top/build}
cache=${SONDE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sonde}
# Some commands below run in other folders.
[[ $build == /* ]] || build=$PWD/$build
[[ $cache == /* ]] || cache=$PWD/$cache

# In the order of the columns of docs/compatibility.md. One suite of Debian's carries each.
kernels=(5.10 6.1 6.12 newest)
declare -A suites=([5.10]=bullseye [6.1]=bookworm [6.12]=trixie [newest]=sid)

say() { echo "vm/${0##*/}: $*" >&2; }

# $trouble is the exit code a script keeps for "the harness failed", as opposed to "what it ran failed".
die() {
    say "$*"
    exit "${trouble:-1}"
}

need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null || die "$1 is missing; install the package $2."
}

# The guest has no shared libraries, and the kernel's complaint about that would be "not found".
need_static() { # FILE
    if [[ $(ldd "$1" 2>/dev/null) == *'=>'* ]]; then die "$1 is linked dynamically and cannot run in a guest."; fi
}

# A benchmark takes this lock for itself; guests and test runs share it. Opened for reading only: in a sticky
# folder nobody but its owner may open the file for writing. It is the same for all users, as benchmarks are root's.
share_the_machine() {
    local lock=/tmp/sonde-bench.lock
    [[ -e $lock ]] || (umask 022 && : >>"$lock") || die "$lock cannot be created."
    exec {machine_lock}<"$lock" || die "$lock cannot be opened."
    flock -sn "$machine_lock" && return
    say "waiting for a benchmark to end ($lock)"
    flock -s "$machine_lock"
}
