"""SETTINGS. RFC 9113 6.5"""
from rowkit import *
from frames import *

T = Table("settings")
row = T.row


def said(key, least):
    def check(c):
        return None if least(c.settings.get(key)) else f"{key}: {c.settings.get(key)}"
    return check


row("they are acknowledged", "6.5.3", settings(), stays(lambda c: None if c.acks == 2 else f"{c.acks} ACKs"))
row("none is unknown enough to matter", "6.5.2", settings((0x7777, 5)), stays())
row("ENABLE_PUSH 2", "6.5.2", settings((2, 2)), ends(PROTOCOL_ERROR))
row("ENABLE_PUSH 0", "6.5.2", settings((2, 0)), stays())
row("INITIAL_WINDOW_SIZE of 2^31", "6.5.2", settings((4, 1 << 31)), ends(FLOW_CONTROL_ERROR))
row("MAX_FRAME_SIZE of 16383", "6.5.2", settings((5, 16383)), ends(PROTOCOL_ERROR))
row("MAX_FRAME_SIZE of 2^24", "6.5.2", settings((5, 1 << 24)), ends(PROTOCOL_ERROR))
row("MAX_FRAME_SIZE of 2^24 - 1", "6.5.2", settings((5, (1 << 24) - 1)) + headers(1), answers(1))
row("ENABLE_CONNECT_PROTOCOL 2", "8441 3", settings((8, 2)),
    lambda c: good(c) if not c.hear(lambda: c.goaway, 0.2) else None)
row("no more than a hundred streams", "6.5.2", b"", stays(said(3, lambda v: v == 100)))
row("how long a head may be", "6.5.2", b"", stays(said(6, lambda v: v and v <= 65536)))
row("no priorities of RFC 7540", "9218 2.1", b"", stays(said(9, lambda v: v == 1)))
row("a window for uploads", "6.5.2", b"", stays(said(4, lambda v: v and v > 65535)))
row("a table of no bytes", "4.3.1", settings((1, 0)) + headers(1), answers(1))
row("an endless table is not kept", "4.3.1", settings((1, 0xffffffff)) + headers(1), answers(1))
