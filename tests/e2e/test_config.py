"""Configurations, right and wrong: each error with the place it stands at."""
import json
import os
import re

import pytest

from house import ROOT, free_port, hostel

GOOD = """\
listen: ["127.0.0.1:{port}"]
run_dir: {dir}/run
vhosts:
  - host: a.test
    user: {user}
    root: {root}
"""
VHOST = GOOD + "    "


def main(line):
    return GOOD.replace("vhosts:", line + "\nvhosts:")


# why, configuration with the place of the error marked by "@@", words of the message
PLACED = [
    ("unknown key", main("@@lissten: []"), ["lissten", "listen"]),
    ("unknown key far from any", main("@@qwertyuiop: 1"), ["qwertyuiop"]),
    ("unknown key of a vhost", VHOST + "@@rooot: /", ["rooot", "root"]),
    ("unknown key of php", VHOST + "php: {{ @@proceses: 2 }}", ["proceses", "processes"]),
    ("key in the wrong place", VHOST + "@@min_uid: 5", ["min_uid"]),
    ("key twice", main("min_uid: 1000\n@@min_uid: 1001"), ["min_uid"]),
    ("vhost key twice", VHOST + "@@host: b.test", ["host"]),
    ("no number", main("acceptors: @@many"), ["acceptors", "number"]),
    ("number with a fraction", main("acceptors: @@1.5"), ["acceptors"]),
    ("negative number", main("acceptors: @@-1"), ["acceptors"]),
    ("number below the range", main("acceptors: @@0"), ["acceptors", "1..64"]),
    ("number above the range", main("acceptors: @@65"), ["acceptors", "1..64"]),
    ("number above every range", main("acceptors: @@99999999999999999999999"), ["acceptors"]),
    ("time without a unit that exists", main("stop_timeout: @@10y"), ["stop_timeout", "time"]),
    ("time in words", main("stop_timeout: @@soon"), ["stop_timeout", "time"]),
    ("time out of range", main("stop_timeout: @@400d"), ["stop_timeout"]),
    ("size in words", main("body_max: @@big"), ["body_max", "size"]),
    ("size with a wrong unit", main("body_max: @@10q"), ["body_max", "size"]),
    ("list where one value is due", main("min_uid: @@[1, 2]"), ["min_uid", "list"]),
    ("value where a list is due", GOOD.replace('["127.0.0.1:{port}"]', "@@127.0.0.1:80"),
     ["listen", "list"]),
    ("mapping where a value is due", VHOST + "index: @@{{a: b}}", ["index", "mapping"]),
    ("no value", main("min_uid: @@~"), ["min_uid"]),
    ("address without a port", GOOD.replace("127.0.0.1:{port}", "127.0.0.1").replace(
        '["', '[@@"'), ["listen"]),
    ("port too large", GOOD.replace("127.0.0.1:{port}", "127.0.0.1:65536").replace(
        '["', '[@@"'), ["listen"]),
    ("port 0", GOOD.replace("127.0.0.1:{port}", "127.0.0.1:0").replace('["', '[@@"'), ["listen"]),
    ("address that is none", GOOD.replace("127.0.0.1:{port}", "300.0.0.1:80").replace(
        '["', '[@@"'), ["listen"]),
    ("relative run_dir", main("pid_file: @@run/hostel.pid"), ["pid_file", "absolute"]),
    ("relative root", GOOD.replace("root: {root}", "root: @@www"), ["root", "absolute"]),
    ("relative log", VHOST + "access_log: @@logs/a", ["access_log", "absolute"]),
    ("host with a space", GOOD.replace("a.test", "@@a b.test"), ["host"]),
    ("host with a slash", GOOD.replace("a.test", "@@a.test/x"), ["host"]),
    ("host with a port", GOOD.replace("a.test", "@@a.test:80"), ["host"]),
    ("wildcard in the middle", GOOD.replace("a.test", "@@a.*.test"), ["host"]),
    ("host empty", GOOD.replace("a.test", '@@""'), ["host"]),
    ("alias that is no host", VHOST + "aliases: [ok.test, @@'no/host']", ["aliases"]),
    ("index with a slash", VHOST + "index: [@@a/b.html]", ["index"]),
    ("index up the tree", VHOST + "index: [@@../x]", ["index"]),
    ("default neither true nor false", VHOST + "default: @@maybe", ["default"]),
    ("workers beyond reason", VHOST + "workers: @@5000", ["workers", "1..64"]),
    ("no PHP process at all", VHOST + "php: {{ processes: @@0 }}", ["processes", "1..256"]),
    ("variable with a bad name", VHOST + "php: {{ env: {{ @@'A B': x }} }}", ["variable"]),
    ("variable that is a list", VHOST + "php: {{ env: {{ A: @@[x] }} }}", ["A"]),
    ("variable of the server's", VHOST + "php: {{ env: {{ @@PHP_FCGI_CHILDREN: 9 }} }}",
     ["PHP_FCGI_CHILDREN"]),
    ("symlinks in a word of its own", VHOST + "symlinks: @@some", ["symlinks", "follow owner"]),
    ("relative fallback", VHOST + "fallback: @@index.php", ["fallback"]),
    ("autoindex neither true nor false", VHOST + "autoindex: @@maybe", ["autoindex"]),
    ("compress_min in words", VHOST + "compress_min: @@small", ["compress_min", "size"]),
    ("connections beyond reason", VHOST + "connections: @@1000001", ["connections"]),
    ("connections_max too small", main("connections_max: @@1"), ["connections_max"]),
    ("no connection for an address", main("connections_per_address: @@0"),
     ["connections_per_address"]),
    ("body_rate in words", main("body_rate: @@slow"), ["body_rate", "size"]),
    ("header set and added", VHOST + "headers: [@@{{set: 'A: b', add: 'A: c'}}]", ["headers"]),
    ("header that frames a message", VHOST + "headers: [{{set: @@'Content-Length: 1'}}]",
     ["set", "server"]),
    ("header of the server", VHOST + "headers: [{{remove: @@Server}}]", ["remove", "server"]),
    ("header with a line break", VHOST + 'headers: [{{set: @@"A: b\\r\\nC: d"}}]',
     ["set", "control"]),
    ("header without a value", VHOST + "headers: [{{add: @@X-A}}]", ["add", "Name: value"]),
    ("header pattern without a slash", VHOST + "headers: [{{remove: A, path: @@a}}]", ["path"]),
    ("header for no status", VHOST + "headers: [{{remove: A, status: @@6xx}}]", ["status"]),
    ("expires of no media type", VHOST + "expires: {{@@png: 1d}}", ["expires", "png"]),
    ("expires at no time", VHOST + "expires: {{image/png: @@never}}", ["image/png", "time"]),
    ("redirect to nowhere", VHOST + "redirects: [@@{{from: /a}}]", ["to"]),
    ("redirect to a visitor's host", VHOST + "redirects: [{{from: /*, to: @@'https://$1/'}}]",
     ["to", "host"]),
    ("redirect to another scheme", VHOST + "redirects: [{{from: /a, to: @@'file:///etc'}}]",
     ["to"]),
    ("redirect with too many captures", VHOST + "redirects: [@@{{from: /a, to: /$1}}]", ["$1"]),
    ("redirect with no redirect's status",
     VHOST + "redirects: [{{from: /a, to: /b, status: @@200}}]", ["status", "301"]),
    ("page for no error", VHOST + "error_pages: {{@@200: /a}}", ["error_pages", "200"]),
    ("page up the tree", VHOST + "error_pages: {{404: @@/../a}}", ["404"]),
    ("page twice", VHOST + "error_pages: {{404: /a, @@404: /b}}", ["404", "twice"]),
    ("passwords without a realm", VHOST + "auth_basic: @@{{file: /h}}", ["realm"]),
    ("passwords in a relative file", VHOST + "auth_basic: {{realm: R, file: @@h}}", ["file"]),
    ("passwords without anything", VHOST + "auth_basic: @@[]", ["auth_basic"]),
    ("realm with a quote", VHOST + "auth_basic: {{file: /h, realm: @@'a\"b'}}", ["realm"]),
    ("allow nobody", VHOST + "allow: @@[]", ["allow"]),
    ("allow a name", VHOST + "allow: [@@friend.test]", ["allow", "address"]),
    ("deny with bits behind the prefix", VHOST + "deny: [@@10.0.0.1/8]", ["deny", "prefix"]),
    ("php is a number", VHOST + "php: @@4", ["php"]),
    ("vhosts is no list", "vhosts: @@a.test\n", ["vhosts"]),
    ("vhost is no mapping", main("").replace("vhosts:", "vhosts:\n  - @@just words"), []),
    ("an alias of YAML", main("pid_file: @@&x /a"), ["alias"]),
    ("a tag of YAML", main("pid_file: @@!!str /a"), ["tag"]),
    ("bad YAML", main("acceptors: [1, 2"), []),
    ("tab for indentation", GOOD.replace("    user:", "\tuser:"), []),
    ("include without a file", main("include: @@missing.yaml"), ["include", "missing.yaml"]),
]

# why, configuration, name of the vhost (None: of the file), words
MEANT = [
    ("user does not exist", GOOD.replace("{user}", "no-such-user"), "a.test", ["no-such-user"]),
    ("group does not exist", VHOST + "group: no-such-group", "a.test", ["no-such-group"]),
    ("user root", GOOD.replace("{user}", "root"), "a.test", ["root", "0"]),
    ("user 0", GOOD.replace("{user}", "0"), "a.test", ["0"]),
    ("group 0", VHOST + "group: 0", "a.test", ["0"]),
    ("group by name 0", VHOST + "group: root", "a.test", ["0"]),
    ("uid below min_uid", GOOD.replace("{user}", "999"), "a.test", ["999", "min_uid"]),
    ("system user", GOOD.replace("{user}", "daemon"), "a.test", ["daemon", "min_uid"]),
    ("gid below min_uid", VHOST + "group: 999", "a.test", ["999", "min_uid"]),
    ("min_uid raised", main("min_uid: 60000").replace("{user}", "59999"), "a.test", ["min_uid"]),
    ("root does not exist", GOOD.replace("{root}", "{root}/missing"), "a.test", ["missing"]),
    ("root is a file", GOOD.replace("{root}", "/etc/passwd"), "a.test", ["directory"]),
    ("php command is missing", VHOST + "php: {{ command: /no/php }}", "a.test", ["/no/php"]),
    ("php command not executable", VHOST + "php: {{ command: /etc/passwd }}", "a.test",
     ["/etc/passwd", "executable"]),
    ("php ini missing", VHOST + "php: {{ ini: /no/php.ini }}", "a.test", ["/no/php.ini"]),
    ("host twice", GOOD + "  - {{host: a.test, user: {user}, root: {root}}}\n", "a.test",
     ["a.test", "already"]),
    ("host twice, in other letters", GOOD + "  - {{host: A.TEST, user: {user}, root: {root}}}\n",
     "a.test", ["already"]),
    ("host twice, with a final dot", GOOD + "  - {{host: a.test., user: {user}, root: {root}}}\n",
     "a.test", ["already"]),
    ("alias is another's host",
     GOOD + "  - {{host: b.test, aliases: [a.test], user: {user}, root: {root}}}\n", "b.test",
     ["a.test"]),
    ("two defaults", VHOST + "default: true\n"
     "  - {{host: b.test, user: {user}, root: {root}, default: true}}\n", "b.test", ["default"]),
    ("no vhosts", 'listen: ["127.0.0.1:80"]\n', None, ["vhost"]),
    ("no such acceptor_user", main("acceptor_user: nobody-at-all"), None, ["nobody-at-all"]),
    ("acceptor_user root", main("acceptor_user: root"), None, ["0"]),
]


@pytest.fixture
def make(box):
    """Write a configuration with its blanks filled in; gives its path and the marked place."""
    site = box.site("site.test")
    user = site.uid if ROOT else os.getuid()

    def write(text, name="hostel.yaml"):
        text = text.format(port=free_port(), dir=box.dir, root=site.root, user=user)
        before, mark, after = text.partition("@@")
        lines = before.split("\n")
        place = f"{len(lines)}:{len(lines[-1]) + 1}" if mark else None
        return box.write_config(before + after, name), place
    return write


def errors(path):
    r = hostel("check", "--config", path)
    assert r.returncode == 1, (r.returncode, r.stdout, r.stderr)
    assert "ok" not in r.stdout.split()
    return (r.stdout + r.stderr).splitlines()


@pytest.mark.core
def test_good(make):
    path, _ = make(GOOD)
    r = hostel("check", "--config", path)
    assert (r.returncode, r.stdout.strip()) == (0, "ok"), r


@pytest.mark.core
@pytest.mark.parametrize("text,words", [pytest.param(t, w, id=why) for why, t, w in PLACED])
def test_errors_have_a_place(make, text, words):
    path, place = make(text)
    lines = errors(path)
    wanted = rf"{re.escape(str(path))}:{place or r'[0-9]+:[0-9]+'}: ."
    hit = [line for line in lines if re.match(wanted, line)]
    assert hit, f"no {wanted} in {lines}"
    for word in words:
        assert word in hit[0], hit[0]


@pytest.mark.root
@pytest.mark.core
@pytest.mark.parametrize("text,vhost,words",
                         [pytest.param(t, v, w, id=why) for why, t, v, w in MEANT])
def test_errors_of_meaning(make, text, vhost, words):
    path, _ = make(text)
    lines = errors(path)
    start = rf"{path}:\d+: vhost {re.escape(vhost)}: " if vhost else re.escape(str(path))
    hit = [line for line in lines if re.match(start, line)]
    assert hit, f"no {start} in {lines}"
    assert any(all(word in line for word in words) for line in hit), hit


def test_every_error_is_told(make):
    path, _ = make("""\
listen: ["nonsense"]
acceptors: 99
colour: blue
vhosts:
  - host: a.test
    user: {user}
    root: relative
  - host: "b test"
    user: {user}
    root: {root}
  - user: {user}
""")
    lines = "\n".join(errors(path))
    for word in (":1:", ":2:", ":3:", ":7:", ":8:", ":11:"):
        assert word in lines, f"{word} is missing in\n{lines}"


def test_missing_directives(make):
    for key in ("host", "user", "root"):
        text = "\n".join(line for line in GOOD.splitlines() if f" {key}:" not in line)
        if key == "host":
            text = text.replace("    user:", "  - user:")
        path, _ = make(text + "\n")
        assert any(key in line for line in errors(path)), key


def test_file_that_is_not_there(box):
    assert str(box.dir / "none.yaml") in errors(box.dir / "none.yaml")[0]
    assert errors(box.dir), "a directory is no configuration"


@pytest.mark.parametrize("data", [
    pytest.param(b"", id="empty"), pytest.param(b"# only a comment\n", id="comment"),
    pytest.param(b"\xff\xfe\x00", id="no UTF-8"), pytest.param(b"\x00" * 100, id="NULs"),
    pytest.param(b"[" * 100000, id="deep"), pytest.param(b"a: " * 1000, id="nested mappings"),
    pytest.param(b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", id="bomb"),
    pytest.param(b"--- {}\n--- {}\n", id="two documents"),
    pytest.param(b"just words", id="words"), pytest.param(b"- a\n- b\n", id="a list"),
])
def test_nonsense_is_an_error_not_a_crash(box, data):
    path = box.dir / "bad.yaml"
    path.write_bytes(data)
    assert all(line.startswith(str(path)) for line in errors(path))


def test_control_characters_are_escaped(make):
    path, _ = make('"\\e[31mred": 1\n')
    assert "\x1b" not in "\n".join(errors(path))


@pytest.mark.core
def test_includes(box, make):
    text = GOOD.split("vhosts:")[0] + "include: sites/*.yaml\n"
    site = "vhosts:\n  - {{{{host: {name}, user: {{user}}, root: {{root}}}}}}\n"
    path, _ = make(text)
    make(site.format(name="one.test"), "sites/one.yaml")
    make(site.format(name="two.test"), "sites/two.yaml")
    assert hostel("check", "--config", path).returncode == 0
    broken, _ = make(site.format(name="'no host'"), "sites/three.yaml")
    lines = errors(path)
    assert all(line.startswith(f"{broken}:2:") for line in lines), lines
    make(site.format(name="one.test"), "sites/three.yaml")
    lines = "\n".join(errors(path))
    assert "one.yaml" in lines and "three.yaml" in lines, "both files are named"
    os.unlink(box.dir / "sites/three.yaml")
    make("vhosts: []\ninclude: other.yaml\n", "sites/four.yaml")
    assert any("four.yaml:2:1" in line for line in errors(path))


def test_json_is_accepted(box, make):
    path, _ = make(GOOD)
    s = box.sites[0]
    path.write_text(json.dumps({"listen": ["127.0.0.1:80"], "vhosts": [
        {"host": "j.test", "user": s.vhost["user"], "root": str(s.root), "php": {}}]}))
    assert hostel("check", "--config", path).stdout.strip() == "ok"


def test_units(make):
    for line in ("stop_timeout: 500ms", "stop_timeout: 5s", "stop_timeout: 1m",
                 "stop_timeout: 1h", "stop_timeout: 1d", "body_max: 100", "body_max: 10k",
                 "body_max: 10m", "body_max: 2g", "access_log: off", "access_log: '-'",
                 "acceptors: 2"):
        path, _ = make(main(line))
        assert hostel("check", "--config", path).returncode == 0, line


def test_many_vhosts_in_little_time(make):
    rows = "".join(f"  - {{{{host: h{n}.test, user: {{user}}, root: {{root}}}}}}\n"
                   for n in range(20000))
    path, _ = make("vhosts:\n" + rows)
    r = hostel("check", "--config", path, timeout=20)
    assert r.stdout.strip() == "ok", r.stderr[:500]


@pytest.mark.core
def test_a_worker_takes_every_directive(box):
    """As many rules as may be, each as long as may be: a worker refuses what it cannot hold."""
    rest = "x" * 8000
    full = {
        "autoindex": True, "compress": False, "compress_min": "0", "symlinks": "owner",
        "fallback": "/index.html", "connections": 100,
        "headers": [{"set": f"X-Long: {rest}", "path": "/long*", "status": "4xx"}]
        + [{"add": f"X-{n}: {n}", "path": "/none", "status": "500-599"} for n in range(255)],
        "expires": {f"image/x{n}": "1d" for n in range(256)},
        "redirects": [{"from": f"/old{n}/*", "to": f"/new{n}/$1", "status": 307}
                      for n in range(256)],
        "error_pages": {n: "/sorry.html" for n in range(400, 600)},
        "auth_basic": [{"realm": "Members", "file": "/none", "path": "/members/*"}],
        "allow": ["all"] + [f"10.0.{n}.0/24" for n in range(200)],
        "deny": ["2001:db8::/32"],
    }
    a = box.site("a.test", files={"index.html": "full\n"}, **full)
    b = box.site("b.test", uid=a.uid, files={"index.html": "plain\n"})
    server = box.serve(connections_max=100, connections_per_address=10, body_rate="1k")
    assert server.get(a, "/index.html").text == "full\n"
    assert server.get(b, "/index.html").text == "plain\n"


@pytest.mark.core
def test_explain():
    everything = hostel("check", "--explain")
    assert everything.returncode == 0
    for name in ("listen", "acceptors", "acceptor_user", "run_dir", "pid_file", "error_log",
                 "access_log", "min_uid", "stop_timeout", "include", "vhosts", "host", "aliases",
                 "user", "group", "root", "index", "workers", "idle_exit", "default", "php",
                 "command", "processes", "max_requests", "ini", "env", "body_max", "body_rate",
                 "connections_max", "connections_per_address", "connections", "autoindex",
                 "compress", "compress_min", "symlinks", "fallback", "headers", "expires",
                 "redirects", "error_pages", "auth_basic", "allow", "deny"):
        assert re.search(rf"\b{name}\b", everything.stdout), name
    one = hostel("check", "--explain", "php.processes")
    assert one.returncode == 0 and "4" in one.stdout and "listen" not in one.stdout
    wrong = hostel("check", "--explain", "procesess")
    assert wrong.returncode != 0 and "processes" in wrong.stderr


def test_command_line():
    for args in ([], ["srve"], ["serve", "--confg", "x"], ["check", "more", "words"],
                 ["serve", "--config", "a", "--root", "b"], ["confine"],
                 ["confine", "king", "1000", "--", "true"]):
        r = hostel(*args)
        assert r.returncode not in (0, -11, -6) and r.stderr, args
    assert "serve" in hostel("srve").stderr
    assert hostel("--help").returncode == 0 and "confine" in hostel("--help").stdout
    assert hostel("--version").stdout.startswith("hostel ")
