"""The states of streams, and their ids. RFC 9113 5.1"""
from rowkit import *
from frames import *

T = Table("states")
row = T.row

row("an even id", "5.1.1", headers(2), ends(PROTOCOL_ERROR))
row("an id lower than the last", "5.1.1", headers(5) + headers(3), ends(PROTOCOL_ERROR, STREAM_CLOSED))
row("ids may leave gaps", "5.1.1", headers(1) + headers(99), answers(99))
row("DATA on an idle stream", "5.1", data(1, b"x"), ends(PROTOCOL_ERROR, STREAM_CLOSED))
row("RST_STREAM on an idle stream", "6.4", reset(1), ends(PROTOCOL_ERROR))
row("WINDOW_UPDATE on an idle stream", "5.1", window(1, 100), ends(PROTOCOL_ERROR))
row("CONTINUATION on an idle stream", "6.10", frame(CONTINUATION, END_HEADERS, 1, block(request())),
    ends(PROTOCOL_ERROR))
row("PRIORITY on an idle stream", "5.3.2", frame(PRIORITY, 0, 1, b"\0\0\0\0\x10") + headers(1), answers(1))
row("DATA behind the end of a request", "5.1", headers(1) + data(1, b"x"),
    refuses(1, STREAM_CLOSED, PROTOCOL_ERROR))
row("HEADERS behind the end of a request", "5.1", headers(1) + headers(1),
    refuses(1, STREAM_CLOSED, PROTOCOL_ERROR))
row("WINDOW_UPDATE on a closed stream", "5.1", [headers(1), 0.1, window(1, 100)], stays())
row("RST_STREAM on a closed stream", "5.1", [headers(1), 0.1, reset(1)], stays())
row("PRIORITY on a closed stream", "5.1", [headers(1), 0.1, frame(PRIORITY, 0, 1, b"\0\0\0\0\x10")],
    stays())
row("DATA on a closed stream", "5.1", [headers(1), 0.1, data(1, b"x")],
    lambda c: good(c) if not c.hear(lambda: c.goaway, 0.3) else None)
row("an id used twice", "5.1.1", [headers(1), 0.1, headers(1)], refuses(1, STREAM_CLOSED, PROTOCOL_ERROR))
row("a stream that depends on itself is no matter any more", "5.3.2",
    frame(HEADERS, END_STREAM | END_HEADERS | HAS_PRIORITY, 1, b"\0\0\0\1\x10" + block(request())),
    lambda c: None if c.hear(lambda: c.answered(1) or c.goaway) else "neither")
row("a request that is taken back", "5.4.2", headers(1, request("POST", "/echo.php"), END_HEADERS) + reset(1),
    stays())
row("a hundred at once, and one more", "5.1.2",
    b"".join(headers(2 * i + 1, request("POST", "/echo.php"), END_HEADERS) for i in range(101)),
    lambda c: None if c.hear(lambda: 201 in c.resets or c.goaway) and
    (c.resets.get(201) in (REFUSED_STREAM, PROTOCOL_ERROR) or c.goaway[1] == PROTOCOL_ERROR) else f"{c.resets} {c.goaway}")
row("GOAWAY from the visitor", "6.8", [headers(1), frame(GOAWAY, 0, 0, bytes(8))],
    lambda c: None if c.hear(lambda: c.answered(1)) and c.status[1] == 200 and c.hear_end() else f"{c.frames[-3:]}")
row("CONTINUATION of another stream", "6.10", headers(1, flags=END_STREAM) + frame(CONTINUATION, END_HEADERS, 3, b""),
    ends(PROTOCOL_ERROR))
row("a frame between HEADERS and CONTINUATION", "6.10", headers(1, flags=END_STREAM) + ping(),
    ends(PROTOCOL_ERROR))
row("one of an unknown type between them", "6.10", headers(1, flags=END_STREAM) + frame(0x77, 0, 1),
    ends(PROTOCOL_ERROR))
row("CONTINUATION behind END_HEADERS", "6.10", headers(1) + frame(CONTINUATION, END_HEADERS, 1, b""),
    ends(PROTOCOL_ERROR))
row("a head in three frames", "6.10",
    headers(1, flags=END_STREAM, raw=block(request())[:5]) + frame(CONTINUATION, 0, 1, block(request())[5:9]) +
    frame(CONTINUATION, END_HEADERS, 1, block(request())[9:]), answers(1))
