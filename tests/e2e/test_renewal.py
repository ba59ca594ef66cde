"""Certificates of a running server: who sees a new one, and who is left alone."""
import hashlib
import os
import signal
import ssl
import struct
import time

import pytest

from house import free_port, hostel, yaml
from load import Load
from procs import SLOW, alive, wait_for
from secure import Secure, certificate, context
from test_control import status
from test_reload import Stopped, changing  # noqa: F401
from wire import Cut


def served(port, host):
    """The digest of the certificate that a new connection is shown."""
    with Secure(port, host) as c:
        return digest(c.sock.getpeercert(binary_form=True))


def digest(der):
    return hashlib.sha256(der).hexdigest()


def on_disk(pair):
    with open(pair["certificate"]) as f:
        return digest(ssl.PEM_cert_to_DER_cert(f.read()))


def certificates(server):
    return {c["vhost"]: c for c in status(server).get("certificate", [])}


@pytest.fixture
def two(box, changing):  # noqa: F811
    """a.test and b.test, of two users, awake; the rest hangs on the box."""
    changing.tls = free_port()
    changing.sites = {}
    for n in "ab":
        changing.sites[n] = box.site(
            f"{n}.test", tls=certificate(box, n, f"{n}.test"), php={"processes": 1},
            files={"index.html": f"{n}\n", "pid.php": "<?php echo getmypid();"})
    changing.serve(listen_tls=[f"127.0.0.1:{changing.tls}"])
    for n in "ab":
        assert served(changing.tls, f"{n}.test") == on_disk(changing.sites[n].vhost["tls"])
    return changing


@pytest.mark.core
@pytest.mark.parametrize("by", ["reload", "SIGHUP"])
def test_a_new_one_is_served_and_connections_go_on(box, two, by):
    server, a, b = two.server, two.sites["a"], two.sites["b"]
    before = {n: served(two.tls, f"{n}.test") for n in "ab"}
    pids = {s: server.workers(s) for s in (a, b)}
    with Secure(two.tls, "a.test") as kept:
        assert kept.get("a.test").text == "a\n"
        new = on_disk(certificate(box, "a", "a.test"))
        assert served(two.tls, "a.test") == before["a"]  # not by itself
        if by == "reload":
            assert "generation 2 is in effect" in two.reload()
        else:
            os.kill(server.pid, signal.SIGHUP)
            wait_for(lambda: served(two.tls, "a.test") == new, "the new certificate")
        assert served(two.tls, "a.test") == new != before["a"]
        for _ in range(3):  # not one more answer: as many as it likes
            answer = kept.get("a.test")
            assert answer.text == "a\n" and answer.get("Connection") != "close"
    assert served(two.tls, "b.test") == before["b"]
    assert {s: server.workers(s) for s in (a, b)} == pids


def test_sessions_of_the_old_one_end_with_it(box, two):
    """A ticket is for the certificate it came with; its keys stay what they are."""
    ctx = ssl.create_default_context()
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE

    def session(host, old=None):
        with Secure(two.tls, host, ctx=ctx, session=old) as c:
            c.get(host)
            return c.sock.session, c.sock.session_reused

    olds = {n: session(f"{n}.test")[0] for n in "ab"}
    certificate(box, "a", "a.test")
    two.reload()
    assert session("b.test", olds["b"])[1]
    assert not session("a.test", olds["a"])[1]
    assert session("a.test", session("a.test")[0])[1]


@pytest.mark.core
@pytest.mark.parametrize("how,says", [
    ("key", "the key is not the certificate's"), ("rubbish", "there is no certificate in PEM"),
    ("gone", "No such file or directory"), ("two users", "of another user")])
def test_a_broken_new_one_leaves_the_old(box, two, how, says):
    server, a = two.server, two.sites["a"]
    before, pids = served(two.tls, "a.test"), server.workers()
    path = box.dir / "a.crt"
    if how == "key":
        certificate(box, "x", "a.test")
        os.rename(box.dir / "x.crt", path)
    elif how == "rubbish":
        path.write_text("rubbish\n")
    elif how == "gone":
        path.unlink()
    else:
        certificate(box, "a", "a.test", "b.test")
    where = f"{box.dir}/vhosts.d/a.test.yaml:"
    with Secure(two.tls, "a.test") as kept:
        said = two.reload(ok=False)
        assert where in said and "vhost a.test: " in said and says in said, said
        assert "the certificate before is served on" in said
        assert kept.get("a.test").text == "a\n"
    assert served(two.tls, "a.test") == before
    assert any(says in x["error"] for x in status(server)["broken"])
    assert certificates(server)["a.test"]["kept"] and not certificates(server)["b.test"]["kept"]
    shown = hostel("status", "--run-dir", box.dir / "run").stdout
    assert says in shown and "the one before is served" in shown
    assert says in server.stderr
    # a worker that starts now gets the old one as well, also after one more reload
    two.reload(ok=False)
    for pid in server.workers(a):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(alive(p) and p in server.workers(a) for p in pids), "it is gone")
    assert served(two.tls, "a.test") == before
    # and a good one puts an end to it
    new = on_disk(certificate(box, "a", "a.test"))
    two.reload()
    assert served(two.tls, "a.test") == new and "broken" not in status(server)


def test_who_sleeps_gets_the_new_one(box, two):
    c = box.site("c.test", tls=certificate(box, "c", "c.test"), files={"index.html": "c\n"})
    two.write_site(c)
    two.reload()
    new = on_disk(certificate(box, "c", "c.test"))
    two.reload()
    assert not two.server.workers(c)
    assert served(two.tls, "c.test") == new


@pytest.mark.core
def test_tls_comes_and_goes(box, changing):  # noqa: F811
    a, b = (box.site(f"{n}.test", files={"index.html": f"{n}\n"}) for n in "ab")
    server = changing.serve()
    for s in (a, b):
        server.get(s)
    other, port = server.worker(b), free_port()
    pair = certificate(box, "a", "a.test")

    def refused():
        with pytest.raises((OSError, ssl.SSLError)):
            Secure(port, "a.test")

    changing.write_site(a, tls=pair)  # a certificate, and nowhere to show it
    changing.reload()
    refused()
    changing.write_main(listen_tls=[f"127.0.0.1:{port}"])
    changing.reload()
    assert served(port, "a.test") == on_disk(pair) and server.get(a).text == "a\n"
    with pytest.raises(ssl.SSLError):
        Secure(port, "b.test")
    assert server.worker(b) == other
    with Secure(port, "a.test") as kept:
        assert kept.get("a.test").text == "a\n"
        changing.write_site(a, tls=None)
        changing.reload()
        with pytest.raises(ssl.SSLError):
            Secure(port, "a.test")
        assert kept.get("a.test").text == "a\n"  # one last answer
        with pytest.raises(Cut):
            kept.get("a.test")
    changing.write_site(a, tls=pair)
    changing.reload()
    assert served(port, "a.test") == on_disk(pair)
    changing.main.pop("listen_tls")
    changing.write_main()
    changing.reload()
    refused()
    assert server.get(a).text == "a\n" and server.worker(b) == other


@pytest.mark.core
def test_over_when_workers_have_them(box, two):
    """It is said when the new one is shown, however slow the worker is; one that is stuck is told."""
    server, a = two.server, two.sites["a"]
    new = on_disk(certificate(box, "a", "a.test"))
    with Stopped(server.workers(a)) as worker, two.reloading() as reload:
        with pytest.raises(TimeoutError):
            reload.result(0.7)
        worker.go_on()
        assert reload.result(30 * SLOW)
    assert served(two.tls, "a.test") == new
    assert "does not answer" not in server.stderr
    new = on_disk(certificate(box, "a", "a.test"))
    with Stopped(server.workers(a)):
        assert "is in effect" in two.reload()
    assert "does not answer: it may go on as before" in server.stderr
    wait_for(lambda: served(two.tls, "a.test") == new, "it has it in the end")
    pids = server.workers(a)
    two.reload()  # its late answer does it no harm
    assert server.workers(a) == pids and served(two.tls, "a.test") == new


def test_days_left_are_shown(box, two):
    assert certificates(two.server)["a.test"]["days_left"] in (29, 30)
    certificate(box, "a", "a.test", days=5)
    two.reload()
    a = certificates(two.server)["a.test"]
    assert a["days_left"] in (4, 5) and not a["expired"] and abs(
        a["until"] - time.time() - 5 * 86400) < 600
    assert "a.test" in hostel("status", "--run-dir", box.dir / "run").stdout.split("DAYS LEFT")[1]


@pytest.mark.core
def test_many_reloads_lose_nothing(box, two):
    """Requests on TLS while certificates change: each is answered, and by one pid."""
    server, a = two.server, two.sites["a"]
    pids = server.workers(a)
    with Secure(two.tls, "a.test") as kept, Load(server.port, [(a.host, "/", "a\n")], 2) as load:
        for _ in range(5):
            new = on_disk(certificate(box, "a", "a.test"))
            two.reload()
            assert served(two.tls, "a.test") == new and kept.get("a.test").text == "a\n"
        load.reach(5)
    load.flawless()
    assert server.workers(a) == pids


def test_hundreds_of_new_ones_at_once(box, two):
    """All of one user; who asks meanwhile is answered at once."""
    server, a = two.server, two.sites["a"]
    pair = certificate(box, "many", "*.many.test")
    site = box.site("x.many.test", tls=pair, files={"index.html": "x\n"})
    many = [{**site.vhost, "host": f"n{i}.many.test"} for i in range(300)]
    box.write_config(yaml({"vhosts": many}), "vhosts.d/many.yaml")
    two.write_site(site)
    two.reload()
    old = served(two.tls, "n299.many.test")
    pids = server.workers(site)
    new = on_disk(certificate(box, "many", "*.many.test"))
    with Load(server.port, [(a.host, "/", "a\n")], 1) as load:
        begin = time.monotonic()
        two.reload()
        took = time.monotonic() - begin
    load.flawless()
    assert old != new and took < 10 * SLOW, took  # a worker needs a millisecond for each
    wait_for(lambda: served(two.tls, "n299.many.test") == new, "the last has it too")
    for n in ("n0", "n150", "n298"):
        assert served(two.tls, f"{n}.many.test") == new
    assert server.workers(site) == pids


@pytest.mark.core
def test_http2_goes_on_as_well(box, two):
    """The same connection, before and after, without GOAWAY. Frames by hand: RFC 9113 4.1."""
    def frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload

    def ask(c, stream):
        # GET, /, https of the static table, :authority as it is. RFC 7541 6.1, 6.2.1
        c.send(frame(1, 5, stream, b"\x82\x84\x87\x41\x06a.test"))
        kinds, body = [], b""
        while True:
            head = b"".join(c.exactly(9))
            kind, flags, at = struct.unpack(">BBI", head[3:])
            payload = b"".join(c.exactly(int.from_bytes(head[:3], "big")))
            kinds.append(kind)
            if kind == 4 and not flags & 1:
                c.send(frame(4, 1, 0))
            if at == stream and kind == 0:
                body += payload
            if at == stream and kind in (0, 1, 3) and (kind == 3 or flags & 1):
                assert body == b"a\n", (kinds, body)
                assert 7 not in kinds and 3 not in kinds
                return

    pids = two.server.workers()
    with Secure(two.tls, "a.test", ctx=context(alpn=("h2",))) as c:
        assert c.sock.selected_alpn_protocol() == "h2"
        c.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
        ask(c, 1)
        new = on_disk(certificate(box, "a", "a.test"))
        two.reload()
        assert served(two.tls, "a.test") == new
        for stream in (3, 5, 7):
            ask(c, stream)
    assert two.server.workers() == pids
