"""HTTP/1 on the wire: connections that are kept, and heads that must be refused."""
import re
import time

import pytest

from wire import Cut, converse

HOST = "Host: alice.test\r\n"


def statuses(data):
    return [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d{3})", data)]


# --- connections ------------------------------------------------------------------------------

@pytest.mark.core
def test_keep_alive(house):
    with house.server.client() as c:
        for _ in range(200):
            assert c.get("alice.test").text == "alice's page\n"


@pytest.mark.core
def test_pipelined_answers_come_in_order(house):
    for n in range(30):
        house.alice.write(f"pipe{n}.txt", f"number {n}\n" * (1 if n % 5 else 5000))
    with house.server.client() as c:
        c.send("".join(f"GET /pipe{n}.txt HTTP/1.1\r\n{HOST}\r\n" for n in range(30)))
        for n in range(30):
            r = c.answer()
            assert r.status == 200 and r.text.startswith(f"number {n}\n")


def test_pipelined_byte_by_byte(house):
    with house.server.client() as c:
        for byte in f"GET / HTTP/1.1\r\n{HOST}\r\nGET /missing HTTP/1.1\r\n{HOST}\r\n":
            c.send(byte)
        assert [c.answer().status, c.answer().status] == [200, 404]


def test_close_is_honoured(house):
    with house.server.client() as c:
        r = c.get("alice.test", fields=[("Connection", "close")])
        assert r.status == 200 and r.get("Connection", "").lower() == "close"
        assert c.closed() == b""


@pytest.mark.core
def test_http10_closes_unless_asked(house):
    with house.server.client() as c:
        r = c.get("alice.test", version="1.0")
        assert r.text == "alice's page\n" and c.closed() == b""
    with house.server.client() as c:
        for _ in range(3):
            r = c.get("alice.test", version="1.0", fields=[("Connection", "keep-alive")])
            assert r.text == "alice's page\n"
            assert r.get("Connection", "").lower() == "keep-alive"
            assert r.get("Transfer-Encoding") is None


def test_half_closed_client_is_answered(house):
    with house.server.client() as c:
        c.ask("alice.test")
        c.sock.shutdown(1)
        assert c.answer().text == "alice's page\n"
        assert c.closed() == b""


def test_leading_empty_lines_are_skipped(house):
    with house.server.client() as c:
        c.send(f"\r\n\r\nGET / HTTP/1.1\r\n{HOST}\r\n")
        assert c.answer().status == 200


def test_absolute_form_beats_host(house):
    with house.server.client() as c:
        c.send("GET http://alice.test/index.html HTTP/1.1\r\nHost: bob.test\r\n\r\n")
        assert c.answer().text == "alice's page\n"


@pytest.mark.parametrize("host", ["ALICE.test", "alice.test:80", "alice.test.", "www.alice.test",
                                  "alice.test:65535"])
def test_spellings_of_a_host(house, host):
    assert house.server.get(host).text == "alice's page\n"


def test_options(house):
    r = house.server.get(house.alice, "/", "OPTIONS")
    assert r.status in (200, 204) and "GET" in r.get("Allow")


def test_idle_connection_is_closed(box):
    s = box.site("idle.test", files={"index.html": "x"})
    server = box.serve(keepalive_timeout="1s")
    with server.client() as c:
        assert c.get(s.host).status == 200
        begin = time.monotonic()
        assert c.closed() == b""
        assert time.monotonic() - begin > 0.5


def test_unread_body_does_not_become_a_request(house):
    """The body of a refused POST must not be taken for the next request."""
    inner = f"GET /plain.txt HTTP/1.1\r\n{HOST}\r\n".encode()
    with house.server.client() as c:
        c.ask("alice.test", "/index.html", "POST", body=inner)
        assert c.answer().status == 405
        try:
            assert c.get("alice.test").text == "alice's page\n"
        except (Cut, OSError):
            pass  # closing is as good


def test_expect_continue_on_a_file(house):
    with house.server.client() as c:
        c.ask("alice.test", "/", "POST", [("Expect", "100-continue"), ("Content-Length", "9")])
        assert c.head().status in (405, 417)


def test_unknown_expectation(house):
    assert house.server.get(house.alice, fields=[("Expect", "miracles")]).status == 417


# --- refused ----------------------------------------------------------------------------------

REFUSED = [
    ("bare LF", f"GET / HTTP/1.1\n{HOST}\r\n", 400),
    ("bare LF after a field", "GET / HTTP/1.1\r\nHost: alice.test\n\r\n", 400),
    ("bare CR in a value", "GET / HTTP/1.1\r\nHost: alice.test\r\nX: a\rb\r\n\r\n", 400),
    ("CR CR LF at the end", "GET / HTTP/1.1\r\nHost: alice.test\r\n\r\r\n", 400),
    ("space before the colon", "GET / HTTP/1.1\r\nHost : alice.test\r\n\r\n", 400),
    ("tab before the colon", f"GET / HTTP/1.1\r\n{HOST}X\t: a\r\n\r\n", 400),
    ("obs-fold", f"GET / HTTP/1.1\r\n{HOST}X: a\r\n b\r\n\r\n", 400),
    ("obs-fold first", f"GET / HTTP/1.1\r\n X: a\r\n{HOST}\r\n", 400),
    ("empty field name", f"GET / HTTP/1.1\r\n{HOST}: x\r\n\r\n", 400),
    ("no colon", f"GET / HTTP/1.1\r\n{HOST}nonsense\r\n\r\n", 400),
    ("NUL in a value", f"GET / HTTP/1.1\r\n{HOST}X: a\0b\r\n\r\n", 400),
    ("control in a value", f"GET / HTTP/1.1\r\n{HOST}X: a\x01b\r\n\r\n", 400),
    ("DEL in a value", f"GET / HTTP/1.1\r\n{HOST}X: a\x7fb\r\n\r\n", 400),
    ("bad character in a name", f"GET / HTTP/1.1\r\n{HOST}X(y): a\r\n\r\n", 400),
    ("NUL in a name", f"GET / HTTP/1.1\r\n{HOST}X\0: a\r\n\r\n", 400),
    ("tab in the target", f"GET /a\tb HTTP/1.1\r\n{HOST}\r\n", 400),
    ("two spaces in the request line", f"GET  / HTTP/1.1\r\n{HOST}\r\n", 400),
    ("trailing space in the request line", f"GET / HTTP/1.1 \r\n{HOST}\r\n", 400),
    ("leading space", f" GET / HTTP/1.1\r\n{HOST}\r\n", 400),
    ("control in the target", f"GET /\x01 HTTP/1.1\r\n{HOST}\r\n", 400),
    ("NUL in the target", f"GET /\0 HTTP/1.1\r\n{HOST}\r\n", 400),
    ("raw UTF-8 in the target", f"GET /\xc3\xbc HTTP/1.1\r\n{HOST}\r\n", 400),
    ("fragment", f"GET /#x HTTP/1.1\r\n{HOST}\r\n", 400),
    ("target without slash", f"GET index.html HTTP/1.1\r\n{HOST}\r\n", 400),
    ("another scheme", f"GET ftp://alice.test/ HTTP/1.1\r\n{HOST}\r\n", 400),
    ("authority-form without CONNECT", f"GET alice.test:80 HTTP/1.1\r\n{HOST}\r\n", 400),
    ("asterisk without OPTIONS", f"GET * HTTP/1.1\r\n{HOST}\r\n", 400),
    ("no version", f"GET /\r\n{HOST}\r\n", 400),
    ("HTTP/0.9", f"GET / HTTP/0.9\r\n{HOST}\r\n", (400, 505)),
    ("HTTP/2.0", f"GET / HTTP/2.0\r\n{HOST}\r\n", (400, 505)),
    ("HTTP/9.9", f"GET / HTTP/9.9\r\n{HOST}\r\n", (400, 505)),
    ("http in lower case", f"GET / http/1.1\r\n{HOST}\r\n", 400),
    ("version with more digits", f"GET / HTTP/1.11\r\n{HOST}\r\n", 400),
    ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    ("method not a token", f"G@T / HTTP/1.1\r\n{HOST}\r\n", 400),
    ("no Host in 1.1", "GET / HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", f"GET / HTTP/1.1\r\n{HOST}Host: bob.test\r\n\r\n", 400),
    ("two equal Hosts", f"GET / HTTP/1.1\r\n{HOST}{HOST}\r\n", 400),
    ("Host with userinfo", "GET / HTTP/1.1\r\nHost: u@alice.test\r\n\r\n", 400),
    ("Host with a path", "GET / HTTP/1.1\r\nHost: alice.test/x\r\n\r\n", 400),
    ("Host with a bad port", "GET / HTTP/1.1\r\nHost: alice.test:http\r\n\r\n", 400),
    ("Host with a space", "GET / HTTP/1.1\r\nHost: alice test\r\n\r\n", 400),
    ("Host as a list", "GET / HTTP/1.1\r\nHost: alice.test, bob.test\r\n\r\n", 400),
    ("userinfo in absolute-form", f"GET http://u@alice.test/ HTTP/1.1\r\n{HOST}\r\n", 400),
    ("absolute-form with a bad port", f"GET http://alice.test:x/ HTTP/1.1\r\n{HOST}\r\n", 400),
    ("target too long", f"GET /{'a' * 40000} HTTP/1.1\r\n{HOST}\r\n", (414, 431)),
    ("field too long", f"GET / HTTP/1.1\r\n{HOST}X: {'a' * 100000}\r\n\r\n", 431),
    ("too many fields", f"GET / HTTP/1.1\r\n{HOST}" + "X: a\r\n" * 5000 + "\r\n", 431),
]

SMUGGLED = [
    ("length and coding", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
    ("coding and length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
    ("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n", 400),
    ("two equal lengths", "Content-Length: 5\r\nContent-Length: 5\r\n", 400),
    ("length as a list", "Content-Length: 5, 5\r\n", 400),
    ("signed length", "Content-Length: +5\r\n", 400),
    ("negative length", "Content-Length: -5\r\n", 400),
    ("hexadecimal length", "Content-Length: 0x5\r\n", 400),
    ("length with a space inside", "Content-Length: 1 0\r\n", 400),
    ("empty length", "Content-Length:\r\n", 400),
    ("length overflows", "Content-Length: 18446744073709551621\r\n", 400),
    ("length with a space before the colon", "Content-Length : 5\r\n", 400),
    ("unknown coding", "Transfer-Encoding: xchunked\r\n", (400, 501)),
    ("chunked not last", "Transfer-Encoding: chunked, gzip\r\n", 400),
    ("chunked twice", "Transfer-Encoding: chunked, chunked\r\n", 400),
    ("chunked in two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
    ("identity then chunked", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
     (400, 501)),
    ("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", (400, 501)),
    ("vertical tab in the coding", "Transfer-Encoding: \x0bchunked\r\n", 400),
    ("quoted coding", "Transfer-Encoding: \"chunked\"\r\n", (400, 501)),
    ("empty coding", "Transfer-Encoding:\r\n", (400, 501)),
    ("coding with a space before the colon", "Transfer-Encoding : chunked\r\n", 400),
    ("folded coding", "Transfer-Encoding:\r\n chunked\r\n", 400),
]


def refused(house, data, status):
    """One answer of this status, then the connection is closed: nothing after is a request."""
    got = converse(house.port, data.encode("latin-1"))
    want = status if isinstance(status, tuple) else (status,)
    assert len(statuses(got)) == 1 and statuses(got)[0] in want, got[:400]
    assert b"alice's page" not in got and b"bob's page" not in got


@pytest.mark.core
@pytest.mark.parametrize("data,status", [pytest.param(d, s, id=why) for why, d, s in REFUSED])
def test_refused_by_the_acceptor(house, data, status):
    """First on its connection: the acceptor is the one to see it."""
    refused(house, data, status)


@pytest.mark.core
@pytest.mark.parametrize("data,status", [pytest.param(d, s, id=why) for why, d, s in REFUSED])
def test_refused_by_the_worker(house, data, status):
    """Second on its connection: only the worker sees it, and must think the same."""
    got = converse(house.port, (f"HEAD / HTTP/1.1\r\n{HOST}\r\n" + data).encode("latin-1"))
    want = status if isinstance(status, tuple) else (status,)
    assert statuses(got)[0] == 200
    assert len(statuses(got)) == 2 and statuses(got)[1] in want, got[:600]
    assert b"alice's page" not in got and b"bob's page" not in got


@pytest.mark.core
@pytest.mark.parametrize("fields,status", [pytest.param(f, s, id=why) for why, f, s in SMUGGLED])
def test_smuggling(house, fields, status):
    """The request that hides in the body must not be answered, whoever counts how."""
    hidden = f"0\r\n\r\nGET /who.php HTTP/1.1\r\n{HOST}\r\n"
    refused(house, f"POST / HTTP/1.1\r\n{HOST}{fields}\r\n{hidden}", status)


def test_transfer_encoding_in_http10(house):
    refused(house, f"POST / HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)


CHUNKS = [
    ("size with a sign", "+5\r\nhello\r\n0\r\n\r\n"),
    ("size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
    ("size with a leading space", " 5\r\nhello\r\n0\r\n\r\n"),
    ("empty size", "\r\nhello\r\n0\r\n\r\n"),
    ("size overflows", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    ("bare LF after the size", "5\nhello\r\n0\r\n\r\n"),
    ("no line end after the data", "5\r\nhelloX\r\n0\r\n\r\n"),
    ("bare LF after the data", "5\r\nhello\n0\r\n\r\n"),
    ("bad trailer", "5\r\nhello\r\n0\r\nbad trailer\r\n\r\n"),
]


@pytest.mark.core
@pytest.mark.parametrize("body", [pytest.param(b, id=why) for why, b in CHUNKS])
def test_bad_chunks(house, body):
    """A body that cannot be framed ends the connection; what follows is no request."""
    head = f"POST /who.php HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n"
    got = converse(house.port, f"{head}{body}GET / HTTP/1.1\r\n{HOST}\r\n".encode())
    assert statuses(got) == [400], got[:400]


# --- garbage, and heads that never end --------------------------------------------------------

CLIENT_HELLO = bytes.fromhex(
    "16030100a5010000a10303") + bytes(range(32)) + b"\x00\x00\x02\x13\x01" + b"\x01\x00" + bytes(110)


@pytest.mark.core
@pytest.mark.parametrize("data", [
    pytest.param(CLIENT_HELLO, id="TLS ClientHello"),
    pytest.param(b"\x00" * 100, id="NULs"),
    pytest.param(bytes(range(256)) * 8, id="every byte"),
    pytest.param(b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", id="PROXY protocol v1"),
    pytest.param(b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12), id="PROXY protocol v2"),
    pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="SSH"),
    pytest.param(b"\xff" * 70000, id="70 KB of 0xff"),
    pytest.param(b"\r\n" * 5000, id="only line ends"),
    pytest.param(b"A" * 200000, id="a word without end"),
])
def test_garbage(house, data):
    begin = time.monotonic()
    got = converse(house.port, data)
    assert not got or statuses(got)[0] in (400, 408, 414, 431, 501, 505), got[:300]
    assert b"alice" not in got and b"bob" not in got
    assert time.monotonic() - begin < 10
    assert house.server.get(house.alice).status == 200


@pytest.mark.parametrize("data", [
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET", id="half a method"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: alice", id="half a head"),
])
def test_head_that_never_ends_is_closed(house, data):
    """head_timeout is 2 s here."""
    begin = time.monotonic()
    got = converse(house.port, data)
    assert time.monotonic() - begin < 10
    assert statuses(got) in ([], [408])


def test_slow_head_is_answered(house):
    """Slow is not hostile: a head in pieces within the time is a request."""
    with house.server.client() as c:
        for piece in ("GET / HT", "TP/1.1\r\nHo", "st: alice.test\r", "\nX: y\r\n\r", "\n"):
            c.send(piece)
            time.sleep(0.1)  # the pace of the client, which is what is tried here
        assert c.answer().text == "alice's page\n"
