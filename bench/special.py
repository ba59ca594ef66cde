"""
Cases that need more than a load: a server of their own, memory looked at, many users, two cores.

A case is a class with a name, a line that says what it is, the servers it is for, and three
functions: measure() for one server, table() and bars() for the report. CASES lists them all;
one of another module is added there.
"""
import contextlib
import socket
import statistics
import subprocess
import time
from pathlib import Path

import bare
import box as boxes
import cases
import load
import tls
import turns
from report import HOSTEL, bar, number, ratio_bar


class Idle:
    """Kept connections that were answered once and wait for their next request."""

    name = "idle"
    what = "kept connections that ask for nothing"
    peers = (HOSTEL, "nginx", "nginx-tuned", "lighttpd", "h2o", "apache-event")

    @staticmethod
    def measure(run, peer, d):
        """PSS before and with them; how many were still open at the end."""
        connections = 1000 if run.args.quick else run.idle_connections()
        server = peer.start(d, boxes.free_port(), run.sites)
        held = []
        try:
            for _ in range(3):
                load.get(server.port, run.sites[0].host, "/1k.html", close=False)
            time.sleep(0.5)
            before = server.pss()
            for n in range(connections):
                # addresses in turn: a server may bound how many come from one
                s = socket.create_connection(("127.0.0.1", server.port), 10,
                                             (f"127.0.0.{1 + n % 100}", 0))
                held.append(s)
                s.sendall(load.request(run.sites[0].host, "/1k.html", False))
                if not load.read_answer(s)[0].startswith("HTTP/1.1 200"):
                    raise load.Wrong("an idle connection was not answered")
            time.sleep(4)
            after, still = server.pss(), 0
            for s in held:
                s.setblocking(False)
                try:
                    still += bool(s.recv(1))
                except BlockingIOError:
                    still += 1
            for s in held[::100]:   # and they are as good as before
                s.settimeout(10)
                s.sendall(load.request(run.sites[0].host, "/1k.html", False))
                if not load.read_answer(s)[0].startswith("HTTP/1.1 200"):
                    raise load.Wrong("an idle connection was not answered again")
            return {"pss_before_kib": before, "pss_after_kib": after, "open": still,
                    "asked": connections,
                    "bytes_per_connection": (after - before) * 1024 / max(still, 1)}
        finally:
            for s in held:
                s.close()
            server.stop()

    @staticmethod
    def table(rows):
        lines = ["| server | PSS KiB before | with them | still open | bytes each |",
                 "|---|---:|---:|---:|---:|"]
        for name, r in rows.items():
            lines.append(f"| {name} | {r['wrong']} | | | |" if "wrong" in r else
                         f"| {name} | {r['pss_before_kib']:,} | {r['pss_after_kib']:,} "
                         f"| {r['open']:,} | {r['bytes_per_connection']:,.0f} |")
        if any(r.get("asked", 10000) < 10000 for r in rows.values()):
            lines += ["", "Fewer than 10,000: a process may not have more descriptors here, and "
                      "Hostel sets two aside for each connection."]
        return lines

    @staticmethod
    def bars(rows):
        each = {n: r["bytes_per_connection"] for n, r in rows.items() if "wrong" not in r}
        rest = {n: v for n, v in each.items() if n != HOSTEL}
        if HOSTEL not in each or not rest:
            return []
        least = min(rest, key=rest.get)
        lost = rows[HOSTEL]["asked"] - rows[HOSTEL]["open"]
        return [bar(f"idle, {rows[HOSTEL]['open']:,} connections",
                    f"fewer bytes each than {least}: {rest[least]:.0f}", each[HOSTEL],
                    each[HOSTEL] < rest[least]),
                bar("idle", "none of them is lost", lost, lost == 0)]


def hit_each(port, sites, path):
    """One request to each site: milliseconds of each, and how many were not right."""
    took, wrong = [], 0
    for s in sites:
        began = time.perf_counter()
        try:
            head, body, _ = load.get(port, s.host, path, timeout=30)
            good = head.startswith("HTTP/1.1 200") and s.host.encode() in body
        except (OSError, load.Wrong):
            good = False
        took.append((time.perf_counter() - began) * 1e3)
        wrong += not good
    return {"p50_ms": statistics.median(took), "max_ms": max(took), "errors": wrong}


def php_users(server):
    """How many users' PHP runs: of a thousand the first have ended when the last is asked."""
    users = set()
    for pid in server.pids():
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as f:
                text = f.read()
        except OSError:
            continue
        if text.startswith(("Name:\tphp-cgi", "Name:\tphp-fpm")):
            users.add(text.partition("\nUid:\t")[2].split()[0])
    return len(users - {"0"})


class Users:
    """Many users: what they cost before anybody asks, and after a static and a PHP hit each."""

    name = "users"
    what = "many of them"
    peers = (HOSTEL, "nginx", "apache-itk")
    ms = 200   # of a slice: all users are asked more than once in it

    def __init__(self):
        self.sites = []

    def measure(self, run, peer, d):
        n = 1000 if run.args.full else 20 if run.args.quick else 200
        if len(self.sites) != n:
            self.sites = boxes.make_sites(run.box / "many", [f"u{i}.test" for i in range(n)],
                                          run.first_of_many, {"1k": 1})
        out = {"users": n}
        if peer.name == HOSTEL:
            out["never_asked_kib"] = self.never_asked(run, peer, d)
            self.floor(out, run.rounds(0.5), d.with_name(d.name + "-rooms"))
        began = time.monotonic()
        server = peer.start(d, boxes.free_port(), self.sites, many=True)
        try:
            out["start_s"] = time.monotonic() - began
            time.sleep(0.5)
            out["pss_idle_kib"] = server.pss()
            out["static"] = hit_each(server.port, self.sites, "/1k.html")
            out["pss_static_kib"] = server.pss()
            self.rates(out, run.rounds(0.5), d, server)
            out["php"] = hit_each(server.port, self.sites, "/hello.php")
            running = php_users(server)
            out["pss_php_kib"] = server.pss()
            out["php_users"] = (running + php_users(server)) / 2
            deadline = time.monotonic() + 40
            while time.monotonic() < deadline and server.pss() > 1.2 * out["pss_static_kib"]:
                time.sleep(2)
            out["pss_php_over_kib"] = server.pss()
            return out
        finally:
            server.stop()

    @staticmethod
    def never_asked(run, peer, d):
        """KiB of a user who is not asked for: what the second thousand of them adds."""
        sites = boxes.make_sites(run.box / f"{d.name}-never", [f"n{i}.test" for i in range(2000)],
                                 run.first_of_many, ())
        held = []
        for n in (1000, 2000):
            server = peer.start(d.with_name(f"{d.name}-{n}"), boxes.free_port(), sites[:n],
                                many=True)
            try:
                time.sleep(1)
                held.append(server.pss_own())
            finally:
                server.stop()
        return (held[1] - held[0]) / 1000

    def rates(self, out, rounds, d, server):
        """All users in turn, and one of them, in turns with each other."""
        asked = {}
        for what, hosts in (("round_robin", len(self.sites)), ("one_user", 1)):
            load.check(server.port, self.case(what, hosts), self.sites[:1], False)
            asked[what] = server, {s.host: s.shared / "1k.html" for s in self.sites[:hosts]}
        self.play(out, rounds, d, asked)

    def floor(self, out, rounds, d):
        """The same of processes that do nothing but answer a constant."""
        d.mkdir()
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", d / "rooms",
                        Path(__file__).parent / "rooms.c"], check=True)
        with contextlib.ExitStack() as stack:
            asked = {}
            for what, n in (("floor_round_robin", len(self.sites)), ("floor_one", 1)):
                server = boxes.Server(what, boxes.free_port())
                stack.callback(server.stop)
                server.spawn([d / "rooms", server.port, n], d / "log")
                server.wait_ready()
                asked[what] = server, {"rooms.test": b"x" * 1024}
            self.play(out, rounds, d, asked)

    @staticmethod
    def case(what, hosts):
        return cases.Case(what, "", "/1k.html", hosts=hosts, close=True)

    def play(self, out, rounds, d, asked):
        """asked: what -> a server, and what each of its hosts sends."""
        players = []
        with contextlib.ExitStack() as stack:
            for what, (server, bodies) in asked.items():
                visitors = stack.enter_context(load.Visitors(
                    d, self.case(what, len(bodies)), bodies, server.port, "1"))
                visitors.ask(500)
                players.append(turns.Player(
                    what, lambda s=server, v=visitors: load.measure(s, v, self.ms)))
            turns.play(players, rounds)
        for p in players:
            if p.row["wrong"]:
                raise load.Wrong(p.row["wrong"])
            out[p.name] = {"per_cpu": turns.middle(p.row["rounds"]), "rounds": p.row["rounds"]}

    @staticmethod
    def table(rows):
        lines = ["| server | users | start s | PSS MiB idle | each hit once | each one PHP hit | "
                 "PHP idle again | cold static ms (max) | cold PHP ms (max) | round robin | "
                 "one user | errors |", "|---|" + "---:|" * 11]
        for name, r in rows.items():
            if "wrong" in r:
                lines.append(f"| {name} | {r['wrong']} |" + " |" * 10)
                continue
            mib = [f"{r[k] / 1024:.1f}" for k in
                   ("pss_idle_kib", "pss_static_kib", "pss_php_kib", "pss_php_over_kib")]
            if r["php_users"]:
                mib[2] += f" ({r['php_users']:.0f} run)"
            cold = [f"{r[k]['p50_ms']:.1f} ({r[k]['max_ms']:.0f})" for k in ("static", "php")]
            rates = [number(r[k]["per_cpu"]) for k in ("round_robin", "one_user")]
            lines.append("| " + " | ".join(
                [name, str(r["users"]), f"{r['start_s']:.2f}", *mib, *cold, *rates,
                 str(r["static"]["errors"] + r["php"]["errors"])]) + " |")
        return lines

    @staticmethod
    def bars(rows):
        """The bars are those of 1000 users; with fewer the figures per user are held to them."""
        r = rows.get(HOSTEL)
        if not r or "wrong" in r:
            return []
        n = r["users"]
        over = (r["pss_php_over_kib"] - r["pss_static_kib"]) / n
        low, floor, high = turns.quartiles(turns.ratios(r["floor_round_robin"]["rounds"],
                                                        r["floor_one"]["rounds"]))
        rows = [
            ("KiB of a user never asked for", "under 1", r["never_asked_kib"], 1),
            ("KiB of a started worker", "under 400",
             (r["pss_static_kib"] - r["pss_idle_kib"]) / n, 400),
            ("cold static answer, ms", "under 5", r["static"]["p50_ms"], 5),
            ("all hit once, MiB per 1000", "under 400",
             r["pss_static_kib"] / n * 1000 / 1024, 400),
            ("MiB of a user's PHP", "under 7",
             (r["pss_php_kib"] - r["pss_static_kib"]) / max(r["php_users"], 1) / 1024, 7),
            ("KiB of it that idle_exit leaves", "under 40", over, 40),
            ("errors", "none", r["static"]["errors"] + r["php"]["errors"], 0.5)]
        return [bar(f"{n} users: {what}", limit, value, value < most)
                for what, limit, value, most in rows] + ratio_bar(
                    f"{n} users: round robin", 0.9, "one user", r["round_robin"]["rounds"],
                    r["one_user"]["rounds"]) + [
                        f"| {n} users: round robin | what rooms.c has of its one | "
                        f"{floor:.2f} | {low:.2f}-{high:.2f} | |"]


class TwoCores:
    """Nothing pinned, two worker processes each: does one busy user get both cores?"""

    name = "cores"
    what = "two cores, nothing pinned, two workers each"
    peers = (HOSTEL, "nginx-tuned", "lighttpd", "h2o", "apache-event")
    loads = ("keep-1k", "fresh-1k")
    ms = 200

    @staticmethod
    def steps(_, chosen):
        return len(chosen)

    def measure_all(self, run, chosen):
        """peer -> case -> figures; all servers run, and take turns."""
        rows, servers = {}, {}
        try:
            for peer in chosen:
                try:
                    servers[peer] = peer.start(run.box / f"{self.name}-{peer.name}",
                                               boxes.free_port(), run.sites, cores="0,1")
                except load.FAILURES as e:
                    rows[peer.name] = {"wrong": load.failure(e)}
            for case in (c for c in cases.LOADS if c.name in self.loads):
                for name, row in self.case(run, case, servers).items():
                    good = rows.setdefault(name, {})
                    good.update({"wrong": row["wrong"]} if row["wrong"] else {case.name: row})
        finally:
            for peer, server in servers.items():
                server.stop()
                run.step(f"{self.name} {peer.name}", rows[peer.name].get("wrong", "measured"))
        return {p.name: rows[p.name] for p in chosen}

    def case(self, run, case, servers):
        """peer -> its rounds, medians of them, and the shares of its busiest processes"""
        rows, players = {}, []
        with contextlib.ExitStack() as stack:
            for peer, server in servers.items():
                player = turns.Player(peer.name, None)
                rows[peer.name] = player.row
                try:
                    bodies = load.check(server.port, case, run.sites[:1], peer.constant)
                    visitors = stack.enter_context(load.Visitors(
                        run.box, case, bodies, server.port, "0,1"))
                    visitors.ask(500)
                except load.FAILURES as e:
                    player.row["wrong"] = load.failure(e)
                    continue
                player.row["before"] = server.used()
                player.slice = lambda s=server, v=visitors: load.measure(s, v, self.ms)
                players.append(player)
            turns.play(players, run.rounds(0.5))
        for peer, server in servers.items():
            row = rows[peer.name]
            if not row["wrong"]:
                used = sorted((s - row["before"].get(pid, 0)
                               for pid, s in server.used().items()), reverse=True)
                row.update({k: turns.middle(row["rounds"], k) for k in ("per_cpu", "rate")},
                           shares=[u / sum(used) for u in used[:3]])
        return rows

    def table(self, rows):
        lines = ["| server | " + " | ".join(
            f"{c}: requests/s | per CPU-second | busiest processes" for c in self.loads) + " |",
                 "|---|" + "---:|" * 3 * len(self.loads)]
        for name, r in rows.items():
            if "wrong" in r:
                lines.append(f"| {name} | {r['wrong']} |" + " |" * (3 * len(self.loads) - 1))
                continue
            cells = []
            for c in self.loads:
                shares = " ".join(f"{s:.0%}" for s in r[c]["shares"] if s >= 0.01)
                cells += [number(r[c]["rate"]), number(r[c]["per_cpu"]), shares]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        return lines

    def bars(self, rows):
        good = {n: r for n, r in rows.items() if "wrong" not in r}
        if HOSTEL not in good or len(good) < 2:
            return []
        lines = []
        for c in self.loads:
            best = max((n for n in good if n != HOSTEL), key=lambda n: good[n][c]["per_cpu"])
            lines += ratio_bar(f"two cores, {c}", 1, best, good[HOSTEL][c]["rounds"],
                               good[best][c]["rounds"])
        # kept connections that came at once stay where they were put; fresh ones show it
        second = good[HOSTEL]["fresh-1k"]["shares"][1]
        return lines + [bar("two cores, one busy user", "two processes share the work: 0.25",
                            second, second >= 0.25)]


class PhpBare:
    """What Hostel adds to PHP: a bare php-cgi on kept FastCGI connections beside it."""

    name = "php-bare"
    what = "PHP hello with Hostel, and php-cgi alone, answers per CPU-second"
    peers = (HOSTEL,)

    @staticmethod
    def measure(run, peer, d):
        return bare.overhead(peer, d, run.sites, run.args.rounds, 300)

    @staticmethod
    def table(rows):
        lines = ["| server | php-cgi alone | with it | more CPU | us of PHP alone | of PHP "
                 "behind it | of the server |", "|---|" + "---:|" * 6]
        for name, r in rows.items():
            lines.append(f"| {name} | {r['wrong']} |" + " |" * 5 if "wrong" in r else
                         f"| {name} | {number(r['bare'])} | {number(r['hostel'])} "
                         f"| {r['overhead']:.0%} | {r['bare_us']:.0f} | {r['php_us']:.0f} "
                         f"| {r['own_us']:.0f} |")
        return lines

    @staticmethod
    def bars(rows):
        r = rows.get(HOSTEL, {"wrong": ""})
        return [] if "wrong" in r else [
            bar("php-bare", "at most 0.15 more CPU than php-cgi alone", r["overhead"],
                r["overhead"] <= 0.15, "{:.2f}-{:.2f}".format(*r["quartiles"]))]


CASES = [PhpBare(), Idle(), Users(), TwoCores(), *tls.CASES]


def taking(case, chosen):
    return [p for p in chosen if p.name in case.peers]


def steps(run, case):
    """How many lines of progress there will be."""
    chosen = taking(case, run.peers)
    return case.steps(run, chosen) if hasattr(case, "steps") else len(chosen)


def run_all(run, wanted):
    """
    Each case for each of its servers that can run; what fails is a row that says so. A case with
    measure_all() lets them take turns itself.
    """
    for case in CASES:
        if case.name not in wanted:
            continue
        rows = run.results["special"].setdefault(case.name, {})
        if hasattr(case, "measure_all"):
            rows.update(case.measure_all(run, taking(case, run.peers)))
            run.save()
            continue
        for peer in taking(case, run.peers):
            try:
                rows[peer.name] = case.measure(run, peer, run.box / f"{case.name}-{peer.name}")
            except load.FAILURES as e:
                rows[peer.name] = {"wrong": load.failure(e)}
            run.step(f"{case.name} {peer.name}", rows[peer.name].get("wrong", "measured"))
            run.save()


def report(results):
    """(lines of tables, lines of bars)"""
    tables, bars = [], []
    for case in CASES:
        rows = results.get("special", {}).get(case.name)
        if rows:
            tables += [f"### {case.name}: {case.what}", "", *case.table(rows), ""]
            with contextlib.suppress(ZeroDivisionError):
                bars += case.bars(rows)
    return tables, bars
