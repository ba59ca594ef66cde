"""A raw HTTP/1 client: sends exactly the bytes it is told, and believes nothing it reads."""
import hashlib
import re
import socket
import struct

from procs import SLOW


class Cut(Exception):
    """The server closed, or reset, before the answer was whole."""


class Response:
    def __init__(self, version, status, reason, fields):
        self.version, self.status, self.reason, self.fields = version, status, reason, fields
        self.body = b""

    def get(self, name, default=None):
        """The one value of a field; more than one is a failure of its own."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times: {values}"
        return values[0] if values else default

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.fields} {self.body[:200]!r}>"


class Client:
    """One connection."""

    def __init__(self, port, addr="127.0.0.1", timeout=15.0, rcvbuf=0, source=None):
        family = socket.AF_INET6 if ":" in addr else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        if source:
            self.sock.bind((source, 0))
        self.sock.settimeout(timeout * SLOW)
        self.sock.connect((addr, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Go with an RST: unmistakably gone."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    # --- asking ---------------------------------------------------------------------------

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def ask(self, host, path="/", method="GET", fields=(), body=None, version="1.1"):
        """Send one request; fields are (name, value) pairs, in order."""
        lines = [f"{method} {path} HTTP/{version}"]
        if host is not None:
            lines.append(f"Host: {host}")
        lines += [f"{n}: {v}" for n, v in fields]
        if body is not None and not any(n.lower() == "transfer-encoding" for n, _ in fields):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines) + "\r\n\r\n")
        if body:
            self.send(body)

    def get(self, host, path="/", method="GET", **more):
        """Send one request and read its answer."""
        self.ask(host, path, method, **more)
        return self.answer(method)

    # --- reading --------------------------------------------------------------------------

    def more(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionError as e:
            raise Cut(f"reset: {e}; had {self.pending[:200]!r}") from None
        if not data:
            raise Cut(f"closed; had {self.pending[:200]!r}")
        self.pending += data

    def line(self):
        while b"\r\n" not in self.pending:
            self.more()
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line.decode("latin-1")

    def head(self):
        start = re.fullmatch(r"HTTP/(1\.[01]) (\d{3}) ?(.*)", self.line())
        assert start, "no status line"
        fields = []
        while line := self.line():
            name, colon, value = line.partition(":")
            assert colon and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name), \
                f"bad field line {line!r}"
            fields.append((name, value.strip()))
        return Response(start[1], int(start[2]), start[3], fields)

    def exactly(self, n):
        """The next n bytes, in pieces."""
        while n > 0:
            if not self.pending:
                self.more()
            piece, self.pending = self.pending[:n], self.pending[n:]
            n -= len(piece)
            yield piece

    def chunk(self):
        """The next chunk of a chunked body; b"" is its end."""
        size = int(self.line().split(";")[0], 16)
        data = b"".join(self.exactly(size))
        if size:
            assert self.line() == "", "no line end after a chunk"
        else:
            while self.line():
                pass
        return data

    def pieces(self, r, method="GET"):
        """The body of r, framed as its head says."""
        coding, length = r.get("Transfer-Encoding"), r.get("Content-Length")
        assert not (coding and length), "both framings at once"
        if method == "HEAD" or r.status in (204, 304) or 100 <= r.status < 200:
            return
        if coding:
            assert coding == "chunked"
            while data := self.chunk():
                yield data
        elif length is not None:
            yield from self.exactly(int(length))
        else:
            yield from self.rest()

    def rest(self):
        """Everything until the server closes."""
        try:
            while True:
                if self.pending:
                    yield self.pending
                self.pending = b""
                self.more()
        except Cut as e:
            if "reset" in str(e):
                raise

    def answer(self, method="GET"):
        r = self.head()
        while r.status == 100:
            r = self.head()
        r.body = b"".join(self.pieces(r, method))
        return r

    def digest(self, r, pause=None):
        """SHA-256 and length of a body; pause(bytes so far) may dawdle."""
        sha, total = hashlib.sha256(), 0
        for piece in self.pieces(r):
            sha.update(piece)
            total += len(piece)
            if pause:
                pause(total)
        return sha.hexdigest(), total

    def closed(self):
        """Wait for the server to close; what it sent before is returned."""
        try:
            return b"".join(self.rest())
        except Cut:
            return b""


def fetch(port, host, path="/", method="GET", **more):
    """One request on a connection of its own."""
    with Client(port) as c:
        return c.get(host, path, method, **more)


def converse(port, data):
    """Send bytes, read until the server closes."""
    with Client(port) as c:
        c.send(data)
        return c.closed()
