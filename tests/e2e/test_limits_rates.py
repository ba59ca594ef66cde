"""`limits:` of sites: requests a second, bandwidth; and how many connections a user has."""
import os
import subprocess
import threading
import time
from types import SimpleNamespace

import pytest

from house import Box, free_port
from procs import SLOW, cpu_seconds, wait_for
from secure import Secure, certificate
from test_control import status
from wire import Client

BIG = os.urandom(1 << 20)
RATE = 400_000  # bytes a second
SLEEP = "<?php usleep(1000 * (int)$_GET['ms']); echo 'slept';"
LONG_MS = int(1500 * min(SLOW, 4))  # some that begin one after the other all run then
LONG_PHP = "<?php for ($i = 0; $i < 100; $i++) echo str_repeat('x', 10000);"


def once(server, site, path, source=None, addr="127.0.0.1"):
    """One request on a connection of its own, from an address of its own."""
    with server.client(source=source, addr=addr) as c:
        return c.get(site.host, path)


def numbers(server, site):
    """All that the user's workers have counted."""
    return next(u for u in status(server)["user"] if u["uid"] == site.uid)


# --- requests a second ----------------------------------------------------------------------


def ask_for(server, host, seconds, rate, burst):
    """
    Ask without a pause; returns how many were answered 200, 429, and how many of the moments at
    which it asked a bucket lets through. (Where this machine pauses, a bucket is full at last.)
    """
    got, right, tokens = {200: 0, 429: 0}, 0, burst
    begin = before = time.monotonic()
    while before - begin < seconds:
        r = server.get(host, "/a.txt")
        got[r.status] += 1
        if r.status == 429:
            assert r.get("retry-after") == "1", r
        now = time.monotonic()
        tokens = min(burst, tokens + rate * (now - before))
        before = now
        if tokens >= 1:
            right, tokens = right + 1, tokens - 1
    return got[200], got[429], right


@pytest.mark.core
def test_requests_per_second(box):
    """The burst, and then the rate, to the request; and nobody else's."""
    s = box.site("rate.test", files={"a.txt": "a"},
                 limits={"requests_per_second": 10, "requests_burst": 5})
    other = box.site("other.test", uid=s.uid, files={"a.txt": "a"})
    server = box.serve()
    good, bad, right = ask_for(server, s, 2, 10, 5)
    assert abs(good - right) <= 3, (good, right)
    assert bad > 10
    assert once(server, s, "/a.txt", source="127.0.0.2").status == 200
    assert {server.get(other, "/a.txt").status for _ in range(50)} == {200}
    assert numbers(server, s)["limited_requests"] == bad
    wait_for(lambda: sum('" 429 ' in line for line in s.log_lines()) == bad, "its log lines")


def test_kept_connections_live_on(box):
    """One that came too early may come again, on the same connection."""
    s = box.site("kept.test", files={"a.txt": "a"}, limits={"requests_per_second": 1,
                                                              "requests_burst": 1})
    server = box.serve()
    with server.client() as c:
        assert c.get(s.host, "/a.txt").status == 200
        r = c.get(s.host, "/a.txt")
        assert r.status == 429 and r.get("retry-after") == "1"
        r = c.get(s.host, "/a.txt", method="POST", body=b"x" * 1000)
        assert r.status == 429
        wait_for(lambda: c.get(s.host, "/a.txt").status == 200, "its turn", 3)


@pytest.mark.core
def test_workers_count_together(box):
    """Three workers let no more through than one; and a reload forgets nothing."""
    s = box.site("three.test", files={"a.txt": "a"}, workers=3,
                 limits={"requests_per_second": 1, "requests_burst": 40})
    server = box.serve()
    assert server.get(s, "/a.txt").status == 200
    wait_for(lambda: len(server.workers(s)) == 3, "three workers")
    begin = time.monotonic()
    got, threads = [], []

    def ask():
        for _ in range(20):
            got.append(server.get(s, "/a.txt").status)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    good = got.count(200)
    assert 39 <= good <= 40 + time.monotonic() - begin, good
    assert good + got.count(429) == 100
    before = set(server.workers(s))
    s.vhost["autoindex"] = True
    box.config(port=server.port)
    server.process.send_signal(1)
    wait_for(lambda: len(server.workers(s)) == 3 and not set(server.workers(s)) & before,
             "successors", 10)
    assert once(server, s, "/a.txt", source="127.0.0.3").status == 200
    late = [server.get(s, "/a.txt").status for _ in range(50)]
    assert late.count(200) <= 2 + time.monotonic() - begin - (good - 39), late


def test_ipv6_clients_are_networks(box):
    s = box.site("six.test", files={"a.txt": "a"},
                 limits={"requests_per_second": 1, "requests_burst": 1})
    port = free_port()
    box.main["listen"] = [f"[::1]:{port}"]
    server = box.serve(port=port)
    codes = [once(server, s, "/a.txt", addr="::1").status for _ in range(5)]
    assert codes[0] == 200 and 429 in codes, codes


@pytest.fixture(scope="module")
def h2():
    box = Box()
    port = free_port()
    site = box.site("h2.test", tls=certificate(box, "h2.test"), php={"processes": 1},
                    files={"a.txt": "a", "big.bin": BIG, "long.php": LONG_PHP},
                    limits={"requests_per_second": 1000, "bandwidth": str(RATE)})
    tight = box.site("tight.test", tls=certificate(box, "tight.test"), files={"a.txt": "a"},
                     limits={"requests_per_second": 1, "requests_burst": 3})
    free = box.site("free.test", tls=certificate(box, "free.test"), files={"big.bin": BIG})
    server = box.serve(listen_tls=[f"127.0.0.1:{port}"])
    yield SimpleNamespace(box=box, site=site, tight=tight, free=free, server=server, port=port)
    box.close()


def curl(h2, host, *paths, version="--http2"):
    """What curl writes for each of several requests that it makes at once."""
    p = subprocess.run(["curl", "-sk", version, "--parallel", "--max-time", str(int(60 * SLOW)),
                        "--resolve", f"{host}:{h2.port}:127.0.0.1", "-w",
                        "%{http_code} %{http_version} %{size_download} %{time_total}\n",
                        *sum((["-o", "/dev/null", f"https://{host}:{h2.port}{p}"]
                              for p in paths), [])],
                       capture_output=True, text=True, timeout=90 * SLOW, check=True)
    return [line.split() for line in p.stdout.splitlines()]


def test_http2_streams_are_counted_each(h2):
    got = curl(h2, "tight.test", *["/a.txt"] * 8)
    assert {version for _, version, _, _ in got} == {"2"}
    codes = [code for code, _, _, _ in got]
    assert codes.count("200") in (3, 4, 5) and codes.count("200") + codes.count("429") == 8


# --- bandwidth ------------------------------------------------------------------------------


def right_rate(size, seconds):
    """Within a tenth of what it should be, on a machine that may be busy: never faster."""
    assert size / seconds < 1.1 * RATE, f"{size / seconds:.0f} bytes/s"
    assert size / seconds > 0.9 * RATE / SLOW, f"{size / seconds:.0f} bytes/s"


@pytest.mark.alone
@pytest.mark.parametrize("path, size", [("/big.bin", len(BIG)), ("/long.php", 1_000_000)])
@pytest.mark.parametrize("secure", [False, True])
def test_bandwidth(h2, php_cgi, path, size, secure):
    """Plain and with TLS, of files and of scripts; and nobody spins meanwhile."""
    server, worker = h2.server, h2.server.worker(h2.site) if h2.server.workers(h2.site) else None
    if worker is None:
        server.get(h2.site, "/a.txt")
        worker = server.worker(h2.site)
    used = cpu_seconds(worker)
    with Secure(h2.port, "h2.test") if secure else server.client() as c:
        begin = time.monotonic()
        r = c.get("h2.test", path)
        assert r.status == 200 and len(r.body) == size
        right_rate(size, time.monotonic() - begin)
    assert cpu_seconds(worker) - used < 0.3 * SLOW


@pytest.mark.alone
def test_bandwidth_of_http2(h2):
    """Two at once on one connection have it together; another user's visitor has his own."""
    got = curl(h2, "h2.test", "/big.bin", "/big.bin")
    assert [g[:3] for g in got] == [["200", "2", str(len(BIG))]] * 2
    right_rate(2 * len(BIG), max(float(g[3]) for g in got))
    assert float(curl(h2, "free.test", "/big.bin")[0][3]) < 1 * SLOW


def test_bandwidth_is_each_connections(h2):
    took = []

    def ask():
        begin = time.monotonic()
        assert h2.server.get("h2.test", "/big.bin").body == BIG
        took.append(time.monotonic() - begin)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(took) == 10 and all(t > len(BIG) / RATE / 1.1 for t in took)
    assert max(took) < 2 * SLOW * len(BIG) / RATE, took


def test_bandwidth_after_a_burst(box):
    s = box.site("burst.test", files={"big.bin": BIG, "half.bin": BIG[:1 << 19]},
                 limits={"bandwidth": "100k", "bandwidth_burst": "512k"})
    server = box.serve()
    begin = time.monotonic()
    with server.client() as c:
        assert c.get(s.host, "/half.bin").body == BIG[:1 << 19]
        assert time.monotonic() - begin < 4, "without the burst it would be five seconds"
        c.ask(s.host, "/half.bin")
        assert c.answer().body == BIG[:1 << 19]
        assert time.monotonic() - begin > 4


def test_slow_by_limit_is_not_slow(box):
    """Who is held back is not cut for being slow, however long it takes."""
    s = box.site("slow.test", files={"part.bin": BIG[:60000]}, limits={"bandwidth": "20k"})
    server = box.serve(send_timeout="500ms", body_rate="100k")
    with server.client() as c:
        assert c.get(s.host, "/part.bin").body == BIG[:60000]


# --- connections of a user ------------------------------------------------------------------


@pytest.mark.core
def test_connections_of_a_user(box, php_cgi):
    """Over all of his workers; further ones are told at once, and room comes back."""
    s = box.site("conns.test", php={"processes": 8}, workers=2, files={"s.php": SLEEP},
                 limits={"connections": 5})
    other = box.site("free.test", files={"a.txt": "a"})
    server = box.serve()
    assert server.get(s, "/s.php?ms=0").text == "slept"
    wait_for(lambda: len(server.workers(s)) == 2, "both workers")
    clients = []
    for _ in range(9):
        c = server.client()
        c.ask(s.host, f"/s.php?ms={LONG_MS}")
        clients.append(c)
        time.sleep(0.03)
    assert server.get(other, "/a.txt").status == 200
    codes = [c.answer().status for c in clients]
    for c in clients:
        c.close()
    assert sorted(codes) == [200] * 5 + [503] * 4
    assert numbers(server, s)["limited_connections"] == 4
    wait_for(lambda: server.get(s, "/s.php?ms=0").status == 200, "room again")


def test_connections_with_tls(box):
    """Idle ones make room; where none is, no handshake is made, and it is counted."""
    port = free_port()
    s = box.site("tls.test", tls=certificate(box, "tls.test"), php={"processes": 4},
                 files={"s.php": SLEEP, "a.txt": "a"}, limits={"connections": 2})
    server = box.serve(listen_tls=[f"127.0.0.1:{port}"])
    with Secure(port, "tls.test") as idle, Secure(port, "tls.test") as busy:
        assert idle.get(s.host, "/a.txt").status == 200
        busy.ask(s.host, f"/s.php?ms={2 * LONG_MS}")
        wait_for(lambda: numbers(server, s)["php_running"] == 1, "a busy one")
        with Secure(port, "tls.test") as c:
            assert c.get(s.host, "/s.php?ms=0").status == 200
            c.ask(s.host, f"/s.php?ms={2 * LONG_MS}")
            wait_for(lambda: numbers(server, s)["php_running"] == 2, "two")
            with pytest.raises((ConnectionError, OSError)):
                Secure(port, "tls.test")
            assert c.answer().status == busy.answer().status == 200
    assert numbers(server, s)["limited_connections"] == 1


@pytest.mark.core
def test_who_waited_longest_makes_no_room_for_himself(box):
    """At a listener of her own: of two half heads the older one becomes whole first."""
    port = free_port()
    box.site("free.test", files={"a.txt": "b"})
    s = box.site("own.test", files={"a.txt": "a"}, limits={"connections": 1},
                 listen=[f"127.0.0.1:{port}"])
    server = box.serve()
    with Client(port) as first, Client(port) as second:
        for n, c in enumerate((first, second), 1):
            c.send(f"GET /a.txt HTTP/1.1\r\nHost: {s.host}\r\n")
            wait_for(lambda: numbers(server, s)["connections"] == n, f"{n} half heads")
        pid = server.worker(s)
        first.send("\r\n")
        assert first.answer().text == "a"
        assert second.closed() == b"", "who says nothing makes room"
    assert server.worker(s) == pid


def test_a_killed_worker_leaves_no_connections_behind(box):
    s = box.site("killed.test", files={"a.txt": "a"}, limits={"connections": 2})
    server = box.serve()
    with server.client() as a, server.client() as b:
        assert a.get(s.host, "/a.txt").status == b.get(s.host, "/a.txt").status == 200
        os.kill(server.worker(s), 9)
        a.closed()
        b.closed()
    wait_for(lambda: not server.workers(s), "it to be gone")
    with server.client() as a, server.client() as b:
        assert a.get(s.host, "/a.txt").status == b.get(s.host, "/a.txt").status == 200


# --- whichever way a visitor comes ----------------------------------------------------------


def test_whom_a_proxy_names_is_counted(box):
    """Behind a proxy each visitor has his own rate, on one connection."""
    s = box.site("proxied.test", files={"a.txt": "a"},
                 limits={"requests_per_second": 1, "requests_burst": 2})
    server = box.serve(trusted_proxies=["127.0.0.1"])
    with server.client() as c:
        # of one network of IPv6 all are one
        for who in (["192.0.2.1"] * 6, ["192.0.2.2"] * 6, ["2001:db8::1", "2001:db8::2"] * 3):
            begin = time.monotonic()
            codes = [c.get(s.host, "/a.txt", fields=[("X-Forwarded-For", w)]).status for w in who]
            assert 2 <= codes.count(200) <= 3 + time.monotonic() - begin, (who, codes)
            assert codes[:2] == [200, 200]


def test_own_listener(box, php_cgi):
    """A user's own listener leads to the same counts as the one of all."""
    s = box.site("own.test", php={"processes": 4}, files={"a.txt": "a", "s.php": SLEEP},
                 limits={"requests_per_second": 1, "requests_burst": 10, "connections": 3})
    box.site("other.test")
    own = free_port()
    s.vhost["listen"] = [f"127.0.0.1:{own}"]
    server = box.serve()
    codes, begin = [], time.monotonic()
    for n in range(21):
        with Client(own if n % 2 else server.port) as c:
            codes.append(c.get(s.host, "/a.txt").status)
    good = codes.count(200)
    assert 10 <= good <= 11 + time.monotonic() - begin and codes.count(429) == 21 - good, codes


def test_own_listener_of_many(box, php_cgi):
    s = box.site("own.test", php={"processes": 8}, files={"s.php": SLEEP},
                 limits={"connections": 3})
    box.site("other.test")
    own = free_port()
    s.vhost["listen"] = [f"127.0.0.1:{own}"]
    server = box.serve()
    assert server.get(s, "/s.php?ms=0").text == "slept"
    clients = [Client(own if n % 2 else server.port) for n in range(6)]
    for c in clients:
        c.ask(s.host, f"/s.php?ms={LONG_MS}")
        time.sleep(0.05)
    codes = [c.answer().status for c in clients]
    for c in clients:
        c.close()
    assert sorted(codes) == [200] * 3 + [503] * 3, codes
