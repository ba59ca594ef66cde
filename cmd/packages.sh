# shellcheck shell=sh disable=SC2034
# The Debian packages that the commands of this repository need, and how they are installed.
# Sourced by cmd/quickstart.sh, tests/run.sh and bench/smoke.sh; plain sh.

BUILD_PACKAGES="build-essential cmake pkg-config libuv1-dev node-llhttp libcyaml-dev libyaml-dev
libseccomp-dev libcap-dev libfcgi-dev libcrypt-dev nettle-dev libbrotli-dev libzstd-dev zlib1g-dev
libssl-dev libnghttp2-dev"
RUN_PACKAGES="php-cgi media-types curl procps"
TEST_PACKAGES="clang libclang-rt-dev libcmocka-dev python3 python3-pytest
python3-pytest-xdist openssl
python3-hpack nghttp2-client"

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
