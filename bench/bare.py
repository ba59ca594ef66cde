"""What Hostel adds to PHP: a bare php-cgi on kept FastCGI connections beside it, in turns."""
import os
import socket
import statistics
import subprocess
from pathlib import Path

import box as boxes
import cases
import load
from peers import PHP_CGI, PHP_CHILDREN


def start(d, site):
    """A php-cgi of the site's user, as Hostel starts one; and its client, built."""
    d.mkdir(parents=True)
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", d / "bare",
                    Path(__file__).parent / "bare.c"], check=True)
    path = d / "php.sock"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(64)
    os.chown(path, site.uid, site.uid)
    env = {"PATH": "/usr/bin:/bin", "PHP_FCGI_CHILDREN": str(PHP_CHILDREN),
           "PHP_FCGI_MAX_REQUESTS": "0"}
    server = boxes.Server("bare php-cgi", 0)
    p = subprocess.Popen(["taskset", "-c", "0", PHP_CGI], stdin=listening, env=env, cwd="/",
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=site.uid,
                         group=site.uid, extra_groups=[], start_new_session=True)
    server.processes.append(p)
    listening.close()
    return server, path


def ask(server, d, path, site, seconds):
    before = server.cpu()
    p = subprocess.run(["taskset", "-c", "1", d / "bare", path, site.root / "hello.php",
                        site.host, str(PHP_CHILDREN), str(seconds)],
                       capture_output=True, text=True, check=False)
    if p.returncode != 0:
        raise load.Wrong(f"bare: {p.stderr.strip()}")
    return int(p.stdout) / max(server.cpu() - before, 0.01)


def split(server):
    """Seconds of processor time so far: PHP's, and of all else."""
    php = other = 0
    for pid, row in server.pids().items():
        try:
            name = Path(f"/proc/{pid}/comm").read_text()
        except OSError:
            continue
        if name.startswith("php-cgi"):
            php += boxes.seconds(pid, row)
        else:
            other += boxes.seconds(pid, row)
    return php, other


def measure(server, wrk, wire, seconds):
    """As load.measure(): answers per CPU-second; and microseconds of PHP, of Hostel, for each."""
    before = split(server)
    row = load.measure(server, wrk, wire, seconds)
    return (row["per_cpu"], *((b - a) / row["requests"] * 1e6
                              for a, b in zip(before, split(server))))


def overhead(hostel, d, sites, rounds, seconds):
    """
    Rounds in turn: answers per CPU-second of PHP alone, and of Hostel with its PHP.

    ret  medians, by how much Hostel's is dearer, and microseconds of an answer: PHP's alone, PHP's
         behind Hostel, Hostel's own
    """
    case = next(c for c in cases.LOADS if c.name == "php-hello")
    bare, path = start(d, sites[0])
    server = None
    try:
        server = hostel.start(d / "hostel", boxes.free_port(), sites)
        wire = load.check(server.port, case, sites, False)
        wrk = load.Wrk(d, case, sites, server.port, "1")
        wrk.run(1)
        ask(bare, d, path, sites[0], 1)
        figures = [(ask(bare, d, path, sites[0], seconds),
                    *measure(server, wrk, wire, seconds)) for _ in range(rounds)]
        php, both, php_us, own_us = (statistics.median(column) for column in zip(*figures))
        return {"bare": php, "hostel": both, "overhead": php / both - 1, "bare_us": 1e6 / php,
                "php_us": php_us, "own_us": own_us}
    finally:
        bare.stop()
        if server:
            server.stop()
