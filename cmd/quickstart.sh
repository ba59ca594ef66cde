#!/bin/sh
# Two demo sites of two users on 127.0.0.1, HTTP and HTTPS, from a clean checkout: installs what is
# missing, builds, serves. Nothing is added to the system's accounts; Ctrl-C ends everything.
#
#   sudo sh cmd/quickstart.sh [--port N] [--tls-port N]   serve until Ctrl-C
#   sudo sh cmd/quickstart.sh --check                     prove that each site is its own user's
set -eu

port=8080
tls_port= # 8443, or the one behind --port's
check=no

usage() {
    sed -n '2,6s/^# \{0,1\}//p' "$0"
    exit "$1"
}

while [ $# -gt 0 ]; do
    case $1 in
    --port)
        [ $# -gt 1 ] || usage 2
        port=$2
        shift
        ;;
    --tls-port)
        [ $# -gt 1 ] || usage 2
        tls_port=$2
        shift
        ;;
    --check) check=yes ;;
    --help | -h) usage 0 ;;
    *) usage 2 ;;
    esac
    shift
done
case $port$tls_port in
'' | *[!0-9]*) usage 2 ;;
esac
if [ -z "$tls_port" ]; then
    tls_port=8443
    [ "$port" = 8080 ] || tls_port=$((port + 1))
fi

PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
export PATH
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
    echo "Serving two users takes root: sudo sh cmd/quickstart.sh" >&2
    exit 1
fi
. cmd/packages.sh

demo=
server=

# Whatever happens, nothing is left: no process, no file outside build/.
cleanup() {
    trap '' INT TERM HUP
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || :
        wait "$server" 2>/dev/null || :
    fi
    [ -z "$demo" ] || rm -rf "$demo"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# free_id N: the first number from N on that is no account's and no group's.
free_id() {
    id=$1
    while getent passwd "$id" >/dev/null || getent group "$id" >/dev/null; do
        id=$((id + 1))
    done
    echo "$id"
}

# room NAME UID: a home that only its user can look into, and its site's configuration.
room() {
    mkdir -p "$demo/home/$1"
    cp -R "www/demo/$1" "$demo/home/$1/www"
    chown -R "$2:$2" "$demo/home/$1"
    find "$demo/home/$1" -type d -exec chmod 0700 {} +
    find "$demo/home/$1" -type f -exec chmod 0600 {} +
    # self-signed, its key root's own: only this user's worker is given it
    build/hostel cert self-signed "$1.localhost" --dir "$demo/keys" >/dev/null
    cat >>"$demo/hostel.yaml" <<END
  - host: $1.localhost
    user: $2
    root: $demo/home/$1/www
    php: { processes: 2 }
    tls: { certificate: $demo/keys/$1.localhost.crt, key: $demo/keys/$1.localhost.key }
END
}

furnish() {
    demo=$(mktemp -d /tmp/hostel-demo.XXXXXX)
    chmod 0755 "$demo"
    mkdir -m 0755 "$demo/home"
    mkdir -m 0700 "$demo/keys"
    alice=$(free_id 6001)
    bob=$(free_id $((alice + 1)))
    cat >"$demo/hostel.yaml" <<END
listen: ["127.0.0.1:$port"]
listen_tls: ["127.0.0.1:$tls_port"]
run_dir: $demo/run
vhosts:
END
    room alice "$alice"
    room bob "$bob"
}

# Something answers there already: curl's 7 is "could not connect", which is what we want.
port_is_free() {
    status=0
    curl -s -o /dev/null --max-time 3 "http://127.0.0.1:$1/" || status=$?
    [ "$status" = 7 ]
}

start() {
    # a session of its own, so that Ctrl-C comes to this script alone, which then ends it
    setsid build/hostel serve --config "$demo/hostel.yaml" >"$demo/log" 2>&1 </dev/null &
    server=$!
    tries=0
    until grep -qs '^hostel: ready' "$demo/log"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
            cat "$demo/log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# --- the proof ---------------------------------------------------------------------------------

failed=0

# proved WHAT COMMAND...: one line of the proof.
proved() {
    what=$1
    shift
    if "$@"; then
        echo "  ok    $what"
    else
        echo "  FAIL  $what"
        failed=1
    fi
}

# site NAME PATH [CURL-ARGUMENT...]: ask a site.
site() {
    name=$1
    path=$2
    shift 2
    curl -s --max-time 20 -H "Host: $name.localhost" "$@" "http://127.0.0.1:$port$path"
}

# Over TLS, with this site's own certificate and no other as what is trusted.
site_tls() {
    name=$1
    path=$2
    curl -s --max-time 20 --cacert "$demo/keys/$name.localhost.crt" \
        --resolve "$name.localhost:$tls_port:127.0.0.1" "https://$name.localhost:$tls_port$path"
}

says_tls() {
    site_tls "$1" "$2" | grep -q "$3"
}

says() {
    site "$1" "$2" | grep -q "$3"
}

is_type() {
    [ "$(site "$1" "$2" -o /dev/null -w '%{http_code} %{content_type}')" = "200 $3" ]
}

refused() {
    case $(site "$1" "$2" -o /dev/null -w '%{http_code}') in
    403 | 404) return 0 ;;
    *) return 1 ;;
    esac
}

# The server's children and theirs: php-cgi has children of its own.
family() {
    for child in $(pgrep -P "$server"); do
        echo "$child"
        pgrep -P "$child" || :
    done
}

# Every process of this user below the server has these ids four times, and no capability.
confined() {
    found=no
    for pid in $(family); do
        grep -q "^Uid:.*	$1" "/proc/$pid/status" || continue # not this user's in any way
        found=yes
        grep -q "^Uid:	$1	$1	$1	$1\$" "/proc/$pid/status" &&
            grep -q '^CapBnd:	0000000000000000$' "/proc/$pid/status" &&
            grep -q '^NoNewPrivs:	1$' "/proc/$pid/status" || return 1
    done
    [ "$found" = yes ]
}

closed() {
    [ "$(stat -c %a "$demo/home/$1")" = 700 ] && [ "$(stat -c %a "$demo/home/$1/www/diary.txt")" = 600 ]
}

# Nothing of it runs: what init has yet to bury does not.
gone() {
    for pid; do
        case $(ps -o stat= -p "$pid") in
        '' | Z*) ;;
        *) return 1 ;;
        esac
    done
}

prove_room() {
    name=$1
    uid=$2
    neighbour=$3
    proved "$name: home 0700, files 0600" closed "$name"
    proved "$name: the page is served" says "$name" / "$(capital "$name")'s room"
    proved "$name: the image is served" is_type "$name" /room.svg image/svg+xml
    proved "$name: PHP runs as uid $uid" says "$name" /whoami.php "^Uid  *$uid $uid $uid $uid "
    proved "$name: the page is served over HTTPS, with its own certificate" \
        says_tls "$name" / "$(capital "$name")'s room"
    proved "$name: PHP over HTTPS runs as uid $uid" says_tls "$name" /whoami.php \
        "^Uid  *$uid $uid $uid $uid "
    proved "$name: the diary is served to visitors" says "$name" /diary.txt "diary"
    proved "$name: PHP cannot read $neighbour's diary" says "$name" /neighbour.php "^No: "
    ln -s "$demo/home/$neighbour/www/diary.txt" "$demo/home/$name/www/link.txt"
    proved "$name: nor does a symbolic link lead there" refused "$name" /link.txt
    proved "$name: every process is uid $uid for good" confined "$uid"
}

capital() {
    printf '%s%s' "$(printf %.1s "$1" | tr '[:lower:]' '[:upper:]')" "${1#?}"
}

prove() {
    echo "Two sites, two users:"
    prove_room alice "$alice" bob
    prove_room bob "$bob" alice
    left=$(family)
    kill "$server"
    status=0
    wait "$server" || status=$?
    proved "stopped, exit status 0" [ "$status" = 0 ]
    # shellcheck disable=SC2086 # a list of process ids
    proved "nothing is left running" gone "$server" $left
    server=
    exit "$failed"
}

# --- the visit ---------------------------------------------------------------------------------

invite() {
    cat <<END

Two sites of two users, uid $alice and uid $bob, are served. In a browser:

    http://alice.localhost:$port/
    http://bob.localhost:$port/
    https://alice.localhost:$tls_port/    (self-signed: the browser will warn)
    https://bob.localhost:$tls_port/

or here:

    curl -H 'Host: alice.localhost' http://127.0.0.1:$port/
    curl -H 'Host: alice.localhost' http://127.0.0.1:$port/whoami.php
    curl -H 'Host: alice.localhost' http://127.0.0.1:$port/neighbour.php
    curl -H 'Host: bob.localhost' http://127.0.0.1:$port/whoami.php
    curl -k --resolve bob.localhost:$tls_port:127.0.0.1 https://bob.localhost:$tls_port/whoami.php

Their files and the configuration: $demo
Ctrl-C ends everything.

END
    tail -n +1 -f --pid="$server" "$demo/log" &
    wait "$server"
}

# shellcheck disable=SC2086 # lists of words
install_missing $BUILD_PACKAGES $RUN_PACKAGES
if ! port_is_free "$port"; then
    echo "Port $port of 127.0.0.1 is taken: choose another one with --port N." >&2
    exit 1
fi
if ! port_is_free "$tls_port"; then
    echo "Port $tls_port of 127.0.0.1 is taken: choose another one with --tls-port N." >&2
    exit 1
fi
echo "building ..."
build build -DCMAKE_BUILD_TYPE=Release -DHOSTEL_SANITIZE=OFF
furnish
start
if [ "$check" = yes ]; then
    prove
fi
invite
