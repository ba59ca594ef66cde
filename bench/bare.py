"""What Hostel adds to PHP: a bare php-cgi on kept FastCGI connections beside it, in turns."""
import os
import socket
import subprocess
from pathlib import Path

import box as boxes
import cases
import load
import turns
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


def ask(server, d, path, site, ms):
    before = server.cpu()
    p = subprocess.run(["taskset", "-c", "1", d / "bare", path, site.root / "hello.php",
                        site.host, str(PHP_CHILDREN), str(ms / 1e3)],
                       capture_output=True, text=True, check=False)
    cpu = server.cpu() - before
    if p.returncode != 0:
        raise load.Wrong(f"bare: {p.stderr.strip()}")
    return {"per_cpu": int(p.stdout) / cpu, "php_us": cpu / int(p.stdout) * 1e6}


def php_of(server):
    """Seconds of processor time of its PHP so far."""
    used = 0
    for pid, seconds in server.used().items():
        try:
            if Path(f"/proc/{pid}/comm").read_text().startswith("php-cgi"):
                used += seconds
        except OSError:
            pass
    return used


def behind(server, visitors, ms):
    """As load.measure(); and microseconds of PHP, of Hostel, for each answer."""
    before = php_of(server)
    row = load.measure(server, visitors, ms)
    php = (php_of(server) - before) / row["requests"] * 1e6
    return {**row, "php_us": php, "own_us": 1e6 / row["per_cpu"] - php}


def overhead(hostel, d, sites, rounds, ms):
    """
    Slices in turn: answers per CPU-second of PHP alone, and of Hostel with its PHP.

    ret  medians, by how much Hostel's is dearer, and microseconds of an answer: PHP's alone, PHP's
         behind Hostel, Hostel's own
    """
    case = next(c for c in cases.LOADS if c.name == "php-hello")
    bare, path = start(d, sites[0])
    server = None
    try:
        server = hostel.start(d / "hostel", boxes.free_port(), sites)
        bodies = load.check(server.port, case, sites, False)
        with load.Visitors(d, case, bodies, server.port, "1") as visitors:
            visitors.ask(500)
            ask(bare, d, path, sites[0], 500)
            alone = turns.Player("php-cgi alone", lambda: ask(bare, d, path, sites[0], ms))
            with_it = turns.Player("hostel", lambda: behind(server, visitors, ms))
            turns.play([alone, with_it], rounds)
        return figures(alone.row, with_it.row)
    finally:
        bare.stop()
        if server:
            server.stop()


def figures(alone, with_it):
    dearer = turns.ratios(alone["rounds"], with_it["rounds"])
    if not dearer:
        raise load.Wrong(alone["wrong"] or with_it["wrong"])
    low, middle, high = turns.quartiles(dearer)
    return {"bare": turns.middle(alone["rounds"]), "hostel": turns.middle(with_it["rounds"]),
            "overhead": middle - 1, "quartiles": [low - 1, high - 1],
            "bare_us": turns.middle(alone["rounds"], "php_us"),
            "php_us": turns.middle(with_it["rounds"], "php_us"),
            "own_us": turns.middle(with_it["rounds"], "own_us"),
            "rounds": [alone["rounds"], with_it["rounds"]]}
