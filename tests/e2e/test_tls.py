"""TLS end to end: server names, versions, sessions, bodies, ends, and who holds a key."""
import hashlib
import os
import signal
import socket
import ssl
import subprocess
import time
from types import SimpleNamespace

import pytest

import procs
from house import Box, free_port
from procs import SLOW, wait_for
from secure import Secure, alert_of, certificate, context, hello
from wire import Client, Cut, fetch

SERVER_PHP = """<?php
header('Content-Type: text/plain');
foreach (['HTTPS', 'REQUEST_SCHEME', 'SERVER_PORT', 'SERVER_PROTOCOL'] as $k)
    echo $k, '=', $_SERVER[$k] ?? '', "\\n";
"""
UPLOAD_PHP = "<?php $b = file_get_contents('php://input'); echo strlen($b), ' ', sha1($b);"
BIG = os.urandom(1 << 20) * 20


@pytest.fixture(scope="module")
def tls():
    """alice: two sites with one certificate each, and one without; bob: RSA, 1.3 only."""
    box = Box()
    port = free_port()
    alice = box.site("alice.test", aliases=["www.alice.test"], php={}, https_redirect=True,
                     hsts="180d", hsts_subdomains=True,
                     tls=certificate(box, "alice.test", "alice.test", "www.alice.test"),
                     files={"index.html": "alice's page\n", "big.bin": BIG,
                            "server.php": SERVER_PHP, "upload.php": UPLOAD_PHP,
                            ".well-known/acme-challenge/token": "proof"})
    shop = box.site("shop.test", uid=alice.uid, tls=certificate(box, "shop.test"),
                    files={"index.html": "shop\n"})
    plain = box.site("plain.test", uid=alice.uid, files={"index.html": "plain\n"})
    bob = box.site("bob.test", tls={**certificate(box, "bob.test", kind="rsa"),
                                    "min_version": "1.3"}, files={"index.html": "bob's page\n"})
    box.site("*.wild.test", tls=certificate(box, "wild.test", "*.wild.test"),
             files={"index.html": "wild\n"})
    server = box.serve(listen_tls=[f"127.0.0.1:{port}"], head_timeout="2s")
    yield SimpleNamespace(box=box, alice=alice, shop=shop, plain=plain, bob=bob, server=server,
                          port=port, http=server.port)
    box.close()


def get(tls, host, path="/", name="", **more):
    with Secure(tls.port, host if name == "" else name, **more) as c:
        return c.get(host, path)


def reason(tls, name, **more):
    with pytest.raises(ssl.SSLError) as e:
        Secure(tls.port, name, **more)
    return e.value.reason or str(e.value)


@pytest.mark.core
@pytest.mark.parametrize("host,text", [
    ("alice.test", "alice's page\n"), ("www.alice.test", "alice's page\n"),
    ("shop.test", "shop\n"), ("bob.test", "bob's page\n"), ("a.b.wild.test", "wild\n")])
def test_each_site_has_its_certificate(tls, host, text):
    with Secure(tls.port, host) as c:
        der = c.sock.getpeercert(True)
        r = c.get(host)
        assert (r.status, r.text) == (200, text)
    cert = ssl.DER_cert_to_PEM_cert(der)
    shown = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=cert,
                           capture_output=True, text=True, check=True).stdout
    assert host.replace("a.b.", "*.") in shown or host in shown


@pytest.mark.core
@pytest.mark.parametrize("name,why", [
    ("nobody.test", "TLSV1_UNRECOGNIZED_NAME"), ("plain.test", "TLSV1_UNRECOGNIZED_NAME"),
    ("wild.test", "TLSV1_UNRECOGNIZED_NAME"),
    (None, "TLSV13_ALERT_MISSING_EXTENSION")])
def test_other_names_are_refused(tls, name, why):
    assert reason(tls, name) == why


def test_no_name_is_the_default_vhost(box):
    port = free_port()
    box.site("a.test", tls=certificate(box, "a.test"), files={"index.html": "a\n"})
    box.site("b.test", default=True, tls=certificate(box, "b.test"),
             files={"index.html": "b\n"})
    box.serve(listen_tls=[f"127.0.0.1:{port}"])
    with Secure(port, None) as c:
        assert c.get("127.0.0.1").text == "b\n"
        assert c.get("127.0.0.1").text == "b\n"
        assert c.get("a.test").status == 421
    with pytest.raises(ssl.SSLError):
        Secure(port, "nobody.test")


@pytest.mark.core
def test_a_host_of_another_user_is_misdirected(tls):
    with Secure(tls.port, "alice.test") as c:
        assert c.get("alice.test").status == 200
        assert c.get("shop.test").text == "shop\n"  # his own too, with a certificate
        assert c.get("bob.test").status == 421
    for host in ("plain.test", "nobody.test"):
        with Secure(tls.port, "alice.test") as c:
            assert c.get(host).status == 421


def test_versions(tls):
    v = ssl.TLSVersion
    for host, maximum, spoken in (("alice.test", v.TLSv1_2, "TLSv1.2"),
                                  ("alice.test", v.TLSv1_3, "TLSv1.3"),
                                  ("bob.test", v.TLSv1_3, "TLSv1.3")):
        with Secure(tls.port, host, ctx=context(maximum)) as c:
            assert c.sock.version() == spoken
            assert c.sock.compression() is None
            assert c.get(host).status == 200
    assert "PROTOCOL_VERSION" in reason(tls, "bob.test", ctx=context(v.TLSv1_2))
    ctx = context(v.TLSv1_1, ciphers="ALL:@SECLEVEL=0")
    ctx.minimum_version = v.TLSv1
    assert "PROTOCOL_VERSION" in reason(tls, "alice.test", ctx=ctx)


@pytest.mark.parametrize("cipher,taken", [
    ("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-CHACHA20-POLY1305", True),
    ("ECDHE-ECDSA-AES256-SHA384", False), ("AES128-GCM-SHA256", False),
    ("DHE-RSA-AES128-GCM-SHA256", False), ("ECDHE-ECDSA-AES128-SHA", False)])
def test_ciphers_of_tls12(tls, cipher, taken):
    ctx = context(ssl.TLSVersion.TLSv1_2, ciphers=cipher)
    if taken:
        with Secure(tls.port, "alice.test", ctx=ctx) as c:
            assert c.sock.cipher()[0] == cipher
    else:
        assert "HANDSHAKE_FAILURE" in reason(tls, "alice.test", ctx=ctx)


def test_alpn(tls):
    with Secure(tls.port, "alice.test", ctx=context(alpn=["http/1.1"])) as c:
        assert c.sock.selected_alpn_protocol() == "http/1.1"
        assert c.get("alice.test").status == 200
    assert "no application protocol" in reason(tls, "alice.test", ctx=context(alpn=["spdy/3"]))


# --- sessions -------------------------------------------------------------------------------


def ticket(tls, host, ctx):
    with Secure(tls.port, host, ctx=ctx) as c:
        assert c.get(host).status == 200
        return c.sock.session


def resumes(tls, host, ctx, session):
    with Secure(tls.port, host, ctx=ctx, session=session) as c:
        assert c.get(host).status == 200
        return c.sock.session_reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_resume_across_workers_and_not_across_users(box, version):
    port = free_port()
    alice = box.site("a.test", workers=3, tls=certificate(box, "a.test"), files={"index.html": ""})
    box.site("b.test", tls=certificate(box, "b.test"), files={"index.html": ""})
    server = box.serve(listen_tls=[f"127.0.0.1:{port}"])
    where, ctx = SimpleNamespace(port=port), context(version)
    session = ticket(where, "a.test", ctx)
    wait_for(lambda: len(server.workers(alice)) == 3, "all workers run")
    killed = server.workers(alice)[0]
    os.kill(killed, signal.SIGKILL)  # one that comes later has the keys too
    wait_for(lambda: len(set(server.workers(alice)) - {killed}) == 3, "another one comes")
    for _ in range(20):  # whichever takes it
        with Secure(port, "a.test", ctx=ctx, session=session) as c:
            assert c.sock.session_reused
            assert c.get("a.test").status == 200
            session = c.sock.session
    assert not resumes(where, "b.test", ctx, session)


def test_early_data_and_renegotiation_are_off(tls):
    out = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{tls.port}", "-servername", "alice.test",
         "-tls1_2"], input="R\n", capture_output=True, text=True, timeout=20 * SLOW)
    assert "no renegotiation" in out.stderr
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{tls.port}", "-servername", "alice.test",
         "-tls1_3", "-ign_eof"], input="GET / HTTP/1.0\r\nHost: alice.test\r\n\r\n",
        capture_output=True, text=True, timeout=20 * SLOW).stdout
    assert "Max Early Data: 0" in shown
    assert "Compression: NONE" in shown or "Compression:" not in shown


# --- bytes ----------------------------------------------------------------------------------


@pytest.mark.core
def test_big_files_ranges_and_uploads(tls):
    with Secure(tls.port, "alice.test") as c:
        r = c.get("alice.test", "/big.bin")
        assert hashlib.sha1(r.body).digest() == hashlib.sha1(BIG).digest()
        r = c.get("alice.test", "/big.bin", fields=[("Range", "bytes=1000000-1000099")])
        assert (r.status, r.body) == (206, BIG[1000000:1000100])
        r = c.get("alice.test", "/upload.php", "POST", body=BIG[:3000000])
        assert r.text == f"3000000 {hashlib.sha1(BIG[:3000000]).hexdigest()}"
        assert c.get("alice.test", "/").text == "alice's page\n"


def test_php_knows_that_it_is_https(tls):
    r = get(tls, "alice.test", "/server.php")
    assert r.text == f"HTTPS=on\nREQUEST_SCHEME=https\nSERVER_PORT={tls.port}\n" \
                     "SERVER_PROTOCOL=HTTP/1.1\n"


def test_pipelined_requests(tls):
    with Secure(tls.port, "alice.test") as c:
        c.send(b"GET / HTTP/1.1\r\nHost: alice.test\r\n\r\n" * 50)
        assert [c.answer("GET").status for _ in range(50)] == [200] * 50


def test_a_slow_reader_gets_it_all_and_delays_nobody(tls):
    with Secure(tls.port, "alice.test", rcvbuf=16384) as slow:
        slow.ask("alice.test", "/big.bin")
        time.sleep(0.3)
        begin = time.monotonic()
        assert get(tls, "shop.test").text == "shop\n"
        assert time.monotonic() - begin < 2 * SLOW
        assert hashlib.sha1(slow.answer("GET").body).digest() == hashlib.sha1(BIG).digest()


def test_who_has_ended_his_side_still_gets_the_answer(tls):
    with Secure(tls.port, "alice.test") as c:
        c.ask("alice.test", "/big.bin")
        with socket.socket(fileno=os.dup(c.sock.fileno())) as raw:
            raw.shutdown(socket.SHUT_WR)  # without close_notify, as many clients do
        assert len(c.answer("GET").body) == len(BIG)


def test_the_end_is_told(tls):
    """An answer whose end is the connection's is followed by close_notify."""
    with Secure(tls.port, "alice.test") as c:
        c.ask("alice.test", "/", fields=[("Connection", "close")])
        c.answer("GET")
        assert c.sock.recv(1) == b""  # SSLEOFError when it was cut


# --- what http says -------------------------------------------------------------------------


def test_redirect_to_https(tls):
    r = fetch(tls.http, "alice.test", "/a%20b/?x=%2F")
    assert (r.status, r.get("Location")) == (301, f"https://alice.test:{tls.port}/a%20b/?x=%2F")
    assert r.get("Strict-Transport-Security") is None
    with Client(tls.http) as c:
        assert c.get("www.alice.test:80", "/x", "POST", body=b"a").status == 308
    r = fetch(tls.http, "alice.test", "/.well-known/acme-challenge/token")
    assert (r.status, r.text) == (200, "proof")
    assert fetch(tls.http, "shop.test").status == 200


def test_hsts(tls):
    for path in ("/", "/none", "/server.php"):
        r = get(tls, "alice.test", path)
        assert r.get("Strict-Transport-Security") == "max-age=15552000; includeSubDomains"
    assert get(tls, "shop.test").get("Strict-Transport-Security") is None


# --- handshakes that go wrong ---------------------------------------------------------------


def test_a_hello_byte_by_byte(tls):
    """In one record, and in a record a byte."""
    h = hello("alice.test")
    records = b"".join(h[:3] + b"\0\1" + h[i:i + 1] for i in range(5, len(h)))
    for data in (h, records):
        with Client(tls.port) as c:
            for i in range(len(data)):
                c.send(data[i:i + 1])
            assert c.sock.recv(5)[:3] == b"\x16\x03\x03"  # a ServerHello


@pytest.mark.parametrize("why,data,alert", [
    ("an empty record", b"\x16\x03\x01\x00\x00", 10), ("SSL 2", b"\x80\x2e\x01\x00\x02", 10),
    ("a record too long", b"\x16\x03\x01\x40\x01", 22), ("another version", b"\x16\x02\x00", 70),
    ("a message too long", b"\x16\x03\x01\x00\x04\x01\xff\xff\xff", 50)])
def test_rubbish_is_told_so(tls, why, data, alert):
    with Client(tls.port) as c:
        c.send(data)
        assert alert_of(c.sock) == alert


def test_http_on_the_port_of_tls(tls):
    with Client(tls.port) as c:
        assert c.get("alice.test").status == 400


def test_a_thousand_that_stop_in_the_handshake(tls):
    """They cost nothing, delay nobody, and end by their deadline."""
    h = hello("alice.test")
    stopped = []
    try:
        for i in range(1000):
            c = Client(tls.port)
            c.send(h[:20 + i % 400] if i % 2 else h)  # half of them wait in the worker
            stopped.append(c)
        begin = time.monotonic()
        for _ in range(5):
            assert get(tls, "bob.test", source="127.0.0.2").text == "bob's page\n"
            assert get(tls, "shop.test", source="127.0.0.2").text == "shop\n"
        assert time.monotonic() - begin < 3 * SLOW
        stopped[0].sock.settimeout(10 * SLOW)
        for c in stopped[::2][:20] + stopped[1::2][:20]:
            c.sock.settimeout(10 * SLOW)
            try:
                while c.sock.recv(4096):
                    pass
            except ConnectionError:
                pass
    finally:
        for c in stopped:
            c.close()


def test_failures_are_logged_and_bounded(tls):
    said = "TLS handshake with 127.0.0.1 failed: "
    before, begin = tls.server.stderr.count(said), time.monotonic()
    for _ in range(30):
        with pytest.raises((ssl.SSLError, OSError)):
            Secure(tls.port, "alice.test", ctx=context(alpn=["none"]))
    took = time.monotonic() - begin
    wait_for(lambda: said in tls.server.stderr, "it is said")
    assert tls.server.stderr.count(said) - before <= 5 * (2 + took), "so many lines a second"


# --- who holds a key ------------------------------------------------------------------------


def secrets_of(path):
    """What a private key is made of, as it may lie in memory: PEM, DER, each number both ways."""
    pem = open(path, "rb").read()
    der = subprocess.run(["openssl", "pkey", "-in", path, "-outform", "DER"],
                         capture_output=True, check=True).stdout
    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"],
                          capture_output=True, text=True, check=True).stdout
    found = {"PEM": pem.split(b"\n")[2], "DER": der[-64:]}
    part, digits = None, ""
    for line in text.splitlines() + ["end:"]:
        if line.startswith("    "):
            digits += line.strip().replace(":", "")
            continue
        if part in ("priv", "privateExponent", "prime1", "prime2"):
            number = bytes.fromhex(digits).lstrip(b"\0")
            found[part] = number[:32]
            found[part + ", as OpenSSL keeps it"] = number[::-1][:32]
        part, digits = line.split(":")[0], ""
    return found


def memory_holds(pid, needles):
    """Which of them lie in the memory of a process."""
    found = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            if "r" not in rights or "[v" in line:
                continue
            begin, end = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(begin)
                data = mem.read(end - begin)
            except (OSError, OverflowError):
                continue
            found |= {k for k, v in needles.items() if v in data}
    return found


@pytest.mark.root
def test_a_key_is_in_its_owners_worker_only(tls):
    get(tls, "alice.test", "/server.php")
    get(tls, "bob.test")
    keys = {"alice": secrets_of(tls.alice.vhost["tls"]["key"]),
            "bob": secrets_of(tls.bob.vhost["tls"]["key"])}
    assert {"priv"} <= set(keys["alice"]) and {"prime1", "privateExponent"} <= set(keys["bob"])
    workers = {"alice": tls.server.workers(tls.alice),
               "bob": tls.server.workers(tls.bob)}
    others = [tls.server.pid] + procs.descendants(tls.server.pid)
    for owner, needles in keys.items():
        held = set().union(*(memory_holds(p, needles) for p in workers[owner]))
        assert held & {"priv, as OpenSSL keeps it", "prime1, as OpenSSL keeps it"}, "the control"
        for pid in set(others) - set(workers[owner]):
            assert memory_holds(pid, needles) == set(), (owner, pid)


@pytest.mark.root
def test_a_user_without_a_certificate_has_no_tls_library(tls, box):
    def maps(pid):
        return open(f"/proc/{pid}/maps").read()

    box.site("c.test", files={"index.html": "c\n"})
    server = box.serve()
    fetch(server.port, "c.test")
    assert "libssl" not in maps(server.workers()[0])
    get(tls, "bob.test")
    assert "libssl" in maps(tls.server.workers(tls.bob)[0])
