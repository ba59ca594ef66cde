#!/usr/bin/python3
"""
What slow clients cost the others: the time that a visitor's requests take at a modest rate,
undisturbed, and then while crowds of slow heads, slow bodies and slow readers hold on.

    bench/slow.py --port PORT --host HOST [--path /] [--big /big] [--upload /in.php]
                  [--each 1000] [--rate 200] [--seconds 10] [--pid WORKER]

HOST must have a file --big of some megabytes and a script --upload that takes a body. The server
needs connections_per_address above three times --each.
"""
import argparse
import contextlib
import multiprocessing
import selectors
import socket
import sys
import time

DRIP_S = 1.0  # each slow client moves a byte this often


class Crowd:
    """Slow heads, slow bodies and slow readers, so many of each; run() keeps them slow."""

    def __init__(self, port, host, each, big="/big", upload="/in.php"):
        self.port, self.host, self.each = port, host, each
        self.big, self.upload = big, upload
        self.clients, self.at = [], 0
        self.lost = {"head": 0, "body": 0, "reader": 0}
        self.begun = time.monotonic()

    def __enter__(self):
        kinds = (
            ("head", f"GET / HTTP/1.1\r\nHost: {self.host}\r\nX: "),
            ("body", f"POST {self.upload} HTTP/1.1\r\nHost: {self.host}\r\n"
                     "Content-Length: 1000000\r\n\r\n"),
            ("reader", f"GET {self.big} HTTP/1.1\r\nHost: {self.host}\r\n\r\n"),
        )
        for n in range(self.each):
            for kind, start in kinds:
                s = socket.socket()
                if kind == "reader":
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.connect(("127.0.0.1", self.port))
                s.sendall(start.encode())
                s.setblocking(False)
                self.clients.append((kind, s))
            if n % 50 == 49:
                time.sleep(0.05)  # a crowd that gathers, not a storm that overruns the backlog
        self.begun = time.monotonic()
        return self

    def __exit__(self, *_):
        for _, s in self.clients:
            s.close()

    def drip(self):
        """Move a byte of those whose turn it is: each has one in DRIP_S."""
        due = int((time.monotonic() - self.begun) / DRIP_S * 3 * self.each)
        for _ in range(min(due - self.at, len(self.clients))):
            place = self.at % len(self.clients)
            kind, s = self.clients[place]
            self.at += 1
            try:
                if kind == "reader":
                    gone = not s.recv(1)
                else:
                    gone = not s.send(b"x")
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                s.close()
                self.lost[kind] += 1
                self.clients[place] = self.clients[-1]
                self.clients.pop()

    @contextlib.contextmanager
    def dripping(self):
        """Go on in a process of its own, so that only the server is measured."""
        child = multiprocessing.get_context("fork").Process(target=self.run, args=(1e6,))
        child.start()
        try:
            yield
        finally:
            child.kill()
            child.join()

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.drip()
            time.sleep(0.005)


class Visit:
    """One visitor's kept connection, driven by the one loop of visits()."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.asked, self.got = None, b""

    def ask(self, request):
        self.asked, self.got = time.monotonic(), b""
        self.sock.send(request)

    def read(self):
        """None while the answer is not whole; else (milliseconds, it was right)."""
        data = self.sock.recv(65536)
        self.got += data
        head, end, body = self.got.partition(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n")
                  if line.startswith(b"content-length:")]
        if data and (not end or (length and len(body) < int(length[0].split(b":")[1]))):
            return None
        took, self.asked = (time.monotonic() - self.asked) * 1000, None
        return took, self.got.startswith(b"HTTP/1.1 200 ")


def visits(port, host, path, rate, seconds):
    """Ask at a steady rate; times are in milliseconds."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    ready = selectors.DefaultSelector()
    pool = [Visit(port) for _ in range(8)]
    for v in pool:
        ready.register(v.sock, selectors.EVENT_READ, v)
    times, wrong, asked = [], 0, 0
    begun = time.monotonic()
    while (now := time.monotonic()) < begun + seconds:
        free = [v for v in pool if v.asked is None]
        if free and now >= begun + asked / rate:
            free[0].ask(request)
            asked += 1
        for key, _ in ready.select(0.001):
            if key.data.asked is None:
                raise ConnectionError("a visitor's connection was closed")
            done = key.data.read()
            if done:
                times.append(done[0])
                wrong += not done[1]
    for v in pool:
        v.sock.close()
    times.sort()
    assert times, "no answer at all"
    return {"requests": len(times), "wrong": wrong, "p50_ms": times[len(times) // 2],
            "p99_ms": times[len(times) * 99 // 100], "max_ms": times[-1]}


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def show(what, v):
    print(f"{what:14} {v['requests']:7} requests, {v['wrong']} wrong   p50 {v['p50_ms']:7.2f} ms"
          f"   p99 {v['p99_ms']:7.2f} ms   max {v['max_ms']:7.2f} ms")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--host", required=True)
    p.add_argument("--path", default="/")
    p.add_argument("--big", default="/big")
    p.add_argument("--upload", default="/in.php")
    p.add_argument("--each", type=int, default=1000)
    p.add_argument("--rate", type=float, default=200)
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--pid", type=int, help="a worker: how busy the crowd alone keeps it")
    args = p.parse_args()
    before = visits(args.port, args.host, args.path, args.rate, args.seconds)
    show("undisturbed", before)
    with Crowd(args.port, args.host, args.each, args.big, args.upload) as crowd:
        crowd.run(1)
        used = cpu_seconds(args.pid) if args.pid else 0
        crowd.run(2)
        if args.pid:
            print(f"the crowd alone keeps the worker busy for "
                  f"{(cpu_seconds(args.pid) - used) / 2:.1%}")
        with crowd.dripping():
            during = visits(args.port, args.host, args.path, args.rate, args.seconds)
        crowd.run(1)  # who is gone is noticed
        show("with the crowd", during)
        print(f"of {args.each} slow ones each were ended meanwhile: {crowd.lost}")
    print(f"p99 times {during['p99_ms'] / before['p99_ms']:.2f}")
    return 0 if during["wrong"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
