#!/bin/sh
# A quick figure: requests per CPU-second of the server, for 1 KiB files of two users.
# By CPU, not by rate, because the load generator shares the machine:  sudo sh bench/smoke.sh [SECONDS]
set -eu

seconds=${1:-5}
PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
export PATH
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
    echo "Serving two users takes root: sudo sh bench/smoke.sh" >&2
    exit 1
fi
. cmd/packages.sh

box=
server=
cleanup() {
    trap '' INT TERM HUP
    if [ -n "$server" ]; then
        kill "$server" || :
        wait "$server" || :
    fi
    [ -z "$box" ] || rm -rf "$box"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# site HOST UID: a document root with one file of 1 KiB.
site() {
    mkdir "$box/$1"
    head -c 1024 /dev/zero | tr '\0' x >"$box/$1/1k.html"
    chown -R "$2:$2" "$box/$1"
    chmod 0700 "$box/$1"
    printf '  - { host: %s, user: %s, root: %s, access_log: %s }\n' \
        "$1" "$2" "$box/$1" "$box/access.log" >>"$box/hostel.yaml"
}

# Clock ticks that the server and all it started have used so far.
ticks() {
    for pid in "$server" $(pgrep -P "$server"); do
        sed 's/.*) //' "/proc/$pid/stat"
    done | awk '{n += $12 + $13} END {print n}'
}

# measure WHAT WRK-ARGUMENT...
measure() {
    what=$1
    shift
    before=$(ticks)
    requests=$(wrk -t1 -d"${seconds}s" "$@" "http://127.0.0.1:$port/1k.html" |
        awk '/requests in/ {print $1}')
    after=$(ticks)
    awk -v what="$what" -v n="$requests" -v used=$((after - before)) -v hz="$(getconf CLK_TCK)" \
        'BEGIN {printf "%-36s %9d requests  %8.0f per CPU-second\n", what, n, n * hz / used}'
}

# shellcheck disable=SC2086 # lists of words
install_missing $BUILD_PACKAGES $RUN_PACKAGES wrk
build build -DCMAKE_BUILD_TYPE=Release -DHOSTEL_SANITIZE=OFF

box=$(mktemp -d /tmp/hostel-bench.XXXXXX)
chmod 0755 "$box"
port=18080
while curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$port/"; do
    port=$((port + 1))
done
printf 'listen: ["127.0.0.1:%s"]\nrun_dir: %s/run\nvhosts:\n' "$port" "$box" >"$box/hostel.yaml"
site one.test 6001
site two.test 6002
build/hostel serve --config "$box/hostel.yaml" 2>"$box/log" &
server=$!
tries=0
until grep -qs '^hostel: ready' "$box/log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
        cat "$box/log" >&2
        exit 1
    fi
    sleep 0.1
done

cat >"$box/turns.lua" <<'END'
local hosts, n = { "one.test", "two.test" }, 0
request = function()
   n = n + 1
   return wrk.format("GET", nil, { Host = hosts[n % 2 + 1] })
end
END
measure "kept connections, one user" -c32 -H "Host: one.test"
measure "a connection for each request" -c32 -H "Host: one.test" -H "Connection: close"
measure "kept connections, two users in turn" -c32 -s "$box/turns.lua"
