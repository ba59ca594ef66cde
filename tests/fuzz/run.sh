#!/bin/sh
# Build the fuzz targets with clang and run each for a while: run.sh [SECONDS [TARGET...]]
# A line a target; the last line is the sum. What is found stays in $FUZZ_DIR when that is set.
set -eu

seconds=${1:-60}
[ $# = 0 ] || shift
here=$(cd "$(dirname "$0")" && pwd)
if [ -n "${FUZZ_DIR:-}" ]; then
    out=$FUZZ_DIR
else
    out=$(mktemp -d /tmp/hostel-fuzz.XXXXXX)
    trap 'rm -rf "$out"' EXIT
    trap 'exit 130' INT TERM HUP
fi
mkdir -p "$out/build"
if ! { cmake -S "$here" -B "$out/build" -DCMAKE_C_COMPILER=clang &&
    cmake --build "$out/build" -j "$(nproc)"; } >"$out/build.log" 2>&1; then
    tail -n 30 "$out/build.log"
    echo "0 passed, 1 failed"
    exit 1
fi

# fuzz NAME: run one target, in a directory of its own: what it finds is written there.
fuzz() {
    mkdir -p "$out/$1/corpus"
    seeds=$here/corpus/$1
    [ -d "$seeds" ] || seeds=
    # shellcheck disable=SC2086 # no seeds are no word
    (cd "$out/$1" && "$out/build/fuzz_$1" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
        -rss_limit_mb=2048 -dict="$here/dict" -verbosity=0 -print_final_stats=1 corpus $seeds \
        >log 2>&1)
}

passed=0
failed=0
if [ $# = 0 ]; then
    set -- $(cd "$here" && for f in fuzz_*.c; do n=${f#fuzz_}; echo "${n%.c}"; done)
fi
for target in "$@"; do
    if fuzz "$target"; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$target/log")
        echo "fuzz_$target: nothing found in ${runs:-?} runs"
        passed=$((passed + 1))
    else
        echo "fuzz_$target: FAILED"
        tail -n 60 "$out/$target/log"
        for found in "$out/$target"/crash-* "$out/$target"/leak-* "$out/$target"/timeout-* \
            "$out/$target"/oom-*; do
            [ ! -f "$found" ] || { echo "$found"; base64 "$found" | head -n 20; }
        done
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
