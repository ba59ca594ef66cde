"""
A WordPress of the first site for all servers: Debian's files, installed once, and a MariaDB that
is on the load's core and in nobody's figures. What visitors get is the front page of a new blog.
"""
import os
import subprocess
import sys
from pathlib import Path

import peers

TESTS = Path(__file__).resolve().parents[1] / "tests"
CONFIG = """<?php
define('DB_NAME', 'blog'); define('DB_USER', 'blog'); define('DB_PASSWORD', '%(password)s');
define('DB_HOST', 'localhost:%(socket)s'); define('DB_CHARSET', 'utf8mb4');
define('WP_HOME', 'http://%(host)s/blog'); define('WP_SITEURL', WP_HOME);
define('DISABLE_WP_CRON', true); define('WP_HTTP_BLOCK_EXTERNAL', true);
$table_prefix = 'wp_';
define('ABSPATH', __DIR__ . '/');
require ABSPATH . 'wp-settings.php';
"""
# what the installer's last page does
INSTALL = """<?php
define('WP_INSTALLING', true);
require __DIR__ . '/wp-config.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('The blog of %(host)s', 'admin', 'admin@example.org', true, '', 'password');
"""


class Blog:
    """http://HOST/blog/ of the site, in both its document roots; close() ends the database."""

    def __init__(self, box, site, core):
        sys.path[:0] = [str(TESTS / "apps"), str(TESTS / "e2e")]
        import mariadb   # the tests' own: they stand behind a path that only this case needs
        import packages
        self.db = mariadb.MariaDb(box)
        os.sched_setaffinity(self.db.process.pid, {int(c) for c in core.split(",")})
        words = {"password": self.db.database("blog"), "socket": self.db.socket,
                 "host": site.host}
        for root in (site.root / "blog", site.shared / "blog"):
            packages.place(packages.WORDPRESS, root)
            (root / "wp-config.php").write_text(CONFIG % words)
            (root / "install-once.php").write_text(INSTALL % words)
        packages.own(site.root / "blog", site.uid)
        done = subprocess.run(
            [peers.PHP_CGI, "-q", site.root / "blog/install-once.php"], capture_output=True,
            text=True, user=site.uid, group=site.uid, extra_groups=[], cwd="/", check=False,
            env={"PATH": "/usr/bin:/bin", "HTTP_HOST": site.host}, stdin=subprocess.DEVNULL)
        if done.returncode or self.db.sql("SELECT COUNT(*) FROM blog.wp_posts") == "0\n":
            self.close()
            raise RuntimeError(f"WordPress: {done.stdout[-500:]} {done.stderr[-500:]}")

    def close(self):
        self.db.close()
