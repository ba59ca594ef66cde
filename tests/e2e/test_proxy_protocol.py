"""PROXY protocol: who the visitor is, who may say it, and what nobody can make up."""
import socket
import struct
import time

import pytest
from house import free_port, hostel
from procs import SLOW, wait_for
from secure import certificate, context
from test_reload import Upgraded
from wire import Client, Cut

V2 = b"\r\n\r\n\0\r\nQUIT\n"
WHO = """<?php header('Content-Type: text/plain');
foreach (['REMOTE_ADDR', 'REMOTE_PORT', 'SERVER_ADDR', 'SERVER_PORT', 'HTTPS', 'REQUEST_SCHEME',
          'HTTP_X_FORWARDED_FOR'] as $k) echo $k, '=', $_SERVER[$k] ?? '-', "\n";
"""


def v1(source="192.0.2.7", port=4711, to="198.51.100.1", to_port=80):
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {to} {port} {to_port}\r\n".encode()


def v2(source="192.0.2.7", port=4711, to="198.51.100.1", to_port=443, tlvs=b""):
    six = ":" in source
    family = socket.AF_INET6 if six else socket.AF_INET
    body = (socket.inet_pton(family, source) + socket.inet_pton(family, to)
            + struct.pack(">HH", port, to_port) + tlvs)
    return V2 + bytes([0x21, 0x21 if six else 0x11]) + struct.pack(">H", len(body)) + body


LOCAL = V2 + b"\x20\0\0\0"


def talk(port, header, host, path="/", source=None):
    """One request behind a header."""
    with Client(port, source=source) as c:
        c.send(header)
        return c.get(host, path)


def proxied(box, nets=("127.0.0.1",), **main):
    port = free_port()
    listen = [{"address": f"127.0.0.1:{port}", "proxy_protocol": list(nets)}]
    return box.serve(listen=listen, port=port, **main)


@pytest.fixture
def pair(box):
    """Two users; alice runs PHP."""
    return (box.site("alice.test", php={"processes": 1},
                     files={"index.html": "alice\n", "who.php": WHO}),
            box.site("bob.test", files={"index.html": "bob\n"}))


def env(r):
    assert r.status == 200, r
    return dict(line.split("=", 1) for line in r.text.splitlines())


def last_visitor(site, n=1):
    """The address in the newest line of a log that has at least n."""
    wait_for(lambda: len(site.log_lines()) >= n, f"{n} log lines", 5)
    return site.log_lines()[-1].split()[0]


@pytest.mark.parametrize("header,addr,port,to", [
    (v1(), "192.0.2.7", "4711", ("198.51.100.1", "80")),
    (v1("2001:db8::7", 1, "2001:db8::1", 443), "2001:db8::7", "1", ("2001:db8::1", "443")),
    (v2(), "192.0.2.7", "4711", ("198.51.100.1", "443")),
    (v2("2001:db8::7", 9, "2001:db8::1"), "2001:db8::7", "9", ("2001:db8::1", "443")),
    (v2(tlvs=b"\x04\0\x80" + bytes(128)), "192.0.2.7", "4711", ("198.51.100.1", "443")),
])
def test_the_visitor_is_who_the_header_says(box, pair, header, addr, port, to):
    server = proxied(box)
    got = env(talk(server.port, header, "alice.test", "/who.php"))
    assert (got["REMOTE_ADDR"], got["REMOTE_PORT"]) == (addr, port)
    assert (got["SERVER_ADDR"], got["SERVER_PORT"]) == to
    assert got["HTTPS"] == "-" and got["REQUEST_SCHEME"] == "http"
    assert last_visitor(pair[0]) == addr


@pytest.mark.parametrize("header", [LOCAL, b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN 1 2 3\r\n",
                                    V2 + b"\x21\0\0\0"])
def test_a_health_check_is_the_balancer_itself(box, pair, header):
    server = proxied(box)
    got = env(talk(server.port, header, "alice.test", "/who.php"))
    assert got["REMOTE_ADDR"] == "127.0.0.1" and got["SERVER_PORT"] == str(server.port)
    with Client(server.port) as c:  # one that says nothing more, as haproxy's
        c.send(LOCAL)
    assert talk(server.port, v1(), "bob.test").status == 200


def test_tls_at_the_balancer_is_https(box, pair):
    server = proxied(box)
    tls = b"\x20\0\x05\x01\0\0\0\0"
    got = env(talk(server.port, v2(tlvs=tls), "alice.test", "/who.php"))
    assert got["HTTPS"] == "on" and got["REQUEST_SCHEME"] == "https"


def test_a_header_before_tls(box):
    alice = box.site("alice.test", php={"processes": 1}, files={"who.php": WHO},
                     tls=certificate(box, "alice.test"))
    port = free_port()
    server = box.serve(listen_tls=[{"address": f"127.0.0.1:{port}",
                                    "proxy_protocol": ["127.0.0.0/8"]}])
    with socket.create_connection(("127.0.0.1", port), 10 * SLOW) as s:
        s.sendall(v2())
        with context().wrap_socket(s, server_hostname="alice.test") as t:
            t.sendall(b"GET /who.php HTTP/1.1\r\nHost: alice.test\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: t.recv(65536), b"")).decode()
    assert "REMOTE_ADDR=192.0.2.7\n" in answer and "HTTPS=on\n" in answer
    assert "SERVER_PORT=443\n" in answer
    assert last_visitor(alice) == "192.0.2.7"
    assert server


@pytest.mark.parametrize("header", [v1(), v2(), v2("2001:db8::7", 9, "2001:db8::1")])
def test_byte_by_byte(box, pair, header):
    server = proxied(box)
    with Client(server.port) as c:
        for byte in header + b"GET /who.php HTTP/1.1\r\nHost: alice.test\r\n\r\n":
            c.send(bytes([byte]))
            time.sleep(0.001)
        assert env(c.answer())["REMOTE_ADDR"] in ("192.0.2.7", "2001:db8::7")


def test_the_longest_head_at_once_behind_half_a_header(box, pair):
    """All of it comes with the header's second half, and nothing comes after it."""
    server = proxied(box)
    header = v2(tlvs=b"\x04\x0f\xe1" + bytes(4065))
    fields = "".join(f"X-{n}: {'x' * 3900}\r\n" for n in range(8))
    head = f"GET / HTTP/1.1\r\nHost: bob.test\r\n{fields}\r\n".encode()
    assert len(header) == 4096 and 31000 < len(head) < 32768
    with Client(server.port, timeout=5) as c:
        c.send(header[:100])
        time.sleep(0.1)  # the half is looked at
        c.send(header[100:] + head)
        assert c.answer().text == "bob\n"


def test_half_a_header_ends_in_time(box, pair):
    server = proxied(box, head_timeout="500ms")
    for said in (b"", v1()[:20], v2()[:20], v1()):
        with Client(server.port) as c:
            c.send(said)
            assert c.closed() == b""
    assert talk(server.port, v1(), "bob.test").status == 200


@pytest.mark.parametrize("said", [
    b"GET / HTTP/1.1\r\nHost: alice.test\r\n\r\n",  # no header at all
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\nGET / HTTP/1.1\r\nHost: alice.test\r\n\r\n",
    b"PROXY TCP4 " + b"1" * 200,
    V2 + b"\x21\x11\xff\xff" + bytes(65535),
    V2 + b"\x21\x11\0\x04\x7f\0\0\1GET / HTTP/1.1\r\nHost: alice.test\r\n\r\n",
    V2 + b"\x41\x11\0\x0c" + bytes(12),
], ids=["none", "port", "endless", "huge", "short", "version"])
def test_without_a_good_header_nothing_is_served(box, pair, said):
    server = proxied(box)
    with Client(server.port) as c:
        try:
            c.send(said)
        except OSError:
            pass
        assert c.closed() == b""
    wait_for(lambda: "listener with proxy_protocol was closed" in server.stderr, "the reason", 5)
    assert talk(server.port, v1(), "bob.test").status == 200
    assert pair[0].log_lines() == []


def test_only_who_is_named_may_connect(box, pair):
    server = proxied(box, nets=["127.0.0.1/32"])
    with pytest.raises((Cut, OSError)):
        talk(server.port, v1(), "bob.test", source="127.0.0.9")
    wait_for(lambda: "proxy_protocol does not name it" in server.stderr, "the reason", 5)
    assert "from 127.0.0.9 to a listener" in server.stderr
    assert talk(server.port, v1(), "bob.test").status == 200  # the control
    assert last_visitor(pair[1]) == "192.0.2.7"


def test_elsewhere_a_header_is_no_request(box, pair):
    server = box.serve()
    with Client(server.port) as c:
        c.send(v1() + b"GET / HTTP/1.1\r\nHost: bob.test\r\n\r\n")
        assert c.answer().status in (400, 501, 505)


def test_a_second_header_is_no_request(box, pair):
    server = proxied(box)
    with Client(server.port) as c:
        c.send(v1() + v1("203.0.113.9") + b"GET / HTTP/1.1\r\nHost: bob.test\r\n\r\n")
        assert c.answer().status in (400, 501, 505)
    assert talk(server.port, v1(), "bob.test").status == 200
    assert last_visitor(pair[1]) == "192.0.2.7"


def test_limits_and_rules_are_the_visitors(box):
    open_, shut = (box.site(f"{name}.test", files={"index.html": name}, **rules)
                   for name, rules in (("open", {"deny": ["127.0.0.1"]}),
                                       ("shut", {"deny": ["192.0.2.0/24"]})))
    server = proxied(box, connections_per_address=2)
    assert talk(server.port, v1(), "open.test").status == 200
    assert talk(server.port, v1(), "shut.test").status == 403
    assert talk(server.port, v1("203.0.113.1"), "shut.test").status == 200
    kept = []
    try:
        for i in range(8):  # the balancer holds many, each visitor few
            c = Client(server.port)
            kept.append(c)
            c.send(v1(f"203.0.113.{i // 2}"))
            assert c.get("open.test").status == 200
        assert talk(server.port, v1("203.0.113.3"), "open.test").status == 429
        waiting = []
        for i in range(4):  # nor does who is not routed yet count as the balancer
            c = Client(server.port)
            kept.append(c)
            waiting.append(c)
            c.send(v1("198.51.100.9") + b"GET / HT")
        assert [c.answer().status for c in waiting[2:]] == [429, 429]
        for c in waiting[:2]:
            c.send(b"TP/1.1\r\nHost: open.test\r\nConnection: close\r\n\r\n")
            assert c.answer().status == 200
    finally:
        for c in kept:
            c.close()


def test_check_warns_of_this_machine(box, pair):
    def check(**main):
        path, _ = box.config(**main)
        r = hostel("check", "--config", path)
        assert r.returncode == 0, r.stderr
        return r.stdout

    port = free_port()
    for nets, warned in ((["127.0.0.1"], True), (["::/0"], True), (["10.0.0.1"], False)):
        out = check(trusted_proxies=nets)
        assert ("warning: trusted_proxies names this machine" in out) == warned, nets
        out = check(listen=[{"address": f"127.0.0.1:{port}", "proxy_protocol": nets}])
        assert ("warning: proxy_protocol names this machine" in out) == warned, nets
    assert "warning" not in check()


@pytest.mark.parametrize("acceptors", [1, 3])
def test_a_kept_connection_keeps_its_visitor(box, pair, acceptors):
    """Between two users' sites, however often, whichever acceptor gets it back."""
    alice, bob = pair
    server = proxied(box, acceptors=acceptors)
    with Client(server.port) as c:
        c.send(v2())
        for i in range(12):
            assert c.get("bob.test").text == "bob\n"
            got = env(c.get("alice.test", "/who.php"))
            assert got["REMOTE_ADDR"] == "192.0.2.7" and got["REMOTE_PORT"] == "4711"
            assert got["SERVER_ADDR"] == "198.51.100.1" and got["SERVER_PORT"] == "443"
    wait_for(lambda: len(bob.log_lines()) == 12 and len(alice.log_lines()) == 12, "the logs", 5)
    assert {line.split()[0] for s in pair for line in s.log_lines()} == {"192.0.2.7"}


@pytest.mark.root
def test_a_kept_connection_over_an_upgrade(box, pair):
    """The next server's acceptors know the seal of those before."""
    server = proxied(box, drain_timeout="5s")
    up = Upgraded(box, server)
    with Client(server.port) as c:
        c.send(v2())
        assert c.get("bob.test").status == 200
        up.upgrade()
        r = c.get("alice.test", "/who.php")
        assert env(r)["REMOTE_ADDR"] == "192.0.2.7"
        if not r.get("Connection"):  # an old worker says that this was its last
            assert c.get("bob.test").text == "bob\n"
    up.end()


@pytest.mark.root
def test_who_may_connect_changes_with_a_reload(box, pair):
    server = proxied(box)
    port = server.port

    def reload(listen):
        box.config(listen=[listen], port=port)
        r = hostel("reload", "--config", box.dir / "hostel.yaml", timeout=60)
        assert r.returncode == 0, r

    assert talk(port, v1(), "bob.test").status == 200
    reload({"address": f"127.0.0.1:{port}", "proxy_protocol": ["127.0.0.9"]})
    with pytest.raises((Cut, OSError)):
        talk(port, v1(), "bob.test")
    assert talk(port, v1(), "bob.test", source="127.0.0.9").status == 200
    reload(f"127.0.0.1:{port}")
    assert talk(port, b"", "bob.test").status == 200
