"""metrics_listen: numbers for Prometheus, health for load balancers, and who may see them."""
import os
import re
import resource
import shutil
import signal
import socket
import subprocess

import pytest

import procs
from house import free_port, hostel, stretched
from load import Load
from procs import SLOW, alive, wait_for
from secure import certificate
from test_reload import Changing, Upgraded
from wire import Client, Cut, fetch

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)$")


def parse(text):
    """
    The page by the letter of the format: (name, labels) -> number. A metric's lines stand
    together, behind its HELP and TYPE; no time series is there twice.
    """
    assert text.endswith("\n")
    found, types, helped, current = {}, {}, set(), None
    for line in text.splitlines():
        if m := re.fullmatch(rf"# HELP ({NAME}) (.+)", line):
            assert m[1] not in helped, line
            helped.add(m[1])
            continue
        if m := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram)", line):
            assert m[1] in helped and m[1] not in types, line
            types[m[1]] = m[2]
            current = m[1]
            continue
        m = SAMPLE.match(line)
        assert m, f"no sample: {line!r}"
        family = m[1]
        if types[current] == "histogram":
            family = re.sub("_(bucket|sum|count)$", "", family)
        assert family == current, f"{line!r} stands with {current}"
        assert types[current] != "counter" or family.endswith("_total"), line
        labels, at = [], 0
        for pair in LABELS.finditer(m[2] or ""):
            assert pair.start() == at, line
            labels.append((pair[1], pair[2]))
            at = pair.end()
        assert at == len(m[2] or ""), line
        key = m[1], tuple(sorted(labels))
        assert key not in found, f"twice: {line}"
        found[key] = float(m[3])
    for (name, labels), value in found.items():
        if name.endswith("_bucket") and ("le", "+Inf") in labels:
            rest = tuple(p for p in labels if p[0] != "le")
            assert found[name.replace("_bucket", "_count"), rest] == value
            buckets = [v for (n, ls), v in found.items()
                       if n == name and tuple(p for p in ls if p[0] != "le") == rest]
            assert buckets == sorted(buckets), f"{name} {rest}: a bucket holds those below it"
    return found


def value(found, name, **labels):
    return found[name, tuple(sorted(labels.items()))]


def scrape(port):
    r = fetch(port, "127.0.0.1", "/metrics")
    assert r.status == 200 and r.get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return parse(r.text)


def fresh(port, condition, what):
    """Scrape until the numbers are there: a page is kept for a second."""
    return wait_for(lambda: (lambda f: f if condition(f) else None)(scrape(port)), what, 10)


def health(port):
    r = fetch(port, "127.0.0.1", "/health")
    return r.status, r.text


def pid_of(server):
    """Of the one process; at the server's start it may be on its way to its program yet."""
    return wait_for(lambda: (found := server.children("hostel-metrics"))[1:] == [] and found,
                    "one process")[0]


@pytest.fixture
def seen(box):
    """A server with numbers to be seen; seen.port is where."""
    box.metrics_port = free_port()
    box.main["metrics_listen"] = [f"127.0.0.1:{box.metrics_port}"]
    return box


def user(site):
    return site.vhost["user"] if isinstance(site.vhost["user"], str) else str(site.uid)


@pytest.mark.core
@pytest.mark.root
def test_the_numbers_are_what_was_done(seen, php_cgi):
    tls_port = free_port()
    a = seen.site("a.test", php={"processes": 2}, tls=certificate(seen, "a.test", days=30),
                  files={"index.html": "x" * 1000, "a.php": "<?php usleep(3000); echo 1;"})
    b = seen.site("b.test", files={"index.html": "b\n"})
    server = seen.serve(listen_tls=[f"127.0.0.1:{tls_port}"])
    for _ in range(7):
        assert server.get(a).status == 200
    for _ in range(3):
        assert server.get(a, "/lost").status == 404
    for _ in range(2):
        assert server.get(a, "/a.php").text == "1"
    with server.client() as kept:
        assert kept.get(b.host).status == 200
        one = fresh(seen.metrics_port, lambda f: ("hostel_connections", (("user", user(b)),)) in f
                    and value(f, "hostel_connections", user=user(b)) == 1, "b's connection")
    ua, ub = {"user": user(a)}, {"user": user(b)}
    assert value(one, "hostel_requests_total", **ua, **{"class": "2xx"}) == 9
    assert value(one, "hostel_requests_total", **ua, **{"class": "4xx"}) == 3
    assert value(one, "hostel_requests_total", **ub, **{"class": "2xx"}) == 1
    assert value(one, "hostel_response_bytes_total", **ua) > 7000
    assert value(one, "hostel_connections_total", **ua) == 12
    assert value(one, "hostel_request_duration_seconds_count", **ua) == 12
    assert 0.006 < value(one, "hostel_request_duration_seconds_sum", **ua) < 10 * SLOW
    assert value(one, "hostel_request_duration_seconds_bucket", **ua, le="0.002048") <= 10
    assert value(one, "hostel_workers", **ua) == value(one, "hostel_workers", **ub) == 1
    assert value(one, "hostel_worker_starts_total", **ua) == 1
    assert 1 << 20 < value(one, "hostel_worker_resident_memory_bytes", **ua)
    assert value(one, "hostel_php_pools", **ua) == 1
    assert value(one, "hostel_php_processes", **ua) == 2
    assert value(one, "hostel_php_pool_starts_total", **ua) == 1
    assert value(one, "hostel_php_pools", **ub) == 0
    assert value(one, "hostel_acceptor_routed_total") == 13
    assert value(one, "hostel_config_vhosts") == 2 and value(one, "hostel_acceptors") == 1
    assert value(one, "hostel_serving") == 1
    ends = value(one, "hostel_certificate_expiry_timestamp_seconds", **ua, vhost="a.test")
    start = value(one, "hostel_start_time_seconds")
    assert 29 * 86400 < ends - start < 31 * 86400
    os.kill(server.worker(a), signal.SIGKILL)
    wait_for(lambda: server.get(a).status == 200, "a's next worker")
    two = fresh(seen.metrics_port, lambda f: value(f, "hostel_worker_starts_total", **ua) == 2,
                "another start")
    assert value(two, "hostel_worker_crashes_total", **ua) == 1
    assert value(two, "hostel_requests_total", **ua, **{"class": "2xx"}) == 10, "none is lost"


@pytest.mark.root
def test_load_is_seen(seen, php_cgi):
    """PHP's queue, running requests, slow scripts, refusals."""
    a = seen.site("a.test", php={"processes": 1, "request_timeout": stretched(3)},
                  files={"slow.php": "<?php sleep(30); echo 1;"})
    seen.site("b.test")  # else a's workers accept by themselves
    server = seen.serve()
    clients = [server.client() for _ in range(3)]
    for c in clients:
        c.ask(a.host, "/slow.php")
    ua = {"user": user(a)}
    found = fresh(seen.metrics_port,
                  lambda f: ("hostel_php_queued_requests", (("user", user(a)),)) in f
                  and value(f, "hostel_php_queued_requests", **ua) == 2, "two wait")
    assert value(found, "hostel_php_running_requests", **ua) == 1
    assert clients[0].answer().status == 504
    fresh(seen.metrics_port, lambda f: value(f, "hostel_php_slow_total", **ua) >= 1, "slow ones")
    with server.client() as c:
        c.send("NONSENSE\r\n\r\n")
        assert c.answer().status == 400
    fresh(seen.metrics_port, lambda f: value(f, "hostel_acceptor_refused_total") == 1, "a refusal")


@pytest.mark.root
def test_users_are_bounded(seen):
    """The first ones awake have rows of their own and keep them; no sum ever falls."""
    sites = [seen.site(f"u{n}.test", files={"index.html": "u\n"}) for n in range(5)]
    changing = Changing(seen)
    server = changing.serve(metrics_listen=seen.main["metrics_listen"], metrics_users_max=2)
    for s in sites[:2]:
        server.get(s)
    ok = {"class": "2xx"}
    fresh(seen.metrics_port, lambda f: ("hostel_workers", (("user", user(sites[1])),)) in f, "two")
    for s in sites[2:]:
        server.get(s)
        server.get(s)
    found = fresh(seen.metrics_port, lambda f: value(f, "hostel_requests_total", user="_other",
                                                     **ok) == 6, "the others' sum")
    assert {dict(ls).get("user") for _, ls in found} == {None, "_other", user(sites[0]),
                                                         user(sites[1])}
    (seen.dir / "vhosts.d" / f"{sites[4].host}.yaml").unlink()  # one of the others goes
    (seen.dir / "vhosts.d" / f"{sites[0].host}.yaml").unlink()  # and one with a row
    changing.reload()
    server.get(sites[3])
    found = fresh(seen.metrics_port, lambda f: value(f, "hostel_requests_total", user="_other",
                                                     **ok) == 7, "the others' sum goes on")
    assert ("hostel_workers", (("user", user(sites[0])),)) not in found


@pytest.mark.root
def test_users_with_two_groups(seen):
    """One name, two rooms: two series."""
    uid = seen.new_uid()
    a = seen.site("a.test", uid=uid, files={"index.html": "a\n"})
    b = seen.site("b.test", uid=uid, files={"index.html": "b\n"}, group=uid + 500)
    server = seen.serve()
    server.get(a), server.get(b)
    names = fresh(seen.metrics_port, lambda f: ("hostel_workers", (("user", f"{uid}:{uid + 500}"),))
                  in f, "the second room")
    assert value(names, "hostel_workers", user=f"{uid}:{uid}") == 1


@pytest.mark.core
@pytest.mark.root
def test_health_until_the_end(seen):
    """200 while it serves, 503 while running answers finish, as long as that takes."""
    a = seen.site("a.test", php={"processes": 1},
                  files={"slow.php": "<?php sleep(3); echo 'done';"})
    server = seen.serve(stop_timeout="20s")
    assert health(seen.metrics_port) == (200, "ok\n")
    busy = server.client()
    busy.ask(a.host, "/slow.php")
    wait_for(lambda: server.php(a), "PHP runs")
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: health(seen.metrics_port) == (503, "stopping\n"), "it says so")
    assert value(scrape(seen.metrics_port), "hostel_serving") == 0
    assert busy.answer().text == "done"
    assert server.process.wait(10 * SLOW) == 0
    server.stopped = True


def test_what_is_answered(seen):
    seen.site("a.test", files={"index.html": "a\n"})
    server = seen.serve()
    port = seen.metrics_port
    assert fetch(port, "x", "/").status == 404
    assert fetch(port, "x", "/metrics/").status == 404
    assert fetch(port, "x", "/health?a=b").text == "ok\n"
    head = fetch(port, "x", "/metrics", "HEAD")
    assert head.status == 200 and int(head.get("Content-Length")) > 1000
    post = fetch(port, "x", "/health", "POST", body="x" * 30000)
    assert post.status == 405 and post.get("Allow") == "GET, HEAD"
    for bad in ("GET /health\r\n\r\n", "GET /health HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\0\x01"):
        with Client(port) as c:
            c.send(bad)
            c.sock.shutdown(socket.SHUT_WR)
            assert b"200 OK" not in c.closed()
    with Client(port) as c:
        try:
            c.send("GET /health HTTP/1.1\r\nHost: x\r\n" + "A: " + "b" * 9000)
            assert b"200 OK" not in c.closed(), "an endless head"
        except (ConnectionError, Cut):
            pass
    assert health(port) == (200, "ok\n")
    assert server.process.poll() is None


@pytest.mark.parametrize("words", [b"GET /hea", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"],
                         ids=["says nothing", "takes nothing"])
def test_nobody_keeps_all_places(seen, words):
    """More than it takes at once, who stay: the oldest make room, and nobody waits for them."""
    seen.site("a.test", files={"index.html": "a\n"})
    seen.serve()
    idle = []
    for _ in range(60):
        idle.append(socket.socket())
        idle[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        idle[-1].connect(("127.0.0.1", seen.metrics_port))
        idle[-1].send(words)
    for _ in range(3):
        with Client(seen.metrics_port, timeout=5) as c:
            assert c.get("x", "/health").text == "ok\n"
    for s in idle:
        s.close()


@pytest.mark.core
@pytest.mark.root
def test_it_is_confined_and_comes_back(seen):
    """An acceptor's confinement; killed, it is started anew, and nobody else notices."""
    a = seen.site("a.test", files={"index.html": "a\n"})
    server = seen.serve()
    wait_for(lambda: answered(seen.metrics_port), "it answers")
    pid = pid_of(server)
    acceptor, mine = procs.status(server.acceptors()[0]), procs.status(pid)
    for key in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
                "NoNewPrivs", "Seccomp"):
        assert mine[key] == acceptor[key], key
    assert mine["CapBnd"] == "0" * 16 and mine["Seccomp"] == "2"
    assert os.listdir(f"/proc/{pid}/root") == []
    kinds = [k for n, k in procs.descriptors(pid).items()
             if not re.match(r"socket:|anon_inode:|pipe:|/dev/null", k)]
    assert kinds == [], "no file, no page of anybody's"
    with Load(server.port, [(a.host, "/", "a\n")], 2) as load:
        for _ in range(3):
            load.reach(20)
            os.kill(pid_of(server), signal.SIGKILL)
            wait_for(lambda: [p for p in server.children("hostel-metrics") if alive(p)], "it is back")
            load.reach(20)
            wait_for(lambda: answered(seen.metrics_port), "it answers")
    load.flawless()
    assert pid_of(server) != pid


def answered(port):
    try:
        return health(port) == (200, "ok\n")
    except (Cut, OSError):
        return False


@pytest.mark.root
def test_it_outlives_a_lack_of_descriptors(seen):
    """What could not be gathered once is gathered again: no question stays without an answer."""
    seen.site("a.test")
    server = seen.serve()
    lack = "the metrics cannot be gathered: too many open files"
    scrape(seen.metrics_port)
    limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        def lacks():
            answered_in(seen.metrics_port, 1)
            return lack in server.stderr
        wait_for(lacks, "a page cannot be made", 20)
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
    wait_for(lambda: answered_in(seen.metrics_port, 3) == 200, "a page is made again", 30)


def answered_in(port, seconds):
    """The status of /metrics, or None."""
    with socket.socket() as s:
        s.settimeout(seconds)
        try:
            s.connect(("127.0.0.1", port))
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            return int(s.recv(4096).split()[1])
        except (OSError, IndexError):
            return None


def test_one_alone(seen):
    """It need not be a list."""
    seen.site("a.test")
    seen.main["metrics_listen"] = f"127.0.0.1:{seen.metrics_port}"
    seen.serve()
    assert health(seen.metrics_port) == (200, "ok\n")


@pytest.mark.root
def test_a_socket_of_a_group(seen):
    path, group = seen.dir / "run" / "metrics.sock", seen.new_uid()
    a = seen.site("a.test", files={"index.html": "a\n"})
    seen.main["metrics_listen"] = f"unix:{path}"
    server = seen.serve(metrics_group=group)
    st = path.stat()
    assert (st.st_uid, st.st_gid, st.st_mode & 0o777) == (0, group, 0o660)

    def ask(uid, gid):
        p = subprocess.run(["curl", "-s", "--unix-socket", path, "http://x/health"], user=uid,
                           group=gid, extra_groups=[], capture_output=True, check=False)
        return p.stdout
    assert ask(a.uid, group) == b"ok\n"
    assert ask(a.uid, a.uid) == b"", "not for everybody"
    server.stop()
    assert not path.exists()


@pytest.mark.root
def test_reload_and_upgrade(seen):
    """Listeners come and go with a reload; an upgrade keeps them without a gap."""
    a = seen.site("a.test", files={"index.html": "a\n"})
    changing, path = Changing(seen), seen.dir / "run" / "m.sock"
    server = changing.serve(drain_timeout="2s")
    assert server.children("hostel-metrics") == [], "nobody asked for it"
    changing.write_main(metrics_listen=[f"127.0.0.1:{seen.metrics_port}"])
    changing.reload()
    wait_for(lambda: answered(seen.metrics_port), "it listens")
    pid = pid_of(server)
    changing.write_site(a, autoindex=True)
    changing.reload()
    assert pid_of(server) == pid, "it is not touched"
    assert value(fresh(seen.metrics_port, lambda f: value(f, "hostel_config_generation") == 3,
                       "generation 3"), "hostel_config_broken_files") == 0
    (seen.dir / "vhosts.d" / "a.test.yaml").write_text("vhosts: 3\n")
    changing.reload(ok=False)
    assert value(fresh(seen.metrics_port, lambda f: value(f, "hostel_config_errors") > 0,
                       "errors"), "hostel_config_broken_files") == 1
    changing.write_site(a)
    changing.write_main(metrics_listen=[f"127.0.0.1:{seen.metrics_port}", str(path)])
    changing.reload()
    wait_for(lambda: answered(seen.metrics_port), "it listens on both")
    inode, up = path.stat().st_ino, Upgraded(seen, server)
    with Load(seen.metrics_port, [("x", "/health", "ok\n")], 2) as load:
        for _ in range(2):
            load.reach(20)
            up.upgrade()
            load.reach(20)
    load.flawless()
    assert path.stat().st_ino == inode
    del changing.main["metrics_listen"]
    changing.write_main()
    changing.reload()
    assert not path.exists()
    wait_for(lambda: not answered(seen.metrics_port), "nobody listens")
    up.end()


@pytest.mark.parametrize("wrong,why", [
    (["*:9180"], "must be a loopback address or an absolute path"),
    (["0.0.0.0:9180"], "must be a loopback address"),
    (["192.0.2.1:9180"], "must be a loopback address"),
    (["[::]:9180"], "must be a loopback address"),
    (["9180"], "must be 127.0.0.1:PORT, [::1]:PORT or an absolute path"),
    (["run/m.sock"], "must be 127.0.0.1:PORT"),
    (["/" + "x" * 200], "must be at most 107 bytes"),
    (["127.0.0.1:9180", "127.0.0.1:9180"], "stands there twice"),
    ([f"127.0.0.1:{n}" for n in range(9180, 9185)], "1..4"),
    ("*:9180", "must be a loopback address or an absolute path"),
    ("unix:m.sock", "must be absolute"),
    (["/run/m.sock", "unix:/run/m.sock"], "stands there twice"),
    ([], "1..4"),
    ({"a": 1}, "must be a list"),
])
def test_what_is_refused(box, wrong, why):
    box.site("a.test")
    path, _ = box.config(metrics_listen=wrong)
    p = hostel("check", "--config", path)
    assert p.returncode != 0 and why in p.stdout + p.stderr, p.stdout + p.stderr


@pytest.mark.root
def test_no_file_is_replaced(box):
    """What is there and no socket stays, and the start says so."""
    box.site("a.test")
    (box.dir / "precious").write_text("mine\n")
    path, _ = box.config(metrics_listen=[str(box.dir / "precious")])
    p = hostel("serve", "--config", path)
    assert p.returncode == 1 and "file already exists" in p.stderr
    assert (box.dir / "precious").read_text() == "mine\n"


@pytest.mark.root
@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
def test_promtool_finds_nothing(seen):
    a = seen.site("a.test", files={"index.html": "a\n"}, tls=certificate(seen, "a.test"))
    server = seen.serve(listen_tls=[f"127.0.0.1:{free_port()}"])
    server.get(a)
    text = fetch(seen.metrics_port, "x", "/metrics").text
    p = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                       capture_output=True, check=False)
    assert (p.returncode, p.stdout + p.stderr) == (0, "")
