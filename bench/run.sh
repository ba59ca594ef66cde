#!/bin/sh
# Hostel beside its peers, measured:  sudo sh bench/run.sh [--quick] [--only CASE] [--peers LIST]
# Installs what is missing without starting it, builds, runs; bench/README.md says what it means.
set -eu

PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
export PATH
cd "$(dirname "$0")/.."
case " $* " in
*" --help "* | *" -h "*) exec /usr/bin/python3 bench/run.py --help ;;
esac
if [ "$(id -u)" != 0 ]; then
    echo "Serving several users takes root: sudo sh bench/run.sh" >&2
    exit 1
fi
. cmd/packages.sh

PEER_PACKAGES="apache2 libapache2-mod-php libapache2-mpm-itk php-fpm nginx-light lighttpd h2o"

# The peers' services that are installed, one a line.
services() {
    find /lib/systemd/system /etc/init.d -maxdepth 1 2>/dev/null |
        sed -n -e 's!.*/!!' -e 's/\.service$//' \
            -e '/^\(apache2\|apache-htcacheclean\|nginx\|lighttpd\|h2o\|php.*-fpm\)$/p' | sort -u
}

# A package that brings a service may not start it, now or at the next boot. A service that was
# there before is somebody's, and is left as it is.
policy=/usr/sbin/policy-rc.d
made_policy=
forget_policy() {
    [ -z "$made_policy" ] || rm -f "$policy"
    made_policy=
}
install_peers() {
    before=" $(services | tr '\n' ' ')"
    if [ ! -e "$policy" ]; then
        made_policy=yes
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 0755 "$policy"
    fi
    # shellcheck disable=SC2086 # a list of words
    RUNLEVEL=1 install_missing $PEER_PACKAGES
    forget_policy
    for service in $(services); do
        case $before in *" $service "*) continue ;; esac
        if [ -d /run/systemd/system ]; then
            systemctl disable --quiet --now "$service" 2>/dev/null || :
        elif [ -e "/etc/init.d/$service" ]; then
            update-rc.d "$service" disable
        fi
    done
}
trap forget_policy EXIT
trap 'exit 130' INT TERM HUP

# shellcheck disable=SC2086 # lists of words
install_missing $BUILD_PACKAGES $RUN_PACKAGES python3 wrk nghttp2-client openssl strace util-linux \
    mariadb-server-core mariadb-client-core php-mysql php-getid3
install_peers
build build -DCMAKE_BUILD_TYPE=Release -DHOSTEL_SANITIZE=OFF
trap - EXIT INT TERM HUP
exec /usr/bin/python3 bench/run.py "$@"
