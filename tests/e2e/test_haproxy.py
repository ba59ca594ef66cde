"""Hostel behind the real HAProxy and nginx: several boxes, many vhosts, kept connections."""
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from house import REPO, Box, free_port, hostel, started
from procs import SLOW, wait_for
from secure import Secure, certificate
from test_control import status
from test_proxy_protocol import WHO, env
from wire import Client

HAPROXY, NGINX = Path("/usr/sbin/haproxy"), Path("/usr/sbin/nginx")
needs_haproxy = pytest.mark.skipif(not HAPROXY.exists(), reason="no haproxy")
needs_nginx = pytest.mark.skipif(not NGINX.exists(), reason="no nginx")
VHOSTS, USERS = 10000, 4  # over all boxes; on each
EXAMPLE = REPO / "conf/haproxy.cfg"


class Front:
    """A program in front, from its configuration to its end by its pid."""

    def __init__(self, *command, port):
        self.log = open(f"/tmp/hostel-front-{os.getpid()}-{port}.log", "w+b")
        os.unlink(self.log.name)
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        started.add(self.process.pid)
        self.port = port
        wait_for(self.answers, "the port of " + str(command[0]), 10)

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def answers(self):
        assert self.process.poll() is None, self.said()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


# --- the map ------------------------------------------------------------------------------------


@pytest.fixture
def configs(tmp_path):
    """Write the main file of a box; whose users and directories are nowhere."""
    def write(name, vhosts, **main):
        path = tmp_path / name / "hostel.yaml"
        path.parent.mkdir(exist_ok=True)
        rows = [{"user": "nobody-has-this-name", "root": "/no/such/directory", **v}
                for v in vhosts]
        path.write_text(json.dumps({"listen": ["*:80"], **main, "vhosts": rows}, indent=1))
        return path
    return write


def export(*boxes, **more):
    words = [w for name, path in boxes for w in ("--box", f"{name}={path}")]
    for key, value in more.items():
        words += [f"--{key}", str(value)]
    return hostel("export", "haproxy-map", *words)


def rows_of(text):
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_the_map(configs):
    a = configs("a", [{"host": "B.test", "aliases": ["www.b.test", "*.b.test"],
                       "php": {"command": "/no/such/php"}, "jail": "home", "app": "nothing"},
                      {"host": "a.test.", "default": True}],
                acme_challenge_dir="/no/such/place", acceptor_user="nobody-either")
    b = configs("b", [{"host": "c.test", "tls": {"certificate": "/no", "key": "/nor"}}])
    r = export(("one", a), ("two.b", b))
    assert r.returncode == 0 and r.stderr == ""
    assert rows_of(r.stdout) == ["* one", "*.b.test one", "a.test one", "b.test one",
                                 "c.test two.b", "www.b.test one"]


def test_a_name_on_two_boxes(configs):
    a = configs("a", [{"host": "a.test"}, {"host": "both.test", "aliases": ["x.test"]}])
    b = configs("b", [{"host": "b.test", "aliases": ["both.test", "x.test"]}])
    r = export(("one", a), ("two", b))
    assert r.returncode == 1 and r.stdout == ""
    lines = r.stderr.splitlines()
    assert len(lines) == 2
    line_b = 1 + b.read_text()[:b.read_text().index('"user"')].count("\n")
    for line, name in zip(lines, ("both.test", "x.test")):
        m = re.fullmatch(rf"{b}:(\d+): vhost b.test: `{name}` is on box two, and on box one in "
                         rf"{a}:(\d+)", line)
        assert m, line
        assert abs(int(m[1]) - line_b) <= 1 and int(m[2]) > 5


def test_two_defaults_are_said(configs):
    a = configs("a", [{"host": "a.test", "default": True}])
    b = configs("b", [{"host": "b.test", "default": True}])
    r = export(("one", a), ("two", b))
    assert r.returncode == 0 and rows_of(r.stdout)[0] == "* one"
    assert "vhost b.test is the default of box two" in r.stderr


def test_what_is_wrong_is_said(configs, tmp_path):
    good = configs("a", [{"host": "a.test"}])
    bad = configs("b", [{"host": "b.test", "roots": "/x"}])
    r = export(("one", good), ("two", bad))
    assert r.returncode == 1 and r.stdout == "" and "unknown key `roots`" in r.stderr
    assert str(bad) in r.stderr
    assert export(("one", tmp_path / "none")).returncode == 1
    for words in ([], ["haproxy-map"], ["nginx-map", "--box", f"a={good}"],
                  ["haproxy-map", "--box", str(good)], ["haproxy-map", "--box", f"a b={good}"],
                  ["haproxy-map", "--box", f"a={good}", "--box", f"a={good}"],
                  ["haproxy-map", "--box", f"a={good}", "more"]):
        r = hostel("export", *words)
        assert r.returncode == 2 and "hostel export haproxy-map --box" in r.stderr, words


def test_the_file_is_replaced_as_a_whole(configs, tmp_path):
    out = tmp_path / "hostel.map"
    out.write_text("before\n")
    os.link(out, tmp_path / "kept")
    a = configs("a", [{"host": "a.test"}])
    assert export(("one", a), output=out).returncode == 0
    assert rows_of(out.read_text()) == ["a.test one"] and out.stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "kept").read_text() == "before\n"
    assert sorted(os.listdir(tmp_path)) == ["a", "hostel.map", "kept"]
    r = export(("one", a), output=tmp_path / "no" / "such")
    assert r.returncode == 1 and "No such file" in r.stderr


def test_ten_thousand_are_quick(configs):
    boxes = [(f"box{b}", configs(f"{b}", [{"host": f"n{i}.test", "aliases": [f"www.n{i}.test"]}
                                          for i in range(b, VHOSTS, 3)])) for b in range(3)]
    began = time.monotonic()
    r = export(*boxes)
    assert r.returncode == 0 and len(rows_of(r.stdout)) == 2 * VHOSTS
    assert time.monotonic() - began < 3 * SLOW


# --- three boxes ----------------------------------------------------------------------------------


def box_of(i):
    return i % 3


def fill(box, b, port, tls_port):
    """Box b of three: its share of the vhosts, for a few users, and a wildcard."""
    users = [box.site(f"first{u}.box{b}.test", files={"index.html": f"box{b} user{u}\n"})
             for u in range(USERS)]
    tls = certificate(box, f"tls{b}.test")
    rows = [s.vhost for s in users]
    for i in range(b, VHOSTS, 3):
        rows.append({**users[i % USERS].vhost, "host": f"n{i}.test",
                     "headers": [{"set": f"X-Site: n{i}.test"}]})
    rows.append({**users[0].vhost, "host": f"*.wild{b}.test", "default": b == 1,
                 "headers": [{"set": f"X-Site: wild{b}"}], "tls": tls,
                 "aliases": [f"tls{b}.test"]})
    for row in rows:
        row["access_log"] = str(box.logs / "access")
    conf = {"listen": [{"address": f"127.0.0.{b + 2}:{port}", "proxy_protocol": ["127.0.0.0/8"]}],
            "listen_tls": [{"address": f"127.0.0.{b + 2}:{tls_port}",
                            "proxy_protocol": ["127.0.0.0/8"]}],
            "run_dir": str(box.dir / "run"), "error_log": "-", "vhosts": rows}
    return box.write_config(json.dumps(conf))


def haproxy(tmp_path, port, tls_port, boxes, box_port, box_tls_port):
    """The example of the manual, with other addresses."""
    text = EXAMPLE.read_text()
    text = text[:text.index("# Two for each box")]
    text = text.replace("/etc/haproxy/hostel.map", str(tmp_path / "hostel.map"))
    text = text.replace("maxconn 20000", "maxconn 2000")
    text = text.replace("bind :80\n", f"bind 127.0.0.1:{port}\n")
    text = text.replace("bind :443\n", f"bind 127.0.0.1:{tls_port}\n")
    for b in boxes:
        text += (f"backend box{b}\n mode http\n http-reuse always\n"
                 f" server box{b} 127.0.0.{b + 2}:{box_port} send-proxy-v2 check inter 300\n"
                 f"backend tls-box{b}\n mode tcp\n"
                 f" server box{b} 127.0.0.{b + 2}:{box_tls_port} send-proxy-v2 check inter 300\n")
    path = tmp_path / "haproxy.cfg"
    path.write_text(text)
    return Front(HAPROXY, "-db", "-f", path, port=port)


@pytest.mark.root
@needs_haproxy
def test_three_boxes_behind_haproxy(tmp_path):
    """Every host reaches its box and its user; a box that is gone takes its own users along."""
    port, tls_port = free_port(), free_port()
    front_port, front_tls = free_port(), free_port()
    boxes = [Box() for _ in range(3)]
    try:
        paths = [fill(box, b, port, tls_port) for b, box in enumerate(boxes)]
        for box, path in zip(boxes, paths):
            box.start(["--config", path], port)
        assert export(*[(f"box{b}", p) for b, p in enumerate(paths)],
                      output=tmp_path / "hostel.map").returncode == 0
        lines = dict(line.split() for line in rows_of((tmp_path / "hostel.map").read_text()))
        assert all(lines[f"n{i}.test"] == f"box{box_of(i)}" for i in range(VHOSTS))
        assert lines["*"] == "box1" and len(lines) == VHOSTS + 1 + 3 * (USERS + 2)
        with haproxy(tmp_path, front_port, front_tls, range(3), port, tls_port):
            every = int(os.environ.get("HOSTEL_EVERY", 23))  # 1: all of them
            with Client(front_port) as c:
                for i in range(0, VHOSTS, every):
                    r = c.get(f"n{i}.test")
                    assert r.status == 200 and r.get("X-Site") == f"n{i}.test", (i, r)
                    assert r.text == f"box{box_of(i)} user{i % USERS}\n"
                for b in range(3):
                    for host in (f"x.wild{b}.test", f"x.y.z.wild{b}.test", f"X.Wild{b}.Test.:80"):
                        assert c.get(host).get("X-Site") == f"wild{b}", host
                r = c.get("nobody-has.this")
                assert r.get("X-Site") == "wild1" and r.status == 200
            for b in range(3):  # TLS goes through as it is
                with Secure(front_tls, f"tls{b}.test") as c:
                    assert c.get(f"tls{b}.test").text == f"box{b} user0\n"
            seen = {line.split()[0] for box in boxes
                    for line in (box.logs / "access").read_text().splitlines()}
            assert seen == {"127.0.0.1"}  # the client's, which came in the header
            with Client(front_port, source="127.0.0.77") as c:
                assert c.get("n0.test").status == 200
            wait_for(lambda: "127.0.0.77 " in (boxes[0].logs / "access").read_text(),
                     "the visitor's address", 5)

            boxes[1].servers[0].stop()
            wait_for(lambda: Client_status(front_port, "n1.test") == 503, "box 1 is missed", 10)
            with Client(front_port) as c:
                for i in range(0, VHOSTS, 97):
                    r = c.get(f"n{i}.test")
                    assert r.status == (503 if box_of(i) == 1 else 200), (i, r)
                    if r.get("Connection") == "close":
                        c.close()
                        c = Client(front_port)
    finally:
        for box in boxes:
            box.close()


def Client_status(port, host):
    with Client(port) as c:
        return c.get(host).status


# --- kept connections ---------------------------------------------------------------------------


def handed_back(server):
    """How many connections workers have handed back so far."""
    return sum(w.get("handed_back", 0) for u in status(server)["user"] for w in u["workers"])


def two_users(box):
    return (box.site("alice.test", php={"processes": 2}, files={"who.php": WHO}),
            box.site("bob.test", php={"processes": 2}, files={"who.php": WHO}))


def to_and_fro(i):
    """In such an order that no connection is one site's, were there two in turns."""
    return ("alice.test", "bob.test") if i % 3 else ("bob.test", "alice.test")


def logged(site, n):
    wait_for(lambda: len(site.log_lines()) == n, f"{n} log lines", 5)
    return [line.split()[0] for line in site.log_lines()]


@needs_haproxy
def test_one_kept_connection_of_haproxy(box, tmp_path):
    """http-reuse always and PROXY v2: between two users' sites, each visitor stays himself."""
    alice, bob = two_users(box)
    port, front = free_port(), free_port()
    server = box.serve(port=port, listen=[{"address": f"127.0.0.1:{port}",
                                           "proxy_protocol": ["127.0.0.1"]}])
    path = tmp_path / "haproxy.cfg"
    path.write_text(f"defaults\n mode http\n timeout connect 5s\n timeout client 30s\n"
                    f" timeout server 30s\n http-reuse always\n"
                    f"frontend f\n bind 127.0.0.1:{front}\n default_backend b\n"
                    f"backend b\n server s 127.0.0.1:{port} send-proxy-v2\n")
    with Front(HAPROXY, "-db", "-f", path, port=front):
        clients = {f"127.0.0.{n}": Client(front, source=f"127.0.0.{n}") for n in (5, 6)}
        for i in range(10):
            for addr, c in clients.items():
                for host in to_and_fro(i):
                    r = c.get(host, "/who.php", fields=[("X-Forwarded-For", "203.0.113.9")])
                    assert env(r)["REMOTE_ADDR"] == addr, i
        assert handed_back(server) >= 10  # they were kept, and went to and fro
        for c in clients.values():
            c.close()
    for site in (alice, bob):
        assert logged(site, 20) == ["127.0.0.5", "127.0.0.6"] * 10


@pytest.mark.root
@needs_nginx
@pytest.mark.parametrize("close", [False, True])
def test_one_kept_connection_of_nginx(box, tmp_path, close):
    """keepalive 1 and X-Forwarded-For: all visitors and both users on one connection."""
    alice, bob = two_users(box)
    server = box.serve(trusted_proxies=["127.0.0.1"], trusted_proxies_close=close)
    front = free_port()
    path = tmp_path / "nginx.conf"
    path.write_text(f"""daemon off; pid {tmp_path}/pid; error_log stderr; worker_processes 1;
user root; events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;
 fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;
 upstream hostel {{ server 127.0.0.1:{server.port}; keepalive 1; }}
 server {{ listen 127.0.0.1:{front}; location / {{
  proxy_pass http://hostel; proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto https;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}
""")
    with Front(NGINX, "-p", tmp_path, "-c", path, port=front):
        clients = {f"127.0.0.{n}": Client(front, source=f"127.0.0.{n}") for n in (5, 6)}
        for i in range(10):
            for addr, c in clients.items():
                for host in to_and_fro(i):
                    r = c.get(host, "/who.php", fields=[("X-Forwarded-For", "203.0.113.9")])
                    got = env(r)
                    assert got["REMOTE_ADDR"] == addr and got["HTTPS"] == "on", i
                    assert got["HTTP_X_FORWARDED_FOR"] == f"203.0.113.9, {addr}"
        assert handed_back(server) == 0 if close else handed_back(server) >= 10
        for c in clients.values():
            c.close()
    for site in (alice, bob):
        assert logged(site, 20) == ["127.0.0.5", "127.0.0.6"] * 10
