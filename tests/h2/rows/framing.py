"""Preface, frame sizes and what stands on stream 0. RFC 9113 3.4, 4, 6"""
from rowkit import *
from frames import *

T = Table("framing")
row = T.row

row("a preface in pieces", "3.4", [PREFACE[:5], PREFACE[5:], settings()], stays(), raw=True)
row("HTTP/1 where a preface should be", "3.4", b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n",
    closes(), raw=True)
row("a broken preface", "3.4", PREFACE[:-1] + b"X" + settings(), closes(), raw=True)
row("no SETTINGS behind the preface", "3.4", PREFACE + ping(), ends(PROTOCOL_ERROR), raw=True)
row("an ACK instead of the first SETTINGS", "3.4", PREFACE + settings(flags=ACK),
    ends(PROTOCOL_ERROR), raw=True)
row("a frame larger than allowed", "4.2", headers(1) + data(1, b"x" * 16385),
    ends(FRAME_SIZE_ERROR))
row("one that only says it is", "4.2", frame(DATA, 0, 1, b"", length=16385),
    ends(FRAME_SIZE_ERROR))
row("a type that means nothing", "4.1", frame(0x77, 0xff, 0, b"anything"), stays())
row("and on a stream", "5.5", frame(0x77, 0, 3, b"anything"), stays())
row("flags that mean nothing", "4.1", ping(flags=0xfe), stays(lambda c: None if c.pongs else "no ACK"))
row("the reserved bit of a stream id", "4.1",
    frame(HEADERS, END_STREAM | END_HEADERS, 0x80000001, block(request())), answers(1))
row("one byte after the other", "4.1", [bytes([b]) for b in headers(1)], answers(1))
for kind, what in ((DATA, "DATA"), (HEADERS, "HEADERS"), (PRIORITY, "PRIORITY"),
                   (RST_STREAM, "RST_STREAM"), (CONTINUATION, "CONTINUATION")):
    payload = {HEADERS: block(request()), PRIORITY: b"\0\0\0\1\x10", RST_STREAM: b"\0\0\0\x08"}
    row(f"{what} on stream 0", "6", frame(kind, END_HEADERS, 0, payload.get(kind, b"x")),
        ends(PROTOCOL_ERROR))
row("SETTINGS on a stream", "6.5", settings(stream=1), ends(PROTOCOL_ERROR))
row("PING on a stream", "6.7", ping(stream=1), ends(PROTOCOL_ERROR))
row("GOAWAY on a stream", "6.8", frame(GOAWAY, 0, 1, bytes(8)), ends(PROTOCOL_ERROR))
row("PING of seven bytes", "6.7", ping(b"1234567"), ends(FRAME_SIZE_ERROR))
row("PING is answered", "6.7", ping(b"abcdefgh"),
    stays(lambda c: None if c.pongs == [b"abcdefgh"] else f"{c.pongs}"))
row("an answer to a PING is not", "6.7", ping(flags=ACK),
    stays(lambda c: f"{c.pongs}" if c.pongs else None))
row("RST_STREAM of five bytes", "6.4", headers(1, flags=END_HEADERS) + frame(RST_STREAM, 0, 1, bytes(5)),
    ends(FRAME_SIZE_ERROR))
row("RST_STREAM of three bytes", "6.4", headers(1, flags=END_HEADERS) + frame(RST_STREAM, 0, 1, bytes(3)),
    ends(FRAME_SIZE_ERROR))
row("PRIORITY of four bytes", "6.3", frame(PRIORITY, 0, 1, bytes(4)),
    refuses(1, FRAME_SIZE_ERROR))
row("WINDOW_UPDATE of three bytes", "6.9", frame(WINDOW_UPDATE, 0, 0, bytes(3)),
    ends(FRAME_SIZE_ERROR))
row("SETTINGS of seven bytes", "6.5", frame(SETTINGS, 0, 0, bytes(7)), ends(FRAME_SIZE_ERROR))
row("an ACK with settings", "6.5", settings((3, 100), flags=ACK), ends(FRAME_SIZE_ERROR))
row("GOAWAY too short", "6.8", frame(GOAWAY, 0, 0, bytes(7)), ends(FRAME_SIZE_ERROR))
row("a client's PUSH_PROMISE", "8.4", frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4) + block(request())),
    ends(PROTOCOL_ERROR))
row("padding", "6.1", frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, b"\x04" + block(request()) + bytes(4)),
    answers(1))
row("padding as long as the frame", "6.2",
    frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, b"\xff" + block(request())),
    ends(PROTOCOL_ERROR))
row("padding of DATA as long as the frame", "6.1",
    headers(1, request("POST", "/echo.php"), END_HEADERS) + frame(DATA, PADDED | END_STREAM, 1, b"\x05abc"),
    ends(PROTOCOL_ERROR))
row("DATA that is only padding", "6.1",
    headers(1, request("POST", "/echo.php"), END_HEADERS) + frame(DATA, PADDED | END_STREAM, 1, b"\x02\0\0"),
    answers(1))
