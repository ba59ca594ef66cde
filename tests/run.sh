#!/bin/sh
# Installs what is missing, builds everything, runs every test:  sudo sh tests/run.sh
# Its last line is the sum: "N passed, N failed, N skipped".
# shellcheck disable=SC2317 # steps are called by name
set -u

PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin # Debian's own tools
export PATH
cd "$(dirname "$0")/.." || exit 1
. cmd/packages.sh

PYTHON=/usr/bin/python3
passed=0
failed=0
skipped=0
scratch=$(mktemp -d /tmp/hostel-run.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache
fi

say() {
    printf '\n=== %s\n' "$*"
}

add() {
    passed=$((passed + $1))
    failed=$((failed + $2))
    skipped=$((skipped + $3))
}

finish() {
    echo
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
    exit
}

# one WHAT COMMAND...: a step that counts as one test.
one() {
    what=$1
    shift
    say "$what"
    if "$@"; then
        echo "ok: $what"
        add 1 0 0
    else
        echo "FAILED: $what"
        add 0 1 0
        return 1
    fi
}

# number WORD FILE: the sum of all "N WORD" in the last line of a file that has one.
number() {
    n=$(grep -E "(^|[^a-z])[0-9]+ $1" "$2" | tail -n 1 | sed -E "s/.*(^|[^0-9])([0-9]+) $1.*/\2/")
    echo "${n:-0}"
}

# summed WHAT COMMAND...: a runner whose last lines say how many passed, failed, were skipped.
summed() {
    what=$1
    shift
    say "$what"
    : >"$scratch/out" # before the one that shows it can find the last one's
    { "$@" && echo "exit 0" || echo "exit $?"; } >>"$scratch/out" 2>&1 &
    show_while $!
    tail -n 5 "$scratch/out" >"$scratch/sum"
    bad=$(($(number failed "$scratch/sum") + $(number errors? "$scratch/sum")))
    if [ "$bad" = 0 ] && ! grep -qx 'exit 0' "$scratch/sum"; then
        bad=1 # it broke off before it could count
    fi
    add "$(number passed "$scratch/sum")" "$bad" "$(number skipped "$scratch/sum")"
}

# Show a runner's output as it comes, without losing its exit in a pipe.
show_while() {
    tail -n +1 -f --pid="$1" "$scratch/out" &
    wait "$1"
    wait $!
}

# --- the steps ---------------------------------------------------------------------------------

# Each test of a cmocka program counts; a program that fails or crashes counts as one failure.
unit() {
    HOSTEL_SLOW=4 ctest --test-dir build-debug -j "$(nproc)" --timeout 240 --verbose \
        >"$scratch/ctest" 2>&1
    status=$?
    grep -E '^ *[0-9]+/[0-9]+ Test|\[  (FAILED|ERROR)' "$scratch/ctest"
    if [ "$status" != 0 ]; then
        grep -E '^[0-9]+: ' "$scratch/ctest" | grep -vE '\[ +(RUN|OK) ' | tail -n 100
    fi
    sum() { grep -oE "\[  $1  ?\] [0-9]+ test" "$scratch/ctest" | awk '{n += $4} END {print n + 0}'; }
    programs=$(grep -cE '^ *[0-9]+/[0-9]+ Test.*(Failed|Timeout|Exception|Not Run)' "$scratch/ctest")
    [ "$status" = 0 ] || [ "$programs" != 0 ] || programs=1
    echo "$(sum PASSED) passed, $programs failed, $(sum SKIPPED) skipped"
    [ "$status" = 0 ]
}

# The installed tree: helpers where `hostel` looks for them, the worker unreadable to its user.
installed() {
    root=$scratch/root
    DESTDIR=$root cmake --install build --prefix /usr >/dev/null || return 1
    [ -x "$root/usr/bin/hostel" ] || [ -x "$root/usr/sbin/hostel" ] || return 1
    [ "$(stat -c %a "$root/usr/libexec/hostel/hostel-acceptor")" = 711 ] || return 1
    [ "$(stat -c %a "$root/usr/libexec/hostel/hostel-worker")" = 711 ] || return 1
    "$root/usr/sbin/hostel" --version
}

say "packages"
# shellcheck disable=SC2086 # lists of words
{ install_missing $BUILD_PACKAGES $RUN_PACKAGES $TEST_PACKAGES &&
    install_unstarted $TEST_SERVERS; } || {
    add 0 1 0
    finish
}
echo "all there"

SETTINGS="-DHOSTEL_SANITIZE=OFF -DHOSTEL_TESTS=OFF -DCMAKE_BUILD_TYPE=Release"
# shellcheck disable=SC2086
one "build: release, gcc" build build $SETTINGS || finish
one "build: debug, sanitizers, unit tests" build build-debug -DHOSTEL_SANITIZE=ON \
    -DHOSTEL_TESTS=ON -DCMAKE_BUILD_TYPE=Debug || finish
one "build: clang" build build-clang -DCMAKE_C_COMPILER=clang -DHOSTEL_SANITIZE=OFF \
    -DHOSTEL_TESTS=ON -DCMAKE_BUILD_TYPE=Release
summed "floors" "$PYTHON" tests/floors/run.py
summed "unit tests, sanitized" unit
one "install" installed
# What does not measure time or memory runs several at once: these tests mostly wait. What does
# has bounds for a machine that is as fast as those it was written on, and twice that here.
summed "end to end: release" env HOSTEL_BUILD=build "$PYTHON" -m pytest -q -n 4 \
    -m "not alone" tests/e2e
summed "end to end: release, one by one" env HOSTEL_BUILD=build HOSTEL_SLOW=2 \
    "$PYTHON" -m pytest -q -m alone tests/e2e
summed "end to end: sanitized, the core of it" env HOSTEL_BUILD=build-debug HOSTEL_SLOW=4 \
    "$PYTHON" -m pytest -q -n 4 -m "core and not alone" tests/e2e
summed "end to end: sanitized, one by one" env HOSTEL_BUILD=build-debug HOSTEL_SLOW=4 \
    "$PYTHON" -m pytest -q -m "core and alone" tests/e2e
summed "HTTP rows: release" env HOSTEL_BUILD=build "$PYTHON" tests/http/run.py
summed "HTTP rows: sanitized" env HOSTEL_BUILD=build-debug HOSTEL_SLOW=4 \
    "$PYTHON" tests/http/run.py
summed "HTTP/2 rows: release" env HOSTEL_BUILD=build "$PYTHON" tests/h2/run.py
summed "HTTP/2 rows: sanitized" env HOSTEL_BUILD=build-debug HOSTEL_SLOW=4 \
    "$PYTHON" tests/h2/run.py
summed "fuzz, briefly" sh tests/fuzz/run.sh 3
if [ "$(id -u)" = 0 ]; then
    summed "regain: attacks from inside" env HOSTEL_BUILD=build "$PYTHON" tests/regain/run.py
    summed "chaos: changes and faults under load" "$PYTHON" tests/chaos/run.py build
    summed "package" sh tests/package.sh
    one "quickstart" sh cmd/quickstart.sh --check --port "$("$PYTHON" tests/ports.py)"
    # the two that hosting is asked for most; the others: sh tests/apps/run.sh
    summed "applications in a browser" env HOSTEL_BUILD=build HOSTEL_SLOW=2 \
        sh tests/apps/run.sh dokuwiki wordpress
else
    say "regain, chaos, package, quickstart and applications need root"
    add 0 0 5
fi
finish
