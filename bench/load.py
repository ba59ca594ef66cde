"""Load on one server: checked answers, wrk, a paced visitor, system calls under strace."""
import re
import signal
import socket
import statistics
import subprocess
import time

WRK = """
local hosts, n, made = {%(hosts)s}, 0, {}
function init(args)
   for i, host in ipairs(hosts) do
      made[i] = wrk.format("GET", "%(path)s", {Host = host, Connection = "%(connection)s"})
   end
end
function request()
   n = n %% #made + 1
   return made[n]
end
function done(s, latency)
   local e = s.errors
   io.write(string.format("FIGURES %%d %%d %%d %%d %%d\\n", s.requests, s.bytes, s.duration,
                          e.connect + e.read + e.write + e.timeout, e.status))
end
"""


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


def get(port, host, path, close=True, timeout=20):
    with socket.create_connection(("127.0.0.1", port), timeout) as s:
        s.sendall(request(host, path, close))
        return read_answer(s)


def check(port, case, sites, constant):
    """One answer for each host, whole; returns its bytes on the wire (the largest)."""
    wire = 0
    for site in sites[:case.hosts]:
        head, body, n = get(port, site.host, case.path, case.close)
        if not head.startswith("HTTP/1.1 200"):
            raise Wrong(f"{site.host}{case.path}: {head.splitlines()[0]}")
        if constant:
            good = body == b"x" * 1024
        elif case.php:
            good = site.host.encode() in body and b"<?php" not in body
        else:
            with open(site.shared / case.path[1:], "rb") as f:
                good = f.read() == body
        if not good:
            raise Wrong(f"{site.host}{case.path}: not the body that the site has")
        wire = max(wire, n)
    return wire


class Wrk:
    """wrk on its own core, for one case; its script stands in the box."""

    def __init__(self, box, case, sites, port, core):
        self.script = box / f"wrk-{case.name}.lua"
        self.script.write_text(WRK % {
            "hosts": ", ".join(f'"{s.host}"' for s in sites[:case.hosts]), "path": case.path,
            "connection": "close" if case.close else "keep-alive"})
        self.connections, self.url, self.core = case.connections, f"http://127.0.0.1:{port}", core

    def run(self, seconds):
        """Requests, bytes, seconds, socket errors, wrong statuses."""
        p = subprocess.run(
            ["taskset", "-c", self.core, "wrk", "-t1", f"-c{self.connections}",
             f"-d{seconds}s", "--timeout", "10s", "-s", str(self.script), self.url],
            capture_output=True, text=True, timeout=seconds + 60)
        found = re.search(r"^FIGURES (\d+) (\d+) (\d+) (\d+) (\d+)", p.stdout, re.M)
        if not found:
            raise Wrong(f"wrk: {p.stdout[-300:]} {p.stderr[-300:]}")
        n, size, us, errors, status = map(int, found.groups())
        return n, size, us / 1e6, errors, status


def measure(server, wrk, wire, seconds):
    """
    One round: wrk for so long, and what the server used meanwhile. The bytes that arrived must be
    those of that many right answers; what was under way at the end is not counted as requests.
    """
    before = server.cpu()
    n, size, took, errors, status = wrk.run(seconds)
    cpu = max(server.cpu() - before, 0.01)
    if not n * wire * 0.97 <= size <= (n + wrk.connections) * wire * 1.03 + 65536:
        raise Wrong(f"{size} bytes for {n} answers of {wire}")
    if status or errors > n * 0.001 + 1:
        raise Wrong(f"{errors} errors and {status} wrong statuses in {n} answers")
    return {"per_cpu": n / cpu, "mb_per_cpu": size / cpu / 1e6, "rate": n / took,
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


def syscalls(server, wrk, box, seconds=2):
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
        n = wrk.run(seconds)[0]
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
