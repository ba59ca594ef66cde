"""Certificates for tests, and the raw client over TLS."""
import socket
import ssl
import subprocess

from wire import Client


def certificate(box, name, *names, kind="ec", days=30, owner=None, mode=0o600, extra=()):
    """Make a self-signed pair; returns the tls mapping of a vhost."""
    cert, key = box.dir / f"{name}.crt", box.dir / f"{name}.key"
    names = names or (name,)
    how = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" \
        else ["-newkey", "rsa:2048"]
    subprocess.run(["openssl", "req", "-x509", *how, "-nodes", "-keyout", key, "-out", cert,
                    "-days", str(days), "-subj", f"/CN={names[0]}", "-addext",
                    "subjectAltName=" + ",".join(f"DNS:{n}" for n in names), *extra],
                   check=True, capture_output=True, timeout=60)
    key.chmod(mode)
    return {"certificate": str(cert), "key": str(key)}


def context(maximum=None, alpn=(), ciphers=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    if maximum:
        c.minimum_version = min(maximum, ssl.TLSVersion.TLSv1_2)
        c.maximum_version = maximum
    if alpn:
        c.set_alpn_protocols(list(alpn))
    if ciphers:
        c.set_ciphers(ciphers)
    return c


class Secure(Client):
    """One connection with TLS; name None sends no server name."""

    def __init__(self, port, name, ctx=None, session=None, **more):
        super().__init__(port, **more)
        try:
            self.sock = (ctx or context()).wrap_socket(self.sock, server_hostname=name,
                                                       session=session)
        except (OSError, ssl.SSLError):
            self.sock.close()
            raise

    def reset(self):
        raw = self.sock.detach()
        with socket.socket(fileno=raw) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def hello(name, **more):
    """The bytes of a ClientHello."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context(**more).wrap_bio(into, out, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def alert_of(sock):
    """The description of the alert that the other side ends with, or None."""
    data = b""
    try:
        while piece := sock.recv(4096):
            data += piece
    except ConnectionError:
        pass
    return data[6] if len(data) == 7 and data[:6] == b"\x15\x03\x03\x00\x02\x02" else None
