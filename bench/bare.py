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


def overhead(hostel, d, sites, rounds, seconds):
    """
    Rounds in turn: answers per CPU-second of PHP alone, and of Hostel with its PHP.

    ret  medians, and by how much Hostel's is dearer
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
                    load.measure(server, wrk, wire, seconds)["per_cpu"])
                   for _ in range(rounds)]
        php, both = (statistics.median(column) for column in zip(*figures))
        return {"bare": php, "hostel": both, "overhead": php / both - 1}
    finally:
        bare.stop()
        if server:
            server.stop()
