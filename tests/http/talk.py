"""Runs one row over a socket: sends its bytes, reads answers, says what is wrong."""
import re
import socket
import time

from rowkit import ANY, CLOSE, HOST, Await, HalfClose, Pause, get

PROBE = get("/probe.txt", "Connection: close")
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
DATE = re.compile(rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


class Wrong(Exception):
    """The row is not met."""


class Reply:
    def __init__(self, version, status, fields, known):
        self.version, self.status, self.fields, self.known = version, status, fields, known
        self.body = b""

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def closes(self):
        return any(m.strip().lower() == b"close" for v in self.all("Connection") for m in v.split(b","))

    def __repr__(self):
        fields = b"; ".join(n.encode() + b": " + v for n, v in self.fields)
        return f"<{self.status} {fields!r} {self.body[:120]!r}>"


class Wire:
    """One connection to the server under test."""

    def __init__(self, address, known, patience):
        self.known, self.patience = known, patience
        self.sock = socket.create_connection(address, timeout=patience)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending, self.ended = b"", False

    def close(self):
        self.sock.close()

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (ConnectionError, socket.timeout):
            pass  # it may refuse before it has read all; what it says counts

    def half_close(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    # --- reading -----------------------------------------------------------------------------

    def more(self):
        """Read on; False at the end."""
        if self.ended:
            return False
        try:
            data = self.sock.recv(65536)
        except ConnectionError:
            data = b""
        except socket.timeout:
            raise Wrong(f"nothing comes; had {self.pending[:200]!r}") from None
        self.ended = not data
        self.pending += data
        return not self.ended

    def at_end(self):
        """Wait for the end, or the next byte."""
        return not self.pending and not self.more()

    def line(self):
        while b"\n" not in self.pending:
            if not self.more():
                raise Wrong(f"ends within a head: {self.pending[:200]!r}")
        line, self.pending = self.pending.split(b"\n", 1)
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise Wrong(f"a bad line end: {line[:200]!r}")
        return line[:-1]

    def exactly(self, n):
        while len(self.pending) < n:
            if not self.more():
                raise Wrong(f"ends within a body, {n - len(self.pending)} bytes short")
        data, self.pending = self.pending[:n], self.pending[n:]
        return data

    def chunked(self):
        body = []
        while True:
            line = self.line()
            size = re.fullmatch(rb"([0-9A-Fa-f]+)(;.*)?", line)
            if not size:
                raise Wrong(f"not a chunk: {line[:100]!r}")
            if int(size[1], 16) == 0:
                break
            body.append(self.exactly(int(size[1], 16)))
            if self.line():
                raise Wrong("no line end behind a chunk")
        while self.line():
            pass
        return b"".join(body)

    def answer(self, bare):
        """Read one answer; bare when it answers HEAD."""
        start = re.fullmatch(rb"HTTP/(1\.[01]) (\d{3}) ?(.*)", self.line())
        if not start:
            raise Wrong("no status line")
        fields = []
        while line := self.line():
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.fullmatch(name) or b"\0" in value:
                raise Wrong(f"a bad field line: {line!r}")
            fields.append((name.decode(), value.strip(b" \t")))
        r = Reply(start[1].decode(), int(start[2]), fields, self.known)
        check_head(r)
        if not bare and r.status >= 200 and r.status not in (204, 304):
            r.body = self.body(r)
        return r

    def body(self, r):
        if r.all("Transfer-Encoding"):
            return self.chunked()
        if r.get("Content-Length") is not None:
            return self.exactly(int(r.get("Content-Length")))
        while self.more():
            pass
        body, self.pending = self.pending, b""
        return body


def check_head(r):
    """What RFC 9110 and 9112 ask of every answer, whatever was asked."""
    lengths, codings, dates = r.all("Content-Length"), r.all("Transfer-Encoding"), r.all("Date")
    if lengths and codings:
        raise Wrong("both Content-Length and Transfer-Encoding (9112 6.2)")
    if len(lengths) > 1 or any(not v.isdigit() for v in lengths):
        raise Wrong(f"Content-Length {lengths} (9110 8.6)")
    if (r.status < 200 or r.status == 204) and (lengths or codings):
        raise Wrong(f"{r.status} with a length or coding (9110 8.6, 9112 6.1)")
    if 200 <= r.status < 500 and (len(dates) != 1 or not DATE.fullmatch(dates[0])):
        raise Wrong(f"{r.status} with Date {dates} (9110 6.6.1)")


# --- comparing -------------------------------------------------------------------------------

def judge(want, value, text):
    """None, or what is wrong with a value."""
    if callable(want):
        if value is None:
            return f"no {text}"
        verdict = want(value)
        return None if verdict is True else verdict or f"{text}: {value!r:.200}"
    if want is None:
        return None if value is None else f"{text} should not be there: {value!r:.200}"
    if want is True:
        return None if value is not None else f"no {text}"
    if isinstance(want, re.Pattern):
        return None if value is not None and want.fullmatch(value) else f"{text}: {value!r:.200}"
    return None if value == want else f"{text}: {value!r:.200}, not {want!r:.100}"


def mismatch(answer, r):
    """None, or how an answer differs from what is right."""
    if r.status not in answer.statuses:
        return f"status {r.status}, not {answer!r}"
    for name, want in answer.fields.items():
        want = fill(want, r.known) if isinstance(want, bytes) else want
        if wrong := judge(want, r.get(name), name):
            return wrong
    if answer.body is not None:
        if wrong := judge(answer.body, r if callable(answer.body) else r.body, "body"):
            return wrong
    return judge(answer.check, r, "check") if answer.check else None


def fill(data, known):
    for name, value in known.items():
        if isinstance(value, bytes):
            data = data.replace(b"@" + name.encode() + b"@", value)
    return data


class Run:
    """One row on one connection: the outcomes that are still possible shrink with each answer."""

    def __init__(self, row, wire):
        self.row, self.wire = row, wire
        self.replies, self.possible, self.why = [], list(row.outcomes), ""

    def read_one(self):
        """Read the next answer and drop the outcomes that it is wrong for; False at the end."""
        at = len(self.replies)
        longer = [o for o in self.possible if len(o.answers) > at]
        if self.wire.at_end():
            self.drop(lambda o: len(o.answers) == at, "the connection ended")
            return False
        if not longer:
            raise Wrong(f"one answer too many: {self.wire.pending[:200]!r}")
        r = self.wire.answer(any(o.answers[at].bare for o in longer))
        self.replies.append(r)
        differences = {id(o): mismatch(o.answers[at], r) for o in longer}
        self.drop(lambda o: o in longer and differences[id(o)] is None,
                  "; ".join(dict.fromkeys(d for d in differences.values() if d)))
        return True

    def drop(self, keep, why):
        self.possible = [o for o in self.possible if keep(o)]
        if not self.possible:
            raise Wrong(why)

    def whole(self):
        """Every outcome that is still possible has all its answers."""
        return all(len(o.answers) <= len(self.replies) for o in self.possible)

    def send(self):
        for step in self.row.steps:
            if isinstance(step, Pause):
                time.sleep(step.seconds)
            elif isinstance(step, Await):
                self.read_one()
            elif isinstance(step, HalfClose):
                self.wire.half_close()
            else:
                self.wire.send(fill(step, self.wire.known))

    def finish(self):
        """The connection is what one of the outcomes says, and no answer too many comes."""
        told = bool(self.replies) and self.replies[-1].closes()
        half = any(isinstance(s, HalfClose) for s in self.row.steps)
        ends = {o.end for o in self.possible}
        if ends == {CLOSE} or told or half:
            if ends.isdisjoint({CLOSE, ANY}):
                raise Wrong("the answer says close")
            if not self.wire.at_end():
                raise Wrong(f"goes on: {self.wire.pending[:200]!r}")
            return
        self.wire.send(PROBE)
        if self.wire.at_end():
            if ends.isdisjoint({CLOSE, ANY}):
                raise Wrong("closed, and should not be")
            return
        r = self.wire.answer(False)
        if r.status != 200 or r.body != b"probe\n":
            raise Wrong(f"the next request gets {r!r}")

    def __call__(self):
        self.send()
        while not self.whole() and self.read_one():
            pass
        self.finish()


def run_row(row, address, known, patience):
    """
    Run one row.

    ret  None, or what is wrong
    """
    wire = run = None
    try:
        wire = Wire(address, known, patience)
        run = Run(row, wire)
        run()
        return None
    except (Wrong, OSError, ValueError, EOFError) as e:
        got = ", ".join(str(r.status) for r in run.replies) if run else ""
        return f"{e or type(e).__name__}" + (f" (got {got})" if got else "")
    finally:
        if wire:
            wire.close()


def learn(address, patience):
    """What the server says of its own files, for rows that repeat it."""
    known = {"PORT": str(address[1]).encode()}

    def ask(*request):
        wire = Wire(address, known, patience)
        try:
            wire.send(get(*request, host=HOST))
            return wire.answer(False)
        finally:
            wire.close()

    tag = ask("/a.txt").get("ETag") or b'"no-etag"'
    zipped = ask("/style.css", "Accept-Encoding: gzip")
    known.update(ETAG=tag, OPAQUE=tag.removeprefix(b"W/"),
                 GZIP_ETAG=zipped.get("ETag") or b'"no-etag"', GZIP_VARY=zipped.all("Vary"),
                 PLAIN_ETAG=ask("/style.css").get("ETag") or b'"no-etag"')
    return known
