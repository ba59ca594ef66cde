#!/bin/sh
# Makes the Debian package:  sudo sh cmd/package.sh  leaves build-deb/hostel_VERSION_ARCH.deb
set -eu

cd "$(dirname "$0")/.."
. cmd/packages.sh

# shellcheck disable=SC2086 # a list of words
install_missing $BUILD_PACKAGES dpkg-dev file gzip
umask 022 # the package's directories
build build-deb -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DHOSTEL_SANITIZE=OFF \
    -DHOSTEL_TESTS=OFF
rm -f build-deb/*.deb
(cd build-deb && cpack --config CPackConfig.cmake >cpack.log 2>&1) || {
    tail -n 40 build-deb/cpack.log >&2
    exit 1
}
ls build-deb/*.deb
