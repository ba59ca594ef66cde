"""Visitors with TLS and HTTP/2, beside those of e2e/load.py."""
import ssl
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "h2"))

import frames  # noqa: E402
from load import Load  # noqa: E402
from procs import SLOW  # noqa: E402
from secure import Secure, context  # noqa: E402

INITIAL_WINDOW_SIZE, ENABLE_PUSH = 4, 2  # settings
WINDOW = 1 << 24
STREAMS = 4  # of one visitor at once
LATE_S = 20


class Secured:
    """Makes connections with TLS 1.3, each of them with a whole handshake."""

    def __init__(self, port):
        self.port, self.context = port, context()
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3

    def __call__(self, host):
        return Secure(self.port, host, self.context)


class Resuming(Secured):
    """The same, each going on with the session of the one before, as far as the server does."""

    def __init__(self, port):
        super().__init__(port)
        self.session, self.resumed, self.whole = None, 0, 0

    def __call__(self, host):
        client = Secure(self.port, host, self.context, session=self.session)
        if client.sock.session_reused:
            self.resumed += 1
        else:
            self.whole += 1
        close = client.close

        def remember():
            if client.sock.session and client.sock.session.has_ticket:
                self.session = client.sock.session
            close()
        client.close = remember
        return client


class H2Load(Load):
    """
    HTTP/2, some streams at a time. After a GOAWAY no stream is opened on that connection, and
    those above its last stream id, which the server has not looked at, are asked for anew on
    another one (RFC 9113 6.8). They are not lost; everything else that has no answer is.

    kept: a connection is used until the server says GOAWAY; else for one round of streams.
    """

    def _run(self, n):
        todo = []  # rows that are to be asked for anew
        while not self._stop.is_set():
            try:
                n = self._connection(n, todo)
            except (OSError, AssertionError) as e:  # no connection came about
                self._note(False, f"{self.rows[0][0]}: {e!r}")

    def _open(self, c, n, todo):
        row = todo.pop() if todo else self.rows[n % len(self.rows)]
        c.last += 2
        c.open[c.last] = row
        c.send(frames.headers(c.last, frames.request(path=row[1], host=row[0])))

    def _connection(self, n, todo):
        c = frames.Client(("127.0.0.1", self.port), name=self.rows[0][0],
                          timeout=LATE_S * SLOW)
        with c:
            c.open, c.last, rounds = {}, -1, 0
            c.start((INITIAL_WINDOW_SIZE, WINDOW), (ENABLE_PUSH, 0))
            c.send(frames.window(0, WINDOW))
            while not c.ended:
                more = c.goaway is None and (self.kept or rounds == 0) and \
                    not self._stop.is_set()
                while more and len(c.open) < STREAMS:
                    self._open(c, n, todo)
                    n += 1
                rounds += 1
                if not c.open:
                    return n
                time.sleep(self.pace_s)
                known = c.goaway
                heard = c.hear(lambda: any(c.answered(s) for s in c.open) or c.goaway != known)
                self._reap(c, todo)
                if not heard and not c.ended:
                    break
            for stream, (host, path, _) in c.open.items():
                self._note(False, f"{host}{path} h2: stream {stream} has no answer; "
                                  f"goaway {c.goaway}, {'ended' if c.ended else 'late'}")
        return n

    def _reap(self, c, todo):
        for stream, (host, path, text) in list(c.open.items()):
            if stream in c.finished:
                body = c.bodies.pop(stream, b"")
                status = c.status.pop(stream, None)
                good = status == 200 and text in body.decode("utf-8", "replace")
                self._note(good, f"{host}{path} h2: {status} {body[:100]!r}")
                c.send(frames.window(0, len(body)) if body else b"")
            elif stream in c.resets:
                self._note(False, f"{host}{path} h2: reset {frames.name_of(c.resets[stream])}")
            elif c.goaway and stream > c.goaway[0]:
                todo.append((host, path, text))
            else:
                continue
            del c.open[stream]
        c.finished.clear()
        c.frames.clear()
