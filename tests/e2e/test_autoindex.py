"""Directories that are listed: for people, for programs, and what is never shown."""
import html
import json
import os
import re
import time
from email.utils import formatdate, parsedate_to_datetime
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes, urljoin

import pytest

from house import ROOT
from procs import SLOW

NAMES = ["plain.txt", "with space.txt", "100%.txt", "%2e%2e.txt", "who?x=1.txt", "a#b.txt",
         'quote".txt', "apostrophe's.txt", "a&amp;b.txt", "<script>alert(1)<.txt", "back\\slash.txt",
         "javascript:alert(1)", "grüße.txt", "日本.txt", "+plus+.txt", "semi;colon.txt", "ends.",
         "\u202ereversed.txt", "-dash", "~tilde"]
NOT_UTF8 = b"latin-gr\xfc\xdfe.txt"


class Page(HTMLParser):
    """What a browser makes of it: links with their texts, and that nothing else is in it."""

    def __init__(self, r, base):
        super().__init__()
        self.links, self.tags, self.base, self.inside = [], set(), base, None
        self.feed(r.body.decode("utf-8"))  # strictly: it says that it is

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not [n for n, _ in attrs if n.startswith("on")], attrs
        if tag == "a":
            self.inside = [dict(attrs)["href"], ""]

    def handle_data(self, data):
        if self.inside:
            self.inside[1] += data

    def handle_endtag(self, tag):
        if tag == "a":
            self.links.append(tuple(self.inside))
            self.inside = None

    @property
    def entries(self):
        return [(h, t) for h, t in self.links if h.startswith("./")]

    def texts(self):
        return [t for _, t in self.entries]


@pytest.fixture(scope="module")
def listed():
    from house import Box
    b = Box()
    s = b.site("list.test", autoindex=True)
    s.write("indexed/index.html", "an index")
    for name in NAMES:
        s.write("names/" + name, "content of " + name)
    path = os.fsencode(s.root / "names") + b"/" + NOT_UTF8
    with open(path, "wb") as f:
        f.write(b"content of no UTF-8")
    s.give(os.fsdecode(path), 0o600)

    s.write("sort/b.txt", "22")
    s.write("sort/C.txt", "1")
    s.write("sort/a.txt", "333")
    s.directory("sort/zdir")
    s.directory("sort/Adir")
    for n, name in enumerate(["C.txt", "a.txt", "b.txt"]):
        os.utime(s.root / "sort" / name, (1_000_000_000 + n, 1_000_000_000 + n))

    s.write("hide/shown.txt", "x")
    s.write("hide/.hidden", "secret")
    s.write("hide/.git/config", "secret")
    s.write("hide/.well-known/x", "x")
    s.write("hide/closed.txt", "closed", mode=0o200)
    s.directory("hide/closed-dir", 0o600)
    s.write("hide/line\nend", "x")
    s.write("hide/source.php", "<?php")
    s.symlink("hide/link", "shown.txt")
    s.symlink("hide/dirlink", "../sort")
    s.symlink("hide/out", "/etc/passwd")
    s.symlink("hide/dangling", "nowhere")
    s.symlink("hide/as-text", "source.php")
    os.mkfifo(s.root / "hide/fifo", 0o600)
    s.give(s.root / "hide/fifo", 0o600)
    s.directory("empty")
    s.directory("unreadable", 0o300)
    off = b.site("off.test", files={"dir/f.txt": "f"})
    s.server = b.serve()
    s.off = off
    yield s
    b.close()


def page(site, path, **more):
    r = site.server.get(site, path, **more)
    assert r.status == 200, r
    assert r.get("Content-Type") == "text/html; charset=utf-8"
    assert int(r.get("Content-Length")) == len(r.body)
    return Page(r, path)


@pytest.mark.core
def test_off_by_default(listed):
    r = listed.server.get(listed.off, "/dir/")
    assert r.status == 403 and "f.txt" not in r.text


@pytest.mark.core
def test_listing(listed):
    p = page(listed, "/")
    assert p.texts() == ["empty/", "hide/", "indexed/", "names/", "sort/", "unreadable/"]
    assert "Parent directory" not in [t for _, t in p.links]
    assert page(listed, "/sort/").links[3] == ("../", "Parent directory")
    assert listed.server.get(listed, "/indexed/").text == "an index"
    r = listed.server.get(listed, "/sort?x=y")
    assert (r.status, r.get("Location")) == (301, "/sort/?x=y")
    assert page(listed, "/empty/").entries == []
    assert listed.server.get(listed, "/unreadable/").status == 403


@pytest.mark.core
def test_every_link_leads_to_its_file(listed):
    p = page(listed, "/names/")
    assert p.tags <= {"html", "head", "meta", "title", "style", "body", "h1", "table", "thead",
                      "tbody", "tr", "th", "td", "a", "bdi", "p"}
    assert sorted(p.texts()) == sorted(NAMES + [NOT_UTF8.decode("utf-8", "replace")])
    for href, text in p.entries:
        url = urljoin("http://list.test/names/", href)
        assert url.startswith("http://list.test/names/"), url
        r = listed.server.get(listed, url[len("http://list.test"):])
        assert r.status == 200, (href, r)
        if "\ufffd" in text:
            assert unquote_to_bytes(href[2:]) == NOT_UTF8
            assert r.text == "content of no UTF-8"
        else:
            assert r.text == "content of " + text


@pytest.mark.parametrize("query,order", [
    pytest.param("", "Adir zdir a.txt b.txt C.txt", id="by name"),
    pytest.param("?sort=name&order=asc", "Adir zdir a.txt b.txt C.txt", id="by name, said"),
    pytest.param("?sort=name&order=desc", "zdir Adir C.txt b.txt a.txt", id="by name, down"),
    pytest.param("?sort=size", "Adir zdir C.txt b.txt a.txt", id="by size"),
    pytest.param("?order=desc&sort=size", "Adir zdir a.txt b.txt C.txt", id="by size, down"),
    pytest.param("?sort=nonsense&order=%00", "Adir zdir a.txt b.txt C.txt", id="nonsense"),
    pytest.param("?" + "&" * 3000, "Adir zdir a.txt b.txt C.txt", id="many separators"),
])
def test_sorting(listed, query, order):
    assert [t.rstrip("/") for t in page(listed, "/sort/" + query).texts()] == order.split()


def test_sorting_by_time(listed):
    up = [t for t in page(listed, "/sort/?sort=time").texts() if "dir" not in t]
    down = [t for t in page(listed, "/sort/?sort=time&order=desc").texts() if "dir" not in t]
    assert up == ["C.txt", "a.txt", "b.txt"] and down == up[::-1]


def test_titles_are_links_that_sort(listed):
    """A visitor gets everywhere by clicking."""
    titles = page(listed, "/sort/").links[:3]
    assert titles == [("?sort=name&order=desc", "Name"), ("?sort=size&order=asc", "Size"),
                      ("?sort=time&order=asc", "Changed (UTC)")]
    assert page(listed, "/sort/" + titles[1][0]).links[1][0] == "?sort=size&order=desc"
    assert page(listed, "/sort/?sort=size&order=desc").links[1][0] == "?sort=size&order=asc"


@pytest.mark.core
def test_what_is_not_served_is_not_shown(listed):
    shown = page(listed, "/hide/").texts()
    assert shown == [".well-known/", "dirlink/", "link", "shown.txt"]
    for href, _ in page(listed, "/hide/").entries:
        assert listed.server.get(listed, "/hide/" + href).status == 200


@pytest.mark.core
def test_json(listed):
    r = listed.server.get(listed, "/sort/", fields=[("Accept", "application/json")])
    assert (r.status, r.get("Content-Type"), r.get("Vary")) == (200, "application/json", "Accept")
    rows = json.loads(r.body)
    assert [e["name"] for e in rows] == ["Adir", "zdir", "a.txt", "b.txt", "C.txt"]
    assert rows[0]["type"] == "directory" and "size" not in rows[0]
    assert rows[2] == {"name": "a.txt", "type": "file", "size": 3,
                       "mtime": formatdate(1_000_000_001, usegmt=True)}
    names = listed.server.get(listed, "/names/", fields=[("Accept", "application/json")])
    assert sorted(e["name"] for e in json.loads(names.body)) == sorted(
        NAMES + [NOT_UTF8.decode("utf-8", "replace")])
    empty = listed.server.get(listed, "/empty/", fields=[("Accept", "application/json")])
    assert json.loads(empty.body) == []


@pytest.mark.parametrize("accept,kind", [
    (None, "text/html"), ("*/*", "text/html"), ("application/*", "text/html"),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
    ("application/json, text/plain, */*", "application/json"),
    ("text/html;q=0.5, application/json", "application/json"),
    ("text/html, application/json;q=0.5", "text/html"),
    ("application/json;q=0", "text/html"),
])
def test_who_gets_json(listed, accept, kind):
    r = listed.server.get(listed, "/sort/", fields=[("Accept", accept)] if accept else [])
    assert r.get("Content-Type").split(";")[0] == kind
    assert r.get("Vary") == "Accept"


@pytest.mark.core
def test_head_conditions_and_methods(listed):
    s = listed.server
    got, head = (s.get(listed, "/sort/", m) for m in ("GET", "HEAD"))
    assert head.status == 200 and head.body == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Cache-Control", "Vary"):
        assert head.get(name) == got.get(name) is not None, name
    assert got.get("ETag").startswith('W/"')
    assert parsedate_to_datetime(got.get("Last-Modified")).timestamp() <= time.time()
    assert "no-cache" in got.get("Cache-Control")
    assert got.get("X-Content-Type-Options") == "nosniff"
    assert "default-src 'none'" in got.get("Content-Security-Policy")
    r = s.get(listed, "/sort/", fields=[("If-None-Match", got.get("ETag"))])
    assert (r.status, r.body, r.get("ETag"), r.get("Vary")) == (
        304, b"", got.get("ETag"), "Accept")
    assert s.get(listed, "/sort/?sort=size", fields=[("If-None-Match", got.get("ETag"))]).status == 200
    r = s.get(listed, "/sort/", fields=[("Range", "bytes=0-9")])
    assert r.status == 200 and r.body == got.body
    r = s.get(listed, "/sort/", "POST", body=b"x")
    assert r.status == 405 and "a.txt" not in r.text


def test_changes_are_seen_at_once(listed):
    before = page(listed, "/empty/")
    assert before.entries == []
    listed.write("empty/new.txt", "new")
    assert page(listed, "/empty/").texts() == ["new.txt"]
    tag = listed.server.get(listed, "/empty/").get("ETag")
    listed.write("empty/new.txt", "longer")  # changes nothing of the directory itself
    assert listed.server.get(listed, "/empty/").get("ETag") != tag
    (listed.root / "empty/new.txt").unlink()
    assert page(listed, "/empty/").entries == []


def test_a_path_cannot_break_the_page(listed):
    name = '"><img src=x onerror=alert(1)>&'
    listed.directory(name)
    r = listed.server.get(listed, "/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E&/")
    assert r.status == 200 and "<img" not in r.text
    assert html.escape(name, quote=True) in r.text
    (listed.root / name).rmdir()


@pytest.mark.alone
def test_too_many_entries(box):
    """10,000 of them are shown, and that there are more is said; others need not wait long."""
    s = box.site("many.test", autoindex=True)
    d = s.directory("d")
    for n in range(10_050):
        (d / f"file-{n}").touch()
    server = box.serve()
    began = time.monotonic()
    p = Page(server.get(s, "/d/"), "/d/")
    assert time.monotonic() - began < 3.0 * SLOW
    assert len(p.entries) == 10_000
    r = server.get(s, "/d/")
    assert re.search(r"too large to be shown whole: these are 10000", r.text)
    r = server.get(s, "/d/", fields=[("Accept", "application/json")])
    assert len(json.loads(r.body)) == 10_000
    assert r.get("X-Listing") == "incomplete"


@pytest.mark.parametrize("policy,mine,his", [
    ("follow", 200, 200), ("owner", 200, 403), ("off", 403, 403)])
def test_links_by_policy(box, policy, mine, his):
    """In a page, and in what the page leads to: the same."""
    if not ROOT and policy == "owner":
        pytest.skip("files of another user need root")
    s = box.site("links.test", autoindex=True, symlinks=policy)
    s.write("d/mine.txt", "mine")
    s.write("d/his.txt", "his", mode=0o644)
    s.write("t/index.html", "an index", mode=0o644)
    s.symlink("d/to-mine", "mine.txt")
    s.symlink("d/to-his", "his.txt")
    s.symlink("i-mine", "d/mine.txt")
    s.directory("idx")
    s.symlink("idx/index.html", "../d/his.txt")
    s.symlink("dirs", "d")
    if ROOT:
        os.chown(s.root / "d/his.txt", s.uid + 500, s.uid + 500)
    server = box.serve()
    for path, status in [("/d/to-mine", mine), ("/d/to-his", his), ("/i-mine", mine),
                         ("/idx/", his), ("/dirs/", mine), ("/dirs/mine.txt", mine),
                         ("/d/mine.txt", 200), ("/d/his.txt", 200)]:
        assert server.get(s, path).status == status, path
    shown = Page(server.get(s, "/d/"), "/d/").texts()
    assert ("to-mine" in shown, "to-his" in shown) == (mine == 200, his == 200)
