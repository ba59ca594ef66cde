"""The box of a run: sites and their files, the servers' processes, what those use."""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
KNOWN_S = 5
SIZES = {"1k": 1 << 10, "10k": 10 << 10, "100k": 100 << 10, "1m": 1 << 20, "100m": 100 << 20}
PHP = {
    "hello.php": '<?php header("Content-Type: text/html"); echo "hello from %s\\n";',
    # a fixed amount of work, near 2 ms on a processor of 2020
    "work.php": '<?php for ($x = "", $i = 0; $i < 14000; $i++) $x = md5($x, true);\n'
                'echo "work of %s ", bin2hex($x), "\\n";',
}


@dataclass(frozen=True)
class Site:
    host: str
    uid: int
    root: Path     # open to its user only
    shared: Path   # the same files, readable to everybody: for servers that switch no user


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _fill(root, host, sizes):
    """The body names its host, so that another site's file is a wrong answer."""
    root.mkdir(parents=True)
    line = f"{host} 0123456789 abcdefghijklmnopqrstuvwxyz\n".encode()
    for name in sizes:
        size = SIZES[name]
        with open(root / f"{name}.html", "wb") as f:
            block = (line * (1 + min(size, 1 << 20) // len(line)))[:min(size, 1 << 20)]
            for _ in range(size // len(block)):
                f.write(block)
    for name, text in PHP.items():
        (root / name).write_text(text % host)


def make_sites(box, hosts, first_uid, sizes=SIZES):
    """The big file is there once only: the first site's."""
    sites = []
    for n, host in enumerate(hosts):
        site = Site(host, first_uid + n, box / "private" / host, box / "shared" / host)
        wanted = [s for s in sizes if n == 0 or SIZES[s] <= 1 << 20]
        for root in (site.root, site.shared):
            _fill(root, host, wanted)
        for path in (site.root, *site.root.iterdir()):
            os.chown(path, site.uid, site.uid)
            path.chmod(0o700 if path.is_dir() else 0o600)
        sites.append(site)
    return sites


def stat(pid):
    """(parent, ticks of it, ticks of its reaped children) or None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[1]), sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))


def born(pid):
    """When it was started, in ticks since the machine was: another by its number has another."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return None


def seconds(pid, row):
    """
    Processor time of a process and its reaped children. Ticks are 10 ms and rounded down: of a
    thousand processes that did a little each they say nothing, so the scheduler is asked.
    """
    _, own, reaped = row
    try:
        ns = [int((t / "schedstat").read_text().split()[0])
              for t in Path(f"/proc/{pid}/task").iterdir()]
    except (OSError, ValueError, IndexError):
        ns = []
    return (sum(ns) / 1e9 if any(ns) else own / TICK) + reaped / TICK


def living():
    return {int(n) for n in os.listdir("/proc") if n.isdigit()}


def below(roots, rows):
    """Which processes are below and with the roots. rows: pid -> its row of stat(), or None"""
    children = {}
    for pid, row in rows.items():
        if row:
            children.setdefault(row[0], []).append(pid)
    found, todo = set(), list(roots)
    while todo:
        pid = todo.pop()
        found.add(pid)
        todo += children.get(pid, [])
    return found


_libc = ctypes.CDLL(None)


def _end_with_us():
    """In the child, before its exec: SIGTERM when the bench is gone, however it went."""
    _libc.prctl(1, signal.SIGTERM)   # PR_SET_PDEATHSIG


class Server:
    """The processes of one server under test, pinned to cores, and the port they answer at."""

    def __init__(self, name, port, cores="0"):
        self.name, self.port, self.cores, self.processes = name, port, cores, []
        # the machine's processes, and which are its own
        self.seen, self.mine, self.known_until = set(), set(), 0

    def spawn(self, args, log, env=None, uid=None):
        """uid: run as this user and no group but its own."""
        who = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        with open(log, "ab") as out:
            p = subprocess.Popen(["taskset", "-c", self.cores, *map(str, args)],
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/",
                                 env=env or {"PATH": os.environ["PATH"]},
                                 start_new_session=True,  # some signal their group
                preexec_fn=_end_with_us, **who)
        self.processes.append(p)

    def pids(self):
        """Of its processes that live. For some seconds only new ones are looked at: it is quick."""
        now = living()
        if time.monotonic() > self.known_until:   # a number may have become somebody else's
            self.seen, self.mine = set(), set()
            self.known_until = time.monotonic() + KNOWN_S
        roots = self.mine | {p.pid for p in self.processes}
        self.mine = below(roots, {pid: stat(pid) for pid in now - self.seen}) & now
        self.seen = now
        return self.mine

    def used(self):
        """
        pid -> seconds of processor time so far, reaped children included. A process that is
        reaped while the others are looked at is in nobody's time: then all are looked at again.
        """
        for _ in range(20):
            rows = {pid: stat(pid) for pid in self.pids()}
            used = {pid: seconds(pid, row) for pid, row in rows.items() if row}
            if self.pids() == used.keys():
                break
            time.sleep(0.01)
        return used

    def cpu(self):
        """Seconds of processor time so far."""
        return sum(self.used().values())

    def pss(self, kinds=("Pss",)):
        """KiB of all processes, pages that are shared counted in proportion."""
        total = 0
        for pid in self.pids():
            try:
                for line in open(f"/proc/{pid}/smaps_rollup", encoding="ascii"):
                    if line.partition(":")[0] in kinds:
                        total += int(line.split()[1])
            except (FileNotFoundError, ProcessLookupError):
                pass
        return total

    def pss_own(self):
        """The same without pages of files: how many share those changes with all that runs."""
        return self.pss(("Pss_Anon", "Pss_Shmem"))

    def wait_ready(self, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            dead = [p.args for p in self.processes if p.poll() is not None]
            if dead:
                raise RuntimeError(f"{self.name} ended at its start: {dead[0]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)

    def stop(self):
        self.known_until = 0
        every = {pid: born(pid) for pid in self.pids()}

        def left():
            return [pid for pid, when in every.items() if when and born(pid) == when]

        for p in self.processes:
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and left():
            for p in self.processes:
                p.poll()
            time.sleep(0.05)
        for pid in left():
            os.kill(pid, signal.SIGKILL)
        for p in self.processes:
            p.wait()


def remove(box):
    shutil.rmtree(box, ignore_errors=True)
