"""FastCGI programs that the user runs himself: one made with the devkit, and a real php-fpm."""
import glob
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import house
from house import ROOT, Box, hostel
from procs import SLOW, wait_for

HERE = Path(__file__).resolve().parent
FPM = next(iter(sorted(glob.glob("/usr/sbin/php-fpm*"))), None)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The responder, built where every user can run it."""
    cc = shutil.which("cc")
    if not cc or not os.path.exists("/usr/include/fcgi_stdio.h"):
        pytest.skip("no compiler, or no libfcgi-dev")
    path = Path(house.tempfile.mkdtemp(prefix="hostel-responder-", dir="/tmp"))
    path.chmod(0o755)
    subprocess.run([cc, "-o", path / "responder", HERE / "responder.c", "-lfcgi"], check=True)
    yield path / "responder"
    shutil.rmtree(path)


class Daemon:
    """A program of a user's own, outside of the server; stop() ends it and nothing else."""

    def __init__(self, argv, uid, sock, env=None):
        ids = {"user": uid, "group": uid, "extra_groups": []} if ROOT else {}
        self.sock = sock
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env=env or {"PATH": "/usr/bin:/bin"}, **ids)
        house.started.add(self.process.pid)
        wait_for(self.listens, f"{argv[0]} listens at {sock}")

    def listens(self):
        assert self.process.poll() is None, self.process.stdout.read()
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(str(self.sock))
            except OSError:
                return False
        return True

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10 * SLOW)
        Path(self.sock).unlink(missing_ok=True)


def info(r):
    lines = r.text.splitlines()
    return {k: v for k, _, v in (line.partition("=") for line in lines[2:])}


@pytest.fixture(scope="module")
def up(program):
    b = Box()
    s = b.site("up.test", files={"index.html": "file", "app/real.txt": "never seen", "x.php": "<?php"})
    run = s.directory(s.home / "run")
    sock = run / "app.sock"
    s.vhost["fastcgi"] = [{"path": "/app/*", "socket": str(sock), "connections": 2},
                          {"path": "/one", "socket": str(sock)},
                          {"path": "/dead/*", "socket": str(run / "none.sock")}]
    s.vhost["params"] = {"APP_MODE": "test"}
    whole = b.site("whole.test", uid=s.uid, fastcgi={"path": "/*", "socket": str(sock)},
                   files={"index.html": "file"})
    daemon = Daemon([program, sock], s.uid, sock)
    server = b.serve(body_max="8m", request_timeout="2s")
    yield SimpleNamespace(site=s, whole=whole, server=server, box=b, sock=sock, daemon=daemon,
                          run=run)
    daemon.stop()
    b.close()


@pytest.mark.core
def test_what_it_is_told(up):
    r = up.server.get(up.site, "/app/real.txt?a=1", fields=[("X-Own", "2"), ("X_Bad", "3")])
    got = info(r)
    assert r.status == 200 and "never seen" not in r.text
    assert r.text.startswith(f"uid {up.site.uid}\nbody 0 0\n")
    want = {"SCRIPT_NAME": "/app", "PATH_INFO": "/real.txt", "QUERY_STRING": "a=1",
            "REQUEST_METHOD": "GET", "REQUEST_URI": "/app/real.txt?a=1", "HTTP_X_OWN": "2",
            "SCRIPT_FILENAME": f"{up.site.root}/app", "SERVER_NAME": "up.test", "APP_MODE": "test"}
    assert {k: got.get(k) for k in want} == want
    assert "HTTP_X_BAD" not in got
    got = info(up.server.get(up.site, "/one"))
    assert (got["SCRIPT_NAME"], got.get("PATH_INFO")) == ("/one", None)
    got = info(up.server.get(up.whole, "/index.html/x"))
    assert (got["SCRIPT_NAME"], got["PATH_INFO"]) == ("", "/index.html/x")
    assert up.server.get(up.site, "/index.html").text == "file"
    assert up.server.get(up.site, "/x.php").status == 403, "no place for scripts: as ever"


@pytest.mark.core
@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_bodies(up, size):
    body = os.urandom(size)
    total = 0
    for byte in body:
        total = (total * 31 + byte) % 2**64
    r = up.server.get(up.site, "/app/", "POST", body=body)
    assert r.text.splitlines()[1] == f"body {size} {total}"
    with up.server.client() as c:
        c.ask(up.site.host, "/app/", "PUT", [("Transfer-Encoding", "chunked")])
        for at in range(0, size, 50_000):
            piece = body[at:at + 50_000]
            c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        c.send(b"0\r\n\r\n")
        assert c.answer().text.splitlines()[1] == f"body {size} {total}"


def test_a_body_that_is_too_large(up):
    with up.server.client() as c:
        c.ask(up.site.host, "/app/", "POST", [("Content-Length", str(9 << 20))])
        assert c.answer().status == 413


def test_answers(up):
    r = up.server.get(up.site, "/app/?moved")
    assert (r.status, r.reason, r.get("Location")) == (307, "Elsewhere", "/there")
    r = up.server.get(up.site, "/app/?big")
    assert len(r.body) > 16 << 20 and r.body.endswith(b"%016d" % ((1 << 20) - 1))
    r = up.server.get(up.site, "/app/", "HEAD")
    assert (r.status, r.body) == (200, b"")
    assert up.server.get(up.site, "/app/?errors").status == 200
    wait_for(lambda: "the responder complains" in up.site.errors(), "its complaint")


def test_more_than_it_takes_at_once_wait(up):
    """The responder is one process: the second visitor waits for it, and gets his answer."""
    with up.server.client() as a, up.server.client() as b:
        a.ask(up.site.host, "/app/?sleep")
        b.ask(up.site.host, "/app/x")
        assert a.answer().status == 504, "request_timeout is 2 s"
        assert b.answer().status in (200, 504)
    wait_for(lambda: up.server.get(up.site, "/app/").status == 200, "it is back", 10)


def test_nobody_there_is_503(up):
    r = up.server.get(up.site, "/dead/x")
    assert r.status == 503 and r.get("Retry-After")
    wait_for(lambda: "none.sock: no such file" in up.server.stderr, "a line that says so")
    assert up.server.get(up.site, "/index.html").status == 200


def test_one_that_ends_and_comes_back(program, box):
    s = box.site("back.test", files={"unused": ""})
    run = s.directory(s.home / "run")
    sock = run / "a.sock"
    s.vhost["fastcgi"] = {"path": "/*", "socket": str(sock)}
    first = Daemon([program, sock], s.uid, sock)
    server = box.serve()
    try:
        assert server.get(s, "/").status == 200
        assert server.get(s, "/?die").status == 502
        first.stop()
        assert server.get(s, "/").status == 503
    finally:
        first.stop()
    second = Daemon([program, sock], s.uid, sock)
    try:
        wait_for(lambda: server.get(s, "/").status == 200, "the next one is found", 5)
    finally:
        second.stop()


# --- whose socket it is -------------------------------------------------------------------------

def listener(path, uid):
    """Somebody listens; what he would hear is counted."""
    code = ("import socket,sys,os\n"
            "s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777)\n"
            "s.listen(8); n=0\n"
            "while True:\n c,_=s.accept(); c.settimeout(1)\n try: n+=len(c.recv(65536))\n"
            " except OSError: pass\n c.close(); open(sys.argv[1]+'.heard','w').write(str(n))\n")
    return Daemon(["/usr/bin/python3", "-c", code, path], uid, path)


@pytest.mark.root
@pytest.mark.core
@pytest.mark.parametrize("whose,named_his,heard", [
    pytest.param("own", True, True, id="control: his own is spoken to"),
    pytest.param("other", False, False, id="another user's"),
    pytest.param("other", True, False, id="another user's, whose name was given to him"),
    pytest.param("root", True, False, id="root's, whose name was given to him"),
])
def test_only_the_users_own_socket(box, whose, named_his, heard):
    s = box.site("own.test", files={"unused": ""})
    place = box.dir / "sockets"
    place.mkdir()
    place.chmod(0o777)
    sock = place / "a.sock"
    s.vhost["fastcgi"] = {"path": "/*", "socket": str(sock)}
    daemon = listener(sock, {"own": s.uid, "other": Box.new_uid(), "root": 0}[whose])
    try:
        wait_for((place / "a.sock.heard").exists, "it is where it writes what it hears")
        if named_his:
            os.chown(sock, s.uid, s.uid)
        server = box.serve()
        r = server.get(s, "/secret", fields=[("Authorization", "Basic eDp5")])
        assert r.status == (502 if heard else 503)
        if heard:
            wait_for(lambda: int((place / "a.sock.heard").read_text() or 0) > 0, "what it heard")
        else:
            time.sleep(0.2)
            assert int((place / "a.sock.heard").read_text() or 0) == 0
            wait_for(lambda: "is not this user's" in server.stderr, "a line that says why")
    finally:
        daemon.stop()


@pytest.mark.root
def test_a_socket_that_is_swapped(box, program):
    """The look at the name proves nothing for later: who listens is asked at each connection."""
    s = box.site("swap.test", files={"unused": ""})
    place = box.dir / "sockets"
    place.mkdir()
    place.chmod(0o777)
    sock, other = place / "a.sock", place / "b.sock"
    s.vhost["fastcgi"] = {"path": "/*", "socket": str(sock)}
    own, foreign = Daemon([program, sock], s.uid, sock), listener(other, Box.new_uid())
    try:
        server = box.serve()
        assert server.get(s, "/").status == 200
        os.chown(other, s.uid, s.uid)
        os.rename(other, sock)
        assert server.get(s, "/secret").status == 503
        time.sleep(0.2)
        heard = place / "b.sock.heard"
        if heard.exists():
            wait_for(heard.read_text, "what it heard was written")
            assert int(heard.read_text()) == 0
    finally:
        own.stop()
        foreign.stop()


# --- php-fpm -----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def fpm():
    if not FPM:
        pytest.skip("no php-fpm")
    b = Box()
    s = b.site("fpm.test", files={
        "v.php": "<?php header('X-Sapi: ' . PHP_SAPI); echo json_encode([posix_geteuid(), "
                 "$_SERVER['SCRIPT_NAME'], $_SERVER['PATH_INFO'] ?? '', "
                 "strlen(file_get_contents('php://input')), ini_get('memory_limit')]);",
        "flush.php": "<?php echo 'one'; @ob_flush(); flush(); usleep(300000); echo 'two';",
        "index.php": "<?php echo 'front ', $_SERVER['REQUEST_URI'];", "a.txt": "text",
        "up.jpg": "<?php echo 'EVIL';", "send.php": "<?php header('X-Accel-Redirect: /a.txt');"},
        fallback="/index.php")
    run = s.directory(s.home / "run")
    sock = run / "fpm.sock"
    conf = run / "fpm.conf"
    conf.write_text(f"[global]\nerror_log = {run}/fpm.log\ndaemonize = no\n[own]\nlisten = {sock}\n"
                    "listen.mode = 0600\npm = static\npm.max_children = 2\n"
                    "catch_workers_output = yes\n")
    s.give(conf, 0o600)
    s.vhost["fastcgi"] = {"socket": str(sock), "connections": 2}
    s.vhost["params"] = {"PHP_ADMIN_VALUE": "memory_limit=99M"}
    daemon = Daemon([FPM, "--fpm-config", conf], s.uid, sock)
    yield SimpleNamespace(site=s, server=b.serve(), box=b)
    daemon.stop()
    b.close()


def test_fpm_runs_the_scripts(fpm):
    r = fpm.server.get(fpm.site, "/v.php/info?x=1", "POST", body=b"x" * 100_000)
    assert r.get("X-Sapi") == "fpm-fcgi"
    assert r.text == (f'[{fpm.site.uid},"\\/v.php","\\/info",100000,"99M"]')
    assert fpm.server.get(fpm.site, "/pretty/url?x").text == "front /pretty/url?x"
    assert fpm.server.get(fpm.site, "/a.txt").text == "text"
    assert fpm.server.get(fpm.site, "/send.php").text == "text"
    r = fpm.server.get(fpm.site, "/up.jpg/x.php")
    assert "EVIL" not in r.text
    r = fpm.server.get(fpm.site, "/v.php", fields=[("PHP-ADMIN-VALUE", "memory_limit=1M"),
                                                   ("PHP_ADMIN_VALUE", "memory_limit=1M")])
    assert '"99M"' in r.text, "a visitor sets nothing"


def test_fpm_is_flushed_and_shared(fpm):
    with fpm.server.client() as c:
        c.ask(fpm.site.host, "/flush.php")
        r = c.head()
        pieces = c.pieces(r)
        assert next(pieces) == b"one"
        assert b"".join(pieces) == b"two"
    clients = [fpm.server.client() for _ in range(12)]
    for c in clients:
        c.ask(fpm.site.host, "/flush.php")
    for c in clients:
        assert c.answer().text == "onetwo"
        c.close()


def test_scripts_have_one_place(box):
    box.site("two.test", php={}, fastcgi={"socket": "/s"})
    path, _ = box.config()
    r = hostel("check", "--config", path)
    assert r.returncode == 1 and "scripts have one place to run" in r.stderr
