#!/bin/sh
# Hostel beside its peers, measured:  sudo sh bench/run.sh [--quick] [--only CASE] [--peers LIST]
# Installs what is missing without starting it, builds, runs; bench/README.md says what it means.
set -eu

PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
export PATH
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
    echo "Serving several users takes root: sudo sh bench/run.sh" >&2
    exit 1
fi
. cmd/packages.sh

PEER_PACKAGES="apache2 libapache2-mod-php libapache2-mpm-itk php-fpm nginx-light lighttpd h2o"
SERVICES="apache2 nginx lighttpd h2o $(ls /lib/systemd/system 2>/dev/null |
    sed -n 's/^\(php.*-fpm\)\.service$/\1/p')"

# What comes with a service must not run it, now or at the next boot. A package that was there
# before is somebody's: its service is left as it is.
policy=/usr/sbin/policy-rc.d
made_policy=
allow_services() {
    [ -z "$made_policy" ] || rm -f "$policy"
    made_policy=
}
install_peers() {
    before=" "
    for service in $SERVICES; do
        [ ! -e "/etc/init.d/$service" ] || before="$before$service "
    done
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 0755 "$policy"
        made_policy=yes
    fi
    # shellcheck disable=SC2086 # a list of words
    RUNLEVEL=1 install_missing $PEER_PACKAGES
    allow_services
    for script in /etc/init.d/apache2 /etc/init.d/nginx /etc/init.d/lighttpd /etc/init.d/h2o \
        /etc/init.d/php*-fpm; do
        service=${script##*/}
        case $before in *" $service "*) continue ;; esac
        [ -e "$script" ] || continue
        if [ -d /run/systemd/system ]; then
            systemctl disable --now "$service" >/dev/null 2>&1 || :
        else
            update-rc.d "$service" disable >/dev/null 2>&1 || :
        fi
    done
}
trap allow_services EXIT
trap 'exit 130' INT TERM HUP

case " $* " in
*" --help "* | *" -h "*) exec /usr/bin/python3 bench/run.py --help ;;
esac
# shellcheck disable=SC2086 # lists of words
install_missing $BUILD_PACKAGES $RUN_PACKAGES python3 wrk strace util-linux
install_peers
build build -DCMAKE_BUILD_TYPE=Release -DHOSTEL_SANITIZE=OFF
trap - EXIT INT TERM HUP
exec /usr/bin/python3 bench/run.py "$@"
