"""The cases: loads that all servers get in turn, and two that look at memory."""
import socket
import statistics
import time
from dataclasses import dataclass

import box as boxes
import load

ONE = 1   # hosts asked for
ALL = 3


@dataclass(frozen=True)
class Case:
    name: str
    what: str
    path: str
    hosts: int = ONE
    close: bool = False
    connections: int = 32
    unit: str = "per_cpu"

    @property
    def php(self):
        return self.path.endswith(".php")


LOADS = [
    Case("keep-1k", "1 KiB, kept connections", "/1k.html"),
    Case("fresh-1k", "1 KiB, a connection for each request", "/1k.html", close=True),
    Case("keep-10k", "10 KiB, kept connections", "/10k.html"),
    Case("keep-100k", "100 KiB, kept connections", "/100k.html"),
    Case("keep-1m", "1 MiB, kept connections", "/1m.html", connections=8),
    Case("keep-100m", "100 MiB, kept connections, MB per CPU-second", "/100m.html",
         connections=2, unit="mb_per_cpu"),
    Case("turns-fresh", "1 KiB, three users in turn, a connection for each request",
         "/1k.html", hosts=ALL, close=True),
    Case("turns-keep", "1 KiB, kept connections that ask for three users' sites in turn",
         "/1k.html", hosts=ALL),
    Case("php-hello", "PHP hello, kept connections", "/hello.php", connections=8),
    Case("php-hello-fresh", "PHP hello, a connection for each request", "/hello.php",
         close=True, connections=8),
    Case("php-2ms", "PHP, some 2 ms of work, kept connections", "/work.php", connections=8),
    Case("php-2ms-fresh", "PHP, some 2 ms of work, a connection for each request",
         "/work.php", close=True, connections=8),
]
IDLE_PEERS = ("hostel", "nginx", "nginx-tuned", "lighttpd", "h2o", "apache-event")
USERS_PEERS = ("hostel", "nginx", "apache-itk")


def idle(peer, d, sites, connections):
    """
    PSS of connections that were answered once and wait for their next request.

    ret  KiB before, with all of them, bytes per connection, how many were still open at the end
    """
    server = peer.start(d, boxes.free_port(), sites)
    held = []
    try:
        for _ in range(3):
            load.get(server.port, sites[0].host, "/1k.html", close=False)
        time.sleep(0.5)
        before = server.pss()
        for n in range(connections):
            # addresses in turn: a server may bound how many come from one
            s = socket.create_connection(("127.0.0.1", server.port), 10,
                                         (f"127.0.0.{1 + n % 100}", 0))
            held.append(s)
            s.sendall(load.request(sites[0].host, "/1k.html", False))
            if not load.read_answer(s)[0].startswith("HTTP/1.1 200"):
                raise load.Wrong("an idle connection was not answered")
        time.sleep(2)
        after, still = server.pss(), 0
        for s in held:
            s.setblocking(False)
            try:
                still += bool(s.recv(1))
            except BlockingIOError:
                still += 1
        return {"pss_before_kib": before, "pss_after_kib": after, "open": still,
                "bytes_per_connection": (after - before) * 1024 / max(still, 1)}
    finally:
        for s in held:
            s.close()
        server.stop()


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


def users(peer, d, sites):
    """Many users: what they cost before anybody asks, and after one static and one PHP hit."""
    began = time.monotonic()
    server = peer.start(d, boxes.free_port(), sites, many=True)
    try:
        out = {"users": len(sites), "start_s": time.monotonic() - began}
        time.sleep(0.5)
        out["pss_idle_kib"] = server.pss()
        out["static"] = hit_each(server.port, sites, "/1k.html")
        out["pss_static_kib"] = server.pss()
        turns = Case(f"users-{peer.name}", "", "/1k.html", hosts=len(sites), close=True)
        wire = load.check(server.port, turns, sites[:1], False)
        wrk = load.Wrk(d, turns, sites, server.port, "1")
        out["round_robin"] = load.measure(server, wrk, wire, 2)
        one = load.Wrk(d, Case(f"one-{peer.name}", "", "/1k.html", close=True), sites,
                       server.port, "1")
        out["one_user"] = load.measure(server, one, wire, 2)
        out["php"] = hit_each(server.port, sites, "/hello.php")
        out["pss_php_kib"] = server.pss()
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline and server.pss() > 1.2 * out["pss_static_kib"]:
            time.sleep(2)
        out["pss_php_over_kib"] = server.pss()
        return out
    finally:
        server.stop()
