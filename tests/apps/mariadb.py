"""A MariaDB of the tests' own: its own user, directory and unix socket, and no port at all."""
import os
import shutil
import subprocess

import procs
from house import ROOT, Box, started
from procs import SLOW, wait_for


class MariaDb:
    """Started in a directory of its own below `scratch`; close() ends it, by its process."""

    def __init__(self, scratch):
        self.dir = scratch / "mariadb"
        self.dir.mkdir(mode=0o755)
        self.uid = Box.new_uid()
        (self.dir / "data").mkdir(mode=0o700)
        if ROOT:
            os.chown(self.dir, self.uid, self.uid)
            os.chown(self.dir / "data", self.uid, self.uid)
        self.socket = self.dir / "sock"
        self.root_password = "the root of this database"
        who = {"user": self.uid, "group": self.uid, "extra_groups": []} if ROOT else {}
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.dir)}
        made = subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={self.dir / 'data'}",
             "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-log-bin"],
            capture_output=True, text=True, env=env, cwd=self.dir, check=False,
            stdin=subprocess.DEVNULL, **who)
        assert made.returncode == 0, f"mariadb-install-db: {made.stdout} {made.stderr}"
        with open(self.dir / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["mariadbd", "--no-defaults", f"--datadir={self.dir / 'data'}",
                 f"--socket={self.socket}", f"--pid-file={self.dir / 'pid'}",
                 f"--tmpdir={self.dir}", "--skip-networking", "--character-set-server=utf8mb4",
                 "--innodb-flush-log-at-trx-commit=2", "--max-allowed-packet=64M"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=self.dir, **who)
        started.add(self.process.pid)
        wait_for(self._up, "MariaDB to answer", 30)
        self.sql("ALTER USER root@localhost IDENTIFIED BY "
                 f"'{self.root_password}'", password="")

    def _up(self):
        assert self.process.poll() is None, (self.dir / "log").read_text(errors="replace")
        return self._client("SELECT 1", "root", "").returncode == 0

    def _client(self, statements, user, password):
        return subprocess.run(
            ["mariadb", "--no-defaults", "--default-character-set=utf8mb4", "-N", "-B",
             f"--socket={self.socket}", f"--user={user}"], input=statements, capture_output=True, text=True, check=False,
            env={"PATH": "/usr/bin:/bin", "MYSQL_PWD": password})

    def sql(self, statements, user="root", password=None, expect=0):
        """Run statements; the answer as text, columns apart by tabs."""
        p = self._client(statements, user, self.root_password if password is None else password)
        assert (p.returncode == 0) == (expect == 0), f"{statements}: {p.stdout} {p.stderr}"
        return p.stdout if expect == 0 else p.stderr

    def database(self, name):
        """A database that only a user of the same name may use; its password."""
        password = f"{name} has a password"
        self.sql(f"CREATE DATABASE {name}; CREATE USER {name}@localhost IDENTIFIED BY "
                 f"'{password}'; GRANT ALL ON {name}.* TO {name}@localhost")
        return password

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20 * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        assert not procs.alive(self.process.pid)
        shutil.rmtree(self.dir)
