"""What an administrator says of a site's answers: each directive, with real files and real PHP."""
import base64
import os
import time
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import procs
import pytest
from house import Box

ECHO = """<?php
header('Content-Type: text/plain');
foreach (['REQUEST_METHOD', 'REQUEST_URI', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING',
          'REDIRECT_STATUS', 'REDIRECT_URL', 'REMOTE_USER', 'AUTH_TYPE', 'CONTENT_LENGTH'] as $n)
    echo $n, '=', $_SERVER[$n] ?? '-', "\\n";
"""
PASSWORD = "wonder:land"  # of everybody, in every kind of hash that is taken
HASHES = {
    "bcrypt": "$2b$05$abcdefghijklmnopqrstuu12xgx35XzVimpLAARVsY.qvjwFuB00y",
    "sha256": "$5$rounds=1000$saltsalt$H58euBA0V5ZRlZwkRcEAoTi6qVaC/ROxybged.hyijB",
    "sha512": "$6$rounds=1000$saltsalt$/c2DQGmCOjhOG8U6ydQApJ2.F5TUlKhhdgwOYK/XG9ou0K4eundfgj"
              "7HT6XNMANpGsWSuhpToEM8wA4PAHNON.",
    "md5": "$1$saltsalt$3aa4Bz38vof4WjWqZcqLe/",
    "yescrypt": "$y$j75$saltsaltsalt$TFwCbDbmXNvqa.1b5jnrFPghKBZJTo8zDc0BbW81dz.",
    "apr1": "$apr1$saltsalt$tW2cLbpZjLUbkhfqibvhb.",
}


def basic(user, password=PASSWORD):
    text = base64.b64encode(f"{user}:{password}".encode()).decode()
    return [("Authorization", f"Basic {text}")]


def passwords(site, users):
    path = site.home / "passwords"
    path.write_text("# who may\n" + "".join(f"{u}:{h}\n" for u, h in users.items()))
    site.give(path, 0o600)
    return path


@pytest.fixture(scope="module")
def rules():
    b = Box()
    site = b.site("rules.test", php={}, fallback="/index.php", files={
        "index.php": ECHO, "a.txt": "0123456789", "style.css": "p{}", "page.html": "<p>",
        "pic.png": "png", "error.html": "custom page", "error.php": ECHO, "own.php":
        "<?php header('Cache-Control: private'); header('X-From: php'); echo 'x';",
        "admin/index.html": "the admin's", "admin/tool.php": ECHO, "noindex/x": ""},
        headers=[{"set": "X-All: yes"}, {"set": "X-Err: yes", "status": "4xx"},
                 {"add": "X-Text: yes", "path": "*.txt"}, {"remove": "X-From"}],
        expires={"text/css": "1h", "image/*": "2d", "text/html": "0"},
        redirects=[{"from": "/old", "to": "/new"}, {"from": "/blog/*", "to": "/news/$1",
                                                     "status": 308},
                   {"from": "/out*", "to": "/$1", "status": 302},
                   {"from": "/far/*", "to": "https://far.test/$1", "status": 307}],
        error_pages={"405": "/error.html", "403": "/error.php", "400": "/gone.html"})
    site.vhost["auth_basic"] = {"realm": 'the admin', "path": "/admin/*",
                                "file": str(passwords(site, HASHES))}
    plain = b.site("plain.test", files={"sorry.html": "sorry", "index.html": "in"},
                   error_pages={"404": "/sorry.html", "401": "/sorry.html"}, deny=["127.0.0.9"])
    plain.vhost["auth_basic"] = {"realm": "none", "path": "/closed*",
                                 "file": str(plain.home / "not-there")}
    closed = b.site("closed.test", files={"index.html": "in"}, allow=["192.0.2.0/24"])
    server = b.serve()
    yield SimpleNamespace(box=b, site=site, plain=plain, closed=closed, server=server)
    b.close()


def echo(r):
    return dict(line.split("=", 1) for line in r.text.splitlines())


@pytest.mark.core
def test_address(rules):
    assert rules.server.get(rules.closed).status == 403
    assert rules.server.get(rules.plain).status == 200


@pytest.mark.core
def test_headers_are_on_every_answer(rules):
    for path, status in (("/a.txt", 200), ("/own.php", 200), ("/old", 301), ("/admin/", 401)):
        r = rules.server.get(rules.site, path)
        assert r.status == status
        assert r.get("X-All") == "yes", path
        assert r.get("X-Err") == ("yes" if status >= 400 else None)
        assert r.get("X-Text") == ("yes" if path.endswith(".txt") else None)
        assert r.get("X-From") is None
        for name in ("Content-Length", "Date", "Server"):
            assert len(r.all(name)) <= 1
    etag = rules.server.get(rules.site, "/a.txt").get("ETag")
    r = rules.server.get(rules.site, "/a.txt", fields=[("If-None-Match", etag)])
    assert (r.status, r.get("X-All")) == (304, "yes")


@pytest.mark.core
def test_expires(rules):
    r = rules.server.get(rules.site, "/style.css")
    assert r.get("Cache-Control") == "max-age=3600"
    ahead = parsedate_to_datetime(r.get("Expires")).timestamp() - time.time()
    assert 3500 < ahead < 3700
    r = rules.server.get(rules.site, "/style.css", fields=[("If-None-Match", r.get("ETag"))])
    assert (r.status, r.get("Cache-Control")) == (304, "max-age=3600")
    assert rules.server.get(rules.site, "/pic.png").get("Cache-Control") == "max-age=172800"
    assert rules.server.get(rules.site, "/page.html").get("Cache-Control") == "no-cache"
    assert rules.server.get(rules.site, "/a.txt").get("Cache-Control") is None
    assert rules.server.get(rules.site, "/own.php").get("Cache-Control") == "private"


@pytest.mark.core
@pytest.mark.parametrize("path, status, location", [
    ("/old", 301, "/new"), ("/old?a=b", 301, "/new?a=b"),
    ("/blog/2024/x%20y", 308, "/news/2024/x%20y"), ("/far/x?y", 307, "https://far.test/x?y"),
    ("/out//evil.test", 302, "/evil.test"), ("/out/%5Cevil.test", 302, "/%5Cevil.test"),
    ("/out%0d%0aX:y", 400, None)])
def test_redirects(rules, path, status, location):
    r = rules.server.get(rules.site, path)
    assert (r.status, r.get("Location")) == (status, location)
    assert "<h1>" in r.text


@pytest.mark.core
def test_fallback(rules):
    for path in ("/nice/url?q=1", "/missing.php", "/noindex/", "/"):
        said = echo(rules.server.get(rules.site, path))
        assert said["REQUEST_URI"] == path
        assert (said["SCRIPT_NAME"], said["PATH_INFO"]) == ("/index.php", "-")
    assert echo(rules.server.get(rules.site, "/nice", "POST", body=b"abc"))["CONTENT_LENGTH"] == "3"
    assert rules.server.get(rules.site, "/a.txt").text == "0123456789"
    assert rules.server.get(rules.site, "/.env").status == 404


@pytest.mark.core
def test_fallback_that_needs_a_password(box):
    """What answers in the end counts, also when the fallback only names its directory."""
    site = box.site("f.test", fallback="/app/", files={"app/index.html": "inside"})
    site.vhost["auth_basic"] = {"realm": "app", "path": "/app/index.html",
                                "file": str(passwords(site, HASHES))}
    server = box.serve()
    for path in ("/nothing", "/app/", "/app/index.html"):
        assert server.get(site, path).status == 401


@pytest.mark.core
def test_error_page_of_a_file(rules):
    r = rules.server.get(rules.site, "/a.txt", "POST", body=b"x")
    assert (r.status, r.text, r.get("Allow")) == (405, "custom page", "GET, HEAD, OPTIONS")
    for name in ("ETag", "Last-Modified", "Accept-Ranges"):
        assert r.get(name) is None
    r = rules.server.get(rules.plain, "/x", fields=[("Range", "bytes=1-2")])
    assert (r.status, r.text) == (404, "sorry")
    r = rules.server.get(rules.plain, "/x", "HEAD")
    assert (r.status, r.get("Content-Length"), r.text) == (404, "5", "")


@pytest.mark.core
def test_error_page_of_a_script(rules):
    rules.site.write("private.txt", "closed", mode=0)
    r = rules.server.get(rules.site, "/private.txt?a=b")
    said = echo(r)
    assert r.status == 403
    assert (said["REDIRECT_STATUS"], said["REDIRECT_URL"]) == ("403", "/private.txt")
    assert (said["REQUEST_METHOD"], said["QUERY_STRING"]) == ("GET", "")
    assert said["SCRIPT_NAME"] == "/error.php"
    with rules.server.client() as c:  # and the body that is not wanted is not asked for
        c.ask(rules.site.host, "/private.txt", "POST",
              fields=[("Expect", "100-continue"), ("Content-Length", "5")])
        r = c.answer("POST")
        assert r.status == 403 and echo(r)["CONTENT_LENGTH"] == "-"


@pytest.mark.core
def test_error_page_that_is_missing(rules):
    r = rules.server.get(rules.site, "/%00")
    assert r.status == 400 and "<h1>400" in r.text


@pytest.mark.core
@pytest.mark.parametrize("user", sorted(HASHES))
def test_password(rules, user):
    get = rules.server.get
    assert get(rules.site, "/admin/", fields=basic(user)).text == "the admin's"
    assert get(rules.site, "/admin/", fields=basic(user, PASSWORD + "x")).status == 401
    said = echo(get(rules.site, "/admin/tool.php", "POST", fields=basic(user), body=b"abc"))
    assert (said["REMOTE_USER"], said["AUTH_TYPE"]) == (user, "Basic")
    assert said["CONTENT_LENGTH"] == "3"


@pytest.mark.core
def test_no_password(rules):
    for fields in ((), basic("nobody"), basic("bcrypt", ""), [("Authorization", "Basic ====")],
                   [("Authorization", "Bearer x")], basic("md5") + basic("md5"),
                   basic("bcrypt", "x" * 600)):
        r = rules.server.get(rules.site, "/admin/tool.php", fields=fields)
        assert r.status == 401
        assert r.get("WWW-Authenticate") == 'Basic realm="the admin", charset="UTF-8"'
    assert rules.server.get(rules.site, "/admin/../admin/tool.php").status == 401
    assert rules.server.get(rules.site, "/%61dmin/tool.php").status == 401
    r = rules.server.get(rules.plain, "/closed", fields=basic("bcrypt"))
    assert r.status == 500  # what cannot be checked stays closed
    procs.wait_for(lambda: "not-there" in rules.plain.errors(), "the reason, in the error log", 2)


@pytest.mark.core
def test_password_holds_no_second_longer_than_its_file(rules):
    get, users = rules.server.get, {**HASHES, "extra": HASHES["sha256"]}
    passwords(rules.site, users)
    procs.wait_for(lambda: get(rules.site, "/admin/", fields=basic("extra")).status == 200,
                   "a new user", 2)
    passwords(rules.site, HASHES)
    procs.wait_for(lambda: get(rules.site, "/admin/", fields=basic("extra")).status == 401,
                   "a user less", 2)


@pytest.mark.alone
@pytest.mark.core
def test_others_do_not_wait_for_a_hash(box):
    """One that takes long: who asked for it may leave, others are served meanwhile."""
    s = box.site("slow.test", files={"index.html": "in", "x/a": "a"})
    users = {"slow": "$2b$15$abcdefghijklmnopqrstuu12xgx35XzVimpLAARVsY.qvjwFuB00y"}
    s.vhost["auth_basic"] = {"realm": "x", "path": "/x/*", "file": str(passwords(s, users))}
    server = box.serve()
    assert server.get(s).text == "in"
    with server.client() as waits, server.client() as leaves:
        waits.ask(s.host, "/x/a", fields=basic("slow"))
        leaves.ask(s.host, "/x/a", fields=basic("slow", "other"))
        time.sleep(0.1)
        leaves.reset()
        begin = time.monotonic()
        assert server.get(s).text == "in"
        assert time.monotonic() - begin < 0.5 * procs.SLOW
        assert waits.answer("GET").status == 401
    assert server.get(s).text == "in"


@pytest.fixture
def slow(box):
    """A site whose hashes take most of a second each."""
    s = box.site("slow.test", files={"x/a": "a"})
    users = {"slow": "$2b$14$abcdefghijklmnopqrstuucpz72C9qdZ0xbVMbCTNf5HdNSMrz7Za"}
    s.vhost["auth_basic"] = {"realm": "x", "path": "/x/*", "file": str(passwords(s, users))}
    return s


@pytest.mark.core
def test_slow_hash_in_a_file_from_the_future(box, slow):
    """Such a file may change unseen and is read again and again: it is the same all the while."""
    os.utime(slow.home / "passwords", (time.time() + 86400,) * 2)
    server = box.serve()
    with server.client(timeout=10.0) as c:
        assert c.get(slow.host, "/x/a", fields=basic("slow")).text == "a"


@pytest.mark.alone
@pytest.mark.core
def test_who_has_left_costs_no_hash(box, slow):
    server = box.serve()
    begin = time.monotonic()
    assert server.get(slow, "/x/a", fields=basic("slow", "first")).status == 401
    one = time.monotonic() - begin
    crowd = [server.client() for _ in range(20)]
    for c in crowd:
        c.ask(slow.host, "/x/a", fields=basic("slow", "guess"))
    time.sleep(0.3)
    for c in crowd:
        c.reset()
    begin = time.monotonic()
    with server.client(timeout=60.0) as c:
        assert c.get(slow.host, "/x/a", fields=basic("slow")).text == "a"
    assert time.monotonic() - begin < 8 * one, "twenty others' are no part of it"


@pytest.mark.core
@pytest.mark.parametrize("method, path, status, allow", [
    ("OPTIONS", "*", 204, True), ("OPTIONS", "/a.txt", 204, True), ("TRACE", "/a.txt", 405, True),
    ("DELETE", "/a.txt", 405, True), ("BREW", "/a.txt", 501, False),
    ("get", "/a.txt", 501, False)])
def test_methods(rules, method, path, status, allow):
    r = rules.server.get(rules.site, path, method)
    assert (r.status, r.get("Allow")) == (status, "GET, HEAD, OPTIONS" if allow else None)
