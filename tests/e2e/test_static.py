"""Files: what is served, how it is described, and what never gets out."""
import hashlib
import os
import re
import socket
import stat
import time
from email.utils import formatdate

import pytest

from procs import SLOW, wait_for
from wire import Cut

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
    when, begin = 1_234_567_890, int(time.time())
    os.utime(house.alice.write("dated.txt", "old"), (when, when))
    r = house.server.get(house.alice, "/dated.txt")
    assert r.get("Last-Modified") == formatdate(when, usegmt=True)
    assert r.get("Server", "").startswith("hostel")
    assert r.get("Date") in {formatdate(t, usegmt=True)
                             for t in range(begin - 2, int(time.time()) + 1)}


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
    r = s.get(a, "/plain.txt", "HEAD", fields=[("Range", "bytes=0-1")])
    assert r.status == 200 and r.body == b"" and r.get("Content-Length") == "10"
    r = s.get(a, "/plain.txt", fields=[("Range", "bytes=0-1"), ("Range", "bytes=3-4")])
    assert (r.status, r.text) == (200, "0123456789"), "two fields are none"


@pytest.mark.core
@pytest.mark.parametrize("value,status", [
    ("bytes=0-", 416), ("bytes=0-0", 416), ("bytes=0-0,5-6", 416), ("bytes=-0", 416),
    ("bytes=-5", 200),  # all of the last five bytes: nothing, and that is the whole file
    ("bytes=x", 200)])
def test_ranges_of_an_empty_file(house, value, status):
    r = house.server.get(house.alice, "/empty.txt", fields=[("Range", value)])
    assert r.status == status
    assert r.get("Content-Range") == ("bytes */0" if status == 416 else None)
    assert status == 416 or r.body == b""


def parts_of(r):
    """The parts of a multipart answer, read to the letter: (Content-Range, type, bytes)."""
    kind = re.fullmatch(r"multipart/byteranges; boundary=([0-9a-f]{32})", r.get("Content-Type"))
    assert kind and r.get("Content-Range") is None
    boundary, parts = b"--" + kind[1].encode(), []
    assert r.body.startswith(boundary + b"\r\n") and r.body.endswith(b"\r\n" + boundary + b"--\r\n")
    for part in (b"\r\n" + r.body).split(b"\r\n" + boundary)[1:-1]:
        head, body = part.split(b"\r\n\r\n", 1)
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        assert set(fields) == {"Content-Type", "Content-Range"}
        parts.append((fields["Content-Range"], fields["Content-Type"], body))
    return parts


@pytest.mark.core
def test_several_ranges(house):
    s, a = house.server, house.alice
    text = s.get(a, "/plain.txt").get("Content-Type")
    etag = s.get(a, "/plain.txt").get("ETag")
    rows = [
        ("in the order asked", "7-8,0-1", ["7-8", "0-1"]),
        ("overlapping ones are one", "0-1,5-7,6-9", ["0-1", "5-9"]),
        ("adjacent ones are one", "0-1,4-5,6-7", ["0-1", "4-7"]),
        ("where the first of them stood", "8-9,0-1,4-5,2-2", ["8-9", "0-2", "4-5"]),
        ("the unsatisfiable are left out", "0-1,50-60,4-5,-0", ["0-1", "4-5"]),
        ("one that is left is a plain one", "0-4,3-6", "0-6"),
        ("only one is satisfiable", "3-4,10-", "3-4"),
        ("the whole many times is the whole once", ",".join(["0-"] * 16), "0-9"),
        ("more than anybody needs", ",".join(f"{n % 10}-{n % 10}" for n in range(17)), None),
        ("none is satisfiable", "10-,20-30", 416),
        ("one that is none spoils all", "0-1,x", None),
    ]
    for why, value, want in rows:
        r = s.get(a, "/plain.txt", fields=[("Range", "bytes=" + value)])
        if want is None:
            assert (r.status, r.text) == (200, "0123456789"), why
        elif want == 416:
            assert (r.status, r.get("Content-Range")) == (416, "bytes */10"), why
        elif isinstance(want, str):
            first, last = map(int, want.split("-"))
            assert (r.status, r.get("Content-Range")) == (206, f"bytes {want}/10"), why
            assert r.text == "0123456789"[first:last + 1], why
        else:
            assert r.status == 206, why
            assert (r.get("ETag"), r.get("Accept-Ranges")) == (etag, "bytes"), why
            ends = [tuple(map(int, w.split("-"))) for w in want]
            assert parts_of(r) == [(f"bytes {f}-{l}/10", text, b"0123456789"[f:l + 1])
                                   for f, l in ends], why
    fields = [("Range", "bytes=0-1,4-5"), ("If-Range", '"other"')]
    assert s.get(a, "/plain.txt", fields=fields).status == 200
    assert s.get(a, "/plain.txt", fields=[fields[0], ("If-Range", etag)]).status == 206
    r = s.get(a, "/plain.txt", "HEAD", fields=fields[:1])
    assert (r.status, r.get("Content-Type"), r.get("Content-Length")) == (200, text, "10")


def test_several_ranges_of_a_big_file(house):
    """Their length is exact: the next answer on the connection begins where it should."""
    data = big(3, 3)
    house.alice.write("big3.bin", data)
    wanted = [(2_000_000, 2_999_999), (0, 0), (100, 1_000_099), (3_000_000, 3_000_001)]
    value = "bytes=" + ",".join(f"{f}-{l}" for f, l in wanted)
    with house.server.client(rcvbuf=16384) as c:
        for _ in range(2):
            r = c.get("alice.test", "/big3.bin", fields=[("Range", value)])
            got = [(w, body) for w, _, body in parts_of(r)]
            merged = [(2_000_000, 3_000_001), (0, 0), (100, 1_000_099)]
            assert got == [(f"bytes {f}-{l}/{len(data)}", data[f:l + 1]) for f, l in merged]
        assert c.get("alice.test", "/plain.txt").text == "0123456789"


def test_big_files(house):
    """Beyond 4 GiB, where 32 bits end."""
    path, size = house.alice.root / "sparse.bin", (5 << 30) + 123
    with open(path, "wb") as f:
        for at, mark in [(0, b"start"), ((4 << 30) - 3, b"border"), (size - 3, b"end")]:
            f.seek(at)
            f.write(mark)
    house.alice.give(path, 0o600)

    def part(value):
        return house.server.get(house.alice, "/sparse.bin", fields=[("Range", value)])

    r = house.server.get(house.alice, "/sparse.bin", "HEAD")
    assert r.get("Content-Length") == str(size)
    rows = [
        (f"bytes={(4 << 30) - 3}-{(4 << 30) + 2}", b"border", f"{(4 << 30) - 3}-{(4 << 30) + 2}"),
        (f"bytes={4 << 30}-{(4 << 30) + 2}", b"der", f"{4 << 30}-{(4 << 30) + 2}"),
        ("bytes=-3", b"end", f"{size - 3}-{size - 1}"),
        (f"bytes={size - 1}-99999999999999999999", b"d", f"{size - 1}-{size - 1}"),
    ]
    for value, body, where in rows:
        r = part(value)
        assert (r.status, r.body, r.get("Content-Range")) == (206, body, f"bytes {where}/{size}")
    assert part(f"bytes={size}-").status == 416
    r = part(f"bytes={(4 << 30) - 3}-{(4 << 30) - 1},-3,0-4")
    assert [body for _, _, body in parts_of(r)] == [b"bor", b"end", b"start"]
    with house.server.client(rcvbuf=4096) as c:
        c.ask("alice.test", "/sparse.bin")
        r = c.head()
        assert (r.status, r.get("Content-Length")) == (200, str(size))
        assert b"".join(c.exactly(5)) == b"start"
    path.unlink()


@pytest.mark.core
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "PROPFIND"])
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


FILL = {"small": "", "open": "." * 40000}  # kept in memory; kept open


def seen(server, site, path, status, start=None, seconds=1.0):
    """Asked for all the time, so that it is kept if anything is: within a second it is the new."""
    def look():
        r = server.get(site, path)
        return r.status == status and (start is None or r.text.startswith(start))
    wait_for(look, f"{path}: {status} {start!r}", seconds)


@pytest.mark.parametrize("size", FILL)
def test_a_renamed_parent_directory_is_seen(house, size):
    s, a, more = house.server, house.alice, FILL[size]
    top = f"tree-{size}"
    a.write(f"{top}/sub/page.txt", "old" + more)
    a.write(f"{top}/sub/index.html", "old index" + more)
    seen(s, a, f"/{top}/sub/page.txt", 200, "old")
    seen(s, a, f"/{top}/sub/", 200, "old index")
    os.rename(a.root / top, a.root / f"{top}-away")
    seen(s, a, f"/{top}/sub/page.txt", 404)
    seen(s, a, f"/{top}/sub/", 404)
    seen(s, a, f"/{top}-away/sub/page.txt", 200, "old")
    a.write(f"{top}/sub/page.txt", "new" + more)
    seen(s, a, f"/{top}/sub/page.txt", 200, "new")
    a.write(f"{top}-next/sub/page.txt", "3rd" + more)  # another tree in its place, at once
    os.rename(a.root / top, a.root / f"{top}-gone")
    os.rename(a.root / f"{top}-next", a.root / top)
    seen(s, a, f"/{top}/sub/page.txt", 200, "3rd")
    a.directory(top, 0o000)
    seen(s, a, f"/{top}/sub/page.txt", 403)
    a.directory(top, 0o700)
    seen(s, a, f"/{top}/sub/page.txt", 200, "3rd")


@pytest.mark.parametrize("size", FILL)
def test_a_renamed_document_root_is_seen(box, size):
    site = box.site("root.test", files={"page.txt": "old" + FILL[size]})
    server = box.serve()
    seen(server, site, "/page.txt", 200, "old")
    away = site.root.with_name("away")
    os.rename(site.root, away)
    seen(server, site, "/page.txt", 404)
    site.directory(site.root)
    site.write("page.txt", "new" + FILL[size])
    seen(server, site, "/page.txt", 200, "new")


@pytest.mark.parametrize("size", FILL)
def test_a_new_index_file_is_seen(box, size):
    more = FILL[size]
    site = box.site("index.test", index=["first.html", "second.html"])
    site.directory("dir")
    server = box.serve()
    seen(server, site, "/dir/", 403)
    site.write("dir/second.html", "second" + more)
    seen(server, site, "/dir/", 200, "second")
    site.write("dir/first.html", "first" + more)  # goes before the one that is kept
    seen(server, site, "/dir/", 200, "first")
    os.rename(site.root / "dir/first.html", site.root / "dir/other.html")
    seen(server, site, "/dir/", 200, "second")
    (site.root / "dir/second.html").unlink()
    seen(server, site, "/dir/", 403)


@pytest.mark.parametrize("size", FILL)
def test_every_change_of_a_file_is_seen(house, size):
    """Also those that leave its length, or its time, as they were."""
    s, a, more = house.server, house.alice, FILL[size]
    path = a.write(f"every-{size}.txt", "a" + more)
    url = f"/{path.name}"
    seen(s, a, url, 200, "a")
    a.write("every.new", "b" + more)
    os.rename(a.root / "every.new", path)  # replaced
    seen(s, a, url, 200, "b")
    for letter in "cdef":  # rewritten in place, to the same length, in quick succession
        with open(path, "r+", encoding="ascii") as f:
            f.write(letter)
        seen(s, a, url, 200, letter)
    was = path.stat()
    with open(path, "r+", encoding="ascii") as f:
        f.write("g")
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))  # and its time put back
    seen(s, a, url, 200, "g")
    with open(path, "a", encoding="ascii") as f:
        f.write("longer")
    wait_for(lambda: s.get(a, url).text.endswith("longer"), "what was appended", 1.0)
    os.truncate(path, 1)
    wait_for(lambda: s.get(a, url).text == "g", "cut", 1.0)
    for mode, status in ((0o000, 403), (0o600, 200)):
        path.chmod(mode)
        seen(s, a, url, status)
    path.unlink()
    seen(s, a, url, 404)
    os.symlink("plain.txt", path)
    a.give(path, 0o600)
    seen(s, a, url, 200, "0123456789")


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


def slow_answer(house, name, meanwhile, fields=()):
    """Ask for a file, do something to it while it is on its way, read what comes."""
    with house.server.client(rcvbuf=4096) as c:
        c.ask("alice.test", "/" + name, fields=fields)
        r = c.head()
        meanwhile()
        return r, read_out(c, r)


def read_out(c, r):
    """The body as far as it comes, and whether it came whole."""
    length, got = int(r.get("Content-Length")), []
    try:
        for piece in c.exactly(length):
            got.append(piece)
    except Cut:
        return b"".join(got), False
    return b"".join(got), True


def test_file_that_grows_is_sent_as_long_as_announced(house):
    data = big(4, 16)
    path = house.alice.write("grows.bin", data)

    def grow():
        with open(path, "ab") as f:
            f.write(b"more" * 100_000)

    r, (got, whole) = slow_answer(house, "grows.bin", grow)
    assert int(r.get("Content-Length")) == len(data)
    assert whole and got == data
    r = house.server.get(house.alice, "/grows.bin")  # and the next one is of now
    assert len(r.body) == len(data) + 400_000


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_file_that_vanishes_is_sent_to_its_end(house, how):
    """What was opened is sent; the next visitor gets what is there then."""
    data = big(5, 16)
    path = house.alice.write("vanishes.bin", data)
    house.alice.write("vanishes.new", "new")
    r, (got, whole) = slow_answer(house, "vanishes.bin", lambda: (
        path.unlink() if how == "removed" else os.rename(house.alice.root / "vanishes.new", path)))
    assert (r.status, whole) == (200, True) and got == data
    want = 404 if how == "removed" else 200
    wait_for(lambda: (x := house.server.get(house.alice, "/vanishes.bin")).status == want and
             (want == 404 or x.text == "new"), "what is there now", 1.5)


def test_file_that_shrinks_under_several_ranges_is_cut(house):
    """(What the kernel makes of pages that lie in the socket already is not looked at.)"""
    path = house.alice.write("shrinks2.bin", b"x" * (32 << 20))
    value = f"bytes=0-{(16 << 20) - 1},{(16 << 20) + 5}-"
    r, (got, whole) = slow_answer(house, "shrinks2.bin", lambda: os.truncate(path, 1 << 20),
                                  [("Range", value)])
    assert r.status == 206 and not whole
    assert len(got) < int(r.get("Content-Length"))
    assert got.split(b"\r\n\r\n", 1)[1][:1 << 20] == b"x" * (1 << 20)


def test_file_that_is_written_anew_is_cut(house):
    """As editors and uploads do it: what was sent of the old one cannot be taken for whole."""
    path = house.alice.write("anew.bin", b"o" * (16 << 20))

    def anew():
        path.write_bytes(b"n" * 1000)

    _, (got, whole) = slow_answer(house, "anew.bin", anew)
    assert not whole
    assert house.server.get(house.alice, "/anew.bin").text == "n" * 1000


@pytest.mark.core
@pytest.mark.parametrize("name,path", [
    pytest.param(b"what?.txt", "/what%3F.txt", id="question mark"),
    pytest.param(b"no#1.txt", "/no%231.txt", id="number sign"),
    pytest.param(b"50%25.txt", "/50%2525.txt", id="what looks like an escape"),
    pytest.param(b"back\\slash.txt", "/back%5Cslash.txt", id="backslash"),
    pytest.param(b"semi;colon=1.txt", "/semi;colon=1.txt", id="semicolon"),
    pytest.param(b"quote\"'.txt", "/quote%22'.txt", id="quotes"),
    pytest.param(b"latin-\xfc.txt", "/latin-%FC.txt", id="no UTF-8"),
    pytest.param(b"latin-\xfd.txt", "/latin-%fd.txt", id="no UTF-8, small digits"),
    pytest.param(b"cut-\xe2\x82.txt", "/cut-%E2%82.txt", id="half a character"),
    pytest.param(b"\xff\xfe", "/%FF%FE", id="never UTF-8"),
    pytest.param("日本.txt".encode(), "/%E6%97%A5%E6%9C%AC.txt", id="three bytes"),
    pytest.param(b" ", "/%20", id="a space"),
    pytest.param(b"-rf", "/-rf", id="a dash"),
    pytest.param(b"n" * 255, "/" + "n" * 255, id="as long as a name can be"),
])
def test_names_are_bytes(house, name, path):
    full = os.fsencode(house.alice.root) + b"/" + name
    with open(full, "wb") as f:
        f.write(b"<" + name + b">")
    house.alice.give(full, 0o600)
    r = house.server.get(house.alice, path)
    assert (r.status, r.body) == (200, b"<" + name + b">")
    r = house.server.get(house.alice, path + "?a=b")
    assert r.status == 200
    os.unlink(full)


def test_directory_names_are_bytes(house):
    full = os.fsencode(house.alice.root) + b"/dir ?\xff#"
    os.mkdir(full)
    house.alice.give(full, 0o700)
    with open(full + b"/index.html", "wb") as f:
        f.write(b"in it")
    house.alice.give(full + b"/index.html", 0o600)
    r = house.server.get(house.alice, "/dir%20%3f%ff%23?q")
    assert (r.status, r.get("Location")) == (301, "/dir%20%3F%FF%23/?q")
    assert house.server.get(house.alice, r.get("Location")).text == "in it"


@pytest.mark.core
@pytest.mark.parametrize("method,fields", [
    ("GET", []), ("HEAD", []), ("POST", []), ("GET", [("Range", "bytes=0-9,20-29")]),
    ("GET", [("If-Modified-Since", formatdate(0, usegmt=True))])])
@pytest.mark.alone
@pytest.mark.parametrize("name", ["fifo", "socket", "fifo.php", "to-fifo", "fifo-index/"])
def test_no_file_never_hangs(house, name, method, fields):
    a = house.alice
    for fifo in ("fifo.php", "fifo-index/index.html"):
        if not (a.root / fifo).exists():
            a.directory((a.root / fifo).parent)
            os.mkfifo(a.root / fifo, 0o600)
            a.give(a.root / fifo, 0o600)
    if not (a.root / "to-fifo").is_symlink():
        a.symlink("to-fifo", "fifo")
    began = time.monotonic()
    r = house.server.get(a, "/" + name, method, fields=fields,
                         body=b"" if method == "POST" else None)
    assert r.status in (403, 404), r
    assert time.monotonic() - began < 1 * SLOW


def test_date_that_fits_no_calendar(house):
    """A file's date is its owner's choice."""
    for n, when in enumerate([-1, -(1 << 62), (1 << 62), 253402300800]):
        name = f"odd-date-{n}.txt"
        path = house.alice.write(name, "x")
        try:
            os.utime(path, ns=(when * 10**9, when * 10**9))
        except (OverflowError, OSError):
            continue  # not every file system takes all of them
        r = house.server.get(house.alice, "/" + name)
        assert (r.status, r.text) == (200, "x")
        assert r.get("Last-Modified") is None
        fields = [("If-Modified-Since", formatdate(time.time(), usegmt=True))]
        assert house.server.get(house.alice, "/" + name, fields=fields).status == 200


def test_error_pages_are_small_and_clear(house):
    r = house.server.get(house.alice, "/missing%3Cscript%3Ealert(1)")
    assert r.status == 404 and len(r.body) < 2048
    assert r.get("Content-Type").startswith("text/html")
    assert "<script>" not in r.text
    for inner in (str(house.box.dir), "alice", str(house.alice.uid), "root"):
        assert inner not in r.text
