"""What `hostel check` says of certificates, `hostel cert`, and a start with broken ones."""
import ctypes
import os
import re
import ssl
import subprocess

import pytest

import procs
from house import free_port, hostel
from secure import Secure, certificate
from wire import Client, fetch


def check(box, **main):
    path, _ = box.config(listen_tls=[f"127.0.0.1:{free_port()}"], **main)
    return hostel("check", "--config", path)


@pytest.mark.core
def test_good_ones_are_ok(box):
    box.site("a.test", aliases=["www.a.test"], tls=certificate(box, "a", "a.test", "*.a.test"))
    box.site("*.b.test", tls=certificate(box, "b", "*.b.test", kind="rsa"))
    r = check(box)
    assert (r.returncode, r.stderr) == (0, "")
    assert re.fullmatch(r"TLS: .*kTLS.*\nok\n", r.stdout)


def spoil(kind):
    """A box with one site whose certificate is wrong in one way; what check must say."""
    def build(box):
        if kind == "another's key":
            pair = certificate(box, "a", "a.test")
            pair["key"] = certificate(box, "b", "b.test")["key"]
        elif kind == "a name too few":
            pair = certificate(box, "a", "www.a.test")
        elif kind == "expired":
            pair = expired(box)
        elif kind == "soon":
            pair = certificate(box, "a", "a.test", days=13)
        elif kind == "no file":
            pair = {**certificate(box, "a", "a.test"), "key": str(box.dir / "none.key")}
        elif kind == "a directory":
            pair = {**certificate(box, "a", "a.test"), "key": str(box.dir)}
        elif kind == "no PEM":
            pair = certificate(box, "a", "a.test")
            (box.dir / "a.crt").write_text("nothing\n")
        elif kind == "chain out of order":
            pair = certificate(box, "a", "a.test")
            certificate(box, "b", "b.test")
            with open(box.dir / "a.crt", "a") as f:
                f.write((box.dir / "b.crt").read_text())
        elif kind == "too weak":
            pair = certificate(box, "a", "a.test", kind="rsa", extra=["-newkey", "rsa:1024"])
        return pair
    return build


def expired(box):
    """A month old, of two days: `openssl req` has no dates, `openssl ca` and faketime neither."""
    pair = certificate(box, "a", "a.test")
    subprocess.run(["openssl", "req", "-new", "-key", pair["key"], "-subj", "/CN=a.test", "-out",
                    box.dir / "a.csr"], check=True, capture_output=True)
    (box.dir / "ext").write_text("subjectAltName=DNS:a.test\n")
    (box.dir / "db").mkdir()
    for name, text in (("index.txt", ""), ("serial", "01\n")):
        (box.dir / "db" / name).write_text(text)
    (box.dir / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=x\n[x]\ndatabase={box.dir}/db/index.txt\nserial={box.dir}/db/serial\n"
        f"new_certs_dir={box.dir}/db\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-config", box.dir / "ca.cnf",
                    "-keyfile", pair["key"], "-in", box.dir / "a.csr", "-out", box.dir / "a.crt",
                    "-startdate", "20250101000000Z", "-enddate", "20250103000000Z", "-extfile",
                    box.dir / "ext", "-notext"], check=True, capture_output=True)
    return pair


@pytest.mark.parametrize("kind,code,says", [
    ("another's key", 1, "the key is not the certificate's"),
    ("a name too few", 1, "the certificate does not cover `a.test`"),
    ("expired", 1, "the certificate expired on 2025-01-03"),
    ("soon", 0, "warning: the certificate expires on "),
    ("no file", 1, "none.key: No such file or directory"),
    ("a directory", 1, "tls key "),
    ("no PEM", 1, "there is no certificate in PEM"),
    ("chain out of order", 1, "the chain is out of order"),
    ("too weak", 1, "the RSA key has 1024 bits, 2048 are the least")])
def test_each_kind_of_wrong(box, kind, code, says):
    box.site("a.test", tls=spoil(kind)(box))
    r = check(box)
    assert r.returncode == code
    assert re.search(rf"^{box.dir}/hostel.yaml:\d+: vhost a.test: .*{re.escape(says)}", r.stderr,
                     re.M), r.stderr
    assert ("ok\n" in r.stdout) == (code == 0)


# sockets on their way nowhere: as the acceptors' when a worker is stopped
IN_FLIGHT = """
import socket, sys
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
for _ in range(3): socket.send_fds(a, [b"x"], [0] * 200)
print("sent", flush=True)
sys.stdin.read()
"""


@pytest.mark.root
def test_what_acceptors_have_on_the_way_is_not_in_the_way(box):
    box.site("a.test", tls=certificate(box, "a", "a.test"))
    uid = box.new_uid()
    p = subprocess.Popen(["/usr/bin/python3", "-c", IN_FLIGHT], user=uid, group=uid, extra_groups=[],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert p.stdout.readline() == b"sent\n"
        r = check(box, acceptor_user=uid)
        assert (r.returncode, r.stderr) == (0, ""), r
    finally:
        p.communicate(b"")


@pytest.mark.root
@pytest.mark.parametrize("names,other,bad", [
    (["a.test", "b.test"], "b.test", True), (["a.test", "*.b.test"], "x.b.test", True),
    (["a.test", "x.b.test"], "*.b.test", True), (["a.test", "*.b.test"], "*.b.test", True),
    (["a.test", "*.b.test"], "y.x.b.test", False), (["a.test", "c.test"], "b.test", False)])
def test_a_certificate_of_two_users_is_refused(box, names, other, bad):
    box.site("a.test", tls=certificate(box, "a", *names))
    box.site(other)
    r = check(box)
    assert ("of another user" in r.stderr) == bad, r.stderr
    assert r.returncode == (1 if bad else 0)


@pytest.mark.root
def test_a_key_that_php_could_read_is_warned_of(box):
    site = box.site("a.test")
    pair = certificate(box, "a", "a.test")
    site.vhost["tls"] = pair
    assert "warning" not in check(box).stderr
    for mode, uid, gid, warned in ((0o644, 0, 0, True), (0o640, 0, site.uid, True),
                                   (0o400, site.uid, 0, True), (0o640, 0, 0, False)):
        os.chmod(pair["key"], mode)
        os.chown(pair["key"], uid, gid)
        r = check(box)
        assert r.returncode == 0
        assert ("warning: tls key" in r.stderr) == warned, (oct(mode), uid, gid)


@pytest.mark.root
def test_a_user_cannot_have_root_read_for_him(box):
    """A path that he can bend leads to his own files only."""
    site = box.site("a.test", files={"index.html": "a\n"})
    pair = certificate(box, "a", "a.test")
    own = {"certificate": str(site.home / "a.crt"), "key": str(site.home / "a.key")}
    for name, path in own.items():
        os.link(pair[name], path) if name == "certificate" else os.symlink(pair[name], path)
    site.vhost["tls"] = own
    r = check(box)
    assert r.returncode == 1 and "does not belong to the site's user" in r.stderr
    for name, path in own.items():  # his own files there are welcome
        os.unlink(path)
        with open(path, "wb") as f:
            f.write(open(pair[name], "rb").read())
        os.chown(path, site.uid, site.uid)
        os.chmod(path, 0o600)
    assert check(box).returncode == 0


def test_a_broken_one_costs_only_its_own_site(box):
    port = free_port()
    broken = certificate(box, "a", "a.test")
    broken["key"] = certificate(box, "x", "x.test")["key"]
    box.site("a.test", tls=broken, files={"index.html": "a\n"})
    box.site("b.test", tls=certificate(box, "b", "b.test"), files={"index.html": "b\n"})
    server = box.serve(listen_tls=[f"127.0.0.1:{port}"])
    assert "vhost a.test: the key is not the certificate's" in server.stderr
    with Secure(port, "b.test") as c:
        assert c.get("b.test").text == "b\n"
    assert fetch(server.port, "a.test").text == "a\n"
    with pytest.raises(ssl.SSLError) as e:
        Secure(port, "a.test")
    assert e.value.reason == "TLSV1_UNRECOGNIZED_NAME"


@pytest.mark.core
def test_cert_self_signed(box):
    r = hostel("cert", "self-signed", "A.test", "www.a.test", "--dir", box.dir)
    assert r.returncode == 0, r.stderr
    assert r.stdout == f"{box.dir}/a.test.crt\n{box.dir}/a.test.key\n"
    assert (box.dir / "a.test.key").stat().st_mode & 0o777 == 0o600
    box.site("a.test", aliases=["www.a.test"],
             tls={"certificate": f"{box.dir}/a.test.crt", "key": f"{box.dir}/a.test.key"})
    assert check(box).stderr == ""
    before = (box.dir / "a.test.key").read_bytes()
    r = hostel("cert", "self-signed", "a.test", "--dir", box.dir)
    assert r.returncode == 1 and "File exists" in r.stderr
    assert (box.dir / "a.test.key").read_bytes() == before


@pytest.mark.parametrize("words", [
    [], ["self-signed"], ["signed", "a.test"], ["self-signed", "a b"], ["self-signed", "[::1]"],
    ["self-signed", "a.test", "--days", "0"], ["self-signed", "a.test", "--days", "36501"]])
def test_cert_says_how_it_is_used(words):
    r = hostel("cert", *words)
    assert r.returncode == 2 and "cert" in r.stderr
    assert not os.path.exists("a.test.key")


@pytest.mark.root
def test_in_a_sticky_directory_a_key_is_root_s_or_the_user_s_own(box):
    """Anybody can put one into /tmp."""
    pair = certificate(box, "a", "a.test")
    site = box.site("a.test", tls=pair)
    sticky = box.dir / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)
    key = sticky / "a.key"
    os.rename(pair["key"], key)
    site.vhost["tls"] = {**pair, "key": str(key)}
    for uid, good in ((0, True), (site.uid, True), (box.new_uid(), False)):
        os.chown(key, uid, uid)
        r = check(box)
        assert ("does not belong to the site's user" in r.stderr) != good, (uid, r)


@pytest.mark.root
def test_where_a_user_s_link_leads_is_looked_at_before_it_is_opened(box):
    """Root opening a device has done something to it already."""
    pair = certificate(box, "a", "a.test")
    site = box.site("a.test", tls=pair)
    own, device = box.dir / "own", box.dir / "device"
    own.mkdir()
    os.chown(own, site.uid, site.uid)
    os.mkfifo(device)
    (own / "a.key").symlink_to(device)
    site.vhost["tls"] = {**pair, "key": str(own / "a.key")}
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert libc.inotify_add_watch(watch, bytes(device), 0x20) > 0  # IN_OPEN
    try:
        assert "not a file" in check(box).stderr
        with pytest.raises(BlockingIOError):
            os.read(watch, 4096)
        os.close(os.open(device, os.O_RDONLY | os.O_NONBLOCK))
        assert os.read(watch, 4096)  # it would have been seen
    finally:
        os.close(watch)


@pytest.mark.root
@pytest.mark.parametrize("below", ["", ".well-known/acme-challenge/"])
def test_challenges_of_all_sites_in_one_directory(box, below):
    challenges = box.dir / "challenges"
    (challenges / below).mkdir(parents=True, mode=0o755)
    (challenges / below / "token_1").write_text("token_1.thumb")
    (challenges / below / "closed").write_text("x")
    (challenges / below / "closed").chmod(0o600)
    (challenges / below / "link").symlink_to("/etc/passwd")
    (challenges / below / "notes.txt").write_text("nobody's business")
    (challenges / "open").write_text("nobody's business")
    own = {".well-known/acme-challenge/token_1": "the user's own", "index.html": "home\n"}
    a = box.site("a.test", files=own, https_redirect=True, tls=certificate(box, "a", "a.test"))
    b = box.site("b.test", files=own)
    port = free_port()
    server = box.serve(acme_challenge_dir=str(challenges), listen_tls=[f"127.0.0.1:{port}"])
    path = "/.well-known/acme-challenge/"
    for host in ("a.test", "b.test", "nobody.test"):
        r = fetch(server.port, host, path + "token_1")
        assert (r.status, r.text) == (200, "token_1.thumb")
        for bad, status in (("none", 404), ("closed", 403), ("link", 403), ("", (403, 404)),
                            ("../../../hostel.yaml", (301, 400, 404)), ("%2e%2e/token_1", (400, 404))):
            found = fetch(server.port, host, path + bad).status
            assert found in (status if isinstance(status, tuple) else (status,)), (host, bad)
    # what no token can be called, and the directory under the name that it has with us
    assert fetch(server.port, "a.test", path + "notes.txt").status == 404
    assert fetch(server.port, "acme-challenge.invalid", "/open").status == 404
    worker = [p for p in server.workers() if procs.uid(p) not in (a.uid, b.uid)]
    assert len(worker) == 1 and procs.status(worker[0])["CapBnd"] == "0" * 16
    with server.client() as c:  # on one connection, in turn
        assert c.get("b.test").text == "home\n"
        assert c.get("b.test", path + "token_1").text == "token_1.thumb"
        assert c.get("b.test").text == "home\n"
        assert c.get("a.test").status == 301
        assert c.get("a.test", path + "token_1").text == "token_1.thumb"
    with Secure(port, "a.test") as c:  # with TLS it is the site's own matter
        assert c.get("a.test", path + "token_1").text == "the user's own"


@pytest.mark.root
@pytest.mark.core
def test_challenges_at_a_listener_of_ones_own(box):
    """The directory is not the user's to read: his worker passes it on, and only that."""
    challenges = box.dir / "challenges"
    challenges.mkdir(mode=0o755)
    (challenges / "token_1").write_text("token_1.thumb")
    own, path = free_port(), "/.well-known/acme-challenge/token_1"
    a = box.site("a.test", files={"index.html": "a's\n", path[1:]: "the user's own"},
                 listen=[f"127.0.0.1:{own}"])
    b = box.site("b.test", files={"index.html": "b's\n"})
    server = box.serve(acme_challenge_dir=str(challenges))
    for host in ("a.test", "b.test", "nobody.test"):
        assert fetch(own, host, path).text == "token_1.thumb"
    with Client(own) as c:  # after a request of his, and before one that is somebody else's
        assert c.get("a.test").text == "a's\n"
        c.send(f"GET {path} HTTP/1.1\r\nHost: b.test\r\n\r\nGET / HTTP/1.1\r\nHost: b.test\r\n\r\n")
        r = c.answer()
        assert (r.text, r.all("Connection")) == ("token_1.thumb", ["close"])
        assert c.closed() == b"", "nobody else's site is to be had there"
    assert fetch(own, "b.test").status == 404
    assert fetch(server.port, "b.test").text == "b's\n"
    assert server.workers(a) and server.workers(b)
