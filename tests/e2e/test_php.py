"""PHP through the user's own php-cgi: what the script is told, and what becomes of its answer."""
import hashlib
import json
import os
import re
import time

import pytest

import procs
from house import ROOT, Box, stretched
from procs import SLOW, wait_for
from wire import Cut

pytestmark = pytest.mark.usefixtures("php_cgi")

SCRIPTS = {
    "vars.php": "<?php header('Content-Type: application/json'); echo json_encode("
                "['server' => $_SERVER, 'get' => $_GET, 'env' => getenv()]);",
    "post.php": "<?php echo json_encode(['post' => $_POST, 'files' => array_map(fn($f) => "
                "[$f['name'], $f['size'], sha1_file($f['tmp_name'])], $_FILES)]);",
    "body.php": "<?php $b = file_get_contents('php://input'); echo strlen($b), ' ',"
                " hash('sha256', $b), ' ', $_SERVER['CONTENT_LENGTH'] ?? 'none';",
    "stream.php": "<?php for ($i = 0; $i < 5; $i++) { echo \"part $i\\n\"; @ob_flush(); flush();"
                  " usleep(200000); }",
    "big.php": "<?php for ($i = 0; $i < 20; $i++) echo str_repeat(chr(65 + $i), 1 << 20);",
    "status.php": "<?php header('HTTP/1.1 418 I am a teapot'); echo 'short';",
    "move.php": "<?php header('Location: /elsewhere?x=1');",
    "cookies.php": "<?php setcookie('a', '1'); setcookie('b', '2'); echo 'ok';",
    "empty.php": "<?php http_response_code(204);",
    "reset.php": "<?php http_response_code(205); header('Content-Length: 3'); echo 'abc';",
    "fatal.php": "<?php ini_set('display_errors', '0'); no_such_function();",
    "log.php": "<?php error_log(\"line \\x1b[31m \\x07 end\");"
               " file_put_contents('php://stderr', \"to stderr\\n\"); echo 'logged';",
    "flood.php": "<?php for ($i = 0; $i < 2000; $i++) error_log(str_repeat('x', 1000)); echo 'ok';",
    "suicide.php": "<?php posix_kill(getmypid(), 9);",
    "half.php": "<?php header('Content-Type: text/plain'); echo str_repeat('x', 100000); flush();"
                " usleep(100000); posix_kill(getmypid(), 9);",
    "liar.php": "<?php header('Content-Length: 10'); echo str_repeat('y', 100);",
    "short.php": "<?php header('Content-Length: 100'); echo 'only this';",
    "evil.php": "<?php header('Transfer-Encoding: chunked'); header('Connection: upgrade');"
                " header('X-Fine: yes'); echo 'body';",
    "slow.php": "<?php usleep((int)($_GET['ms'] ?? 300) * 1000); echo 'slept';",
    "deep/index.php": "<?php echo 'deep index ', $_SERVER['SCRIPT_NAME'];",
}


@pytest.fixture(scope="module", autouse=True)
def scripts(house):
    for name, text in SCRIPTS.items():
        house.alice.write(name, text)
    house.alice.write("upload.jpg", "<?php echo 'run me if you can';")
    house.alice.write("unreadable.php", "<?php echo 1;", mode=0o200)
    house.alice.directory("dir.php")


def variables(house, path="/vars.php", host="alice.test", **more):
    return json.loads(house.server.get(host, path, **more).text)


# --- who runs it ------------------------------------------------------------------------------

@pytest.mark.core
def test_runs_as_the_user(house):
    lines = house.server.get(house.alice, "/who.php").text.splitlines()
    uid, gid = (house.alice.uid, house.alice.uid) if ROOT else (os.getuid(), os.getgid())
    assert lines[0] == f"uid {uid} {uid} gid {gid}"
    status = dict(line.split(":", 1) for line in lines[2:] if ":" in line)
    assert status["Uid"].split() == [str(uid)] * 4
    assert status["Gid"].split() == [str(gid)] * 4
    assert status["NoNewPrivs"].strip() == "1"
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name], 16) == 0, name
    if ROOT:
        assert int(status["CapBnd"], 16) == 0
        assert set(status["Groups"].split()) <= {str(gid)}


@pytest.mark.root
@pytest.mark.core
def test_two_users_each_his_own(box):
    sites = [box.site(f"user{n}.test", php={}, files={"who.php": "<?php echo posix_getuid();"})
             for n in range(3)]
    server = box.serve()
    for s in sites * 2:
        assert server.get(s, "/who.php").text == str(s.uid)
    for s in sites:
        assert {s.uid} == {int(i) for p in server.php(s)
                           for i in open(f"/proc/{p}/status").read().split("Uid:")[1].split()[:4]}


# --- source is never text ---------------------------------------------------------------------

@pytest.mark.core
@pytest.mark.parametrize("path", [
    "/secret.php", "/secret.PHP", "/secret.phtml", "/secret.phar", "/secret.php5", "/secret.php/",
    "/secret.php/x", "/secret.php/x.txt", "/sub/", "/secret.php?x.txt", "/secret%2ephp",
    "/secret.ph%70", "/link.txt", "/linkdir/secret.php", "/secret.php%20", "/secret.php.",
    "/secret.php%00.txt", "/secret.php;x.txt", "/secret.php::$DATA", "/sub/index.php",
    "/far.txt"])
@pytest.mark.parametrize("php", [None, {}], ids=["PHP off", "PHP on"])
def test_source_is_never_sent(never, php, path):
    server, sites = never
    for method in ("GET", "HEAD", "POST"):
        r = server.get(sites[php is not None], path, method)
        assert "SOURCE" not in r.text and "<?php" not in r.text
        if php is None:
            assert r.status in (400, 403, 404, 405), r
    r = server.get(sites[php is not None], path, fields=[("Range", "bytes=0-")])
    assert "SOURCE" not in r.text and "<?php" not in r.text


@pytest.fixture(scope="module")
def never():
    b = Box()
    sites = [b.site("off.test"), b.site("on.test", php={})]
    for s in sites:
        for name in ("secret.php", "secret.PHP", "secret.phtml", "secret.phar", "secret.php5",
                     "sub/index.php"):
            s.write(name, "<?php /* SOURCE */ echo 'ran';")
        s.symlink("link.txt", "secret.php")
        s.symlink("linkdir", ".")
        s.symlink("far.txt", "linkdir/link.txt")
    yield b.serve(), sites
    b.close()


@pytest.mark.core
def test_php_off_is_403(never):
    server, (off, on) = never
    assert server.get(off, "/secret.php").status == 403
    assert server.get(on, "/secret.php").text == "ran"


@pytest.mark.core
@pytest.mark.parametrize("path,status", [
    pytest.param("/upload.jpg/x.php", 404, id="an upload is not run by a path behind it"),
    pytest.param("/upload.jpg/.php", 404, id="nor by a bare suffix"),
    pytest.param("/missing.php", 404, id="missing"),
    pytest.param("/missing.php/info", 404, id="missing, with path info"),
    pytest.param("/unreadable.php", 403, id="unreadable"),
    pytest.param("/dir.php", (301, 403, 404), id="a directory of a script's name"),
    pytest.param("/vars.php%2fx", (400, 404), id="escaped slash"),
    pytest.param("/../vars.php", 400, id="above the root"),
])
def test_scripts_that_are_none(house, path, status):
    r = house.server.get(house.alice, path)
    assert r.status in (status if isinstance(status, tuple) else (status,)), r
    assert "run me" not in r.text and "input file" not in r.text.lower()


# --- variables --------------------------------------------------------------------------------

@pytest.mark.core
def test_variables(house):
    with house.server.client() as c:
        client_port = c.sock.getsockname()[1]
        r = c.get("www.alice.test:8080", "/vars.php/some/in%20fo?a=1&b=%20x",
                  fields=[("User-Agent", "tester"), ("Accept-Language", "de")])
        server = json.loads(r.text)["server"]
    root = str(house.alice.root)
    want = {
        "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": "GET",
        "SERVER_NAME": "alice.test", "SERVER_ADDR": "127.0.0.1",
        "SERVER_PORT": str(house.port), "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": str(client_port), "REQUEST_URI": "/vars.php/some/in%20fo?a=1&b=%20x",
        "QUERY_STRING": "a=1&b=%20x", "SCRIPT_NAME": "/vars.php", "PATH_INFO": "/some/in fo",
        "SCRIPT_FILENAME": f"{root}/vars.php", "DOCUMENT_ROOT": root, "REDIRECT_STATUS": "200",
        "REQUEST_SCHEME": "http", "HTTP_HOST": "www.alice.test:8080",
        "HTTP_USER_AGENT": "tester", "HTTP_ACCEPT_LANGUAGE": "de",
    }
    assert {k: server.get(k) for k in want} == want
    assert server["SERVER_SOFTWARE"].startswith("hostel")
    assert "HTTPS" not in server
    assert json.loads(r.text)["get"] == {"a": "1", "b": " x"}


def test_variables_that_must_not_be(house):
    server = variables(house)["server"]
    for name in ("PATH_INFO", "CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTPS",
                 "HTTP_CONNECTION"):
        assert not server.get(name), name
    assert server["QUERY_STRING"] == ""


def test_no_body_and_an_empty_one(house):
    """RFC 3875 4.1.2: the length of a body, if there is one; 4.1.3: its type whenever it is said."""
    said = [("Content-Type", "application/json")]
    server = variables(house, fields=said)["server"]
    assert (server["CONTENT_TYPE"], server.get("CONTENT_LENGTH")) == (said[0][1], None)
    server = variables(house, fields=[*said, ("Content-Length", "0")])["server"]
    assert (server["CONTENT_TYPE"], server["CONTENT_LENGTH"]) == (said[0][1], "0")


@pytest.mark.core
def test_fields_become_variables(house):
    server = variables(house, fields=[
        ("X-One", "1"), ("X_Two", "2"), ("Proxy", "http://evil"), ("X-Dup", "a"), ("X-Dup", "b"),
        ("Cookie", "a=1"), ("Cookie", "b=2"), ("Authorization", "Basic dXNlcjpwYXNz"),
        ("Content_Length", "7"), ("PHP_VALUE", "auto_prepend_file=/etc/passwd"),
        ("X.Dot", "3"), ("PHP-Value", "x"), ("Script-Filename", "/etc/passwd")])["server"]
    assert server["HTTP_X_ONE"] == "1"
    assert "HTTP_X_TWO" not in server, "a name with an underscore could pose as another"
    assert "HTTP_PROXY" not in server
    assert not any("DOT" in name for name in server)
    assert server["HTTP_X_DUP"] == "a, b"
    assert server["HTTP_COOKIE"] == "a=1; b=2"
    assert server["HTTP_AUTHORIZATION"] == "Basic dXNlcjpwYXNz"
    assert server["PHP_AUTH_USER"] == "user" and server["PHP_AUTH_PW"] == "pass"
    assert "PHP_VALUE" not in server and "CONTENT_LENGTH" not in server
    assert server["SCRIPT_FILENAME"].endswith("/vars.php")


def test_underscore_does_not_shadow(house):
    server = variables(house, fields=[("X_Real", "forged"), ("X-Real", "true")])["server"]
    assert server["HTTP_X_REAL"] == "true"


def test_request_uri_is_raw(house):
    server = variables(house, "/deep/../vars.php?x=%41%zz")["server"]
    assert server["REQUEST_URI"] == "/deep/../vars.php?x=%41%zz"
    assert server["SCRIPT_NAME"] == "/vars.php"


def test_absolute_form_names_the_host(house):
    with house.server.client() as c:
        c.send("GET http://alice.test/vars.php HTTP/1.1\r\nHost: other.test\r\n\r\n")
        server = json.loads(c.answer().text)["server"]
    assert server["HTTP_HOST"] == "alice.test"


def test_environment_is_scrubbed(box, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "leaked")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    s = box.site("env.test", files={"vars.php": SCRIPTS["vars.php"]},
                 php={"env": {"APP_MODE": "test", "DB": "a=b c"}})
    server = box.serve()
    env = json.loads(server.get(s, "/vars.php").text)
    assert "leaked" not in json.dumps(env) and "LD_LIBRARY_PATH" not in env["env"]
    assert env["env"]["APP_MODE"] == "test" and env["env"]["DB"] == "a=b c"


def test_ini_file(box):
    ini = box.dir / "php.ini"
    ini.write_text("memory_limit = 77M\n")
    s = box.site("ini.test", files={"i.php": "<?php echo ini_get('memory_limit');"},
                 php={"ini": str(ini)})
    assert box.serve().get(s, "/i.php").text == "77M"


def test_index_php(house):
    assert house.server.get(house.alice, "/deep/").text == "deep index /deep/index.php"


# --- bodies -----------------------------------------------------------------------------------

@pytest.mark.core
def test_urlencoded_post(house):
    r = house.server.get(house.alice, "/post.php", "POST", body=b"a=1&b=x%20y",
                         fields=[("Content-Type", "application/x-www-form-urlencoded")])
    assert json.loads(r.text)["post"] == {"a": "1", "b": "x y"}


def test_multipart_upload(house):
    data = os.urandom(300_000)
    body = (b'--B\r\nContent-Disposition: form-data; name="f"; filename="photo.png"\r\n'
            b"Content-Type: image/png\r\n\r\n" + data + b"\r\n--B\r\n"
            b'Content-Disposition: form-data; name="t"\r\n\r\ntext\r\n--B--\r\n')
    r = house.server.get(house.alice, "/post.php", "POST", body=body,
                         fields=[("Content-Type", "multipart/form-data; boundary=B")])
    got = json.loads(r.text)
    assert got["post"] == {"t": "text"}
    assert got["files"]["f"] == ["photo.png", len(data), hashlib.sha1(data).hexdigest()]


def expected(body):
    return f"{len(body)} {hashlib.sha256(body).hexdigest()} {len(body)}"


@pytest.mark.core
@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 300_000, 10 << 20])
def test_body_with_a_length(house, size):
    body = os.urandom(size)
    r = house.server.get(house.alice, "/body.php", "POST", body=body)
    assert r.text.replace("none", "0") == expected(body)


@pytest.mark.core
@pytest.mark.parametrize("pieces", [[b"x"], [b"hello", b" ", b"world"], [b"y" * 70000] * 30])
def test_chunked_body(house, pieces):
    body = b"".join(pieces)
    with house.server.client() as c:
        c.ask("alice.test", "/body.php", "POST", [("Transfer-Encoding", "chunked")])
        for piece in pieces:
            c.send(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece))
        c.send(b"0\r\nX-Trailer: dropped\r\n\r\n")
        assert c.answer().text == expected(body)
        assert c.get("alice.test", "/index.html").status == 200


def test_slow_upload_holds_no_process(box):
    """With one PHP process, a visitor who uploads at his leisure is in nobody's way."""
    s = box.site("one.test", php={"processes": 1}, files={
        "body.php": SCRIPTS["body.php"], "hi.php": "<?php echo 'hi';"})
    server = box.serve()
    with server.client() as slow:
        slow.ask(s.host, "/body.php", "POST", [("Content-Length", "10")])
        slow.send(b"12345")
        for _ in range(5):
            assert server.get(s, "/hi.php").text == "hi"
        slow.send(b"67890")
        assert slow.answer().text == expected(b"1234567890")


def test_expect_continue(house):
    with house.server.client() as c:
        c.ask("alice.test", "/body.php", "POST",
              [("Expect", "100-continue"), ("Content-Length", "5")])
        assert c.head().status == 100
        c.send(b"hello")
        assert c.answer().text == expected(b"hello")


def test_body_that_never_ends_is_closed(box):
    """body_timeout: a visitor who stops sending is not waited for until the end of days."""
    s = box.site("pause.test", php={}, files={"body.php": SCRIPTS["body.php"]})
    server = box.serve(body_timeout="1s")
    with server.client() as c:
        c.ask(s.host, "/body.php", "POST", [("Content-Length", "10")])
        c.send(b"12345")
        got = c.closed()
    assert got == b"" or got.startswith(b"HTTP/1.1 408")


READS = """<?php header('Content-Type: text/plain'); $in = fopen('php://input', 'r'); $n = 0;
file_put_contents(__DIR__ . '/began', '1');
while (($piece = fread($in, 8192)) !== false && $piece !== '') {
    $n += strlen($piece); file_put_contents(__DIR__ . '/read', $n);
}
echo $n, ' of ', $_SERVER['CONTENT_LENGTH'];"""


@pytest.fixture
def streamed(box):
    s = box.site("stream.test", php={"processes": 2}, body="stream",
                 files={"reads.php": READS, "body.php": SCRIPTS["body.php"],
                        "early.php": "<?php http_response_code(403); header('Content-Length: 5'); echo "
                            "'early'; @ob_flush(); flush();"})
    return s, box.serve(request_timeout=stretched(2))


@pytest.mark.core
def test_body_that_is_streamed(streamed):
    """PHP is started at once and reads while the visitor sends; his pauses are not its silence."""
    s, server = streamed
    with server.client() as c:
        c.ask(s.host, "/reads.php", "PUT", [("Content-Length", "100000")])  # of a POST PHP itself
        # takes all before it starts the script
        wait_for(lambda: (s.root / "began").exists(), "the script's start")
        c.send(bytes(60000))
        wait_for(lambda: (s.root / "read").exists() and
                 int((s.root / "read").read_text() or 0) >= 32768, "a script that reads")
        time.sleep(2.5 * min(SLOW, 4))  # longer than request_timeout
        c.send(bytes(40000))
        assert c.answer().text == "100000 of 100000"
        assert server.get(s, "/body.php").status == 200


@pytest.mark.parametrize("size", [1, 65536, 5 << 20])
def test_streamed_bodies_are_whole(streamed, size):
    s, server = streamed
    body = os.urandom(size)
    assert server.get(s, "/body.php", "POST", body=body).text == expected(body)
    with server.client() as c:  # no length: spooled all the same (F6)
        c.ask(s.host, "/body.php", "POST", [("Transfer-Encoding", "chunked")])
        c.send(b"%x\r\n%s\r\n0\r\n\r\n" % (size, body))
        assert c.answer().text == expected(body)


def test_a_streamed_body_that_ends_early(streamed):
    """F7: a process that waits for the rest of it is let go, not kept for ever."""
    s, server = streamed
    for _ in range(4):  # more than there are processes
        with server.client() as c:
            c.ask(s.host, "/reads.php", "POST", [("Content-Length", "1000")])
            c.send(b"only this")
    wait_for(lambda: server.get(s, "/body.php").status == 200, "a process that is free", 15)


def test_a_script_that_answers_before_the_streamed_body(streamed):
    """F9: the answer is sent when PHP flushes it; the rest of the body is nobody's. (At its end a
    script reads what is left, so what it did not flush comes behind the body.)"""
    s, server = streamed
    with server.client() as c:
        c.ask(s.host, "/early.php", "PUT", [("Content-Length", str(3 << 20))])
        r = c.answer()
        assert (r.status, r.text) == (403, "early")
    assert server.get(s, "/body.php").status == 200


def test_a_stop_waits_no_longer_than_what_is_left_of_it(box):
    """Its visitor has left, and it reads until its time is over: no connection comes or goes."""
    s = box.site("stream.test", php={"processes": 1}, body="stream", files={
        "early.php": "<?php header('Content-Length: 5'); echo 'early'; @ob_flush(); flush();"})
    server = box.serve(request_timeout="2s", stop_timeout="5m")
    with server.client() as c:
        c.ask(s.host, "/early.php", "PUT", [("Content-Length", str(3 << 20))])
        assert c.answer().text == "early"
    server.stop(within=30)


@pytest.mark.core
def test_body_too_large(house):
    """body_max is 12 MiB here."""
    with house.server.client() as c:
        c.ask("alice.test", "/body.php", "POST", [("Content-Length", str(13 << 20))])
        assert c.answer().status == 413
    with house.server.client() as c:
        c.ask("alice.test", "/body.php", "POST", [("Transfer-Encoding", "chunked")])
        try:
            for _ in range(14):
                c.send(b"100000\r\n" + bytes(1 << 20) + b"\r\n")
        except OSError:
            pass  # it may close before all is sent
        try:
            assert c.answer().status == 413
        except Cut:
            pass  # nor need a client that goes on sending get to read the answer


@pytest.mark.root
def test_spooled_body_is_the_users_file(box):
    """A body that is too large for memory lies in a file of the user's, without a name."""
    s = box.site("spool.test", php={}, files={"body.php": SCRIPTS["body.php"]})
    server = box.serve()
    body = os.urandom(2 << 20)
    with server.client() as c:
        c.ask(s.host, "/body.php", "POST", [("Content-Length", str(len(body)))])
        c.send(body[:-1])

        def spooled():
            for pid in server.workers(s):
                for fd, what in procs.descriptors(pid).items():
                    if what.endswith("(deleted)"):
                        return os.stat(f"/proc/{pid}/fd/{fd}")
            return None
        st = wait_for(spooled, "an unlinked file in the worker")
        assert (st.st_uid, st.st_nlink) == (s.uid, 0)
        c.send(body[-1:])
        assert c.answer().text == expected(body)


# --- answers ----------------------------------------------------------------------------------

def test_head_has_no_body(house):
    with house.server.client() as c:
        r = c.get("alice.test", "/status.php", "HEAD")
        assert r.status == 418
        assert c.get("alice.test", "/index.html").text == "alice's page\n"


@pytest.mark.core
def test_status_location_and_cookies(house):
    r = house.server.get(house.alice, "/status.php")
    assert (r.status, r.text) == (418, "short")
    r = house.server.get(house.alice, "/move.php")
    assert (r.status, r.get("Location")) == (302, "/elsewhere?x=1")
    r = house.server.get(house.alice, "/cookies.php")
    assert [c.split(";")[0] for c in r.all("Set-Cookie")] == ["a=1", "b=2"]
    assert house.server.get(house.alice, "/empty.php").status == 204


def test_205_has_no_content(house):
    with house.server.client() as c: # RFC 9110 15.3.6
        r = c.get("alice.test", "/reset.php")
        assert (r.status, r.get("Content-Length"), r.body) == (205, "0", b"")
        assert c.get("alice.test", "/index.html").text == "alice's page\n"


def test_framing_is_ours(house):
    with house.server.client() as c:
        r = c.get("alice.test", "/evil.php")
        assert (r.text, r.get("X-Fine")) == ("body", "yes")
        assert c.get("alice.test", "/index.html").text == "alice's page\n"


@pytest.mark.core
def test_answer_arrives_while_the_script_runs(house):
    with house.server.client() as c:
        begin = time.monotonic()
        c.ask("alice.test", "/stream.php")
        r, came = c.head(), []
        for piece in c.pieces(r):
            came.append((time.monotonic() - begin, piece))
    assert b"".join(p for _, p in came) == b"".join(b"part %d\n" % i for i in range(5))
    assert len(came) >= 3 and came[-1][0] - came[0][0] > 0.3


def test_stream_to_http10(house):
    r = house.server.get(house.alice, "/stream.php", version="1.0")
    assert r.text.endswith("part 4\n") and r.get("Transfer-Encoding") is None


@pytest.mark.core
def test_big_answer_to_a_slow_reader(box):
    """Slow visitors hold no PHP process: with one process, another visitor is not kept waiting."""
    s = box.site("slow.test", php={"processes": 1}, files={
        "big.php": SCRIPTS["big.php"], "hi.php": "<?php echo 'hi';"})
    server = box.serve()
    want = hashlib.sha256(b"".join(bytes([65 + i]) * (1 << 20) for i in range(20))).hexdigest()
    with server.client(rcvbuf=8192) as c:
        c.ask(s.host, "/big.php")
        r = c.head()
        with server.client(timeout=10) as other:
            assert other.get(s.host, "/hi.php").text == "hi"
        assert c.digest(r) == (want, 20 << 20)


def test_content_length_that_lies(house):
    """More than was said: cut there. Less: the visitor can tell."""
    with house.server.client() as c:
        c.ask("alice.test", "/liar.php")
        r = c.head()
        if r.get("Content-Length") == "10":
            assert b"".join(c.exactly(10)) == b"y" * 10
            try:
                assert c.get("alice.test", "/index.html").text == "alice's page\n"
            except (Cut, OSError):
                pass  # closing is as good
        else:
            assert r.status == 502
    with house.server.client() as c:
        c.ask("alice.test", "/short.php")
        with pytest.raises(Cut):
            r = c.head()
            b"".join(c.pieces(r))


# --- errors -----------------------------------------------------------------------------------

@pytest.mark.core
def test_fatal_error(house):
    r = house.server.get(house.alice, "/fatal.php")
    assert r.status == 500 and "no_such_function" not in r.text
    wait_for(lambda: "no_such_function" in house.alice.errors(), "the error in the vhost's log")
    assert "no_such_function" not in house.server.stderr


@pytest.mark.core
def test_stderr_is_logged_escaped(house):
    assert house.server.get(house.alice, "/log.php").text == "logged"
    wait_for(lambda: re.search(r"line .*end", house.alice.errors()), "the line in the log")
    wait_for(lambda: "to stderr" in house.alice.errors(), "what went to stderr")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", house.alice.errors())
    assert r"\x1b" in house.alice.errors()


def test_a_flood_of_errors_is_bounded(house):
    before = len(house.alice.errors())
    assert house.server.get(house.alice, "/flood.php").text == "ok"
    assert len(house.alice.errors()) - before < 3_000_000
    assert all(len(line) < 20_000 for line in house.alice.errors().splitlines())


@pytest.mark.core
def test_process_that_dies_before_the_answer(house):
    assert house.server.get(house.alice, "/suicide.php").status == 502
    assert house.server.get(house.alice, "/vars.php").status == 200


@pytest.mark.core
def test_process_that_dies_in_the_middle(house):
    """The visitor must be able to tell: no proper end."""
    with house.server.client() as c:
        c.ask("alice.test", "/half.php")
        r = c.head()
        with pytest.raises(Cut):
            b"".join(c.pieces(r))
    assert house.server.get(house.alice, "/vars.php").status == 200


def test_script_without_a_word_is_504(box):
    s = box.site("mute.test", php={}, files={"mute.php": "<?php sleep(30); echo 'late';"})
    server = box.serve(request_timeout="1s")
    begin = time.monotonic()
    assert server.get(s, "/mute.php").status == 504
    assert time.monotonic() - begin < 15


def test_pool_that_cannot_start(box):
    """A command that ends at once is no reason to spin, nor to hang the visitor for ever."""
    s = box.site("broken.test", php={"command": "/bin/false"},
                 files={"a.php": "<?php echo 1;", "index.html": "still here"})
    server = box.serve()
    assert server.get(s, "/a.php").status in (502, 503)
    assert server.get(s, "/index.html").text == "still here"
