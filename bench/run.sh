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

# shellcheck disable=SC2086 # lists of words
install_missing $BUILD_PACKAGES $RUN_PACKAGES python3 nghttp2-client openssl strace util-linux \
    mariadb-server-core mariadb-client-core php-mysql php-getid3
# shellcheck disable=SC2086
install_unstarted $PEER_PACKAGES
build build -DCMAKE_BUILD_TYPE=Release -DHOSTEL_SANITIZE=OFF
exec /usr/bin/python3 bench/run.py "$@"
