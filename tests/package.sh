#!/bin/sh
# The Debian package:  sudo sh tests/package.sh [--fresh]
#   makes it, has lintian look at it, serves its example site from the unpacked files;
#   with --fresh also installs, runs, removes and purges it in a new Debian 12 (minutes, network).
# Ends with "N passed, N failed".
# shellcheck disable=SC2317 # checks are called by name
set -u

cd "$(dirname "$0")/.." || exit 1
. cmd/packages.sh
[ "$(id -u)" = 0 ] || { echo "needs root: an acceptor and a site's user are switched to" >&2; exit 1; }

passed=0
failed=0
scratch=$(mktemp -d /tmp/hostel-package.XXXXXX)
chmod 755 "$scratch"
server=
clean() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; }
    if [ -d "$scratch/debian/proc" ]; then
        umount "$scratch/debian/proc" 2>/dev/null
    fi
    rm -rf --one-file-system "$scratch"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

check() {
    what=$1
    shift
    if "$@" >"$scratch/out" 2>&1; then
        echo "ok: $what"
        passed=$((passed + 1))
    else
        echo "FAILED: $what"
        tail -n 30 "$scratch/out"
        failed=$((failed + 1))
        return 1
    fi
}

# until_true SECONDS COMMAND...: wait for a condition.
until_true() {
    n=$(($1 * 10))
    shift
    while [ "$n" -gt 0 ]; do
        "$@" && return 0
        sleep 0.1
        n=$((n - 1))
    done
    "$@"
}

finish() {
    echo
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}

answers() {
    curl -fsS --max-time 5 "http://127.0.0.1:$1/" 2>/dev/null | grep -q "Hostel is running"
}

# --- made, looked at ----------------------------------------------------------------------

no_errors() { lintian --fail-on error --no-tag-display-limit "$deb"; }
# as installed, but with the program where it was unpacked; users' PHP, which runs in the service,
# may not speak to the manager
unit_stands() {
    grep -qx NotifyAccess=main "$scratch/root/lib/systemd/system/hostel.service" || return 1
    mkdir "$scratch/unit"
    sed "s|/usr/sbin/hostel|$scratch/root&|" "$scratch/root/lib/systemd/system/hostel.service" \
        >"$scratch/unit/hostel.service"
    systemd-analyze verify --man=no "$scratch/unit/hostel.service"
}
unit_exposure() { systemd-analyze security --offline=yes --threshold=55 "$scratch/root/lib/systemd/system/hostel.service"; }
conffiles_are_there() {
    while read -r file; do
        [ -f "$scratch/root$file" ] || { echo "$file is missing"; return 1; }
    done <conf/package/conffiles
    for file in $(cd "$scratch/root" && find etc -type f); do
        grep -qx "/$file" conf/package/conffiles || { echo "/$file is no conffile"; return 1; }
    done
}
logrotate_takes_it() {
    install -m 644 "$scratch/root/etc/logrotate.d/hostel" "$scratch/logrotate.conf"
    logrotate -d "$scratch/logrotate.conf"
}
completes() {
    bash -c '. "$1"; COMP_WORDS=(hostel co); COMP_CWORD=1; _hostel; [ "${COMPREPLY[*]}" = confine ] &&
        COMP_WORDS=(hostel status --j); COMP_CWORD=2; _hostel; [ "${COMPREPLY[*]}" = --json ]' \
        bash "$scratch/root/usr/share/bash-completion/completions/hostel"
}
pages_are_clean() {
    for page in "$scratch"/root/usr/share/man/man?/*.gz; do
        warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 "$page" 2>&1 >/dev/null)
        [ -z "$warnings" ] || { echo "$page: $warnings"; return 1; }
    done
}

# The package's own configuration, with another port, run directory and log.
unpacked_serves() {
    port=$(/usr/bin/python3 tests/ports.py)
    etc=$scratch/etc
    cp -a "$scratch/root/etc/hostel" "$etc"
    mkdir -p "$scratch/log"
    sed -i -e "s|\"\\*:80\"|\"127.0.0.1:$port\"|" -e "s|^acceptor_user:.*|acceptor_user: daemon|" \
        -e "s|/var/log/hostel|$scratch/log|" "$etc/hostel.yaml"
    echo "run_dir: $scratch/run" >>"$etc/hostel.yaml"
    sed -i -e "s|/usr/share/hostel|$scratch/root/usr/share/hostel|" \
        -e "s|/var/log/hostel|$scratch/log|" "$etc/vhosts.d/default.yaml"
    "$scratch/root/usr/sbin/hostel" check --config "$etc/hostel.yaml" || return 1
    "$scratch/root/usr/sbin/hostel" serve --config "$etc/hostel.yaml" 2>"$scratch/serve.log" &
    server=$!
    until_true 20 answers "$port" || { cat "$scratch/serve.log"; return 1; }
    kill "$server"
    wait "$server"
    status=$?
    server=
    return "$status"
}

# --- installed in a new Debian ------------------------------------------------------------

CLEAN_ENV="env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive"
# shellcheck disable=SC2086 # words
in_debian() { chroot "$scratch/debian" $CLEAN_ENV "$@"; }

make_debian() {
    debootstrap --variant=minbase bookworm "$scratch/debian" "$(mirror)" || return 1
    cp /etc/apt/sources.list "$scratch/debian/etc/apt/" 2>/dev/null
    cp -a /etc/apt/sources.list.d /etc/apt/apt.conf.d "$scratch/debian/etc/apt/" 2>/dev/null
    cp /etc/resolv.conf /etc/hosts "$scratch/debian/etc/" 2>/dev/null
    mount -t proc proc "$scratch/debian/proc" && in_debian apt-get update -q
}
mirror() {
    # shellcheck disable=SC2016 # apt's own words
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' \
        'Component: main' | head -n 1
}
install_it() {
    cp "$deb" "$scratch/debian/root/" &&
        in_debian apt-get install -y --no-install-recommends "/root/$(basename "$deb")" curl
}
has_its_user() { in_debian getent passwd hostel; }
installed_serves() {
    port=$(/usr/bin/python3 tests/ports.py)
    sed -i "s|\"\\*:80\"|\"127.0.0.1:$port\"|" "$scratch/debian/etc/hostel/hostel.yaml"
    in_debian hostel check || return 1
    # not by the function: a subshell would stand between, and take the signal
    # shellcheck disable=SC2086
    chroot "$scratch/debian" $CLEAN_ENV hostel serve 2>"$scratch/serve.log" &
    server=$!
    until_true 20 answers "$port" || { cat "$scratch/serve.log"; return 1; }
    kill "$server"
    wait "$server"
    status=$?
    server=
    return "$status"
}
removed_keeps() {
    in_debian apt-get remove -y hostel && [ -f "$scratch/debian/etc/hostel/hostel.yaml" ] &&
        [ ! -e "$scratch/debian/usr/sbin/hostel" ]
}
purged_is_gone() {
    in_debian apt-get purge -y hostel && [ ! -e "$scratch/debian/etc/hostel" ] &&
        [ ! -e "$scratch/debian/var/log/hostel" ]
}

install_missing lintian systemd logrotate man-db curl python3 || { failed=1; finish; }
check "the package is made" sh cmd/package.sh || finish
deb=$(ls build-deb/hostel_*.deb)
mkdir "$scratch/root"
dpkg-deb -x "$deb" "$scratch/root"
chmod 755 "$scratch/root"
check "lintian has no error" no_errors
check "every file in /etc is a conffile, and there" conffiles_are_there
check "the unit is understood" unit_stands
check "the unit's sandbox" unit_exposure
check "logrotate takes its file" logrotate_takes_it
check "bash completes a command" completes
check "manual pages without a warning" pages_are_clean
check "unpacked, it serves the example site" unpacked_serves
if [ "${1:-}" = --fresh ]; then
    install_missing debootstrap
    check "a new Debian" make_debian || finish
    check "installs" install_it || finish
    check "its system user" has_its_user
    check "installed, it serves the example site" installed_serves
    check "a removal keeps the configuration" removed_keeps
    check "a purge leaves nothing" purged_is_gone
fi
finish
