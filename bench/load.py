"""Load on one server: checked answers, visitors, a paced one, system calls under strace."""
import contextlib
import re
import select
import signal
import socket
import statistics
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SETTLE_S = 0.002   # after the last answer: a log's line, a connection's end


class Wrong(Exception):
    """An answer that is not the right one: the figure does not count."""


# what one server's turn may end with; the others have theirs
FAILURES = (Wrong, OSError, RuntimeError, ValueError, ArithmeticError, subprocess.SubprocessError)


def failure(e):
    """In a cell of a table."""
    return " ".join(f"{type(e).__name__}: {e}".split())[:200].replace("|", "/")


def request(host, path, close):
    connection = "close" if close else "keep-alive"
    return (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n\r\n").encode()


def read_answer(s, keep_body=True):
    """(head, body, bytes on the wire) of one answer with a length, chunks or an end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = s.recv(65536)
        if not more:
            raise Wrong("closed before the head was whole")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
    chunked = re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I)
    parts, got = [body], len(body)
    while got < int(length[1]) if length else not (chunked and parts[-1].endswith(b"0\r\n\r\n")):
        more = s.recv(1 << 20)
        if not more:
            if length or chunked:
                raise Wrong("closed before the body was whole")
            break
        got += len(more)
        if keep_body or not length:
            parts.append(more)
    body = b"".join(parts)
    if chunked:
        body = dechunk(body)
    return head.decode("latin-1"), body, len(head) + 4 + got


def dechunk(data):
    out = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        n = int(size.split(b";")[0], 16)
        if n == 0:
            return out
        out, data = out + data[:n], data[n + 2:]


def get(port, host, path, close=True, timeout=20, tls=None):
    """tls: the ssl.SSLContext of a visitor who comes by TLS"""
    with contextlib.ExitStack() as stack:
        s = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout))
        if tls:
            s = stack.enter_context(tls.wrap_socket(s, server_hostname=host))
        s.sendall(request(host, path, close))
        return read_answer(s)


def check(port, case, sites, constant, tls=None):
    """One answer for each host, whole; host -> its body, or the file that it is."""
    bodies = {}
    for site in sites[:case.hosts]:
        head, body, _ = get(port, site.host, case.path, case.close, tls=tls)
        if not head.startswith("HTTP/1.1 200"):
            raise Wrong(f"{site.host}{case.path}: {head.splitlines()[0]}")
        bodies[site.host] = body
        if constant:
            good = body == b"x" * 1024
        elif case.php:
            good = site.host.encode() in body and b"<?php" not in body
        else:
            bodies[site.host] = site.shared / case.path[1:]
            good = bodies[site.host].read_bytes() == body
        if not good:
            raise Wrong(f"{site.host}{case.path}: not the body that the site has")
    return bodies


def build_visitors(d, build):
    """visitors/, compiled into d. build: Hostel's, where no libllhttp is packaged."""
    ours = build / "libhostel_llhttp.a"
    llhttp = ["-isystem", "/usr/share/include/llhttp", ours] if ours.exists() else ["-lllhttp"]
    Visitors.program = d / "visitors"
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", Visitors.program,
                    *sorted((HERE / "visitors").glob("*.c")), *llhttp, "-lssl", "-lcrypto"],
                   check=True)


class Visitors:
    """
    Those who ask one server for a case, on the load's core. They stand by until they are told,
    and look at every answer. Their end is that of the `with`.
    """

    program = None

    def __init__(self, d, case, bodies, port, core, options=()):
        """bodies: host -> what it must send; d: where these may be written down."""
        args = ["taskset", "-c", core, self.program, "-c", case.connections, *options]
        args += (["-f"] if case.close else []) + (["-s"] if "," not in core else [])
        args += [port, case.path]
        for host, body in bodies.items():
            if not isinstance(body, Path):
                (d / f"{port}-{case.name}-{host}").write_bytes(body)
                body = d / f"{port}-{case.name}-{host}"
            args.append(f"{host}={body}")
        self.process = subprocess.Popen(list(map(str, args)), stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def tell(self, command):
        """Errors, answers, bytes, microseconds; Wrong when too much was not right."""
        try:
            print(command, file=self.process.stdin, flush=True)
            ready = select.select([self.process.stdout], [], [], 60)[0]
            line = self.process.stdout.readline() if ready else ""
        except BrokenPipeError:
            line = ""
        found = re.match(r"(\d+) (\d+) (\d+) (\d+) ?(.*)", line)
        if not found:
            self.process.kill()
            raise Wrong(f"visitors: {self.process.stderr.read()[-300:]}")
        errors, n, size, us = map(int, found.groups()[:4])
        if errors > n * 0.001 + 1:
            raise Wrong(f"{errors} errors and {n} answers: {found[5]}")
        return errors, n, size, us

    def ask(self, ms):
        """Errors, answers, bytes, microseconds; connections are made before and closed after."""
        self.tell("open")
        try:
            return self.tell(f"ask {ms}")
        finally:
            self.tell("close")


def measure(server, visitors, ms):
    """
    A slice: they ask for so long, what they asked for is answered, and this is what the server
    used meanwhile: no request is counted in part.
    """
    visitors.tell("open")
    before = server.cpu()
    errors, n, size, us = visitors.tell(f"ask {ms}")
    time.sleep(SETTLE_S)
    cpu = server.cpu() - before
    visitors.tell("close")
    return {"per_cpu": n / cpu, "mb_per_cpu": size / cpu / 1e6, "rate": n / us * 1e6,
            "requests": n, "cpu": cpu, "errors": errors}


def latency(port, case, sites):
    """One visitor who asks at a fixed pace: microseconds at the median and the 99th percentile."""
    rate, seconds = case.pace, 0.6 if case.pace >= 100 else 1
    took, kept, start = [], None, time.perf_counter()
    for n in range(int(rate * seconds)):
        delay = start + n / rate - time.perf_counter()
        if delay > 0:
            time.sleep(delay)
        if time.perf_counter() - start > 3 * seconds:
            break
        began = time.perf_counter()
        s = kept or socket.create_connection(("127.0.0.1", port), 10)
        s.sendall(request(sites[n % case.hosts].host, case.path, case.close))
        head, _, _ = read_answer(s, keep_body=False)
        took.append((time.perf_counter() - began) * 1e6)
        if case.close or "connection: close" in head.lower():
            s.close()
            kept = None
        else:
            kept = s
    if kept:
        kept.close()
    cuts = statistics.quantiles(took, n=100)
    return {"p50_us": cuts[49], "p99_us": cuts[98]}


def traced(pid):
    """Or gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as f:
            return "\nTracerPid:\t0\n" not in f.read()
    except OSError:
        return True


def syscalls(server, visitors, box):
    """System calls per request, all processes: strace slows, so nothing else is taken here."""
    out = box / "strace.txt"
    args, pids = ["strace", "-f", "-c", "-U", "calls,name", "-o", str(out)], server.pids()
    for pid in pids:
        args += ["-p", str(pid)]
    strace = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 5
        while not all(map(traced, pids)) and time.monotonic() < deadline:
            time.sleep(0.02)
        n = visitors.ask(1000)[1]
    finally:
        strace.send_signal(signal.SIGINT)
        try:
            strace.wait(30)
        except subprocess.TimeoutExpired:
            strace.kill()
            strace.wait()
    rows = {}
    for line in out.read_text().splitlines():
        found = re.match(r"\s*(\d+)\s+([a-z]\w*)\s*$", line)
        if found and found[2] != "total":
            rows[found[2]] = int(found[1])
    if not n or not rows:
        return None
    most = sorted(rows.items(), key=lambda row: -row[1])
    return {"per_request": sum(rows.values()) / n,
            "calls": {name: round(c / n, 2) for name, c in most if c / n >= 0.05}}
