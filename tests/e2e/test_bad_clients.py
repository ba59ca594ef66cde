"""Clients that are slow, greedy or broken: what they cost, what they are told, whom they delay."""
import select
import socket
import sys
import time

import pytest

import procs
from house import REPO, SANITIZED
from procs import SLOW, wait_for
from wire import Cut

sys.path.insert(0, str(REPO / "bench"))
import slow  # noqa: E402  (the crowds are the bench's own)

ECHO = "<?php echo strlen(file_get_contents('php://input'));"
KIB = 1024


def visitor(server, n=1, **more):
    """A client of another address of the loopback network."""
    c = server.client(**more)
    c.close()
    c.sock = socket.socket()
    c.sock.settimeout(15 * SLOW)
    c.sock.bind((f"127.0.1.{n}", 0))
    c.sock.connect(("127.0.0.1", server.port))
    return c


def memory(pid):
    """Bytes that are this process's own."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
        rows = dict(line.split(":", 1) for line in f.read().splitlines()[1:])
    return int(rows["Private_Dirty"].split()[0]) * KIB


# --- how many -----------------------------------------------------------------------------


@pytest.mark.core
def test_address_has_its_share(box):
    site = box.site("a.test", files={"index.html": "a"})
    server = box.serve(connections_per_address=4)
    kept = [server.client() for _ in range(4)]
    for c in kept:
        assert c.get(site.host).text == "a"
    with server.client() as fifth:
        r = fifth.get(site.host)
        assert (r.status, r.get("Connection")) == (429, "close")
        assert int(r.get("Retry-After")) > 0
        assert fifth.closed() == b""
    with visitor(server) as other:
        assert other.get(site.host).text == "a"
    assert [c.get(site.host).status for c in kept] == [200] * 4
    kept.pop().close()

    def let_in():
        with server.client() as c:
            return c.get(site.host).status == 200
    wait_for(let_in, "room after one has gone")
    for c in kept:
        c.close()


@pytest.mark.core
def test_address_has_its_share_of_the_acceptor(box):
    box.site("a.test", files={"index.html": "a"})
    server = box.serve(connections_per_address=4, acceptors=1)
    heads = [server.client() for _ in range(4)]
    for c in heads:
        c.send("GET / HT")
    time.sleep(0.3 * SLOW)
    with server.client() as fifth:
        fifth.send("GET / HT")
        r = fifth.answer()
        assert r.status == 429 and int(r.get("Retry-After")) > 0
    heads[0].send("TP/1.1\r\nHost: a.test\r\n\r\n")
    assert heads[0].answer().status == 200
    for c in heads:
        c.close()


@pytest.mark.core
def test_oldest_idle_connections_go_first(box):
    site = box.site("a.test", files={"index.html": "a"})
    server = box.serve(connections_max=16)
    kept = []
    for _ in range(16):
        kept.append(server.client())
        assert kept[-1].get(site.host).text == "a"
    assert kept[0].get(site.host).text == "a"  # the oldest, but not idle for longest
    with server.client() as new:
        assert new.get(site.host).text == "a"
        assert kept[1].closed() == b""
        assert [c.get(site.host).text for c in kept[:1] + kept[2:]] == ["a"] * 15
    for c in kept:
        c.close()


@pytest.mark.core
def test_no_room_and_nobody_idle(box, php_cgi):
    site = box.site("a.test", php={}, files={"in.php": ECHO, "index.html": "a"})
    server = box.serve(connections_max=16)
    busy = [server.client() for _ in range(16)]
    for c in busy:
        c.ask(site.host, "/in.php", "POST", fields=[("Content-Length", "4")])
        c.send("ab")
    time.sleep(0.3 * SLOW)
    with server.client() as new:
        r = new.get(site.host)
        assert (r.status, r.get("Connection")) == (503, "close") and r.get("Retry-After")
    for c in busy:
        c.send("cd")
        assert c.answer().text == "4"
        c.close()


@pytest.mark.core
def test_site_has_its_bound(box, php_cgi):
    site = box.site("a.test", php={}, connections=2, files={"in.php": ECHO, "index.html": "a"})
    other = box.site("b.test", uid=site.uid, files={"index.html": "b"})
    server = box.serve()
    busy = [server.client() for _ in range(2)]
    for c in busy:
        c.ask(site.host, "/in.php", "POST", fields=[("Content-Length", "4")])
        c.send("ab")
    time.sleep(0.3 * SLOW)
    r = server.get(site)
    assert r.status == 503 and r.get("Retry-After")
    assert server.get(other).text == "b"
    for c in busy:
        c.send("cd")
        assert c.answer().text == "4"
    assert server.get(site).text == "a"  # who is idle takes nobody's place
    for c in busy:
        c.close()


# --- how long -----------------------------------------------------------------------------


def drip(client, piece, every, seconds):
    """Send a piece again and again; how long it took until the server had enough, or None."""
    begun = time.monotonic()
    client.sock.setblocking(False)
    while time.monotonic() < begun + seconds:
        try:
            client.sock.send(piece)
            client.pending += client.sock.recv(4096)
        except BlockingIOError:
            pass
        except OSError:
            break
        if client.pending:
            break
        time.sleep(every)
    else:
        return None
    client.sock.settimeout(15 * SLOW)
    return time.monotonic() - begun


@pytest.mark.core
def test_dripping_head_has_one_deadline(box):
    """In the acceptor for the first head, in the worker for the next one."""
    site = box.site("a.test", files={"index.html": "a"})
    server = box.serve(head_timeout="1s")
    for kept in (False, True):
        with server.client() as c:
            if kept:
                assert c.get(site.host).text == "a"
            c.send("GET / HTTP/1.1\r\nHost: a.test\r\nX: ")
            took = drip(c, b"x", 0.1, 3 * SLOW)
            assert took and took > 0.8
            assert c.answer().status == 408


@pytest.mark.core
def test_idle_connection_ends_quietly(box):
    site = box.site("a.test", files={"index.html": "a"})
    server = box.serve(keepalive_timeout="500ms")
    with server.client() as c:
        assert c.get(site.host).text == "a"
        begun = time.monotonic()
        assert c.closed() == b""
        assert time.monotonic() - begun > 0.4


@pytest.mark.core
def test_trickling_body_is_ended(box, php_cgi):
    site = box.site("a.test", php={}, files={"in.php": ECHO})
    server = box.serve(body_timeout="1s", body_rate="1k")
    for fields, piece in (([("Content-Length", "100000")], b"x"),
                          ([("Transfer-Encoding", "chunked")], b"1\r\nx\r\n")):
        with server.client() as c:
            c.ask(site.host, "/in.php", "POST", fields=fields)
            took = drip(c, piece, 0.1, 4 * SLOW)
            assert took and took > 0.8
            assert c.answer().status == 408


@pytest.mark.core
def test_fast_enough_body_may_take_its_time(box, php_cgi):
    site = box.site("a.test", php={}, files={"in.php": ECHO})
    server = box.serve(body_timeout="1s", body_rate="1k")
    with server.client() as c:
        c.ask(site.host, "/in.php", "POST", fields=[("Content-Length", "60000")])
        for _ in range(30):
            c.send(b"x" * 2000)
            time.sleep(0.1)
        assert c.answer().text == "60000"


def sip(server, site, piece, every_ms, seconds):
    """Take a large answer slowly, piece by piece; seconds it lived, None: longer."""
    with server.client(rcvbuf=4096) as c:
        c.ask(site.host, "/big")
        cut = select.poll()
        cut.register(c.sock, 0)  # errors and hang-ups: a reset overtakes what is not read yet
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            c.sock.recv(piece)
            if cut.poll(every_ms):
                return time.monotonic() - begun
    return None


@pytest.mark.core
def test_sipping_reader_is_cut(box):
    """A byte now and then of a large answer is not progress."""
    site = box.site("a.test", files={"big": b"x" * (16 << 20)})
    server = box.serve(send_timeout="1s", body_rate="20k")
    lived = sip(server, site, 1, 100, 6 * SLOW)
    assert lived and lived > 0.8
    assert sip(server, site, 40 * KIB, 10, 4) is None


# --- who is broken ------------------------------------------------------------------------


@pytest.mark.core
def test_half_closed_client_is_answered(box, php_cgi):
    site = box.site("a.test", php={}, files={"in.php": "<?php usleep(300000); echo 'late';",
                                             "index.html": "a"})
    server = box.serve()
    for path, text in (("/", "a"), ("/in.php", "late")):
        with server.client() as c:
            c.ask(site.host, path)
            c.sock.shutdown(socket.SHUT_WR)
            assert c.answer().text == text


@pytest.mark.core
def test_pipeline_in_order_until_the_bad_one(box):
    site = box.site("a.test", files={"1": "one", "2": "two"})
    server = box.serve()
    with server.client() as c:
        c.send("GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n"
               "GET /1 HTTP/1.1\r\nHost: a.test\r\nContent-Length: +1\r\n\r\nG"
               "GET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert [c.answer().text for _ in range(2)] == ["one", "two"]
        assert c.answer().status == 400
        assert c.closed() == b""
    assert server.get(site, "/1").text == "one"


# --- what they cost -----------------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.core
def test_pipelined_work_takes_turns(box):
    """One packet that asks a thousand times for what takes milliseconds: others come between."""
    site = box.site("a.test", autoindex=True, files={"index.html": "a"})
    for i in range(1000):
        site.write(f"many/{i}.txt")
    server = box.serve()
    ask = f"HEAD /many/ HTTP/1.1\r\nHost: {site.host}\r\n\r\n".encode()
    n = 40 * KIB // len(ask)
    with server.client() as other, server.client(timeout=60.0) as greedy:
        assert other.get(site.host).text == "a"
        greedy.send(ask * n)
        time.sleep(0.01)
        start = time.monotonic()
        for _ in range(5):
            assert other.get(site.host).text == "a"
        assert time.monotonic() - start < 0.5 * SLOW
        got = b""
        while got.count(b"HTTP/1.1 200") < n:
            data = greedy.sock.recv(65536)
            assert data, f"ended after {got.count(b'HTTP/1.1 200')} of {n} answers"
            got += data


def idle(server):
    c = server.client()
    assert c.get("a.test").text == "a"
    return c


def next_head(server):
    c = idle(server)
    c.send("GET / HTTP/1.1\r\nHost: a")
    return c


def reading(server):
    c = server.client(rcvbuf=4096)
    c.ask("a.test", "/big")
    c.sock.recv(100)
    return c


def head(server):
    c = server.client()
    c.send("GET / HTTP/1.1\r\nHost: a")
    return c


def head_of_nobody(server):
    """Where there are several users, it waits in an acceptor."""
    return head(server)


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's own memory counts too")
@pytest.mark.parametrize("make, most", [(idle, KIB), (next_head, KIB), (reading, KIB),
                                        (head, KIB), (head_of_nobody, 200)])
def test_connections_that_wait_are_small(box, make, most):
    """
    The process's own memory for each of 2000 of a kind; the kernel's is not counted. What a
    reader's log line wants is kept until his answer is out.
    """
    site = box.site("a.test", files={"index.html": "a", "big": b"x" * (8 << 20)})
    if make is head_of_nobody:
        box.site("b.test")
    server = box.serve(connections_per_address=100000, acceptors=1, head_timeout="60s")
    server.get(site)
    pid = server.acceptors()[0] if make is head_of_nobody else server.worker(site)
    had = len(procs.descriptors(pid))

    def settled(n):
        wait_for(lambda: len(procs.descriptors(pid)) >= had + n, f"all {n} of them", 10)
        time.sleep(0.5)
    crowd = [make(server) for _ in range(500)]  # what is allocated once, and pools that fill
    settled(500)
    before = memory(pid)
    crowd += [make(server) for _ in range(2000)]
    settled(2500)
    each = (memory(pid) - before) / 2000
    for c in crowd:
        c.close()
    print(f"{make.__name__}: {each:.0f} bytes")
    assert 0 < each < most


@pytest.mark.alone
@pytest.mark.core
def test_slow_crowds_delay_nobody(box, php_cgi):
    site = box.site("a.test", php={}, files={"index.html": "a", "in.php": ECHO,
                                             "big": b"x" * (8 << 20)})
    server = box.serve(connections_per_address=100000, head_timeout="60s")
    server.get(site)
    before = slow.visits(server.port, site.host, "/", 100, 2)
    with slow.Crowd(server.port, site.host, 200) as crowd:
        crowd.run(1)
        pid = server.worker(site)
        used = procs.cpu_seconds(pid)
        begun = time.monotonic()
        crowd.run(2)
        busy = (procs.cpu_seconds(pid) - used) / (time.monotonic() - begun)
        with crowd.dripping():
            during = slow.visits(server.port, site.host, "/", 100, 2)
        crowd.run(1)
        assert not any(crowd.lost.values()), crowd.lost
    assert busy < 0.1 * SLOW, f"the worker was busy for {busy:.0%}"
    assert during["wrong"] == 0
    assert during["p99_ms"] < 4 * before["p99_ms"] + 50 * SLOW, (before, during)
