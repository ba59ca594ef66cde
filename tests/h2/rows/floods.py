"""What moves nothing and comes in floods. RFC 9113 10.5; CVE-2019-9511 to 9518, CVE-2023-44487,
CVE-2024-27316, CVE-2025-8671"""
from rowkit import *
from frames import *

T = Table("floods")
row = T.row
POST = request("POST", "/echo.php")


def many(n, make):
    """In pieces, so that it is the flood that ends it and not one read."""
    return [b"".join(make(i) for i in range(at, min(n, at + 100))) for at in range(0, n, 100)]


def calmed():
    return ends(ENHANCE_YOUR_CALM)


def bomb():
    """A field of 4000 bytes in the table, then named as often as a frame holds."""
    return headers(1, raw=block(request()) + b"\x40\x01x" + b"\x7f\xa1\x1e" + b"y" * 4000 + b"\xbe" * 11000)


row("PING", "10.5", many(3000, lambda i: ping()), calmed())
row("SETTINGS", "10.5", many(3000, lambda i: settings((4, 65535))), calmed())
row("PRIORITY", "10.5", many(6000, lambda i: frame(PRIORITY, 0, 2 * i + 1, b"\0\0\0\0\x10")), calmed())
row("PRIORITY_UPDATE", "9218 7.1", many(6000, lambda i: frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\x01u=1")), calmed())
row("WINDOW_UPDATE", "10.5", many(6000, lambda i: window(0, 1)), calmed())
row("frames of no known type", "10.5", many(3000, lambda i: frame(0x77, 0, 0, b"x")), calmed())
row("empty DATA", "10.5", [headers(1, POST, END_HEADERS)] + many(3000, lambda i: data(1, b"", 0)), calmed())
row("rapid reset", "10.5", many(3000, lambda i: headers(2 * i + 1, POST, END_HEADERS) + reset(2 * i + 1)), calmed())
row("rapid reset of what is answered", "10.5", many(6000, lambda i: headers(2 * i + 1) + reset(2 * i + 1)), calmed())
row("made you reset: windows of 0", "10.5", many(3000, lambda i: headers(2 * i + 1, POST, END_HEADERS) + window(2 * i + 1, 0)),
    ends(ENHANCE_YOUR_CALM, PROTOCOL_ERROR))
row("made you reset: malformed requests", "10.5", many(3000, lambda i: headers(2 * i + 1, request()[1:])), calmed())
row("more streams than there may be", "10.5", many(6000, lambda i: headers(2 * i + 1, POST, END_HEADERS)),
    ends(ENHANCE_YOUR_CALM, PROTOCOL_ERROR))
row("empty CONTINUATION", "10.5", [headers(1, flags=END_STREAM, raw=B) if (B := block(request())) else b""] +
    many(3000, lambda i: frame(CONTINUATION, 0, 1)), ends(ENHANCE_YOUR_CALM, PROTOCOL_ERROR, INTERNAL_ERROR))
row("full CONTINUATION", "10.5", [headers(1, flags=END_STREAM, raw=block(request()))] +
    [frame(CONTINUATION, 0, 1, block([(f"x{i}", "y" * 16000)])) for i in range(50)],
    closes())  # he talks on for longer than he is listened to: GOAWAY may be lost
row("a bomb of HPACK", "10.5.1", bomb(), calmed())
row("thirty that are taken back", "5.4.2", b"".join(headers(2 * i + 1, POST, END_HEADERS) + reset(2 * i + 1) for i in range(30)), stays())
row("three hundred requests at once: as many as may be", "5.1.2",
    b"".join(headers(2 * i + 1) for i in range(300)),
    lambda c: None if c.hear(lambda: all(c.answered(2 * i + 1) for i in range(300))) and
    sum(s == 200 for s in c.status.values()) >= 100 and
    set(c.resets.values()) <= {REFUSED_STREAM} else f"{c.status} {c.goaway}")
