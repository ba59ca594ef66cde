"""Whose visitor is it: names, hand-over, hand-back, and many users at once."""
import os
import resource
import socket
import time

import pytest

import procs
from house import SANITIZED, free_port
from load import Load
from procs import SLOW, wait_for
from wire import Client


def ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


PAGE = "page of {}\n"


def page_site(box, host, **vhost):
    s = box.site(host, **vhost)
    s.write("index.html", PAGE.format(host))
    return s


@pytest.mark.core
def test_unknown_host_is_404(house):
    for fields in ("Host: nobody.test\r\n", "Host: \r\n", "Host: 127.0.0.1\r\n",
                   "Host: [::1]:80\r\n"):
        with house.server.client() as c:
            c.send(f"GET / HTTP/1.1\r\n{fields}\r\n")
            r = c.answer()
        assert r.status == 404 and "page" not in r.text, fields
    with house.server.client() as c:
        c.send("GET / HTTP/1.0\r\n\r\n")
        assert c.answer().status == 404


@pytest.mark.core
def test_default_vhost(box):
    named = page_site(box, "named.test")
    fallback = page_site(box, "fallback.test", default=True)
    server = box.serve()
    assert server.get(named).text == PAGE.format("named.test")
    assert server.get(fallback).text == PAGE.format("fallback.test")
    assert server.get("who-knows.test").text == PAGE.format("fallback.test")
    with server.client() as c:
        c.send("GET / HTTP/1.0\r\n\r\n")
        assert c.answer().text == PAGE.format("fallback.test")
    with server.client() as c:
        for _ in range(3):
            assert c.get("unknown.test").text == PAGE.format("fallback.test")
            assert c.get("named.test").text == PAGE.format("named.test")
            assert c.get("another.test").text == PAGE.format("fallback.test")


def test_wildcards(box):
    page_site(box, "*.wild.test")
    page_site(box, "exact.wild.test")
    page_site(box, "*.deep.wild.test")
    server = box.serve()
    rows = [("a.wild.test", "*.wild.test"), ("A.WILD.test", "*.wild.test"),
            ("a.b.wild.test", "*.wild.test"), ("exact.wild.test", "exact.wild.test"),
            ("x.deep.wild.test", "*.deep.wild.test"), ("wild.test", None),
            ("evilwild.test", None)]
    for host, site in rows:
        r = server.get(host)
        if site:
            assert r.text == PAGE.format(site), host
        else:
            assert r.status == 404, host


@pytest.mark.core
def test_hand_over_under_load(box):
    """40 threads of fresh connections over two users; every answer is the right one."""
    sites = [page_site(box, h) for h in ("one.test", "two.test")]
    server = box.serve()
    rows = [(s.host, "/", PAGE.format(s.host)) for s in sites]
    with Load(server.port, rows, threads=40) as load:
        load.reach(1000 if SANITIZED else 4000)
    load.flawless()


@pytest.mark.core
def test_kept_connection_between_two_users(box):
    """A proxy that pools its connections: each request goes to the right user's worker."""
    sites = [page_site(box, h) for h in ("one.test", "two.test", "three.test")]
    server = box.serve()
    with server.client() as c:
        for n in range(60):
            s = sites[n * 7 % 3]
            assert c.get(s.host).text == PAGE.format(s.host)
    assert len(server.workers()) == (3 if os.geteuid() == 0 else 1)


@pytest.mark.core
def test_pipelined_requests_for_two_users(box):
    sites = [page_site(box, h) for h in ("one.test", "two.test")]
    sites[0].write("big.bin", b"z" * 3_000_000)
    server = box.serve()
    with server.client() as c:
        c.send("".join(f"GET {p} HTTP/1.1\r\nHost: {h}.test\r\n\r\n" for p, h in
                       [("/", "one"), ("/big.bin", "one"), ("/", "two"), ("/", "two"),
                        ("/", "one"), ("/", "two")]))
        got = [c.answer().body for _ in range(6)]
    one, two = (PAGE.format(s.host).encode() for s in sites)
    assert got == [one, b"z" * 3_000_000, two, two, one, two]


def test_hand_back_of_a_request_with_a_body(box):
    """Bytes of the body that were read with the head travel along, however many they are."""
    a = page_site(box, "a.test")
    b = page_site(box, "b.test", php={})
    b.write("body.php", "<?php echo strlen(file_get_contents('php://input'));")
    server = box.serve()
    assert server.get(b).status == 200
    workers = server.workers(b)
    for size in (3, 4000, 20_000, 40_000, 60_000):
        with server.client() as c:
            assert c.get(a.host).status == 200
            c.ask(b.host, "/body.php", "POST", body=b"x" * size)
            r = c.answer()
            # a prefix too long for a message is answered 421, and the client asks again
            assert r.text == str(size) or (r.status == 421 and size > 40_000), r
    assert server.workers(b) == workers, "none of it was the other user's worker's fault"


def test_unknown_host_on_a_kept_connection(house):
    with house.server.client() as c:
        assert c.get("alice.test").status == 200
        assert c.get("nobody.test").status in (404, 421)


@pytest.mark.root
def test_kept_load_that_alternates(box):
    sites = [page_site(box, h) for h in ("one.test", "two.test")]
    server = box.serve()
    rows = [(s.host, "/", PAGE.format(s.host)) for s in sites]
    with Load(server.port, rows, threads=10, kept=True) as load:
        load.reach(400 if SANITIZED else 1500)
    load.flawless()


@pytest.mark.parametrize("workers,acceptors", [(3, 1), (1, 3), (3, 2)])
def test_several_processes(box, workers, acceptors):
    s = page_site(box, "busy.test", workers=workers)
    page_site(box, "other.test")
    server = box.serve(acceptors=acceptors)
    rows = [(h, "/", PAGE.format(h)) for h in ("busy.test", "other.test")]
    with Load(server.port, rows, threads=16) as load:
        load.reach(500)
    load.flawless()
    assert len(server.acceptors()) == acceptors
    if os.geteuid() == 0:
        assert 1 <= len(server.workers(s)) <= workers


@pytest.mark.skipif(not ipv6(), reason="no IPv6 loopback")
def test_two_listeners_and_ipv6(box):
    s = page_site(box, "six.test")
    port, other = free_port(), free_port()
    server = box.serve(port=port, listen=[f"127.0.0.1:{port}", f"[::1]:{other}"])
    assert server.get(s).text == PAGE.format("six.test")
    with Client(other, addr="::1") as c:
        assert c.get(s.host).text == PAGE.format("six.test")


@pytest.mark.root
def test_200_users(box):
    sites = [page_site(box, f"user{n}.test") for n in range(200)]
    server = box.serve()
    assert server.workers() == [], "workers start on demand"
    for s in sites:
        assert server.get(s).text == PAGE.format(s.host)
    assert len(server.workers()) == 200
    assert {procs.uid(p) for p in server.workers()} == {s.uid for s in sites}


# --- waiting costs nothing --------------------------------------------------------------------

def measured(server, seconds=2.0):
    """CPU seconds that acceptors, workers and supervisor took while we only waited."""
    pids = [server.pid, *server.acceptors(), *server.workers()]
    before = {p: procs.cpu_seconds(p) for p in pids}
    time.sleep(seconds)
    return {procs.program(p): procs.cpu_seconds(p) - before[p] for p in pids}


@pytest.mark.core
@pytest.mark.parametrize("data", [
    pytest.param(b"", id="nothing sent"),
    pytest.param(b"G", id="one byte"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: wait.test\r\nX: ", id="half a head"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: wait.test\r\nX: " + b"a" * 4000, id="4 KB of a head"),
])
@pytest.mark.alone
def test_half_heads_do_not_spin(box, data):
    """Level-triggered waiting for more than is there would take a whole core."""
    s = page_site(box, "wait.test")
    server = box.serve(head_timeout="60s")
    assert server.get(s).status == 200
    clients = [server.client() for _ in range(100)]
    kept = [server.client() for _ in range(20)]
    for c in clients:
        c.send(data)
    for c in kept:
        c.get(s.host)
        c.send(data)
    for program, cpu in measured(server).items():
        assert cpu < 0.1 * SLOW, f"{program} took {cpu} s of 2 s"
    for c in clients[::10]:
        if data.startswith(b"GET"):
            c.send("\r\n\r\n")
            assert c.answer().status == 200
    for c in clients + kept:
        c.close()


@pytest.mark.alone
def test_vanished_half_heads_do_not_spin(box):
    """The client's FIN behind half a head must not wake anyone for ever."""
    s = page_site(box, "fin.test")
    server = box.serve(head_timeout="60s")
    assert server.get(s).status == 200
    clients = [server.client() for _ in range(50)]
    for c in clients:
        c.send(b"GET / HTTP/1.1\r\nHo")
        c.sock.shutdown(1)
    for program, cpu in measured(server).items():
        assert cpu < 0.1 * SLOW, f"{program} took {cpu} s of 2 s"
    for c in clients:
        c.close()


@pytest.mark.alone
def test_slow_reader_does_not_spin(box):
    s = page_site(box, "slow.test")
    s.write("big.bin", bytes(30 << 20))
    server = box.serve()
    clients = [server.client(rcvbuf=4096) for _ in range(20)]
    for c in clients:
        c.ask(s.host, "/big.bin")
        c.head()
    for program, cpu in measured(server).items():
        assert cpu < 0.1 * SLOW, f"{program} took {cpu} s of 2 s"
    for c in clients:
        c.close()


def test_more_waiting_connections_than_one_process_has_descriptors(box):
    """Un-routed connections are bounded; the server goes on serving, whatever they do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    s = page_site(box, "crowd.test")
    server = box.serve(head_timeout="30s")
    clients = []
    try:
        for _ in range(2500):
            clients.append(server.client())
            clients[-1].send(b"GET / ")
        wait_for(lambda: server.get(s).text == PAGE.format("crowd.test"), "an answer", 10)
    finally:
        for c in clients:
            c.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert server.get(s).status == 200


# --- retiring ---------------------------------------------------------------------------------

@pytest.mark.core
def test_worker_retires_and_comes_back(box):
    s = page_site(box, "retire.test", idle_exit="500ms")
    server = box.serve()
    for _ in range(3):
        assert server.get(s).status == 200
        wait_for(lambda: not server.workers(), "the idle worker to retire", 10)
    assert server.get(s).text == PAGE.format("retire.test")


@pytest.mark.core
def test_retire_and_start_under_load_lose_nothing(box):
    """idle_exit of 100 ms, and visitors who come just then."""
    sites = [page_site(box, f"r{n}.test", idle_exit="100ms") for n in range(5)]
    server = box.serve()
    first = None
    for n in range(60):
        s = sites[n % 5]
        r = server.get(s)
        assert r.status == 200 and r.text == PAGE.format(s.host), r
        first = first or server.workers(sites[0])
        time.sleep(0.002 * (n % 12))  # sweeps over the moment of retiring
    with Load(server.port, [(s.host, "/", PAGE.format(s.host)) for s in sites], threads=3) as load:
        load.reach(300)
    load.flawless()
    wait_for(lambda: not server.workers(), "all workers to retire", 10)
    assert first and not any(procs.alive(p) for p in first)


def test_thundering_herd_on_a_sleeping_user(box):
    """All of them wait for the one worker that is being started; none is refused."""
    s = page_site(box, "sleepy.test")
    server = box.serve()
    clients = [server.client() for _ in range(150)]
    for c in clients:
        c.ask(s.host)
    for c in clients:
        assert c.answer().text == PAGE.format("sleepy.test")
        c.close()
    assert len(server.workers()) == 1
