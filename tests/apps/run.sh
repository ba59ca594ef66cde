#!/bin/sh
# Real applications in a real browser:
#   sudo sh tests/apps/run.sh [dokuwiki] [wordpress] [phpmyadmin] [mediawiki]
# All of them without an argument. Installs what is missing (nothing that is a service), builds,
# starts its own MariaDB and Chromium, ends them. Its last line is "N passed, N failed".
set -eu

PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
export PATH
cd "$(dirname "$0")/../.."
. cmd/packages.sh

# mariadb-server-core is the program alone: no service, no user, no directory in /var
PACKAGES="chromium chromium-driver fonts-liberation python3 python3-pytest python3-selenium
mariadb-server-core mariadb-client-core ca-certificates
php-mysql php-gd php-xml php-mbstring php-intl php-curl"
usage() {
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit "$1"
}

# Each brings libraries that its Debian package finds in /usr/share/php. The application itself is
# unpacked, not installed: it brings a web server's configuration with it.
[ $# -gt 0 ] || set -- dokuwiki wordpress phpmyadmin mediawiki
files=
for app in "$@"; do
    case $app in
    --help | -h) usage 0 ;;
    dokuwiki) libraries="php-geshi php-phpseclib php-random-compat libphp-simplepie" ;;
    wordpress) libraries="php-getid3" ;;
    mediawiki) libraries="" ;;
    phpmyadmin)
        libraries="php-composer-ca-bundle php-google-recaptcha php-mariadb-mysql-kbs
php-nikic-fast-route php-phpmyadmin-motranslator php-phpmyadmin-shapefile
php-phpmyadmin-sql-parser php-psr-http-factory php-psr-http-message php-slim-psr7
php-symfony-config php-symfony-dependency-injection php-symfony-expression-language
php-symfony-polyfill-php80 php-twig php-twig-i18n-extension php-webmozart-assert"
        ;;
    *) usage 2 >&2 ;;
    esac
    PACKAGES="$PACKAGES $libraries"
    files="$files tests/apps/test_$app.py"
done
if [ "$(id -u)" != 0 ]; then
    echo "Two users take root: sudo sh tests/apps/run.sh" >&2
    exit 1
fi
# shellcheck disable=SC2086 # lists of words
install_missing $PACKAGES
if [ -z "${HOSTEL_BUILD-}" ]; then
    # shellcheck disable=SC2086
    install_missing $BUILD_PACKAGES $RUN_PACKAGES
    build build -DCMAKE_BUILD_TYPE=Release -DHOSTEL_SANITIZE=OFF
fi
# shellcheck disable=SC2086
exec /usr/bin/python3 -m pytest -q $files
