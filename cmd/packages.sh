# shellcheck shell=sh disable=SC2034
# The Debian packages that the commands of this repository need, and how they are installed.
# Sourced by cmd/quickstart.sh, tests/run.sh and bench/smoke.sh; plain sh.

BUILD_PACKAGES="build-essential cmake pkg-config libuv1-dev node-llhttp libcyaml-dev libyaml-dev
libseccomp-dev libcap-dev libfcgi-dev libcrypt-dev nettle-dev libbrotli-dev libzstd-dev zlib1g-dev
libssl-dev libnghttp2-dev"
RUN_PACKAGES="php-cgi media-types curl procps"
TEST_PACKAGES="clang libclang-rt-dev libcmocka-dev python3 python3-pytest
python3-pytest-xdist openssl
python3-hpack nghttp2-client user-mode-linux"
# Servers that tests put before or behind Hostel: see install_unstarted.
TEST_SERVERS="php-fpm haproxy nginx-light"

# install_missing PACKAGE...: install what is not there; says nothing when all is.
install_missing() {
    missing=""
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=none
        [ "$state" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "missing packages:$missing" >&2
        echo "install them as root: apt-get install$missing" >&2
        return 1
    fi
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of words
    apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 ||
        { apt-get update -q && apt-get install -y --no-install-recommends $missing; }
}

# The services that are installed, one a line.
services() {
    find /lib/systemd/system /etc/init.d -maxdepth 1 \( -name '*.service' -o -path '/etc/init.d/*' \) \
        2>/dev/null | sed -e 's!.*/!!' -e 's/\.service$//' | sort -u
}

# install_unstarted PACKAGE...: as install_missing, for packages that bring a service: it is not
# started, now or at the next boot. A service that was there before is somebody's, and is left
# as it is. In a shell of its own, whose traps are its own.
install_unstarted() (
    policy=/usr/sbin/policy-rc.d
    made=
    forget() {
        [ -z "$made" ] || rm -f "$policy"
        made=
    }
    trap forget EXIT
    trap 'exit 130' INT TERM HUP
    before=" $(services | tr '\n' ' ')"
    if [ "$(id -u)" = 0 ] && [ ! -e "$policy" ]; then
        made=yes
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 0755 "$policy"
    fi
    RUNLEVEL=1 install_missing "$@" || exit 1
    forget
    for service in $(services); do
        case $before in *" $service "*) continue ;; esac
        case $service in *@*) continue ;; esac
        if [ -d /run/systemd/system ]; then
            systemctl disable --quiet --now "$service" 2>/dev/null || :
        elif [ -e "/etc/init.d/$service" ]; then
            update-rc.d "$service" disable
        fi
    done
)

# build DIR CMAKE-ARGUMENT...: configure and build. A build directory that was made for another
# place (a copied or moved tree) is made anew.
build() {
    dir=$1
    shift
    here=$(pwd -P)
    if [ -f "$dir/CMakeCache.txt" ] &&
        ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$here" "$dir/CMakeCache.txt"; then
        rm -rf "$dir"
    fi
    mkdir -p "$dir"
    log=$dir/build.log
    if cmake -S . -B "$dir" "$@" >"$log" 2>&1 &&
        cmake --build "$dir" -j "$(nproc)" >>"$log" 2>&1; then
        return 0
    fi
    tail -n 40 "$log" >&2
    return 1
}
