"""What a script's answer may be, byte by byte: the user's own responder says whatever it likes."""
import time
from types import SimpleNamespace

import pytest

from house import Box
from test_upstream import Daemon
from wire import Cut

# one request a connection; the query is the answer's STDOUT in hex, cut into records at commas
RAW = r"""
import socket, struct, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(64)
def exactly(c, n):
    b = b""
    while len(b) < n:
        p = c.recv(n - len(b))
        if not p: raise EOFError
        b += p
    return b
def record(kind, data): return struct.pack(">BBHHBB", 1, kind, 1, len(data), 0, 0) + data
def size(b):
    return (b[0], b[1:]) if b[0] < 128 else (struct.unpack(">I", b[:4])[0] & 0x7fffffff, b[4:])
while True:
    c, _ = s.accept()
    try:
        params = b""
        while True:
            _, kind, _, n, pad, _ = struct.unpack(">BBHHBB", exactly(c, 8))
            data = exactly(c, n); exactly(c, pad)
            if kind == 4: params += data
            if kind == 5 and n == 0: break
        found = {}
        while params:
            a, params = size(params); b, params = size(params)
            found[params[:a]] = params[a:a + b]; params = params[a + b:]
        for piece in found[b"QUERY_STRING"].decode().split(","):
            many, _, piece = piece.rpartition("*")
            out = bytes.fromhex(piece) * int(many or 1)
            for at in range(0, len(out), 60000): c.sendall(record(6, out[at:at + 60000]))
        if found[b"PATH_INFO"] != b"/cut": c.sendall(record(3, bytes(8)))
    except (EOFError, OSError):
        pass
    c.close()
"""


@pytest.fixture(scope="module")
def raw():
    b = Box()
    s = b.site("raw.test", files={"unused": ""}, compress=False)
    run = s.directory(s.home / "run")
    sock = run / "raw.sock"
    s.vhost["fastcgi"] = {"path": "/r/*", "socket": str(sock)}
    daemon = Daemon(["/usr/bin/python3", "-c", RAW, sock], s.uid, sock)
    server = b.serve()

    def ask(*pieces, method="GET", path="/r/x"):
        query = ",".join(p.hex() if isinstance(p, bytes) else p.encode("latin-1").hex()
                         for p in pieces)
        return server.get(s, f"{path}?{query}", method)

    yield SimpleNamespace(site=s, server=server, ask=ask)
    daemon.stop()
    b.close()


@pytest.mark.core
@pytest.mark.parametrize("head,status", [
    pytest.param("Content-Type: a/b\r\n\r\n", 200, id="no Status"),
    pytest.param("Status: 404 Not Found\r\n\r\n", 404, id="a Status with its reason"),
    pytest.param("Status: 404\n\n", 404, id="a bare Status, and bare line ends"),
    pytest.param("status:   599 \r\n\r\n", 599, id="any case, white space"),
    pytest.param("Location: http://x.test/\r\n\r\n", 302, id="Location alone"),
    pytest.param("Location: /local?x=1\r\n\r\n", 302, id="a local Location is no less a redirect"),
    pytest.param("Status: 201\r\nLocation: /made\r\n\r\n", 201, id="Status and Location"),
    pytest.param("Status: 20\r\n\r\n", 502, id="two digits"),
    pytest.param("Status: 2000\r\n\r\n", 502, id="four digits"),
    pytest.param("Status: abc\r\n\r\n", 502, id="a word"),
    pytest.param("Status: 99 x\r\n\r\n", 502, id="below all statuses"),
    pytest.param("Status: 600\r\n\r\n", 502, id="above all statuses"),
    pytest.param("Status: 100 Continue\r\n\r\n", 502, id="100 is no answer"),
    pytest.param("Status: 101\r\nUpgrade: x\r\n\r\n", 502, id="101 neither"),
    pytest.param("Status: 103\r\nLink: x\r\n\r\n", 502, id="103 neither (F19)"),
    pytest.param("Status: 200\r\nStatus: 404\r\n\r\n", 502, id="two Status lines"),
    pytest.param("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 502, id="Content-Length twice"),
    pytest.param("Content-Length: 3, 3\r\n\r\nabc", 502, id="a list of lengths"),
    pytest.param("Content-Length: -1\r\n\r\n", 502, id="a negative length"),
    pytest.param("Content-Length: 0x3\r\n\r\nabc", 502, id="a length in hex"),
    pytest.param("Content-Length: 99999999999999999999\r\n\r\n", 502, id="a length that does not fit"),
    pytest.param("X-A: 1\r\n folded\r\n\r\n", 502, id="a folded line"),
    pytest.param(" X-A: 1\r\n\r\n", 502, id="a space before the first name"),
    pytest.param("X A: 1\r\n\r\n", 502, id="a space in a name"),
    pytest.param("X-A : 1\r\n\r\n", 502, id="a space before the colon"),
    pytest.param(": 1\r\n\r\n", 502, id="no name"),
    pytest.param("no colon\r\n\r\n", 502, id="no colon"),
    pytest.param("X-A: a\0b\r\n\r\n", 502, id="NUL"),
    pytest.param("X-A: a\rSet-Cookie: b\r\n\r\n", 502, id="a lone CR"),
    pytest.param("X-A: a\x7fb\r\n\r\n", 502, id="DEL"),
    pytest.param("\r\n", 502, id="no field at all"),
    pytest.param("HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n", 502, id="a status line of HTTP"),
    pytest.param("X-A: never ends", 502, id="no empty line"),
    pytest.param("", 502, id="nothing at all"),
])
def test_heads(raw, head, status):
    r = raw.ask(head)
    assert r.status == status, r
    assert r.get("Set-Cookie") is None and r.get("Upgrade") is None
    if "Location" in head:
        assert r.get("Location") == head.split("Location: ")[1].split("\r")[0]


@pytest.mark.parametrize("parts,status", [
    pytest.param([(1, b"X-A: "), (60000, b"x"), (1, b"\r\n\r\n")], 200, id="nearly 64 KiB"),
    pytest.param([(1, b"X-A: "), (66000, b"x"), (1, b"\r\n\r\n")], 502, id="more than that"),
    pytest.param([(98, b"X-A: b\r\n"), (1, b"\r\n")], 200, id="98 fields"),
    pytest.param([(101, b"X-A: b\r\n"), (1, b"\r\n")], 502, id="101 fields"),
    pytest.param([(1 << 20, b"X-A: b\r\n")], 502, id="8 MiB of fields"),
])
def test_long_heads(raw, parts, status):
    query = ",".join(f"{n}*{part.hex()}" for n, part in parts)
    assert raw.server.get(raw.site, f"/r/x?{query}").status == status


@pytest.mark.core
def test_what_is_the_connections_is_not_the_scripts(raw):
    r = raw.ask("Transfer-Encoding: chunked\r\nConnection: close, X-Fine\r\nKeep-Alive: 5\r\n"
                "Upgrade: h2c\r\nTrailer: X\r\nTE: x\r\nProxy-Authenticate: x\r\n"
                "Server: evil\r\nDate: never\r\nX-Fine: yes\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    assert r.body == b"5\r\nhello\r\n0\r\n\r\n" and r.get("X-Fine") == "yes"
    for name in ("Keep-Alive", "Upgrade", "Trailer", "TE", "Proxy-Authenticate"):
        assert r.get(name) is None
    assert len(r.all("Date")) == 1 and r.get("Date") != "never" and r.get("Server") != "evil"
    assert r.all("Transfer-Encoding") in ([], ["chunked"])


@pytest.mark.core
@pytest.mark.parametrize("status", [204, 304])
def test_no_content_is_none(raw, status):
    """F20: what follows a head that has no body is dropped, and the next answer is in step."""
    with raw.server.client() as c:
        query = (f"Status: {status}\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\nhello"
                 "HTTP/1.1 200 OK\r\n\r\n").encode().hex()
        c.ask(raw.site.host, f"/r/x?{query}")
        r = c.answer()
        assert (r.status, r.body) == (status, b"")
        if status == 204:
            assert r.get("Content-Length") is None
        c.ask(raw.site.host, "/r/x?" + b"X-B: c\r\n\r\nnext".hex())
        assert c.answer().text == "next"
    r = raw.ask("Content-Length: 5\r\n\r\nhello", method="HEAD")
    assert (r.status, r.body, r.get("Content-Length")) == (200, b"", "5")


def test_records_may_end_anywhere(raw):
    text = b"Status: 201 Made\r\nX-A: b\r\n\r\nbody"
    r = raw.ask(*[text[i:i + 1] for i in range(len(text))])
    assert (r.status, r.reason, r.get("X-A"), r.text) == (201, "Made", "b", "body")


def test_a_coding_of_the_scripts_own_stays(raw):
    r = raw.server.get(raw.site, "/r/x?" + (b"Content-Type: text/html\r\nContent-Encoding: gzip\r\n"
                       b"\r\n" + bytes(2000)).hex(), fields=[("Accept-Encoding", "br, gzip")])
    assert r.all("Content-Encoding") == ["gzip"] and r.body == bytes(2000)


def test_a_responder_that_dies(raw):
    assert raw.ask("X-A: half a head", path="/r/cut").status == 502
    with pytest.raises(Cut):
        raw.ask("X-A: b\r\n\r\nhalf a body", path="/r/cut")


def test_what_is_there_of_a_cut_answer_is_sent(raw):
    """Who gets nothing at all on a kept connection asks once more: that must not happen."""
    with raw.server.client() as c:
        c.ask(raw.site.host, "/unused")
        c.ask(raw.site.host, "/r/x?" + b"Content-Length: 9\r\n\r\nabc".hex())
        assert c.answer().status == 200, "the one before is whole"
        rest = c.pending
        while piece := c.sock.recv(65536):
            rest += piece
    head, _, body = rest.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and b"Content-Length: 9" in head and body == b"abc"


@pytest.mark.alone
def test_nothing_is_held_back_from_a_responder(raw):
    """PHP runs before the last record of a request; this one waits for it."""
    def once():
        begin = time.monotonic()
        assert raw.ask("X-A: b\r\n\r\nx").text == "x"
        return time.monotonic() - begin
    assert min(once() for _ in range(20)) < 0.008


def test_fields_for_the_server_are_not_the_visitors(raw):
    r = raw.ask("X-Accel-Buffering: no\r\nX-Accel-Expires: 3\r\nX-Own: yes\r\n\r\nx")
    assert r.get("X-Accel-Buffering") is None and r.get("X-Accel-Expires") is None
    assert (r.get("X-Own"), r.text) == ("yes", "x")
