"""Content codings: who gets what, that it decodes to the same, and what the head says of it."""
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import threading
import time
import zlib

import pytest

import procs
from house import SANITIZED, Box
from procs import SLOW, wait_for
from wire import Cut

CODINGS = ["br", "zstd", "gzip"]
BROWSER = ("Accept-Encoding", "gzip, deflate, br, zstd")
LINE = b"<p>The quick brown fox jumps over the lazy dog, %d times.</p>\n"
PAGE = b"".join(LINE % i for i in range(300))
BIG = b"".join(LINE % (i * 7919 % 1000003) for i in range(80000))  # 5 MiB
MIDDLE = BIG[:600_000]

SCRIPTS = {
    "page.php": "<?php header('ETag: \"v1\"'); header('Vary: Cookie');"
                " echo str_repeat('<p>hello world</p>', 500);",
    "length.php": "<?php header('Content-Length: 9000'); echo str_repeat('123456789', 1000);",
    "short.php": "<?php header('Content-Length: 5'); echo 'short';",
    "coded.php": "<?php header('Content-Encoding: gzip'); echo gzencode(str_repeat('x', 5000));",
    "picture.php": "<?php header('Content-Type: image/png'); echo str_repeat('x', 5000);",
    "as-is.php": "<?php header('Cache-Control: no-transform'); echo str_repeat('x', 5000);",
    "same.php": "<?php http_response_code(304);",
    "part.php": "<?php http_response_code(206); header('Content-Range: bytes 0-4999/9000');"
                " echo str_repeat('x', 5000);",
    "events.php": "<?php header('Content-Type: text/event-stream'); for ($i = 0; $i < 4; $i++) {"
                  " echo \"data: $i\\n\\n\"; @ob_flush(); flush(); usleep(500000); }",
    "unbuffered.php": "<?php header('X-Accel-Buffering: no'); for ($i = 0; $i < 4; $i++) {"
                      " echo \"part $i\\n\"; @ob_flush(); flush(); usleep(500000); }",
    "flushed.php": "<?php for ($i = 0; $i < 4; $i++) { echo \"part $i\\n\"; @ob_flush(); flush();"
                   " usleep(500000); }",
    "big.php": "<?php for ($i = 0; $i < 80000; $i++)"
               " echo \"<p>The quick brown fox jumps over the lazy dog, $i times.</p>\\n\";",
    "half.php": "<?php echo str_repeat('half of it ', 5000); flush(); usleep(200000);"
                " posix_kill(getmypid(), 9);",
}


@pytest.fixture(scope="module")
def room():
    """One server: a site that compresses (PHP too), and one that does not."""
    b = Box()
    site = b.site("press.test", php={}, compress=True, files=SCRIPTS)
    plain = b.site("plain.test", uid=site.uid, compress=False)
    for s in (site, plain):
        s.write("page.html", PAGE)
        s.write("big.txt", BIG)
        s.write("middle.txt", MIDDLE)
        s.write("tiny.css", "p{}")
        s.write("picture.png", PAGE)
        s.write("beside.js", PAGE)
        s.write("beside.js.br", b"this is br, trust me")
        s.write("beside.js.gz", gzip.compress(PAGE))
        s.write("old.js", PAGE)
        s.write("old.js.gz", gzip.compress(b"of an older version"))
        os.utime(s.root / "old.js.gz", (1e9, 1e9))
        s.write("data.bin", PAGE)
        s.write("data.bin.zst", b"this is zstd")
        s.write("sub/index.html", PAGE)
        s.write("sub/index.html.gz", gzip.compress(PAGE))
        s.write("linked.css", PAGE)
        s.write("source.php", "<?php secret();")
        s.symlink("linked.css.gz", "source.php")
    yield type("Room", (), {"box": b, "site": site, "plain": plain, "server": b.serve()})
    b.close()


def ask(room, path, *fields, method="GET", site=None):
    return room.server.get(site or room.site, path, method, fields=fields)


def accept(value):
    return ("Accept-Encoding", value)


def curl(room, path, coding, *more):
    """What curl makes of it: curl has decoders of its own for all three codings."""
    return subprocess.run(
        ["curl", "-sS", "--compressed", "-H", f"Host: {room.site.host}", "-H",
         f"Accept-Encoding: {coding}", *more, f"http://127.0.0.1:{room.server.port}{path}"],
        capture_output=True, check=True, timeout=60 * SLOW).stdout


def vary(r):
    return [v.strip().lower() for line in r.all("Vary") for v in line.split(",")]


# --- files, compressed here ----------------------------------------------------------------------


@pytest.mark.core
@pytest.mark.parametrize("coding", CODINGS)
def test_a_text_file_is_compressed(room, coding):
    r = ask(room, "/page.html", accept(coding))
    assert r.status == 200 and r.get("Content-Encoding") == coding
    assert len(r.body) < len(PAGE) / 4 and r.body != PAGE
    assert int(r.get("Content-Length")) == len(r.body)
    assert r.get("Content-Type") == "text/html; charset=utf-8"
    assert r.get("ETag").startswith('W/"') and r.get("Accept-Ranges") is None
    assert vary(r) == ["accept-encoding"]
    assert curl(room, "/page.html", coding) == PAGE


@pytest.mark.core
@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("name", ["/middle.txt", "/big.txt"])
def test_a_big_file_streams_and_is_whole(room, coding, name):
    want = hashlib.sha256(BIG if name == "/big.txt" else MIDDLE).hexdigest()
    for _ in range(2):
        assert hashlib.sha256(curl(room, name, coding)).hexdigest() == want


def test_what_was_compressed_is_kept(room):
    """A result of up to a MiB of file: the second visitor gets it with its length, at no cost."""
    ask(room, "/middle.txt", accept("br"))
    r = ask(room, "/middle.txt", accept("br"))
    assert r.get("Content-Encoding") == "br" and int(r.get("Content-Length")) == len(r.body)
    again = ask(room, "/big.txt", accept("gzip"))
    assert again.get("Content-Length") is None and again.get("Transfer-Encoding") == "chunked"
    assert zlib.decompress(again.body, 31) == BIG


@pytest.mark.core
def test_identity_when_nothing_is_asked_for(room):
    for fields in ([], [accept("")], [accept("deflate")], [accept("gzip;q=0")]):
        r = ask(room, "/page.html", *fields)
        assert r.status == 200 and r.body == PAGE and r.get("Content-Encoding") is None
        assert vary(r) == ["accept-encoding"]
        assert r.get("ETag").startswith('"') and r.get("Accept-Ranges") == "bytes"


@pytest.mark.parametrize("path, site", [("/tiny.css", "site"), ("/picture.png", "site"),
                                        ("/page.html", "plain"), ("/big.txt", "plain")])
def test_what_is_not_compressed(room, path, site):
    r = ask(room, path, BROWSER, site=getattr(room, site))
    assert r.status == 200 and r.get("Content-Encoding") is None and vary(r) == []


@pytest.mark.core
def test_head_says_what_get_says(room):
    for path in ("/page.html", "/big.txt", "/beside.js", "/tiny.css", "/sub/", "/length.php"):
        for value in (*CODINGS, "", "identity;q=0", "gzip, identity;q=0"):
            get = ask(room, path, accept(value))
            head = ask(room, path, accept(value), method="HEAD")
            skip = {"date", "transfer-encoding"}
            assert head.status == get.status and head.body == b""
            assert [f for f in head.fields if f[0].lower() not in skip] == \
                [f for f in get.fields if f[0].lower() not in skip], (path, value)


@pytest.mark.core
@pytest.mark.parametrize("path", ["/page.html", "/big.txt", "/beside.js", "/tiny.css"])
@pytest.mark.parametrize("value", [*CODINGS, "", "gzip, deflate, br, zstd"])
def test_not_modified(room, path, value):
    first = ask(room, path, accept(value))
    again = ask(room, path, accept(value), ("If-None-Match", first.get("ETag")))
    assert again.status == 304 and again.body == b""
    assert again.get("ETag") == first.get("ETag") and again.all("Vary") == first.all("Vary")
    assert again.get("Content-Encoding") is None
    strong = first.get("ETag").removeprefix("W/")
    assert ask(room, path, accept(value), ("If-None-Match", strong)).status == 304
    since = ask(room, path, accept(value), ("If-Modified-Since", first.get("Last-Modified")))
    assert since.status == 304


def test_every_coding_has_its_own_etag(room):
    tags = {ask(room, p, accept(v)).get("ETag").removeprefix("W/")
            for p in ("/page.html", "/beside.js") for v in (*CODINGS, "")}
    assert len(tags) == 8
    tag = ask(room, "/page.html", accept("br")).get("ETag")
    assert ask(room, "/page.html", accept("gzip"), ("If-None-Match", tag)).status == 200
    assert ask(room, "/page.html", ("If-None-Match", tag)).status == 200
    assert ask(room, "/page.html", accept("br"), ("If-Match", tag)).status == 412  # it is weak


def test_ranges_are_of_the_file_itself(room):
    r = ask(room, "/page.html", accept("br"), ("Range", "bytes=10-19"))
    assert r.status == 206 and r.body == PAGE[10:20] and r.get("Content-Encoding") is None
    assert r.get("Content-Range") == f"bytes 10-19/{len(PAGE)}" and vary(r) == ["accept-encoding"]
    tag = ask(room, "/page.html", accept("br")).get("ETag")
    r = ask(room, "/page.html", accept("br"), ("Range", "bytes=10-"), ("If-Range", tag))
    assert r.status == 200 and r.body == PAGE  # the rest of other bytes would be rubbish
    r = ask(room, "/page.html", accept("gzip, identity;q=0"), ("Range", "bytes=10-19"))
    assert r.status == 200 and zlib.decompress(r.body, 31) == PAGE


@pytest.mark.core
def test_not_acceptable(room):
    for path, value in (("/page.html", "*;q=0"), ("/page.html", "identity;q=0"),
                        ("/picture.png", "gzip, identity;q=0"), ("/tiny.css", "*;q=0")):
        r = ask(room, path, accept(value))
        assert r.status == 406 and "accept-encoding" in vary(r)
    # too small to pay, but the only thing that this visitor takes
    r = ask(room, "/tiny.css", accept("gzip, identity;q=0"))
    assert r.status == 200 and zlib.decompress(r.body, 31) == b"p{}"


def test_a_changed_file_is_compressed_anew(room):
    room.site.write("change.css", PAGE)
    first = ask(room, "/change.css", accept("gzip"))
    other = PAGE.replace(b"fox", b"cat")
    room.site.write("change.css", other)
    wait_for(lambda: zlib.decompress(ask(room, "/change.css", accept("gzip")).body, 31) == other,
             "the new version", 2.0)
    assert ask(room, "/change.css", accept("gzip")).get("ETag") != first.get("ETag")


def test_a_file_that_shrinks_while_it_is_compressed_is_cut(room):
    noise = os.urandom(3_000_000).hex().encode()
    room.site.write("shrink.txt", noise)
    with room.server.client(rcvbuf=4096) as c:
        c.ask(room.site.host, "/shrink.txt", fields=[accept("gzip")])
        r = c.head()
        os.truncate(room.site.root / "shrink.txt", 1000)
        with pytest.raises(Cut):
            for _ in c.pieces(r):
                pass


# --- slow readers and busy workers ----------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.core
@pytest.mark.parametrize("coding", CODINGS)
def test_a_slow_reader_gets_all_and_costs_little(room, coding):
    """Nine MiB that do not compress well, read slowly by several: the worker holds no copy."""
    noise = os.urandom(4_500_000).hex().encode()
    room.site.write(f"noise-{coding}.txt", noise)
    ask(room, "/page.html")
    worker = room.server.worker(room.site)
    before = int(procs.status(worker)["VmRSS"].split()[0])
    clients = [room.server.client(rcvbuf=16384) for _ in range(4)]
    try:
        for c in clients:
            c.ask(room.site.host, f"/noise-{coding}.txt", fields=[accept(coding)])
        time.sleep(1)
        grown = int(procs.status(worker)["VmRSS"].split()[0]) - before
        assert grown < 24 * 1024 * (4 if SANITIZED else 1), f"{grown} KiB more"
        r = clients[0].head()
        body = b""
        for piece in clients[0].pieces(r):
            body += piece
            if len(body) < 500_000:
                time.sleep(0.002)
    finally:
        for c in clients:
            c.close()
    assert hashlib.sha256(decoded(coding, body)).digest() == hashlib.sha256(noise).digest()


def decoded(coding, body):
    if coding == "gzip":
        return zlib.decompress(body, 31)
    tool = shutil.which({"zstd": "zstd", "br": "brotli"}[coding])
    if tool:
        return subprocess.run([tool, "-dc"], input=body, capture_output=True, check=True).stdout
    return by_curl(coding, body)


def by_curl(coding, body):
    """No tool for it here: curl decodes what a socket of ours sends."""
    import socket
    with socket.create_server(("127.0.0.1", 0)) as s:
        def serve():
            c, _ = s.accept()
            with c:
                c.recv(65536)
                c.sendall(b"HTTP/1.0 200 OK\r\nContent-Encoding: " + coding.encode() +
                          b"\r\n\r\n" + body)
        t = threading.Thread(target=serve)
        t.start()
        out = subprocess.run(["curl", "-sS", "--compressed", f"http://127.0.0.1:{s.getsockname()[1]}/"],
                             capture_output=True, check=True).stdout
        t.join()
    return out


@pytest.mark.alone
def test_others_are_served_while_a_big_file_is_compressed(room):
    """Twenty big files at once: a small page in between waits for slices, not for files."""
    room.site.write("huge.txt", BIG * 4)
    clients = [room.server.client() for _ in range(8)]
    try:
        for c in clients:
            c.ask(room.site.host, "/huge.txt", fields=[accept("br")])
        start = time.monotonic()
        for _ in range(5):
            assert ask(room, "/tiny.css").text == "p{}"
        assert time.monotonic() - start < 1.5 * SLOW
    finally:
        for c in clients:
            c.reset()
    assert ask(room, "/tiny.css").text == "p{}"


def test_visitors_who_leave_take_their_work_with_them(room):
    for i in range(40):
        with room.server.client() as c:
            c.ask(room.site.host, "/big.txt", fields=[accept(CODINGS[i % 3])])
            if i % 2:
                c.head()
    worker = room.server.worker(room.site)

    def calm():
        before = procs.cpu_seconds(worker)
        time.sleep(0.3)
        return procs.cpu_seconds(worker) - before < 0.05
    wait_for(calm, "the worker is idle again", 10)
    r = ask(room, "/big.txt", accept("gzip"))
    assert r.get("Content-Encoding") == "gzip"  # no encoder was left behind


# --- compressed neighbours ------------------------------------------------------------------------


@pytest.mark.core
def test_a_neighbour_is_served(room):
    r = ask(room, "/beside.js", BROWSER)
    assert (r.status, r.body) == (200, b"this is br, trust me")
    assert r.get("Content-Encoding") == "br" and r.get("Accept-Ranges") == "bytes"
    assert r.get("Content-Type") == "text/javascript; charset=utf-8"
    assert r.get("ETag").startswith('"') and vary(r) == ["accept-encoding"]
    assert r.get("ETag") != ask(room, "/beside.js").get("ETag")
    assert curl(room, "/beside.js", "gzip") == PAGE
    r = ask(room, "/beside.js")
    assert r.body == PAGE and r.get("Content-Encoding") is None and vary(r) == ["accept-encoding"]
    # a coding that no neighbour has is made here
    assert ask(room, "/beside.js", accept("zstd")).get("Content-Encoding") == "zstd"
    # what is beside goes before what would have to be made
    assert ask(room, "/sub/", BROWSER).get("Content-Encoding") == "gzip"


def test_neighbours_need_no_permission_to_compress(room):
    r = ask(room, "/beside.js", BROWSER, site=room.plain)
    assert r.get("Content-Encoding") == "br" and vary(r) == ["accept-encoding"]
    r = ask(room, "/data.bin", BROWSER, site=room.plain)
    assert (r.get("Content-Encoding"), r.body) == ("zstd", b"this is zstd")
    assert r.get("Content-Type") == "application/octet-stream"


def test_ranges_and_conditions_are_the_neighbours(room):
    r = ask(room, "/beside.js", accept("br"), ("Range", "bytes=8-9"))
    assert (r.status, r.body) == (206, b"br") and r.get("Content-Encoding") == "br"
    assert r.get("Content-Range") == "bytes 8-9/20"
    tag = ask(room, "/beside.js", accept("br")).get("ETag")
    r = ask(room, "/beside.js", accept("br"), ("Range", "bytes=8-9"), ("If-Range", tag))
    assert r.status == 206
    r = ask(room, "/beside.js", accept("gzip"), ("Range", "bytes=8-9"), ("If-Range", tag))
    assert r.status == 200 and zlib.decompress(r.body, 31) == PAGE


def test_what_is_no_neighbour(room):
    assert zlib.decompress(ask(room, "/old.js", accept("gzip")).body, 31) == PAGE
    r = ask(room, "/linked.css", accept("gzip"))  # a link to a script's source
    assert zlib.decompress(r.body, 31) == PAGE
    r = ask(room, "/linked.css", accept("gzip"), site=room.plain)
    assert r.body == PAGE and r.get("Content-Encoding") is None
    r = ask(room, "/beside.js.gz", BROWSER)
    assert r.get("Content-Encoding") is None and gzip.decompress(r.body) == PAGE
    assert r.get("Content-Type") == "application/gzip" and vary(r) == []


def test_a_neighbour_that_comes_and_goes(room):
    """Seen within a second, while the file itself is asked for all the time."""
    site = room.plain
    site.write("come.css", PAGE)

    def coding():
        return ask(room, "/come.css", accept("gzip"), site=site).get("Content-Encoding")
    assert coding() is None
    site.write("come.css.gz", gzip.compress(PAGE))
    wait_for(lambda: coding() == "gzip", "the neighbour is seen", 2.0)
    site.write("come.css.gz", gzip.compress(b"second version"))
    wait_for(lambda: ask(room, "/come.css", accept("gzip"), site=site).body ==
             (site.root / "come.css.gz").read_bytes(), "its new version is seen", 2.0)
    os.unlink(site.root / "come.css.gz")
    wait_for(lambda: coding() is None, "it is gone", 2.0)
    os.mkfifo(site.root / "come.css.gz")
    time.sleep(0.6)
    assert coding() is None


# --- PHP ------------------------------------------------------------------------------------------


@pytest.mark.core
@pytest.mark.usefixtures("php_cgi")
@pytest.mark.parametrize("coding", CODINGS)
def test_php_is_compressed(room, coding):
    r = ask(room, "/page.php", accept(coding))
    assert r.status == 200 and r.get("Content-Encoding") == coding
    assert r.get("ETag") == 'W/"v1"' and vary(r) == ["cookie", "accept-encoding"]
    assert len(r.all("Vary")) == 1
    assert curl(room, "/page.php", coding) == b"<p>hello world</p>" * 500
    r = ask(room, "/length.php", accept(coding))
    assert r.get("Content-Encoding") == coding and r.get("Content-Length") is None
    assert curl(room, "/length.php", coding) == b"123456789" * 1000


@pytest.mark.core
@pytest.mark.usefixtures("php_cgi")
def test_php_that_is_left_alone(room):
    r = ask(room, "/page.php")
    assert r.get("Content-Encoding") is None and vary(r) == ["cookie", "accept-encoding"]
    assert r.get("ETag") == '"v1"' and r.body == b"<p>hello world</p>" * 500
    r = ask(room, "/coded.php", BROWSER)
    assert r.all("Content-Encoding") == ["gzip"] and gzip.decompress(r.body) == b"x" * 5000
    for path in ("/short.php", "/picture.php", "/as-is.php", "/same.php", "/part.php"):
        r = ask(room, path, BROWSER)
        assert r.get("Content-Encoding") is None, path
        assert r.body == {"/short.php": b"short", "/same.php": b""}.get(path, b"x" * 5000), path


@pytest.mark.core
@pytest.mark.usefixtures("php_cgi")
@pytest.mark.parametrize("path", ["/events.php", "/unbuffered.php", "/flushed.php"])
def test_what_php_flushes_arrives_at_once(room, path):
    with room.server.client() as c:
        c.ask(room.site.host, path, fields=[accept("gzip")])
        r = c.head()
        coded = r.get("Content-Encoding") == "gzip"
        assert coded == (path == "/flushed.php")
        undo = zlib.decompressobj(31)
        text, times = b"", []
        for piece in c.pieces(r):
            more = undo.decompress(piece) if coded else piece
            if more:
                times.append(time.monotonic())
            text += more
    assert len(re.findall(rb"(?:data:|part) \d", text)) == 4
    assert len(times) >= 3 and times[-1] - times[0] > 0.6, times  # of a second and a half


@pytest.mark.usefixtures("php_cgi")
@pytest.mark.parametrize("coding", CODINGS)
def test_much_php_to_a_slow_reader(room, coding):
    want = b"".join(LINE % i for i in range(80000))
    with room.server.client(rcvbuf=8192) as c:
        c.ask(room.site.host, "/big.php", fields=[accept(coding)])
        r = c.head()
        body = b""
        for piece in c.pieces(r):
            body += piece
            if len(body) < 100_000:
                time.sleep(0.001)
    assert r.get("Content-Encoding") == coding and decoded(coding, body) == want


@pytest.mark.core
@pytest.mark.usefixtures("php_cgi")
def test_php_that_dies_is_cut(room):
    for coding in CODINGS:
        with room.server.client() as c:
            c.ask(room.site.host, "/half.php", fields=[accept(coding)])
            r = c.head()
            assert r.get("Content-Encoding") == coding
            with pytest.raises(Cut):
                for _ in c.pieces(r):
                    pass
