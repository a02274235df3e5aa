# SPDX-License-Identifier: GPL-2.0-or-later
# Turns the log of one kernel into its lines of results.tsv, and what its failing tests printed into `failures`.
#
#   awk -v version=V -v ending=TEXT -v top=FOLDER -v failures=FILE -f results.awk LISTS LOG
#
# LISTS holds "binary<TAB>suite.test" for each test expected, so that a test which never ran is still reported.
# `ending` says how the guest came to its end; it is empty when it ended as it should.

BEGIN { FS = "\t"; OFS = "\t" }

# Text for one field of a line.
function flat(text) {
    gsub(top "/", "", text)
    gsub(/[ \t\r]+/, " ", text)
    sub(/^ /, "", text)
    sub(/ $/, "", text)
    return text
}

function forget(    test) {
    for (test in state) delete state[test]
    for (test in detail) delete detail[test]
    for (test in output) delete output[test]
    for (test in died) delete died[test]
    current = binary = reading = ""
}

function finish(result) {
    state[current] = result
    if (result == "passed") detail[current] = rungs
    else detail[current] = reason
    current = reading = ""
}

FNR == NR {
    order[++count] = $2
    owner[$2] = $1
    known[$2] = 1
    next
}

{ sub(/\r$/, "") }

# A guest that panicked is started again and tells everything anew.
/^@@ start$/ { forget(); next }
/^@@ run / { binary = substr($0, 8); current = ""; outside = ""; next }
/^@@ end / {
    split($0, word, " ")
    if (current != "") output[current] = printed
    died[binary] = word[3]
    binary = ""
    said[word[4]] = outside
    next
}
binary == "" { next }

# The names come between other output, at times behind the unfinished line of a child.
/^\[ RUN      \] / {
    current = substr($0, 14)
    rungs = reason = printed = reading = ""
    split("", seen)
    if (!(current in known)) {
        known[current] = 1
        owner[current] = binary
        order[++count] = current
    }
    state[current] = "running"
    next
}
current == "" { outside = outside $0 "\n"; next }
{
    at = match($0, /\[(       OK |  FAILED  |  SKIPPED )\] /)
    rest = at ? substr($0, at + 13) : ""
    # The name, then " (3 ms)" or ", where GetParam() = ...".
    if (at && index(rest, current) == 1 && substr(rest, length(current) + 1) ~ /^(,| \([0-9]+ ms\))/) {
        if (at > 1) printed = printed substr($0, 1, at - 1) "\n"
        output[current] = printed
        result = substr($0, at, 13)
        finish(result ~ /OK/ ? "passed" : result ~ /FAILED/ ? "failed" : "skipped")
        next
    }
    printed = printed $0 "\n"
}
/^\[rung\] / {
    name = flat(substr($0, 8))
    if (!(name in seen)) rungs = rungs (rungs == "" ? "" : ",") name
    seen[name] = 1
    reading = ""
    next
}
/: Skipped$/ { reading = "skip"; if (reason != "") reason = reason "; "; fresh = 1; next }
/: Failure$/ { reading = "failure"; if (reason != "") reason = reason "; "; reason = reason flat($0); next }
$0 == "" { reading = ""; next }
reading == "skip" { reason = reason (fresh ? "" : " ") flat($0); fresh = 0 }

END {
    for (i = 1; i <= count; i++) {
        test = order[i]
        from = owner[test]
        if (state[test] == "passed" || state[test] == "skipped" || state[test] == "failed") {
            result = state[test]
            text = detail[test]
            if (result == "skipped" && text == "") text = "no reason given"
        } else {
            result = "failed"
            if (!(from in died)) text = "guest died" (ending == "" ? "" : ": " flat(ending))
            else if (state[test] == "running") text = "the test program died, status " died[from]
            else text = "not run: the test program ended with status " died[from]
        }
        if (result == "failed") {
            broken[from] = 1
            print "--- " version " " test ": " text > failures
            printf "%s", output[test] > failures
        }
        print version, test, result, text
    }
    # A failing environment or suite set-up belongs to no test.
    for (from in died)
        if (died[from] != 0 && !(from in broken)) {
            text = "status " died[from] " though no test failed"
            print version, from ".exit", "failed", text
            print "--- " version " " from ": " text > failures
            printf "%s", said[from] > failures
        }
}
