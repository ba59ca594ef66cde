"""Flow control. RFC 9113 5.2, 6.9"""
from rowkit import *
from frames import *

T = Table("flow")
row = T.row
BIG = "/big.bin"


def held(n):
    """No more than n bytes of body came, and no fewer; then the window opens."""
    def want(c):
        c.hear(lambda: len(c.bodies.get(1, b"")) > n, 0.5)
        got = len(c.bodies.get(1, b""))
        return None if got == n else f"{got} bytes"
    return want


row("a window update of 0", "6.9", window(0, 0), ends(PROTOCOL_ERROR))
row("one of a stream", "6.9", headers(1, request("POST", "/echo.php"), END_HEADERS) + window(1, 0),
    refuses(1, PROTOCOL_ERROR))
row("a window larger than 2^31 - 1", "6.9.1", window(0, 0x7fffffff), ends(FLOW_CONTROL_ERROR))
row("one of a stream larger than that", "6.9.1",
    headers(1, request("POST", "/echo.php"), END_HEADERS) + window(1, 0x7fffffff),
    refuses(1, FLOW_CONTROL_ERROR))
row("settings that make one too large", "6.9.2",
    headers(1, request("POST", "/echo.php"), END_HEADERS) + window(1, 0x7fff0000) + settings((4, 0x7fffffff)),
    refuses(1, FLOW_CONTROL_ERROR))
row("no more than the window of a stream", "6.9", settings((4, 10)) + headers(1), held(10))
row("no more than the window of all", "6.9", headers(1, request("GET", BIG)), held(65535))
row("a window that opens by one byte", "6.9.2", [settings((4, 0)) + headers(1), 0.1, window(1, 1)], held(1))
row("settings open it", "6.9.2", [settings((4, 0)) + headers(1), 0.1, settings((4, 26))], answers(1, 200, b"abcdefghijklmnopqrstuvwxyz"))
row("a window below nothing", "6.9.2",
    [settings((4, 20)) + headers(1), 0.1, settings((4, 10)), window(1, 10), 0.1, window(1, 6)],
    lambda c: None if c.hear(lambda: c.answered(1)) and
    c.bodies[1] == b"abcdefghijklmnopqrstuvwxyz" else f"{c.bodies} {c.goaway}")
row("HEAD needs no window", "6.9", settings((4, 0)) + headers(1, request("HEAD")),
    lambda c: None if c.hear(lambda: 1 in c.finished) and c.status[1] == 200 else f"{c.frames}")
row("an upload larger than the first window", "6.9",
    headers(1, request("POST", "/length.php"), END_HEADERS) + b"".join(data(1, b"x" * 16000, 0) for _ in range(60)) + data(1),
    lambda c: None if c.hear(lambda: c.answered(1)) and c.status.get(1) == 200 and
    any(f.kind == WINDOW_UPDATE for f in c.frames) else f"{c.frames[-5:]} {c.status}")
