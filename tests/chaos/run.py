#!/usr/bin/python3
"""
Faults and changes under a constant load; counts what visitors lost.

Three users, one of them at a listener of her own too; static files and PHP; HTTP/1.1 plain and
with TLS 1.3, HTTP/2; fresh, resumed and kept connections, each in threads of their own. Then reloads, new certificates, upgrades, and
kill -9 of every kind of child, one after the other. Nobody may lose anything by a reload or an
upgrade; by a killed child only who was being served by it, and never another user.

    tests/chaos/run.py [BUILD] [--long] [--only WORD]

--long: 50 reloads, 5 upgrades, 10 of each kill; else 6, 2 and 2. Needs root and php-cgi. The
last line is the sum; a row that lost more than it may is a failure, and is shown with what went
wrong.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
E2E = HERE.parent / "e2e"
args = argparse.ArgumentParser()
args.add_argument("build", nargs="?", default=str(E2E.parents[1] / "build"))
args.add_argument("--long", action="store_true")
args.add_argument("--only", default="")
args = args.parse_args()
os.environ["HOSTEL_BUILD"] = args.build
sys.path.insert(0, str(E2E))

import procs  # noqa: E402
from loads import STREAMS, H2Load, Resuming, Secured  # noqa: E402
from secure import certificate  # noqa: E402
from house import (HOSTEL, PHP_CGI, Box, free_port, hostel, nothing_left, started,  # noqa: E402
                   yaml)
from load import Load  # noqa: E402
from procs import SLOW, wait_for  # noqa: E402

USERS = ("alice", "bob", "carol")
WORKERS = {"alice": 1, "bob": 2, "carol": 1}
SCRIPT = "<?php usleep(random_int(0, 3000)); echo '%s says ', str_repeat('x', 5000), '!';"
PACE_S = 0.02  # of each visitor: they all share one interpreter
HUNTS = 30  # an examiner lives for some milliseconds
AGAIN = 8  # answers that each load gives between two events


class House:
    """The box, its server through all upgrades, and the load on it."""

    def __init__(self):
        self.box = Box()
        self.port, self.tls_port, self.metrics_port = free_port(), free_port(), free_port()
        self.sites = {u: self.box.site(f"{u}.test", php={"processes": 3}, files={
            "index.html": f"{u}'s page\n", "a.php": SCRIPT % u, "big.txt": f"{u}\n" * 40000},
            tls=certificate(self.box, f"{u}.test"), workers=WORKERS[u]) for u in USERS}
        self.own_port = free_port()  # carol's workers take her visitors there themselves
        self.sites["carol"].vhost["listen"] = [f"127.0.0.1:{self.own_port}"]
        self.main = self.box.write_config(yaml({
            "listen": [f"127.0.0.1:{self.port}"], "listen_tls": [f"127.0.0.1:{self.tls_port}"],
            "include": "vhosts.d/*.yaml", "metrics_listen": [f"127.0.0.1:{self.metrics_port}"],
            "run_dir": str(self.box.dir / "run"), "error_log": str(self.box.logs / "server"),
            "drain_timeout": "10s"}))
        for u in USERS:
            self.write(u)
        self.server = self.box.start(["--config", self.main], self.port)
        self.pid = self.server.pid
        self.pids = [self.pid]
        self.loads, self.resuming = {}, []
        for u, s in self.sites.items():
            for kind, rows in (("static", [(s.host, "/index.html", f"{u}'s page"),
                                           (s.host, "/big.txt", f"{u}\n")]),
                               ("php", [(s.host, "/a.php", f"{u} says")])):
                for how, load in self.visitors(rows):
                    self.loads[u, kind, how] = load

        carol = [(self.sites["carol"].host, "/index.html", "carol's page")]
        for how, kept in (("own fresh", False), ("own kept", True)):
            self.loads["carol", "static", how] = Load(self.own_port, carol, 1, kept=kept,
                                                      pace_s=PACE_S)
        self.loads["metrics", "health", "fresh"] = Load(
            self.metrics_port, [("localhost", "/health", "ok\n")], 1, pace_s=PACE_S)

    def visitors(self, rows):
        """All the ways to come to a site."""
        resuming, tls, pace = Resuming(self.tls_port), self.tls_port, {"pace_s": PACE_S}
        self.resuming.append(resuming)
        yield "fresh", Load(self.port, rows, 1, **pace)
        yield "kept", Load(self.port, rows, 1, kept=True, **pace)
        yield "tls fresh", Load(tls, rows, 1, connect=Secured(tls), **pace)
        yield "tls resumed", Load(tls, rows, 1, connect=resuming, **pace)
        yield "tls kept", Load(tls, rows, 1, kept=True, connect=Secured(tls), **pace)
        yield "h2 fresh", H2Load(tls, rows, 1, **pace)
        yield "h2 kept", H2Load(tls, rows, 1, kept=True, **pace)

    def write(self, user, **change):
        site = self.sites[user]
        site.vhost.update(change)
        self.box.write_config(yaml({"vhosts": [site.vhost]}), f"vhosts.d/{user}.yaml")

    def ask(self, command):
        p = hostel(command, "--run-dir", self.box.dir / "run", timeout=90)
        assert p.returncode == 0, (command, p.stdout, p.stderr)

    def status(self):
        p = hostel("status", "--json", "--run-dir", self.box.dir / "run")
        assert p.returncode == 0, p.stderr
        return json.loads(p.stdout)["status"]

    def user(self, user):
        uid = self.sites[user].uid
        return next(r for r in self.status() if r["is"] == "user" and r["uid"] == uid)

    def settle(self):
        """Every load goes on, and nobody is in an earlier event's arms any more."""
        begin = [(load, load.done) for load in self.loads.values()]
        for load, done in begin:
            load.reach(AGAIN, 60, done)

    def end(self):
        for load in self.loads.values():
            load.__exit__()
        self.ask("stop")
        wait_for(lambda: not any(procs.alive(p) for p in self.pids), "all servers end", 30)
        self.server.process.wait(10 * SLOW)
        self.server.stopped = True
        nothing_left()


ACCEPTED = ("fresh", "tls fresh", "tls resumed", "h2 fresh")  # by an acceptor, each time

# --- events: each returns which loads may have lost how much ---------------------------------------


def at_once(key):
    """What a visitor of this kind has under way at a time."""
    return STREAMS if key[2].startswith("h2") else 1


def being_served(house, user, kind=None):
    return {key: at_once(key) for key in house.loads
            if key[0] == user and kind in (None, key[1])}


def by_reload(house, n):
    user = USERS[n % 2]  # carol never changes
    if n % 5 == 4:
        house.write(user, php={"processes": 2 + n % 3})
    else:
        house.write(user, autoindex=n % 4 < 2)
    before = [w["pid"] for w in house.user("carol")["workers"] if w["state"] == "serving"]
    house.ask("reload")
    after = [w["pid"] for w in house.user("carol")["workers"]]
    assert set(before) <= set(after), "who did not change keeps his process"
    return {}


def by_renewal(house, n):
    """Another certificate for a site that is being served with the one before."""
    name = f"{USERS[n % 2]}.test"
    certificate(house.box, name)
    house.ask("reload")
    return {}


def by_upgrade(house, n):
    house.ask("upgrade")
    house.pid = next(r for r in house.status() if r["is"] == "server")["pid"]
    house.pids.append(house.pid)
    return {}


def calm(house, user, kind, seconds):
    """
    Who crashes three times in a row, each within so many seconds, is down for a while: that is
    meant, and not what is counted here. So he lives that long between two kills.
    """
    def old_enough():
        ages = [x["age_s"] for x in house.user(user)[kind] if x["pid"]]
        return ages and min(ages) > seconds
    wait_for(old_enough, f"{user}'s {kind} to be {seconds} s old", 60)


def by_worker(house, n):
    user = USERS[n % len(USERS)]
    calm(house, user, "workers", 10)
    for w in house.user(user)["workers"]:
        if w["state"] == "serving":
            os.kill(w["pid"], signal.SIGKILL)
    return being_served(house, user)


def by_acceptor(house, n):
    for r in house.status():
        if r["is"] == "acceptor" and r["pid"]:
            os.kill(r["pid"], signal.SIGKILL)
    # kept ones are with their workers; one that is not accepted yet has no stream
    return {key: 1 for key in house.loads if key[2] in ACCEPTED and key[0] in USERS}


def by_metrics(house, n):
    for child in procs.children(house.pid):
        if procs.program(child) == "hostel-metrics":
            os.kill(child, signal.SIGKILL)
    return {key: 1 for key in house.loads if key[0] == "metrics"}


def by_examiner(house, n):
    """It looks at another certificate: the reload fails, changes nothing, and can be repeated."""
    for _ in range(HUNTS):
        certificate(house.box, f"{USERS[n % 2]}.test")
        hunter = subprocess.Popen([sys.executable, HERE / "hunt.py", str(house.pid),
                                   "hostel-examiner"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        started.add(hunter.pid)
        assert hunter.stdout.readline() == "ready\n"
        reload = hostel("reload", "--run-dir", house.box.dir / "run", timeout=60)
        killed = hunter.communicate("")[0]
        assert reload.returncode == 0 or killed, reload.stdout
        if killed:
            house.ask("reload")
            return {}
    raise AssertionError("no examiner was quick enough to be hit")


def by_php_child(house, n):
    user = random.choice(USERS)
    parents = [p["pid"] for p in house.user(user)["pools"] if p["pid"]]
    children = [c for p in parents for c in procs.children(p)]
    if children:
        os.kill(random.choice(children), signal.SIGKILL)
    return being_served(house, user, "php")


def by_php_parent(house, n):
    user = USERS[n % len(USERS)]
    calm(house, user, "pools", 5)
    for p in house.user(user)["pools"]:
        if p["pid"]:
            os.kill(p["pid"], signal.SIGKILL)
    return being_served(house, user, "php")


ROWS = [  # what, how often, how often with --long, the event
    ("reload", 6, 50, by_reload),
    ("another certificate", 2, 10, by_renewal),
    ("upgrade", 2, 5, by_upgrade),
    ("kill -9 of a worker", 2, 10, by_worker),
    ("kill -9 of the acceptor", 2, 10, by_acceptor),
    ("kill -9 of the examiner", 2, 10, by_examiner),
    ("kill -9 of the metrics", 2, 10, by_metrics),
    ("kill -9 of a php-cgi", 2, 10, by_php_child),
    ("kill -9 of a php-cgi parent", 2, 10, by_php_parent),
    ("reload, after all that", 2, 10, by_reload),
]


def run_row(house, what, times, event):
    """ret  whether nobody lost more than he may"""
    begin = time.monotonic()
    good, lost, allowed_in_all, done = True, 0, 0, sum(l.done for l in house.loads.values())
    for n in range(times):
        before = {key: len(load.wrong) for key, load in house.loads.items()}
        allowed = event(house, n)
        house.settle()
        allowed_in_all += sum(allowed.values())
        for key, load in house.loads.items():
            wrong = load.wrong[before[key]:]
            lost += len(wrong)
            if len(wrong) > allowed.get(key, 0):
                good = False
                print(f"  {what} {n + 1}: {' '.join(map(str, key))} lost {wrong[:3]}")
    done = sum(l.done for l in house.loads.values()) - done
    print(f"{what:30} {times:3} times {done:7} answers {lost:4} lost "
          f"({allowed_in_all} may be) {time.monotonic() - begin:6.1f} s "
          f"{'ok' if good else 'FAILED'}", flush=True)
    return good


def main():
    if os.geteuid() != 0 or not os.access(PHP_CGI, os.X_OK):
        print("needs root and php-cgi\n0 passed, 0 failed, 1 skipped")
        return 0
    procs.adopt_orphans()
    house, passed, failed = House(), 0, 0
    try:
        for load in house.loads.values():
            load.__enter__()
        house.settle()
        for what, short, long, event in ROWS:
            if args.only in what:
                if run_row(house, what, long if args.long else short, event):
                    passed += 1
                else:
                    failed += 1
        resumed, whole = (sum(getattr(r, n) for r in house.resuming) for n in ("resumed", "whole"))
        print(f"sessions gone on with: {resumed}, whole handshakes instead: {whole}")
        if args.only in "sessions go on":  # who was killed may start anew; nothing else does
            good = all(r.resumed > r.whole for r in house.resuming)
            passed, failed = passed + good, failed + (not good)
        house.end()
    finally:
        for pid in house.pids:
            if procs.alive(pid):
                os.kill(pid, signal.SIGKILL)
        house.box.close()
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
