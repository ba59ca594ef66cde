#!/usr/bin/python3
"""
Hostel beside its peers: the same sites, the same load, in rounds of short slices. Run by run.sh,
which installs and builds what this needs.

    bench/run.py [--quick] [--only CASE,...] [--peers NAME,...] [--full] [--cores 1|2]
                 [--rounds N] [--readme] [--build DIR] [--out DIR]
"""
import argparse
import contextlib
import json
import os
import platform
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

import blog
import box as boxes
import cases
import load
import peers
import report
import special
import turns

HERE = Path(__file__).resolve().parent
HOSTS = ("one.test", "two.test", "three.test")
FIRST_UID, FIRST_OF_MANY = 6101, 7001
ROUNDS, FEW = 24, 3
FILES = 1 << 16   # descriptors that a process may have, if the machine lets us
NAMES = [c.name for c in cases.LOADS + special.CASES]
USUAL = [n for n in NAMES if n not in [c.name for c in cases.LOADS if not c.usual]]


def arguments():
    p = argparse.ArgumentParser(description="Hostel beside its peers")
    known = list(dict.fromkeys(peer.name for peer in peers.everything()))
    p.add_argument("--quick", action="store_true", help="few rounds")
    p.add_argument("--only", default="", help=f"cases, of {' '.join(NAMES)}; all but "
                   f"{' '.join(n for n in NAMES if n not in USUAL)} when none is named")
    p.add_argument("--peers", default="", help=f"servers, of {' '.join(known)}")
    p.add_argument("--full", action="store_true", help="1000 users instead of 200")
    p.add_argument("--rounds", type=int, default=0,
                   help=f"of slices in turn: {ROUNDS}, or {FEW} with --quick")
    p.add_argument("--readme", action="store_true",
                   help="put the figures into bench/README.md, between its two marks")
    p.add_argument("--cores", type=int, choices=(1, 2), default=1,
                   help="2: nothing is pinned, two worker processes each")
    p.add_argument("--build", type=Path, default=HERE.parent / "build")
    p.add_argument("--out", type=Path, default=HERE.parent / "build" / "bench")
    args = p.parse_args()
    args.rounds = args.rounds or (FEW if args.quick else ROUNDS)
    args.only = [c for c in args.only.split(",") if c] or USUAL
    args.peers = [c for c in args.peers.split(",") if c]
    for name in args.only + args.peers:
        if name not in NAMES + known:
            p.error(f"no such case or server: {name}")
    return args


def say(text):
    print(text, file=sys.stderr, flush=True)


def machine():
    cpu = "?"
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    return f"{cpu}, {os.cpu_count()} cores, Linux {platform.release()}"


def raise_files():
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    except ValueError:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def chosen(args):
    """The peers asked for that can run here."""
    peers.Hostel.build = args.build
    found = []
    for peer in peers.everything():
        if args.peers and peer.name not in args.peers:
            continue
        why = peer.missing()
        if why:
            say(f"{peer.name}: left out, {why}")
        else:
            found.append(peer)
    return found


class Run:
    """What all cases share; results is what becomes bench.json."""

    first_of_many = FIRST_OF_MANY

    def __init__(self, args, box):
        self.args, self.box, self.peers = args, box, chosen(args)
        self.servers = {}    # peer -> Server, those that run
        self.blog = None     # WordPress, when a case asks for it
        self.sites = boxes.make_sites(box, HOSTS, FIRST_UID)
        self.load_core = "1" if args.cores == 1 else "0,1"
        load.build_visitors(box, args.build)
        self.results = {
            "machine": machine(), "load": os.getloadavg(), "rounds": args.rounds,
            "cores": args.cores, "cases": [], "special": {},
            "versions": {p.package or "hostel": p.version() for p in self.peers}}
        self.results["versions"]["PHP"] = peers.php_version()
        self.began, self.steps, self.done = time.monotonic(), 0, 0

    @staticmethod
    def idle_connections():
        """10,000, or what there are descriptors for: a server may set two aside for each."""
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return min(10000, files * 9 // 20 // 1000 * 1000)

    def taking(self, case):
        """The servers that a load is for."""
        return [p for p in self.peers if (p.cases is None or case.name in p.cases)
                and (p.php or not case.php)]

    def step(self, what, figure):
        """Progress, for who waits."""
        self.done += 1
        took = time.monotonic() - self.began
        say(f"[{self.done}/{self.steps}, {took / 60:.1f} min] {what}: {figure}")

    def server(self, peer):
        """The peer's server, started on first use."""
        if peer not in self.servers:
            n = len(self.servers)
            self.servers[peer] = peer.start(
                self.box / f"{n}-{peer.name}", boxes.free_port(), self.sites,
                "0" if self.args.cores == 1 else "0,1")
        return self.servers[peer]

    def stop(self):
        for server in self.servers.values():
            server.stop()
        self.servers = {}
        if self.blog:
            self.blog.close()
            self.blog = None

    def save(self):
        self.results["took_s"] = time.monotonic() - self.began
        self.args.out.mkdir(parents=True, exist_ok=True)
        (self.args.out / "bench.json").write_text(json.dumps(self.results, indent=1) + "\n")
        text = report.markdown(self.results, *special.report(self.results))
        (self.args.out / "bench.md").write_text(text + "\n")
        return text

    def prepare(self, case, peer, stack):
        """
        One server's part of a case: its answers checked, one visitor's patience, its calls.
        Its slices; or why there are none.
        """
        server, sites = self.server(peer), self.sites[:case.hosts]
        bodies = load.check(server.port, case, sites, peer.constant)
        visitors = stack.enter_context(load.Visitors(
            self.box, case, bodies, server.port, self.load_core))
        visitors.ask(case.ms)   # caches and pools are warm then
        row = {"latency": load.latency(server.port, case, sites)}
        if case.calls:
            row["syscalls"] = load.syscalls(server, visitors, self.box)
        return turns.Player(peer.name, lambda: load.measure(server, visitors, case.ms)), row

    def group(self, group):
        """Cases that take turns with each other: all servers of one, then the next server's."""
        rows = {case.name: {} for case in group}
        with contextlib.ExitStack() as stack:
            players = []
            for peer in self.peers:
                for case in (c for c in group if peer in self.taking(c)):
                    row = rows[case.name].setdefault(peer.name, {"rounds": [], "wrong": ""})
                    try:
                        player, more = self.prepare(case, peer, stack)
                        row.update(more)
                        player.row = row
                        players.append(player)
                        said = f"{row['latency']['p50_us']:,.0f} us"
                    except load.FAILURES as e:
                        said = row["wrong"] = load.failure(e)
                    self.step(f"{case.name} {peer.name}", said)
            turns.play(players, self.rounds(group[0].share))
        for case in group:
            self.last_check(case, rows[case.name])
            self.results["cases"].append({"name": case.name, "what": case.what,
                                          "unit": case.unit, "peers": rows[case.name]})
            self.step(case.name, ", ".join(
                f"{name} {report.number(value)}"
                for name, value in report.medians(self.results["cases"][-1]).items()))
        self.save()

    def last_check(self, case, rows):
        """Right answers at the end as well, or the figures do not count."""
        for peer in self.taking(case):
            try:
                if rows[peer.name]["rounds"]:
                    load.check(self.server(peer).port, case, self.sites[:case.hosts],
                               peer.constant)
            except load.FAILURES as e:
                rows[peer.name].update(rounds=[], wrong=load.failure(e))

    def rounds(self, share):
        """So many where slices are long."""
        return max(min(self.args.rounds, FEW), round(self.args.rounds * share))

    def all(self):
        loads = cases.groups(self.args.only)
        self.steps = sum(1 + len(self.taking(c)) for group in loads for c in group) + sum(
            special.steps(self, c) for c in special.CASES if c.name in self.args.only)
        for group in loads:
            if group[0].blog and not self.blog:
                self.blog = blog.Blog(self.box, self.sites[0], self.load_core)
            self.group(group)
        self.stop()
        special.run_all(self, self.args.only)


def put_in_readme(results):
    path = HERE / "README.md"
    text = report.readme(path.read_text(encoding="utf-8"), results, *special.report(results))
    path.write_text(text, encoding="utf-8")


def main():
    args = arguments()
    if os.geteuid() != 0:
        sys.exit("Serving several users takes root: sudo sh bench/run.sh")
    os.umask(0o022)
    raise_files()
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda *_: sys.exit(130))
    box = Path(tempfile.mkdtemp(prefix="hostel-bench-"))
    box.chmod(0o755)
    run = None
    try:
        run = Run(args, box)
        run.all()
        print(run.save())
        if args.readme:
            put_in_readme(run.results)
    finally:
        for end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(end, signal.SIG_IGN)
        if run:
            run.stop()
        boxes.remove(box)


if __name__ == "__main__":
    main()
