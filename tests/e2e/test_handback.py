"""What a worker that was taken over can say of a connection that it hands back: nothing.

The test takes the workers' end of a user's channel out of his worker, which it stops, and speaks
in its place.
"""
import array
import ctypes
import os
import signal
import socket
import struct

import pytest
from procs import wait_for
from test_proxy_protocol import WHO, env, proxied, v2
from wire import Client, Cut

pytestmark = pytest.mark.root

PIDFD_OPEN, PIDFD_GETFD = 434, 438
CONN, CONN_BACK = 50, 52  # include/hostel/ipc/table.h
PROXIED, SECURE, ALONE = 8, 16, 32
VISITOR = struct.Struct("<B16sH16sHQ")
MAPPED = bytes(10) + b"\xff\xff"
REQUEST = b"GET /who.php HTTP/1.1\r\nHost: alice.test\r\nConnection: close\r\n\r\n"


def steal(pid, fd):
    """A copy of a descriptor of another process."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = libc.syscall(PIDFD_OPEN, pid, 0)
    got = libc.syscall(PIDFD_GETFD, pidfd, fd, 0)
    assert got >= 0, os.strerror(ctypes.get_errno())
    os.close(pidfd)
    return socket.socket(fileno=got)


class Taken:
    """Bob's worker, in our hands."""

    def __init__(self, server, bob):
        assert server.get("bob.test").status == 200 if server.plain else True
        self.pid = server.worker(bob)
        self.channel = steal(self.pid, 4)
        os.kill(self.pid, signal.SIGSTOP)
        self.channel.setblocking(True)
        self.channel.settimeout(10)

    def receive(self):
        """The next connection: its socket, and what the acceptor says of the visitor."""
        data, aux, _, _ = self.channel.recvmsg(65536, socket.CMSG_SPACE(64 * 4))
        assert struct.unpack("<H", data[:2])[0] == CONN
        fds = array.array("i")
        fds.frombytes(aux[0][2])
        assert len(fds) == 1
        return socket.socket(fileno=fds[0]), data[2:]

    def hand_back(self, sock, visitor, prefix=b""):
        payload = struct.pack("<H", CONN_BACK) + visitor + struct.pack("<I", len(prefix)) + prefix
        self.channel.sendmsg([payload], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                          array.array("i", [sock.fileno()]))])
        sock.close()

    def is_known(self):
        """It was ended for what it said."""
        try:
            return not os.path.exists(f"/proc/{self.pid}") or \
                open(f"/proc/{self.pid}/stat").read().split(") ")[1][0] == "Z"
        except OSError:
            return True


@pytest.fixture
def scene(box):
    """alice has PHP, bob is taken over; a balancer at 127.0.0.1 is alice's friend."""
    alice = box.site("alice.test", php={"processes": 1}, files={"who.php": WHO})
    bob = box.site("bob.test", files={"index.html": "bob\n"})
    server = proxied(box)
    server.plain = False
    with Client(server.port) as c:
        c.send(v2())
        assert c.get("bob.test").status == 200
    taken = Taken(server, bob)
    yield server, taken, alice
    taken.channel.close()
    if not taken.is_known():
        os.kill(taken.pid, signal.SIGCONT)


def begin(server, taken, header):
    """A visitor who asks for bob's, and what comes of it in the hands of his worker."""
    c = Client(server.port)
    c.send(header + b"GET / HTTP/1.1\r\nHost: bob.test\r\n\r\n")
    sock, visitor = taken.receive()
    assert sock.recv(4096).startswith(b"GET / ")
    return c, sock, visitor


def forged(visitor, **change):
    flags, ip, port, to_ip, to_port, seal = VISITOR.unpack(visitor)
    row = {"flags": flags, "ip": ip, "port": port, "to_ip": to_ip, "to_port": to_port,
           "seal": seal, **change}
    return VISITOR.pack(*row.values())


def test_an_honest_worker(scene):
    """The control: as it came it is believed, with the request read or still in the socket."""
    server, taken, _ = scene
    for prefix in (REQUEST, b""):
        c, sock, visitor = begin(server, taken, v2())
        if not prefix:
            c.send(REQUEST)
            wait_for(lambda s=sock: s.recv(4096, socket.MSG_PEEK), "the request", 5)
        taken.hand_back(sock, forged(visitor, flags=visitor[0] & (PROXIED | SECURE)), prefix)
        assert env(c.answer())["REMOTE_ADDR"] == "192.0.2.7"
        c.close()


@pytest.mark.parametrize("change", [
    {"ip": MAPPED + bytes([198, 51, 100, 66])},
    {"ip": bytes(15) + b"\1"},
    {"port": 1},
    {"to_ip": MAPPED + bytes([10, 0, 0, 1])},
    {"to_port": 80},
    {"flags": PROXIED | SECURE},
    {"seal": 0},
], ids=lambda change: "-".join(change))
def test_it_cannot_change_a_word(scene, change):
    server, taken, alice = scene
    c, sock, visitor = begin(server, taken, v2())
    flags = visitor[0] & (PROXIED | SECURE)
    taken.hand_back(sock, forged(visitor, **{"flags": flags, **change}), REQUEST)
    with pytest.raises((Cut, OSError)):
        c.answer()
    wait_for(taken.is_known, "the liar's end", 10)
    assert alice.log_lines() == []


def test_it_cannot_leave_them_out(scene):
    """Else the visitor would be the balancer, whom alice may well let in."""
    server, taken, alice = scene
    c, sock, _ = begin(server, taken, v2())
    taken.hand_back(sock, bytes(19), REQUEST)
    with pytest.raises((Cut, OSError)):
        c.answer()
    wait_for(taken.is_known, "the liar's end", 10)
    assert alice.log_lines() == []


def test_it_cannot_swap_them(scene):
    server, taken, alice = scene
    c, sock, _ = begin(server, taken, v2())
    d, other, visitor = begin(server, taken, v2("198.51.100.66"))
    taken.hand_back(sock, forged(visitor, flags=PROXIED), REQUEST)
    with pytest.raises((Cut, OSError)):
        c.answer()
    wait_for(taken.is_known, "the liar's end", 10)
    assert alice.log_lines() == []
    other.close()
    d.close()


def test_it_cannot_unmark_the_socket(scene):
    _, taken, _ = scene
    server = scene[0]
    c, sock, _ = begin(server, taken, v2())
    lock_filter = 44
    assert sock.getsockopt(socket.SOL_SOCKET, lock_filter) == 1
    with pytest.raises(PermissionError):
        sock.setsockopt(socket.SOL_SOCKET, lock_filter, 0)
    sock.close()
    c.close()


def test_it_cannot_word_what_a_proxy_asks(box):
    """Requests of trusted_proxies say who they are from: not out of a worker's mouth."""
    alice = box.site("alice.test", php={"processes": 1}, files={"who.php": WHO})
    bob = box.site("bob.test", files={"index.html": "bob\n"})
    server = box.serve(trusted_proxies=["127.0.0.1"])
    server.plain = True
    taken = Taken(server, bob)
    made_up = REQUEST.replace(b"Connection", b"X-Forwarded-For: 198.51.100.66\r\nConnection")
    try:
        with Client(server.port) as c:
            c.send(b"GET / HTTP/1.1\r\nHost: bob.test\r\n\r\n")
            sock, visitor = taken.receive()
            sock.recv(4096)
            taken.hand_back(sock, bytes(len(visitor)), made_up)
            assert c.answer().status == 421
        assert alice.log_lines() == []
        with Client(server.port) as c:  # the control: the proxy's own words
            c.send(b"GET / HTTP/1.1\r\nHost: bob.test\r\n\r\n")
            sock, visitor = taken.receive()
            sock.recv(4096)
            c.send(made_up)
            wait_for(lambda: sock.recv(4096, socket.MSG_PEEK), "the request", 5)
            taken.hand_back(sock, bytes(len(visitor)))
            assert env(c.answer())["REMOTE_ADDR"] == "198.51.100.66"
    finally:
        taken.channel.close()
        os.kill(taken.pid, signal.SIGCONT)


def test_what_came_to_a_listener_of_its_own_gets_no_site(box):
    """Only what answers challenges of ACME, also from ports that are not ours; the control: 200."""
    alice = box.site("alice.test", files={"who.php": "x", "index.html": "alice\n"})
    bob = box.site("bob.test", files={"index.html": "bob\n"})
    challenges = box.dir / "challenges"
    challenges.mkdir(mode=0o755)
    (challenges / "token").write_text("thumb")
    server = box.serve(acme_challenge_dir=str(challenges))
    server.plain = True
    taken = Taken(server, bob)
    ask = "GET {} HTTP/1.1\r\nHost: alice.test\r\n\r\n".format
    site, challenge = ask("/").encode(), ask("/.well-known/acme-challenge/token").encode()
    elsewhere = socket.create_server(("127.0.0.1", 0))
    try:
        for flags, prefix, status in ((ALONE, site, 404), (ALONE, b"", 400),
                                      (ALONE, challenge, 200), (0, site, 200)):
            with Client(server.port) as c:
                c.send(b"GET / HTTP/1.1\r\nHost: bob.test\r\n\r\n")
                sock, visitor = taken.receive()
                sock.recv(4096)
                taken.hand_back(sock, bytes([flags]) + bytes(len(visitor) - 1), prefix)
                assert c.answer().status == status, (flags, prefix)
        for prefix, status in ((site, 404), (challenge, 200)):
            with Client(elsewhere.getsockname()[1]) as c:
                taken.hand_back(elsewhere.accept()[0], bytes([ALONE]) + bytes(18), prefix)
                assert c.answer().status == status
        assert len(alice.log_lines()) <= 1
    finally:
        elsewhere.close()
        taken.channel.close()
        os.kill(taken.pid, signal.SIGCONT)
