"""trusted_proxies: whose word on a visitor counts, and for what; made-up ones do not."""
import subprocess
import threading

import pytest
from house import free_port
from procs import SLOW, wait_for
from secure import certificate
from test_proxy_protocol import WHO, env, last_visitor, v2
from wire import Client, Cut

XFF = "X-Forwarded-For"
SLOW_PHP = "<?php usleep(3000000); echo 'slow';"


@pytest.fixture
def pair(box):
    """Two users; alice runs PHP. 127.0.0.1 is a proxy, 127.0.0.9 is anybody."""
    box.main = {"trusted_proxies": ["127.0.0.1", "10.0.0.0/8"]}
    return (box.site("alice.test", php={"processes": 4},
                     files={"index.html": "alice\n", "who.php": WHO, "slow.php": SLOW_PHP}),
            box.site("bob.test", php={"processes": 1},
                     files={"index.html": "bob\n", "who.php": WHO}))


def ask(server, fields, path="/who.php", host="alice.test", source=None):
    with Client(server.port, source=source) as c:
        return c.get(host, path, fields=fields)


@pytest.mark.parametrize("fields,addr,port", [
    ([(XFF, "192.0.2.7")], "192.0.2.7", "-"),
    ([(XFF, "192.0.2.7:4711")], "192.0.2.7", "4711"),
    ([(XFF, "203.0.113.1, 192.0.2.7, 10.1.2.3")], "192.0.2.7", "-"),
    ([(XFF, "203.0.113.1"), (XFF, "2001:db8::7"), (XFF, "10.0.0.9")], "2001:db8::7", "-"),
    ([("Forwarded", 'for="[2001:db8::7]:99"')], "2001:db8::7", "99"),
    ([("Forwarded", "for=203.0.113.1, for=192.0.2.7;by=10.0.0.1")], "192.0.2.7", "-"),
    ([("Forwarded", "for=192.0.2.7, for=_secret")], "127.0.0.1", None),
    ([(XFF, "192.0.2.7, unknown")], "127.0.0.1", None),
    ([(XFF, "192.0.2.7'; DROP TABLE")], "127.0.0.1", None),
    ([(XFF, "<b>, 192.0.2.7")], "192.0.2.7", "-"),
    ([], "127.0.0.1", None),
], ids=range(11))
def test_who_the_visitor_is(box, pair, fields, addr, port):
    server = box.serve()
    got = env(ask(server, fields))
    assert got["REMOTE_ADDR"] == addr
    assert port is None or got["REMOTE_PORT"] == port
    assert got["HTTPS"] == "-" and got["SERVER_PORT"] == str(server.port)
    if fields and fields[0][0] == XFF:  # scripts see it as ever
        assert got["HTTP_X_FORWARDED_FOR"] == ", ".join(v for _, v in fields)
    assert last_visitor(pair[0]) == addr


@pytest.mark.parametrize("fields", [
    [(XFF, "192.0.2.7")], [("Forwarded", "for=192.0.2.7;proto=https")],
    [(XFF, "192.0.2.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "443")],
    [(XFF, "127.0.0.1"), ("Forwarded", "for=10.0.0.1")],
])
def test_of_anybody_else_it_means_nothing(box, pair, fields):
    server = box.serve()
    got = env(ask(server, fields, source="127.0.0.9"))
    assert got["REMOTE_ADDR"] == "127.0.0.9" and got["HTTPS"] == "-"
    assert got["SERVER_PORT"] == str(server.port)
    assert last_visitor(pair[0]) == "127.0.0.9"
    if fields[0][0] == XFF and len(fields) != 2:
        assert env(ask(server, fields))["REMOTE_ADDR"] == "192.0.2.7"  # the control


def test_without_the_directive_nobody_is_trusted(box, pair):
    server = box.serve(trusted_proxies=None)
    assert env(ask(server, [(XFF, "192.0.2.7")]))["REMOTE_ADDR"] == "127.0.0.1"


def test_rules_are_the_visitors(box, pair):
    box.site("inside.test", files={"index.html": "inside\n"}, allow=["192.0.2.0/24"])
    server = box.serve()

    def status(value, source=None):
        return ask(server, [(XFF, value)], "/", "inside.test", source).status

    assert status("192.0.2.7") == 200
    assert status("192.0.2.7, 203.0.113.9") == 403  # what a visitor puts before
    assert status("203.0.113.9, 192.0.2.7") == 200
    assert status("192.0.2.7", source="127.0.0.9") == 403
    assert status("192.0.2.7, nonsense") == 403


def test_two_words_that_disagree_are_none(box, pair):
    """A proxy sets one of them, and passes a visitor's other one on."""
    server = box.serve()
    both = [(XFF, "203.0.113.9"), ("Forwarded", "for=192.0.2.7")]
    assert ask(server, both).status == 400
    wait_for(lambda: "name different visitors" in pair[0].errors(), "the reason in the log", 5)
    agreed = [(XFF, "192.0.2.7"), ("Forwarded", "for=192.0.2.7")]
    assert env(ask(server, agreed))["REMOTE_ADDR"] == "192.0.2.7"


def test_https_behind_a_proxy_that_ends_it(box, pair):
    box.site("both.test", php={"processes": 1}, files={"who.php": WHO}, https_redirect=True,
             hsts="1d", tls=certificate(box, "both.test"))
    tls_port = free_port()
    server = box.serve(listen_tls=[f"127.0.0.1:{tls_port}"])
    secure = [(XFF, "192.0.2.7"), ("X-Forwarded-Proto", "https")]
    r = ask(server, [(XFF, "192.0.2.7"), ("X-Forwarded-Proto", "http")], "/who.php", "both.test")
    assert r.status == 301 and r.get("Location").startswith("https://both.test")
    r = ask(server, secure, "/who.php", "both.test")
    got = env(r)
    assert r.get("Strict-Transport-Security") == "max-age=86400"
    assert got["HTTPS"] == "on" and got["REQUEST_SCHEME"] == "https"
    assert got["SERVER_PORT"] == "443"
    got = env(ask(server, secure + [("X-Forwarded-Port", "8443")], "/who.php", "both.test"))
    assert got["SERVER_PORT"] == "8443"
    got = env(ask(server, [("Forwarded", "for=192.0.2.7;proto=https")], "/who.php", "both.test"))
    assert got["HTTPS"] == "on"
    r = ask(server, secure, "/who.php", "both.test", source="127.0.0.9")
    assert r.status == 301  # who says so himself goes there all the same


def test_http2_each_stream_its_visitor(box):
    box.main = {"trusted_proxies": ["127.0.0.1"]}
    alice = box.site("alice.test", php={"processes": 1}, files={"who.php": WHO},
                     tls=certificate(box, "alice.test"))
    port = free_port()
    box.serve(listen_tls=[f"127.0.0.1:{port}"])
    command = []
    for i in range(1, 6):
        command += ["--next"] if command else []
        command += ["-sk", "--http2", "--resolve", f"alice.test:{port}:127.0.0.1", "-H",
                    f"{XFF}: 203.0.113.9, 192.0.2.{i}", f"https://alice.test:{port}/who.php"]
    out = subprocess.run(["curl", *command], capture_output=True, text=True,
                         timeout=60 * SLOW, check=True).stdout
    assert [line for line in out.splitlines() if line.startswith("REMOTE_ADDR")] \
        == [f"REMOTE_ADDR=192.0.2.{i}" for i in range(1, 6)]
    wait_for(lambda: len(alice.log_lines()) == 5, "the log", 5)
    assert [line.split()[0] for line in alice.log_lines()] \
        == [f"192.0.2.{i}" for i in range(1, 6)]


@pytest.mark.parametrize("acceptors", [1, 3])
def test_a_kept_connection_of_many_visitors(box, pair, acceptors):
    """Between two users' sites, each request with a visitor of its own."""
    alice, bob = pair
    server = box.serve(acceptors=acceptors)
    with Client(server.port) as c:
        for i in range(20):
            for site in (bob, alice) if i % 3 else (alice, bob):
                r = c.get(site.host, "/who.php", fields=[(XFF, f"192.0.2.{i}")])
                assert env(r)["REMOTE_ADDR"] == f"192.0.2.{i}"
    for site in pair:
        wait_for(lambda s=site: len(s.log_lines()) == 20, "the log", 5)
        assert [x.split()[0] for x in site.log_lines()] == [f"192.0.2.{i}" for i in range(20)]


def test_a_kept_connection_and_heads_in_pieces(box, pair):
    server = box.serve(head_timeout="3s")
    head = f"GET /who.php HTTP/1.1\r\nHost: %s\r\n{XFF}: 192.0.2.7\r\nX-Long: {'a' * 5000}\r\n\r\n"
    with Client(server.port) as c:
        for host in ("alice.test", "bob.test", "bob.test", "alice.test"):
            text = head % host
            for at in range(0, len(text), 1300):
                c.send(text[at:at + 1300])
                threading.Event().wait(0.01)
            assert env(c.answer())["REMOTE_ADDR"] == "192.0.2.7"
        c.send((head % "bob.test")[:700])
        assert c.answer().status == 408  # half a head, and time is over
        assert c.closed() == b""


def test_a_body_is_the_request_s_own(box, pair):
    """Bodies and pipelined requests for the same user go on as ever."""
    server = box.serve()
    with Client(server.port) as c:
        for i in range(3):
            r = c.get("alice.test", "/who.php", "POST", body="x" * 70000,
                      fields=[(XFF, f"192.0.2.{i}")])
            assert env(r)["REMOTE_ADDR"] == f"192.0.2.{i}"
        c.send("".join(f"GET /who.php HTTP/1.1\r\nHost: alice.test\r\n{XFF}: 192.0.2.{i}\r\n\r\n"
                       for i in range(5)))
        assert [env(c.answer())["REMOTE_ADDR"] for _ in range(5)] \
            == [f"192.0.2.{i}" for i in range(5)]


def test_read_already_is_not_taken_back(box, pair):
    """Pipelined behind a request of alice's: her worker has read it, so nobody believes it."""
    server = box.serve()
    one = "GET /who.php HTTP/1.1\r\nHost: {}\r\n" + XFF + ": 192.0.2.7\r\n\r\n"
    with Client(server.port) as c:
        c.send(one.format("alice.test") + one.format("bob.test"))
        assert env(c.answer())["REMOTE_ADDR"] == "192.0.2.7"
        assert c.answer().status == 421
        assert c.closed() == b""
    assert pair[1].log_lines() == []
    with Client(server.port, source="127.0.0.9") as c:  # the control
        c.send(one.format("alice.test") + one.format("bob.test"))
        assert [env(c.answer())["REMOTE_ADDR"] for _ in "ab"] == ["127.0.0.9"] * 2


def test_closing_after_each_answer(box, pair):
    server = box.serve(trusted_proxies_close=True)
    with Client(server.port) as c:
        assert c.get("bob.test").get("Connection") == "close"
        assert c.closed() == b""
    with Client(server.port, source="127.0.0.9") as c:
        assert c.get("bob.test").get("Connection") is None
        assert c.get("bob.test").status == 200


def test_limits_are_the_visitors(box, pair):
    """A proxy has as many connections as it likes; a visitor has few requests at once."""
    server = box.serve(connections_per_address=2)
    kept = [Client(server.port) for _ in range(8)]
    codes = {}

    def slow(c, i, addr):
        try:
            codes[i] = c.get("alice.test", "/slow.php", fields=[(XFF, addr)]).status
        except Cut as e:
            codes[i] = e

    try:
        for i, c in enumerate(kept):
            assert c.get("bob.test", fields=[(XFF, f"203.0.113.{i}")]).status == 200
        addrs = ["192.0.2.1"] * 3 + ["192.0.2.2"]
        threads = [threading.Thread(target=slow, args=(c, i, addrs[i]))
                   for i, c in enumerate(kept[:4])]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert sorted(codes[i] for i in range(3)) == [200, 200, 429], codes
        assert codes[3] == 200
        assert kept[7].get("alice.test", "/", fields=[(XFF, "192.0.2.1")]).status == 200
    finally:
        for c in kept:
            c.close()
    with Client(server.port, source="127.0.0.9") as a, Client(server.port, source="127.0.0.9") as b, \
            Client(server.port, source="127.0.0.9") as c:
        assert [x.get("bob.test").status for x in (a, b, c)] == [200, 200, 429]  # the control


def test_behind_a_balancer_and_a_proxy(box, pair):
    """PROXY says that a proxy has connected: its requests are believed."""
    port = free_port()
    box.serve(port=port, trusted_proxies=["10.0.0.0/8"],
              listen=[{"address": f"127.0.0.1:{port}", "proxy_protocol": ["127.0.0.1"]}])
    for source, want in (("10.0.0.5", "192.0.2.7"), ("203.0.113.5", "203.0.113.5")):
        with Client(port) as c:
            c.send(v2(source))
            for host in ("alice.test", "bob.test", "alice.test"):
                r = c.get(host, "/who.php", fields=[(XFF, "192.0.2.7")])
                assert env(r)["REMOTE_ADDR"] == want
