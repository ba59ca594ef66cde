"""Files: what is served, how it is described, and what never gets out."""
import hashlib
import os
import re
import socket
import stat
import time
from email.utils import formatdate

import pytest

from procs import wait_for

PNG = bytes.fromhex("89504e470d0a1a0a")


@pytest.fixture(scope="module", autouse=True)
def files(house):
    a = house.alice
    a.write("plain.txt", "0123456789")
    a.write("empty.txt", "")
    a.write("with space.txt", "space\n")
    a.write("grüße.txt", "utf-8\n")
    a.write("100%.txt", "percent\n")
    a.write("plus+and&amp.txt", "plus\n")
    a.write("no-extension", "bytes")
    a.write("unreadable.txt", "closed", mode=0o200)
    a.write("sub/index.html", "sub index\n")
    a.write("sub/deeper/page.html", "deeper\n")
    a.write("noindex/file.txt", "in a directory without index\n")
    a.write(".hidden", "secret")
    a.write(".git/config", "secret")
    a.write("sub/.htaccess", "secret")
    a.write(".well-known/acme-challenge/token", "token\n")
    a.symlink("inside.txt", "plain.txt")
    a.symlink("outside.txt", house.bob.root / "secret.txt")
    a.symlink("passwd.txt", "/etc/passwd")
    a.symlink("up", "..")
    a.symlink("loop", "loop")
    a.symlink("dangling", "not-there")
    a.directory("closed", 0o200)
    os.mkfifo(a.root / "fifo", 0o600)
    a.give(a.root / "fifo", 0o600)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(a.root / "socket"))
    a.give(a.root / "socket", 0o600)
    (a.home / "beside.txt").write_text("beside the root")
    a.give(a.home / "beside.txt", 0o600)


@pytest.mark.core
def test_private_files_are_served(house):
    """Mode 0600 in a 0700 home: only the user himself can have read this."""
    assert stat.S_IMODE((house.alice.root / "index.html").stat().st_mode) == 0o600
    assert stat.S_IMODE(house.alice.home.stat().st_mode) == 0o700
    r = house.server.get(house.alice, "/index.html")
    assert (r.status, r.text) == (200, "alice's page\n")
    r = house.server.get(house.bob, "/secret.txt")
    assert (r.status, r.text) == (200, "bob's own\n")


@pytest.mark.core
@pytest.mark.parametrize("path,status,body", [
    pytest.param("/", 200, "alice's page\n", id="index of the root"),
    pytest.param("/?a=b", 200, "alice's page\n", id="index with a query"),
    pytest.param("/sub/", 200, "sub index\n", id="index of a directory"),
    pytest.param("/sub/deeper/page.html", 200, "deeper\n", id="deeper"),
    pytest.param("/with%20space.txt", 200, "space\n", id="space"),
    pytest.param("/gr%C3%BC%C3%9Fe.txt", 200, "utf-8\n", id="utf-8"),
    pytest.param("/100%25.txt", 200, "percent\n", id="percent"),
    pytest.param("/plus+and&amp.txt", 200, "plus\n", id="plus is a plus"),
    pytest.param("/%70%6C%61in.txt", 200, "0123456789", id="needless escapes"),
    pytest.param("/./sub/../plain.txt", 200, "0123456789", id="dot segments inside"),
    pytest.param("/empty.txt", 200, "", id="empty file"),
    pytest.param("/inside.txt", 200, "0123456789", id="symlink inside"),
    pytest.param("/.well-known/acme-challenge/token", 200, "token\n", id="well-known"),
    pytest.param("/missing", 404, None, id="missing"),
    pytest.param("/plain.txt/", 404, None, id="file as directory"),
    pytest.param("/plain.txt/more", 404, None, id="below a file"),
    pytest.param("/dangling", 404, None, id="dangling symlink"),
    pytest.param("/unreadable.txt", 403, None, id="unreadable"),
    pytest.param("/closed/", 403, None, id="closed directory"),
    pytest.param("/" + "n" * 300, 404, None, id="name too long"),
    pytest.param("/" + "d/" * 1500 + "x", 404, None, id="path very deep"),
])
def test_files(house, path, status, body):
    r = house.server.get(house.alice, path)
    assert r.status == status, r
    assert body is None or r.text == body


def test_directory_without_index_is_not_listed(house):
    r = house.server.get(house.alice, "/noindex/")
    assert r.status in (403, 404)
    assert "file.txt" not in r.text


@pytest.mark.core
@pytest.mark.parametrize("path", [
    pytest.param("/.hidden", id="dotfile"),
    pytest.param("/%2ehidden", id="escaped dot"),
    pytest.param("/.git/config", id="dot directory"),
    pytest.param("/sub/.htaccess", id="dotfile below"),
    pytest.param("/sub/../.hidden", id="dotfile through dot segments"),
    pytest.param("/.well-known/../.hidden", id="dotfile through well-known"),
    pytest.param("/..", id="up"),
    pytest.param("/../beside.txt", id="up to the home"),
    pytest.param("/sub/../../beside.txt", id="down and up"),
    pytest.param("/%2e%2e/beside.txt", id="escaped dots"),
    pytest.param("/.%2e/beside.txt", id="half escaped dots"),
    pytest.param("/%2E%2E%2Fbeside.txt", id="escaped dots and slash"),
    pytest.param("/sub%2findex.html", id="escaped slash"),
    pytest.param("/sub%2Findex.html", id="escaped slash, upper case"),
    pytest.param("/..%5c..%5cbeside.txt", id="backslashes"),
    pytest.param("/%252e%252e/beside.txt", id="escaped twice"),
    pytest.param("/plain.txt%00", id="NUL"),
    pytest.param("/plain.txt%00.html", id="NUL in the middle"),
    pytest.param("/%", id="lone percent"),
    pytest.param("/%zz", id="percent without digits"),
    pytest.param("/%1", id="percent at the end"),
    pytest.param("/outside.txt", id="symlink to another user's file"),
    pytest.param("/passwd.txt", id="symlink to /etc/passwd"),
    pytest.param("/up/beside.txt", id="symlinked directory out of the root"),
    pytest.param("/up/www-alice.test/plain.txt", id="out and in again"),
    pytest.param("/loop", id="symlink to itself"),
    pytest.param("/proc/self/environ", id="proc"),
    pytest.param("//etc/passwd", id="two slashes"),
    pytest.param("/fifo", id="FIFO, without waiting for a writer"),
    pytest.param("/socket", id="socket"),
])
def test_never_gets_out(house, path):
    r = house.server.get(house.alice, path)
    assert r.status in (400, 403, 404), r
    for secret in ("secret", "beside the root", "bob's own", "root:", "0123456789", "sub index"):
        assert secret not in r.text


@pytest.mark.root
def test_another_users_files_need_more_than_a_path(house):
    """Even with the paths open to the server's eyes, the other user's mode is the wall."""
    a = house.alice
    a.symlink("bobs-home", house.bob.home)
    a.symlink("bobs-root", house.bob.root)
    for path in ("/bobs-home/www-bob.test/secret.txt", "/bobs-root/secret.txt"):
        r = house.server.get(a, path)
        assert r.status in (403, 404)
        assert "bob" not in r.text


@pytest.mark.root
def test_hard_link_to_another_users_file(house):
    """A hard link lies inside the root, so only the user's own rights stand in the way."""
    os.link(house.bob.root / "secret.txt", house.alice.root / "linked.txt")
    r = house.server.get(house.alice, "/linked.txt")
    assert r.status == 403
    assert "bob's" not in r.text


@pytest.mark.root
def test_device_does_not_hang(house):
    os.mknod(house.alice.root / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    house.alice.give(house.alice.root / "zero", 0o666)
    assert house.server.get(house.alice, "/zero").status in (403, 404)


@pytest.mark.parametrize("name,content,kind", [
    ("t.html", b"<p>", r"text/html(; ?charset=utf-8)?"),
    ("t.css", b"", r"text/css(; ?charset=utf-8)?"),
    ("t.js", b"", r"(text|application)/javascript(; ?charset=utf-8)?"),
    ("t.json", b"{}", r"application/json"),
    ("t.png", PNG, r"image/png"),
    ("t.JPG", b"", r"image/jpeg"),
    ("t.svg", b"<svg/>", r"image/svg\+xml"),
    ("t.pdf", b"", r"application/pdf"),
    ("t.txt", b"", r"text/plain(; ?charset=utf-8)?"),
    ("t.woff2", b"", r"font/woff2"),
    ("t.mp4", b"", r"video/mp4"),
    ("t.nobody-knows-this", b"", r"application/octet-stream"),
    ("no-extension", b"x", r"application/octet-stream"),
])
def test_media_types(house, name, content, kind):
    house.alice.write(name, content)
    r = house.server.get(house.alice, "/" + name)
    assert r.status == 200
    assert re.fullmatch(kind, r.get("Content-Type")), r.get("Content-Type")


@pytest.mark.core
def test_head_says_what_get_says(house):
    got, head = (house.server.get(house.alice, "/plain.txt", m) for m in ("GET", "HEAD"))
    assert head.status == 200 and head.body == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges"):
        assert head.get(name) == got.get(name)
    assert got.get("Content-Length") == "10"


def test_date_server_and_last_modified(house):
    when = 1_234_567_890
    os.utime(house.alice.write("dated.txt", "old"), (when, when))
    r = house.server.get(house.alice, "/dated.txt")
    assert r.get("Last-Modified") == formatdate(when, usegmt=True)
    assert r.get("Server", "").startswith("hostel")
    assert r.get("Date") in {formatdate(time.time() - s, usegmt=True) for s in range(3)}


@pytest.mark.core
def test_conditions(house):
    s, a = house.server, house.alice
    r = s.get(a, "/plain.txt")
    etag, when = r.get("ETag"), r.get("Last-Modified")
    assert re.fullmatch(r'"[^"]+"', etag)
    rows = [
        ("same tag", [("If-None-Match", etag)], 304),
        ("weak comparison", [("If-None-Match", "W/" + etag)], 304),
        ("one of several", [("If-None-Match", f'"x", {etag}')], 304),
        ("any", [("If-None-Match", "*")], 304),
        ("another tag", [("If-None-Match", '"x"')], 200),
        ("not newer", [("If-Modified-Since", when)], 304),
        ("newer", [("If-Modified-Since", formatdate(1, usegmt=True))], 200),
        ("no date", [("If-Modified-Since", "yesterday")], 200),
        ("tag beats date", [("If-None-Match", '"x"'), ("If-Modified-Since", when)], 200),
        ("must match and does", [("If-Match", etag)], 200),
        ("must match and does not", [("If-Match", '"x"')], 412),
        ("changed since", [("If-Unmodified-Since", formatdate(1, usegmt=True))], 412),
    ]
    for why, fields, status in rows:
        r = s.get(a, "/plain.txt", fields=fields)
        assert r.status == status, why
        if status == 304:
            assert r.get("ETag") == etag and r.body == b"", why


@pytest.mark.core
def test_ranges(house):
    s, a = house.server, house.alice
    etag = s.get(a, "/plain.txt").get("ETag")
    rows = [
        ("first bytes", "bytes=0-3", 206, "0123", "bytes 0-3/10"),
        ("middle", "bytes=4-5", 206, "45", "bytes 4-5/10"),
        ("to the end", "bytes=7-", 206, "789", "bytes 7-9/10"),
        ("suffix", "bytes=-2", 206, "89", "bytes 8-9/10"),
        ("suffix longer than the file", "bytes=-900", 206, "0123456789", "bytes 0-9/10"),
        ("end past the file", "bytes=8-900", 206, "89", "bytes 8-9/10"),
        ("all", "bytes=0-", 206, "0123456789", "bytes 0-9/10"),
        ("past the end", "bytes=10-", 416, None, "bytes */10"),
        ("no bytes", "bytes=-0", 416, None, "bytes */10"),
        ("backwards", "bytes=5-4", 200, "0123456789", None),
        ("another unit", "lines=1-2", 200, "0123456789", None),
        ("no numbers", "bytes=a-b", 200, "0123456789", None),
        ("overflow", "bytes=99999999999999999999999-", (200, 416), None, None),
    ]
    for why, value, status, body, where in rows:
        r = s.get(a, "/plain.txt", fields=[("Range", value)])
        assert r.status in (status if isinstance(status, tuple) else (status,)), why
        assert body is None or r.text == body, why
        assert where is None or r.get("Content-Range") == where, why
    r = s.get(a, "/plain.txt", fields=[("Range", "bytes=0-1"), ("If-Range", etag)])
    assert (r.status, r.text) == (206, "01")
    r = s.get(a, "/plain.txt", fields=[("Range", "bytes=0-1"), ("If-Range", '"other"')])
    assert (r.status, r.text) == (200, "0123456789")
    assert s.get(a, "/empty.txt", fields=[("Range", "bytes=0-")]).status in (200, 416)
    r = s.get(a, "/plain.txt", "HEAD", fields=[("Range", "bytes=0-1")])
    assert r.status in (200, 206) and r.body == b""


@pytest.mark.core
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PROPFIND", "BREW", "get"])
def test_other_methods(house, method):
    r = house.server.get(house.alice, "/plain.txt", method, body=b"")
    assert r.status == 405
    allow = {m.strip() for m in r.get("Allow").split(",")}
    assert {"GET", "HEAD"} <= allow
    assert "0123456789" not in r.text


def test_trace_tells_nothing_back(house):
    r = house.server.get(house.alice, "/plain.txt", "TRACE", fields=[("Cookie", "secret=1")])
    assert r.status in (405, 501) and "secret" not in r.text


@pytest.mark.parametrize("path,target", [
    ("/sub", "/sub/"),
    ("/sub?a=b&c", "/sub/?a=b&c"),
    ("/sub/deeper", "/sub/deeper/"),
    ("/with%20dir", "/with%20dir/"),
    ("/sub?x=%0d%0aSet-Cookie:1", "/sub/?x=%0d%0aSet-Cookie:1"),
])
def test_trailing_slash_redirect(house, path, target):
    house.alice.directory("with dir")
    r = house.server.get(house.alice, path)
    assert r.status == 301
    where = r.get("Location")
    assert where in (target, f"http://alice.test{target}",
                     f"http://alice.test:{house.port}{target}")


def test_redirect_does_not_lead_to_another_host(house):
    """`//evil` would be a whole authority, were it written into Location as it came."""
    house.alice.directory("evil.example")
    r = house.server.get(house.alice, "//evil.example")
    assert not r.get("Location", "/x").startswith("//")


def test_index_order(box):
    s = box.site("order.test", index=["first.html", "second.html"])
    s.write("both/first.html", "first")
    s.write("both/second.html", "second")
    s.write("one/second.html", "second")
    s.directory("trap/first.html")
    s.write("trap/second.html", "behind a directory of an index's name")
    server = box.serve()
    assert server.get(s, "/both/").text == "first"
    assert server.get(s, "/one/").text == "second"
    assert server.get(s, "/trap/").status in (200, 301, 403, 404)


@pytest.mark.core
def test_changed_files_are_seen(house):
    """Whatever is kept in memory is never stale for more than a second."""
    s, a = house.server, house.alice

    def served(status, text=None):
        def look():
            r = s.get(a, "/change.txt")
            return r.status == status and (text is None or r.text == text)
        wait_for(look, f"{status} {text!r}", 1.5)

    path = a.write("change.txt", "one")
    served(200, "one")
    a.write("change.new", "two, by rename")
    os.rename(a.root / "change.new", path)
    served(200, "two, by rename")
    with open(path, "r+", encoding="ascii") as f:
        f.write("3wo, in place!")
    served(200, "3wo, in place!")
    path.chmod(0o200)
    served(403)
    path.chmod(0o600)
    served(200, "3wo, in place!")
    path.unlink()
    served(404)


def big(seed, mib):
    return b"".join(hashlib.sha256(b"%d %d" % (seed, n)).digest() for n in range(mib << 15))


@pytest.mark.core
def test_big_file_to_a_slow_reader(house):
    data = big(1, 50)
    house.alice.write("big.bin", data)
    with house.server.client(rcvbuf=16384) as slow:
        slow.ask("alice.test", "/big.bin")
        r = slow.head()
        assert r.get("Content-Length") == str(len(data))

        def dawdle(total):
            if total < 1 << 20:
                time.sleep(0.005)

        first = b"".join(slow.exactly(100))
        # while one visitor dawdles, others are served
        for _ in range(20):
            assert house.server.get("alice.test", "/plain.txt").text == "0123456789"
        slow.pending = first + slow.pending
        digest, size = slow.digest(r, dawdle)
    assert (digest, size) == (hashlib.sha256(data).hexdigest(), len(data))


def test_range_of_a_big_file(house):
    data = big(2, 3)
    house.alice.write("big2.bin", data)
    r = house.server.get("alice.test", "/big2.bin", fields=[("Range", "bytes=1000003-2999999")])
    assert r.status == 206 and r.body == data[1000003:3000000]


def test_file_that_shrinks_is_cut_not_padded(house):
    """
    The length is said already: the visitor must be able to tell that bytes are missing.
    (Pages that lie in the socket already are the file's own; the kernel may have zeroed them.)
    """
    path = house.alice.write("shrinks.bin", b"x" * (32 << 20))
    with house.server.client(rcvbuf=4096) as c:
        c.ask("alice.test", "/shrinks.bin")
        r = c.head()
        os.truncate(path, 1 << 20)
        got = c.closed()
    assert r.get("Content-Length") == str(32 << 20)
    assert len(got) < 32 << 20
    assert got[:1 << 20] == b"x" * min(len(got), 1 << 20)
    assert not got.translate(None, b"x\0")


def test_error_pages_are_small_and_clear(house):
    r = house.server.get(house.alice, "/missing%3Cscript%3Ealert(1)")
    assert r.status == 404 and len(r.body) < 2048
    assert r.get("Content-Type").startswith("text/html")
    assert "<script>" not in r.text
    for inner in (str(house.box.dir), "alice", str(house.alice.uid), "root"):
        assert inner not in r.text
