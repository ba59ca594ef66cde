"""What a row is made of: why it is there, the section that decides, what goes in (behind preface
and SETTINGS, unless it is raw) and what must become of it."""
from frames import (PROTOCOL_ERROR, block, data, frame, headers, name_of, ping, request, reset,
                    settings, window)

PROBE = 1001  # the stream of the request that shows whether a connection is still good


class Row:
    def __init__(self, topic, why, section, steps, want, raw=False):
        self.topic, self.why, self.section = topic, why, section
        self.steps, self.want, self.raw = steps, want, raw
        self.id = f"{topic}: {why} ({section})"


class Table:
    def __init__(self, topic):
        self.topic, self.rows, self._why = topic, [], set()

    def row(self, why, section, steps, want, raw=False):
        assert why not in self._why, why
        self._why.add(why)
        self.rows.append(Row(self.topic, why, section,
                             steps if isinstance(steps, list) else [steps], want, raw))


def good(c):
    """Does the connection still answer?"""
    c.send(headers(PROBE))
    if not c.hear(lambda: c.answered(PROBE)):
        return f"no longer answers: {c.frames[-5:]} {c.goaway}"
    return None if c.status.get(PROBE) == 200 else f"the probe got {c.status.get(PROBE)}"


def ends(*codes):
    """A connection error: GOAWAY with one of these, and the end."""
    def want(c):
        if not c.hear_end():
            return f"did not end: {c.frames[-5:]}"
        if not c.goaway:
            return "ended without GOAWAY"
        return None if c.goaway[1] in codes else f"GOAWAY {name_of(c.goaway[1])}"
    return want


def closes():
    """The end, with whatever is said before."""
    return lambda c: None if c.hear_end() else f"did not end: {c.frames[-5:]}"


def resets(stream, *codes):
    """A stream error: RST_STREAM with one of these, and the connection goes on."""
    codes = codes or (PROTOCOL_ERROR,)

    def want(c):
        if not c.hear(lambda: stream in c.resets):
            return f"no RST_STREAM: {c.frames[-5:]} {c.goaway}"
        if c.resets[stream] not in codes:
            return f"RST_STREAM {name_of(c.resets[stream])}"
        return good(c)
    return want


def refuses(stream, *codes):
    """Either: a stream error, or a connection error with one of these."""
    def want(c):
        if not c.hear(lambda: stream in c.resets or c.goaway):
            return f"neither RST_STREAM nor GOAWAY: {c.frames[-5:]}"
        code = c.resets.get(stream, c.goaway and c.goaway[1])
        return None if code in codes else name_of(code)
    return want


def answers(stream, status=200, body=None):
    """An answer, and the connection goes on."""
    def want(c):
        if not c.hear(lambda: c.answered(stream)):
            return f"no answer: {c.frames[-5:]} {c.goaway}"
        if c.status.get(stream) != status:
            return f"{c.status.get(stream)} {c.resets}"
        if body is not None and c.bodies.get(stream, b"") != body:
            return f"body {c.bodies.get(stream, b'')[:80]!r}"
        return good(c)
    return want


def stays(check=None):
    """Nothing happens to the connection; check(c) may say what else is wrong."""
    def want(c):
        return good(c) or (check(c) if check else None)
    return want
