"""HTTP/2 frame by frame: a client that sends exactly the bytes it is told."""
import socket
import ssl
import struct
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
PRIORITY_UPDATE = 16
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 1, 1, 4, 8, 32
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED,
 FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR,
 ENHANCE_YOUR_CALM) = range(12)
ERRORS = ("NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT "
          "STREAM_CLOSED FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR "
          "ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED").split()
HOST = "site.test"


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """One frame; length may lie."""
    n = len(payload) if length is None else length
    return struct.pack(">I", n)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(*pairs, flags=0, stream=0):
    return frame(SETTINGS, flags, stream, b"".join(struct.pack(">HI", *p) for p in pairs))


def block(fields):
    """A block of fields that leaves the dynamic table as it is."""
    return hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(n, v) for n, v in fields],
                                  huffman=False)


def request(method="GET", path="/a.txt", *more, host=HOST, scheme="https"):
    pseudo = [(":method", method), (":scheme", scheme), (":authority", host), (":path", path)]
    return [(n, v) for n, v in pseudo if v is not None] + list(more)


def headers(stream, fields=None, flags=END_STREAM | END_HEADERS, raw=None):
    """HEADERS with these fields, or with raw bytes for a block."""
    payload = block(request() if fields is None else fields) if raw is None else raw
    return frame(HEADERS, flags, stream, payload)


def data(stream, payload=b"", flags=END_STREAM):
    return frame(DATA, flags, stream, payload)


def window(stream, n):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", n))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def ping(payload=b"12345678", flags=0, stream=0):
    return frame(PING, flags, stream, payload)


def name_of(code):
    return ERRORS[code] if code < len(ERRORS) else hex(code)


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    def __repr__(self):
        names = ("DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY "
                 "WINDOW_UPDATE CONTINUATION").split()
        kind = names[self.kind] if self.kind < len(names) else self.kind
        return f"{kind}/{self.flags}@{self.stream}[{len(self.payload)}]"


class Client:
    """One connection, which keeps what it has heard."""

    def __init__(self, address, tls=True, timeout=10.0, rcvbuf=0, name=HOST):
        self.timeout = timeout
        self.sock = socket.socket()
        if rcvbuf:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
            c.set_alpn_protocols(["h2"])
            self.sock = c.wrap_socket(self.sock, server_hostname=name)
            assert self.sock.selected_alpn_protocol() == "h2", "ALPN did not agree on h2"
        self.decoder = hpack.Decoder(max_header_list_size=1 << 20)
        self.pending, self.ended = b"", False
        self.status, self.fields, self.bodies, self.resets = {}, {}, {}, {}
        self.finished, self.goaway, self.pongs, self.frames = [], None, [], []
        self.interim, self.settings, self.acks = [], {}, 0
        self._block = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, *pieces):
        try:
            self.sock.sendall(b"".join(pieces))
        except OSError:  # it has closed, which reading will tell
            pass

    def start(self, *pairs):
        self.send(PREFACE, settings(*pairs))

    def hear(self, until, seconds=None):
        """Read until until() is true; False when the connection ends or time does first."""
        deadline = time.monotonic() + (seconds or self.timeout)
        while not until():
            if self.ended or time.monotonic() >= deadline:
                return bool(until())
            self.sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                got = self.sock.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            except OSError:
                got = b""
            if not got:
                self.ended = True
                continue
            self.pending += got
            self._frames()
        return True

    def hear_end(self, seconds=None):
        return self.hear(lambda: self.ended, seconds)

    def answered(self, stream):
        return stream in self.finished or stream in self.resets

    def _frames(self):
        while len(self.pending) >= 9:
            n = int.from_bytes(self.pending[:3], "big")
            if len(self.pending) < 9 + n:
                return
            kind, flags = self.pending[3], self.pending[4]
            stream = int.from_bytes(self.pending[5:9], "big") & 0x7fffffff
            self._take(Frame(kind, flags, stream, self.pending[9:9 + n]))
            self.pending = self.pending[9 + n:]

    def _take(self, f):
        self.frames.append(f)
        if f.kind in (HEADERS, CONTINUATION):
            self._block += f.payload
            if f.flags & END_HEADERS:
                self._fields(f.stream, self.decoder.decode(self._block))
                self._block = b""
            if f.kind == HEADERS and f.flags & END_STREAM:
                self.finished.append(f.stream)
        elif f.kind == DATA:
            self.bodies[f.stream] = self.bodies.get(f.stream, b"") + f.payload
            if f.flags & END_STREAM:
                self.finished.append(f.stream)
        elif f.kind == RST_STREAM:
            self.resets[f.stream] = int.from_bytes(f.payload, "big")
        elif f.kind == GOAWAY:
            self.goaway = (int.from_bytes(f.payload[:4], "big"),
                           int.from_bytes(f.payload[4:8], "big"))
        elif f.kind == PING and f.flags & ACK:
            self.pongs.append(f.payload)
        elif f.kind == SETTINGS and f.flags & ACK:
            self.acks += 1
        elif f.kind == SETTINGS:
            for at in range(0, len(f.payload), 6):
                key, value = struct.unpack(">HI", f.payload[at:at + 6])
                self.settings[key] = value
            self.send(settings(flags=ACK))

    def _fields(self, stream, fields):
        fields = [(n if isinstance(n, str) else n.decode(), v if isinstance(v, str) else
                   v.decode("latin-1")) for n, v in fields]
        status = int(dict(fields)[":status"])
        if status < 200:
            self.interim.append((stream, status))
        else:
            self.status[stream] = status
            self.fields[stream] = dict(fields)
