"""Scripts that have the server send a file, and links that lead out of the root."""
import os
from types import SimpleNamespace

import pytest

from house import Box, hostel
from procs import wait_for

pytestmark = pytest.mark.usefixtures("php_cgi")

SEND = """<?php
foreach ($_GET['h'] ?? [] as $field) header($field, false);
if (isset($_GET['none'])) ini_set('default_mimetype', '');
if (isset($_GET['file'])) header('X-Sendfile: ' . $_GET['file']);
if (isset($_GET['uri'])) header('X-Accel-Redirect: ' . $_GET['uri']);
echo $_GET['body'] ?? 'what PHP writes is dropped';
"""
TEXT = "0123456789" * 10
BIG = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def send():
    b = Box()
    s = b.site("send.test", php={"processes": 1}, autoindex=True, files={
        "send.php": SEND, "a.txt": TEXT, "page.css": "p { color: red }\n" * 200, "x.php": SEND,
        "in/secret.txt": "internal", "sub/.env": "HIDDEN", "no/x.txt": "nothing", "dir/i.txt": "i"})
    other = b.site("other.test", files={"private.txt": "PRIVATE"})
    files = s.directory(s.home / "files")
    kept = s.directory(s.home / "kept")
    for path, content in ((files / "film.bin", BIG), (files / "a b%20.txt", "odd name"),
                          (files / "code.php", "<?php SOURCE"), (files / ".hidden", "HIDDEN"),
                          (files / "locked", "LOCKED"), (s.home / "outside.txt", "OUTSIDE"),
                          (kept / "member.txt", "for members"), (kept / "deep.txt", "x")):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        s.give(path, 0o600)
    s.give(files / "locked", 0o200)
    os.mkfifo(files / "fifo")
    s.give(files / "fifo", 0o600)
    s.symlink(str(files / "out.txt"), s.home / "outside.txt")
    s.symlink(str(files / "code.txt"), "code.php")
    s.symlink("../current", "files")  # as deployments have it
    s.vhost["sendfile_roots"] = [f"{files}/"]
    s.vhost["paths"] = [{"path": "/in/*", "serve": "internal"}, {"path": "/no/*", "serve": "nothing"},
                        {"path": "/members/*", "serve": "internal", "directory": str(kept)}]
    server = b.serve()

    def get(method="GET", fields=(), **query):
        from urllib.parse import quote
        text = "&".join(f"{k}={quote(str(v), safe='')}" if k != "h" else
                        "&".join(f"h[]={quote(f, safe='')}" for f in v) for k, v in query.items())
        return server.get(s, "/send.php?" + text, method, fields=list(fields))

    yield SimpleNamespace(site=s, other=other, files=files, kept=kept, server=server, get=get, box=b)
    b.close()


@pytest.mark.core
def test_a_file_is_sent(send):
    r = send.get(file=send.files / "film.bin", none=1)
    assert (r.status, r.body, r.get("Content-Length")) == (200, BIG, str(len(BIG)))
    assert r.get("Accept-Ranges") == "bytes" and r.get("ETag") and r.get("Last-Modified")
    assert r.get("X-Sendfile") is None
    r = send.get(file=send.site.root / "a.txt", none=1)
    assert (r.text, r.get("Content-Type")) == (TEXT, "text/plain; charset=utf-8")


@pytest.mark.core
def test_an_uri_is_sent(send):
    assert send.get(uri="/a.txt").text == TEXT
    assert send.get(uri="/in/secret.txt").text == "internal"
    assert send.get(uri="/members/member.txt?x=1").text == "for members"
    assert send.get(uri="/%69n/secret.txt").text == "internal"
    assert send.get(uri="/dir/../in/secret.txt").text == "internal"
    for path in ("/in/secret.txt", "/members/member.txt", "/in/", "/members/"):
        assert send.server.get(send.site, path).status == 404


def test_ranges_conditions_and_head(send):
    film = send.files / "film.bin"
    whole = send.get(file=film)
    r = send.get(file=film, fields=[("Range", "bytes=10-19")])
    assert (r.status, r.body) == (206, BIG[10:20])
    assert r.get("Content-Range") == f"bytes 10-19/{len(BIG)}"
    r = send.get(file=film, fields=[("Range", "bytes=0-1,100000-100001")], none=1)
    assert r.status == 206 and r.get("Content-Type").startswith("multipart/byteranges")
    r = send.get(file=film, fields=[("Range", f"bytes={len(BIG)}-")])
    assert r.status == 416
    r = send.get(file=film, fields=[("If-None-Match", whole.get("ETag"))])
    assert (r.status, r.body) == (304, b"")
    r = send.get(file=film, fields=[("If-Modified-Since", whole.get("Last-Modified"))])
    assert r.status == 304
    r = send.get(file=film, fields=[("If-Match", '"other"')])
    assert r.status == 412
    r = send.get("HEAD", file=film)
    assert (r.status, r.body, r.get("Content-Length")) == (200, b"", str(len(BIG)))
    r = send.get("POST", file=film)
    assert (r.status, r.body) == (200, BIG)
    r = send.get(uri="/a.txt", fields=[("Range", "bytes=-3")])
    assert (r.status, r.text) == (206, TEXT[-3:])


def test_what_the_script_says_beside_stays(send):
    beside = ["Content-Type: video/x-own; q=1", 'Content-Disposition: attachment; filename="f.avi"',
              "Set-Cookie: a=1", "Set-Cookie: b=2", "Cache-Control: private, max-age=9",
              "X-Own: yes", "Content-Security-Policy: sandbox"]
    about_other_bytes = ["ETag: \"php\"", "Last-Modified: Thu, 01 Jan 1970 00:00:01 GMT",
                         "Content-Length: 3", "Content-Encoding: gzip", "Accept-Ranges: none",
                         "X-Accel-Expires: 5", "X-Accel-Charset: utf-8"]
    for query in ({"file": send.files / "film.bin"}, {"uri": "/a.txt"}):
        r = send.get(h=beside + about_other_bytes, **query)
        assert r.status == 200
        assert r.get("Content-Type") == "video/x-own; q=1"
        assert r.get("Content-Disposition") == 'attachment; filename="f.avi"'
        assert r.all("Set-Cookie") == ["a=1", "b=2"]
        assert r.all("Cache-Control") == ["private, max-age=9"]
        assert r.get("X-Own") == "yes" and r.get("Content-Security-Policy") == "sandbox"
        assert r.get("ETag") not in (None, '"php"') and r.get("Content-Encoding") is None
        assert not r.get("Last-Modified").startswith("Thu, 01 Jan 1970")
        assert int(r.get("Content-Length")) == len(r.body) and len(r.all("ETag")) == 1
        assert r.all("Accept-Ranges") == ["bytes"]
        assert not [n for n, _ in r.fields if n.lower().startswith("x-accel")]
    r = send.get(h=["Status: 404 Not Found"], file=send.files / "film.bin")
    assert (r.status, r.body) == (200, BIG)
    r = send.get(h=["Set-Cookie: a=1"], file=send.files / "gone")
    assert r.status == 404 and r.get("Set-Cookie") is None


def test_it_is_compressed_as_any_other(send):
    r = send.get(uri="/page.css", none=1, fields=[("Accept-Encoding", "gzip")])
    assert r.get("Content-Encoding") == "gzip" and r.get("Content-Type").startswith("text/css")
    r = send.get(uri="/page.css", h=["Content-Type: image/png"], fields=[("Accept-Encoding", "gzip")])
    assert r.get("Content-Encoding") is None


@pytest.mark.core
@pytest.mark.parametrize("query,status", [
    pytest.param({"file": "{home}/outside.txt"}, 403, id="not below a root"),
    pytest.param({"file": "{files}/../outside.txt"}, 403, id="climbing out"),
    pytest.param({"file": "{files}"}, 403, id="the root itself"),
    pytest.param({"file": "{files}x/film.bin"}, 403, id="a name that only begins like one"),
    pytest.param({"file": "{files}/out.txt"}, 403, id="a link that leads out"),
    pytest.param({"file": "{files}/code.php"}, 403, id="a script"),
    pytest.param({"file": "{files}/code.txt"}, 403, id="a link to a script"),
    pytest.param({"file": "{root}/x.php"}, 403, id="a script of the root"),
    pytest.param({"file": "{files}/.hidden"}, 403, id="a hidden name"),
    pytest.param({"file": "{root}/sub/.env"}, 403, id="a hidden name in the root"),
    pytest.param({"file": "{files}/locked"}, 403, id="what the user may not read", marks=pytest.mark.root),
    pytest.param({"file": "{files}/fifo"}, 403, id="a FIFO"),
    pytest.param({"file": "{files}/gone"}, 404, id="what is not there"),
    pytest.param({"file": "{root}/dir"}, 404, id="a directory"),
    pytest.param({"file": "/etc/passwd"}, 403, id="anybody's file"),
    pytest.param({"file": "{other}/private.txt"}, 403, id="another user's file"),
    pytest.param({"file": "a.txt"}, 403, id="a relative path"),
    pytest.param({"file": "/proc/self/environ"}, 403, id="the worker's own"),
    pytest.param({"file": "/" + "x" * 5000}, 403, id="a long path"),
    pytest.param({"file": "/" + "../" * 1000 + "etc/passwd"}, 403, id="much climbing"),
    pytest.param({"uri": "/x.php"}, 403, id="the URI of a script"),
    pytest.param({"uri": "/no/x.txt"}, 404, id="a path that is never served"),
    pytest.param({"uri": "/../etc/passwd"}, 403, id="above the site"),
    pytest.param({"uri": "/members/../../outside.txt"}, 403, id="above a directory"),
    pytest.param({"uri": "/members/%2e%2e/outside.txt"}, 404, id="the same, encoded"),
    pytest.param({"uri": "/members/..%2foutside.txt"}, 403, id="an encoded slash"),
    pytest.param({"uri": "/sub/.env"}, 404, id="the URI of a hidden name"),
    pytest.param({"uri": "/dir/"}, 404, id="the URI of a directory"),
    pytest.param({"uri": "/gone"}, 404, id="the URI of nothing"),
    pytest.param({"uri": "http://other.test/private.txt"}, 403, id="another host"),
    pytest.param({"uri": "@named"}, 403, id="no path at all"),
    pytest.param({"uri": "/members/"}, 404, id="a directory of its own, itself"),
])
def test_what_is_not_sent(send, query, status):
    s = send.site
    query = {k: v.format(home=s.home, files=send.files, root=s.root, other=send.other.root)
             for k, v in query.items()}
    before = len(s.errors())
    r = send.get(**query)
    assert r.status == status, r
    for text in ("SOURCE", "OUTSIDE", "HIDDEN", "PRIVATE", "LOCKED", "root:", "<?php", "dropped"):
        assert text not in r.text
    name = "X-Sendfile" if "file" in query else "X-Accel-Redirect"
    wait_for(lambda: name in s.errors()[before:], "a line that says why")
    assert str(s.home) not in r.text, "what a visitor is told is little"


def test_odd_names_are_taken_as_they_are(send):
    assert send.get(file=send.files / "a b%20.txt").text == "odd name"
    assert send.get(file=f"{send.files}//./x/../a b%20.txt").text == "odd name"


def test_a_root_behind_a_link(box):
    """PHP's __DIR__ is the real path; the root is configured by the link that deployments move."""
    s = box.site("link.test", php={}, files={"unused": ""})
    real = s.directory(s.home / "releases/5/public")
    for name, text in (("f.php", "<?php header('X-Sendfile: ' . __DIR__ . '/f.txt');"), ("f.txt", "f")):
        (real / name).write_text(text)
        s.give(real / name, 0o600)
    (s.home / "now").symlink_to(s.home / "releases/5")
    s.vhost["root"] = str(s.home / "now/public")
    assert box.serve().get(s, "/f.php").text == "f"


def test_a_visitor_never_finds_what_was_sent(send):
    """The path of a file on the disk is no path of the site, whatever was sent before."""
    film = send.files / "film.bin"
    assert send.get(file=film).body == BIG
    assert send.server.get(send.site, str(film)).status == 404


def test_the_process_is_free_at_once(send):
    """One PHP process: a slow reader of a big file does not hold it."""
    with send.server.client(rcvbuf=4096) as slow:
        slow.ask(send.site.host, f"/send.php?file={send.files}/film.bin")
        slow.head()
        assert send.get(uri="/a.txt").text == TEXT


def test_error_pages_are_not_files(box):
    s = box.site("e.test", php={}, error_pages={"404": "/e.php"}, files={
        "e.php": "<?php header('X-Sendfile: ' . __FILE__); echo 'page';"})
    r = box.serve().get(s, "/gone")
    assert (r.status, r.text) == (404, "page") and r.get("X-Sendfile") is None


def test_unbuffered(box):
    """X-Accel-Buffering: no: PHP waits for the visitor instead of running ahead."""
    s = box.site("u.test", php={}, files={
        "u.php": "<?php if (isset($_GET['no'])) header('X-Accel-Buffering: no');"
                 "for ($i = 0; $i < 40; $i++) { echo str_repeat('x', 1 << 20); flush(); }"
                 "touch(__DIR__ . '/done' . ($_GET['no'] ?? ''));"})
    server = box.serve()
    with server.client(rcvbuf=4096) as slow, server.client(rcvbuf=4096) as other:
        slow.ask(s.host, "/u.php?no=1")
        other.ask(s.host, "/u.php")
        assert slow.head().get("X-Accel-Buffering") is None
        wait_for(lambda: (s.root / "done").exists(), "the buffered script's end")
        assert not (s.root / "done1").exists()


# --- links that lead out of the root --------------------------------------------------------

@pytest.fixture(scope="module")
def links():
    b = Box()
    s = b.site("links.test", php={}, autoindex=True, files={"index.php": "<?php echo 'front';"},
               fallback="/index.php")
    public = s.directory(s.home / "storage/app/public")
    for path, text in ((public / "pic.png", "pic"), (public / "evil.php", "<?php echo 'EVIL';"),
                       (public / "sub/x.txt", "x"), (s.home / "storage/app/secret.txt", "SECRET"),
                       (s.home / ".env", "SECRET"), (public / "index.html", "index")):
        if not path.parent.exists():
            s.directory(path.parent)
        path.write_text(text)
        s.give(path, 0o600)
    s.symlink("storage", "../storage/app/public")
    s.symlink("absolute", str(public))
    s.symlink("pic.png", str(public / "pic.png"))
    s.symlink("app", "../storage/app")
    s.symlink("home", "..")
    s.symlink("env.txt", "../.env")
    s.symlink("evil.txt", "storage/evil.php")
    s.symlink("twice", "storage/again")
    s.symlink(str(public / "again"), "sub")
    s.symlink(str(public / "up"), s.home / "storage/app")
    s.symlink("passwd", "/etc/passwd")
    s.symlink("etc", "/etc")
    s.symlink("proc", "/proc/self/root/etc/passwd")
    s.vhost["link_roots"] = [str(public)]
    s.vhost["paths"] = [{"path": "/storage/*", "serve": "static"}]
    plain = b.site("plain.test", uid=s.uid, files={"unused": ""})
    plain.symlink("storage", str(public))
    yield SimpleNamespace(site=s, plain=plain, server=b.serve(), box=b, public=public)
    b.close()


@pytest.mark.core
@pytest.mark.parametrize("path,want", [
    ("/storage/pic.png", "pic"), ("/absolute/pic.png", "pic"), ("/pic.png", "pic"),
    ("/storage/sub/x.txt", "x"), ("/twice/x.txt", "x"), ("/storage/", "index"),
    ("/storage", 301), ("/storage/evil.php", 403), ("/evil.txt", 403),
    ("/app/secret.txt", 403), ("/storage/up/secret.txt", 403), ("/home/storage/app/secret.txt", 403),
    ("/env.txt", 403), ("/passwd", 403), ("/etc/passwd", 403), ("/proc", 403),
    ("/storage/gone", "front"), ("/storage/.env", 404)])
def test_links_into_a_link_root(links, path, want):
    r = links.server.get(links.site, path)
    assert (r.text if isinstance(want, str) else r.status) == want, r
    for text in ("SECRET", "root:", "<?php", "EVIL"):
        assert text not in r.text


def test_listings_of_a_link_root(links):
    text = links.server.get(links.site, "/storage/sub/").text
    assert "x.txt" in text


def test_an_absolute_link_may_lead_back_into_the_root(box):
    s = box.site("back.test", autoindex=True, files={"there/x.txt": "x", "index.html": "top"})
    s.symlink("file", str(s.root / "there/x.txt"))
    s.symlink("dir", str(s.root / "there"))
    s.symlink("self", str(s.root))
    s.symlink("slashes", f"{s.root}//there/")
    s.symlink("twice", str(s.root / "dir/x.txt"))
    s.symlink("relative", "self/there")
    s.symlink("round", f"{s.root}/../{s.root.name}/there/x.txt")   # out and in again
    s.symlink("above", str(s.home))
    s.symlink("circle", str(s.root / "circle"))
    s.symlink("beside", f"{s.root}-beside/x.txt")   # a name that only begins like the root's
    beside = s.directory(s.root.parent / f"{s.root.name}-beside")
    (beside / "x.txt").write_text("SECRET")
    s.give(beside / "x.txt", 0o600)
    server = box.serve()
    for path in ("/file", "/dir/x.txt", "/self/there/x.txt", "/self/self/dir/x.txt",
                 "/slashes/x.txt", "/twice", "/relative/x.txt"):
        assert server.get(s, path).text == "x", path
    assert server.get(s, "/self/").text == "top"
    for path in ("/above/", f"/above/{s.root.name}-beside/x.txt", "/beside", "/round", "/circle",
                 f"/above/{s.root.name}/there/x.txt"):
        r = server.get(s, path)
        assert r.status == 403 and "SECRET" not in r.text, path


@pytest.mark.parametrize("symlinks", ["owner", "off"])
def test_a_stricter_site_follows_no_absolute_link(box, symlinks):
    s = box.site("strict.test", symlinks=symlinks, files={"x.txt": "x"})
    s.symlink("file", str(s.root / "x.txt"))
    server = box.serve()
    assert server.get(s, "/x.txt").text == "x"
    assert server.get(s, "/file").status == 403


def test_without_a_link_root_no_link_leads_out(links):
    assert links.server.get(links.plain, "/storage/pic.png").status == 403


def test_a_link_that_is_moved_leads_nowhere_else(links):
    """The last word is a look below the link root: whatever a link says meanwhile."""
    s = links.site
    for n in range(40):
        target = links.public / "sub" if n % 2 else s.home / "storage/app"
        (s.root / "swap.new").symlink_to(target)
        os.lchown(s.root / "swap.new", s.uid if os.geteuid() == 0 else -1, -1)
        os.rename(s.root / "swap.new", s.root / "swap")
        r = links.server.get(s, "/swap/secret.txt")
        assert "SECRET" not in r.text


def test_link_roots_need_follow(box):
    box.site("l.test", symlinks="owner", link_roots=["/srv"])
    path, _ = box.config()
    r = hostel("check", "--config", path)
    assert r.returncode == 1 and "vhost l.test: link_roots needs `symlinks: follow`" in r.stderr
