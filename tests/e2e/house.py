"""A box of users, sites and one server under test, all of it in one temporary directory."""
import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import procs
from procs import SLOW, wait_for
from wire import Client, fetch

REPO = Path(__file__).resolve().parents[2]
sys.path.append(str(REPO / "tests"))
from ports import free_port  # noqa: E402
ROOT = os.geteuid() == 0


def reachable(build):
    """A checkout below /root is closed to the users of the tests: they get copies then."""
    if not ROOT or all(os.stat(d).st_mode & 0o001 for d in (build, *build.parents)):
        return build
    copies = Path(tempfile.mkdtemp(prefix="hostel-build-"))
    atexit.register(shutil.rmtree, copies)
    copies.chmod(0o755)
    if (build / "apps").exists():
        shutil.copytree(build / "apps", copies / "apps")
    for name in ("hostel", "hostel-acceptor", "hostel-worker", "hostel-worker-tls",
                 "hostel-examiner", "hostel-metrics"):
        if (build / name).exists():
            shutil.copy2(build / name, copies)
    return copies


BUILD = reachable(Path(os.environ.get("HOSTEL_BUILD", REPO / "build")).resolve())
HOSTEL = BUILD / "hostel"
SANITIZED = HOSTEL.exists() and b"__asan_init" in HOSTEL.read_bytes()
PHP_CGI = "/usr/bin/php-cgi"
# a report; that leaks cannot be looked for inside a cage is none
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer(?!.*fatal error)|runtime error:")
NO_LEAK_CHECK = re.compile(r"^.*(LeakSanitizer has encountered|HINT: .*(LSAN|LeakSan)).*$", re.M)

started = set()  # processes that the tests themselves are parents of, on purpose


def stretched(seconds):
    """A duration for a configuration, where what is right has to come before it is over."""
    return f"{int(1000 * seconds * min(SLOW, 4))}ms"


def hostel(*args, timeout=30, **more):
    """Run hostel to its end."""
    p = subprocess.Popen([HOSTEL, *map(str, args)], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    started.add(p.pid)
    try:
        out, err = p.communicate(timeout=timeout * SLOW)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        raise AssertionError(f"hostel {args} did not end: {out} {err}") from None
    return subprocess.CompletedProcess(args, p.returncode, out, err)


def orphans():
    """Living processes that came to us because the one that started them is gone."""
    for entry in (procs.stat(n) for n in os.listdir("/proc") if n.isdigit()):
        if entry and entry["ppid"] == os.getpid() and entry["pid"] not in started:
            if entry["state"] == "Z":
                os.waitpid(entry["pid"], 0)
            else:
                yield entry


def nothing_left():
    """Fail if a server left a process behind."""
    wait_for(lambda: not list(orphans()), "no process is left behind", 2)


def yaml(value, indent=0):
    """A configuration as block YAML (scalars as JSON writes them)."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{k}:{_nested(v, indent)}" for k, v in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}-\n{yaml(v, indent + 1)}" if isinstance(v, (dict, list)) and v
                       else f"{pad}- {json.dumps(v)}\n" for v in value)
    return pad + json.dumps(value) + "\n"


def _nested(value, indent):
    if isinstance(value, (dict, list)) and value:
        return "\n" + yaml(value, indent + 1)
    return " " + json.dumps(value) + "\n"


class Site:
    """One vhost of one user: a home of mode 0700 with a document root of mode 0700 in it."""

    def __init__(self, box, host, uid, vhost):
        self.box, self.host, self.uid = box, host, uid
        self.home = box.homes / f"{uid}"
        self.root = self.home / f"www-{host.replace('*', 'any')}"
        self.access_log = box.logs / f"{host.replace('*', 'any')}.access"
        self.error_log = box.logs / f"{host.replace('*', 'any')}.error"
        self.vhost = {"host": host, "user": uid, "group": uid if ROOT else os.getegid(),
                      "root": str(self.root), "access_log": str(self.access_log),
                      "error_log": str(self.error_log), **vhost}
        self.directory(self.home)
        self.directory(self.root)

    def give(self, path, mode):
        os.chmod(path, mode)
        if ROOT:
            os.chown(path, self.uid, self.uid)

    def directory(self, path, mode=0o700):
        path = Path(self.root / path)
        path.mkdir(exist_ok=True, parents=True)
        self.give(path, mode)
        return path

    def write(self, name, content="", mode=0o600):
        """A file of the user's own, readable by nobody else."""
        path = self.root / name
        if not path.parent.exists():
            self.directory(path.parent)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        self.give(path, mode)
        return path

    def symlink(self, name, target):
        path = self.root / name
        path.symlink_to(target)
        if ROOT:
            os.chown(path, self.uid, self.uid, follow_symlinks=False)
        return path

    def log_lines(self):
        """The whole ones: of one that is being written there may be half."""
        text = self.access_log.read_text() if self.access_log.exists() else ""
        return text[:text.rfind("\n") + 1].splitlines()

    def errors(self):
        return self.error_log.read_text() if self.error_log.exists() else ""


def uid_slot():
    """Runs side by side get users of their own: one may fill or kill what it has."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    return 4 * os.getppid() + int(worker[2:]) if worker else 4 * os.getpid()


class Box:
    """What one server needs, and the server; close() leaves nothing."""

    _next_uid = 10000 + uid_slot() % 45 * 1000  # ids below 65536, apart from other runs'

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="hostel-e2e-", dir="/tmp"))
        self.dir.chmod(0o755)
        self.homes, self.logs = self.dir / "homes", self.dir / "logs"
        self.homes.mkdir(mode=0o755)
        self.logs.mkdir(mode=0o755)
        self.sites, self.servers = [], []
        self.main = {}

    @classmethod
    def new_uid(cls):
        if not ROOT:
            return os.getuid()
        cls._next_uid += 1
        return cls._next_uid

    def site(self, host, uid=None, files=None, **vhost):
        """Add a vhost; a new user unless uid is given."""
        s = Site(self, host, uid or self.new_uid(), vhost)
        for name, content in (files or {}).items():
            s.write(name, content)
        self.sites.append(s)
        return s

    def config(self, **main):
        """Write the configuration, return its path."""
        port = main.pop("port", None) or free_port()
        conf = {"listen": [f"127.0.0.1:{port}"], "run_dir": str(self.dir / "run"),
                "error_log": "-", **self.main, **main, "vhosts": [s.vhost for s in self.sites]}
        return self.write_config(yaml({k: v for k, v in conf.items() if v is not None})), port

    def write_config(self, text, name="hostel.yaml"):
        path = self.dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def serve(self, **main):
        path, port = self.config(**main)
        return self.start(["--config", path], port)

    def start(self, args, port, **more):
        s = Server(self, args, port, **more)
        self.servers.append(s)
        s.wait_ready()
        return s

    def close(self):
        try:
            for s in self.servers:
                s.stop()
            nothing_left()
        finally:
            for s in self.servers:
                s.kill()
            for closed, _, _ in os.walk(self.dir):
                for entry in os.scandir(closed):
                    if entry.is_dir(follow_symlinks=False):
                        os.chmod(entry.path, 0o700)  # tests close some of their own
            shutil.rmtree(self.dir)


class Server:
    """A running `hostel serve`."""

    def __init__(self, box, args, port, **more):
        self.box, self.port = box, port
        self.stderr_path = box.dir / f"stderr-{len(box.servers)}"
        with open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen([HOSTEL, "serve", *map(str, args)], stderr=err,
                                            stdin=subprocess.DEVNULL, stdout=err, **more)
        self.pid = self.process.pid
        started.add(self.pid)
        self.stopped = False

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, f"ended: {self.stderr}"
            return re.search(r"^hostel: ready, listening on .*$", self.stderr, re.M)
        return wait_for(ready, "the ready line", 10)

    def stop(self, sig=signal.SIGTERM, within=15.0):
        """End it as an administrator does; it must leave nothing and have nothing to hide."""
        if self.stopped:
            return
        self.stopped = True
        self.process.send_signal(sig)
        try:
            code = self.process.wait(within * SLOW)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running {within * SLOW} s after {sig!r}") from None
        assert code == 0, f"exit {code}: {self.stderr[-3000:]}"
        nothing_left()
        self.assert_sane()

    def assert_sane(self):
        text = NO_LEAK_CHECK.sub("", self.stderr)
        found = SANITIZER.search(text)
        assert not found, text[max(0, found.start() - 500):found.start() + 5000]

    def kill(self):
        """Whatever is still there after a failure."""
        pids = procs.descendants(self.pid) if procs.alive(self.pid) else []
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in pids + [e["pid"] for e in orphans()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    # --- asking it ------------------------------------------------------------------------

    def client(self, **more):
        return Client(self.port, **more)

    def get(self, host, path="/", method="GET", **more):
        host = host.host if isinstance(host, Site) else host
        return fetch(self.port, host, path, method, **more)

    # --- its processes --------------------------------------------------------------------

    def children(self, name, uid=None):
        """Processes under this server that run a program of this name, for this user."""
        return [p for p in procs.descendants(self.pid) if procs.program(p) == name
                and (uid is None or procs.uid(p) == uid)]

    def acceptors(self):
        return self.children("hostel-acceptor")

    def workers(self, site=None):
        """With a TLS library and without."""
        uid = site.uid if site else None
        return self.children("hostel-worker", uid) + self.children("hostel-worker-tls", uid)

    def worker(self, site):
        pids = self.workers(site)
        assert len(pids) == 1, f"{len(pids)} workers of {site.uid}"
        return pids[0]

    def php(self, site=None):
        return self.children("php-cgi", site.uid if site else None)

    def php_parent(self, site):
        """The process that the others of the pool are children of."""
        pids = self.php(site)
        ppids = {p: entry["ppid"] for p in pids if (entry := procs.stat(p))}  # who has not gone
        parents = [p for p, ppid in ppids.items() if ppid not in pids]
        assert len(parents) == 1, \
            f"{len(parents)} pools of {site.uid}: {ppids}, below {self.pid}: {self.stderr[-2000:]}"
        return parents[0]
