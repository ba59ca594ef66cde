"""Access and error logs: their lines, their escapes, and who cannot plant what in their way."""
import json
import os
import re
import signal
import socket
import stat
import time

import pytest

from house import hostel
from procs import SLOW, wait_for
from test_control import status
from wire import Cut

COMBINED = re.compile(
    r'(\S+) (\S+) (\S+) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] '
    r'"((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"')


@pytest.fixture
def logged(box):
    s = box.site("log.test", files={"index.html": "12345"})
    server = box.serve()

    def last(n):
        """The n-th line of the log, as its fields."""
        line = wait_for(lambda: len(s.log_lines()) >= n and s.log_lines()[n - 1], "a log line")
        m = COMBINED.fullmatch(line)
        assert m, line
        return m.groups()
    return s, server, last


@pytest.mark.core
def test_combined_format(logged):
    s, server, last = logged
    server.get(s, "/index.html?q=1", fields=[("Referer", "http://ref/"), ("User-Agent", "UA/1")])
    host, ident, user, _, request, status, size, referer, agent = last(1)
    assert (host, ident, user) == ("127.0.0.1", "-", "-")
    assert request == "GET /index.html?q=1 HTTP/1.1"
    assert (status, size, referer, agent) == ("200", "5", "http://ref/", "UA/1")
    server.get(s, "/missing", "HEAD")
    assert last(2)[4:] == ("HEAD /missing HTTP/1.1", "404", "0", "-", "-") or \
        last(2)[4:] == ("HEAD /missing HTTP/1.1", "404", "-", "-", "-")


@pytest.mark.core
def test_quotes_and_controls_are_escaped(logged):
    """A visitor cannot write a second line, end a field, or talk to a terminal."""
    s, server, last = logged
    evil = 'a"b\\c\td\x80\xff'
    server.get(s, "/x%22y", fields=[("User-Agent", evil), ("Referer", '" 200 0 "fake')])
    text = s.access_log.read_bytes() if last(1) else b""
    assert text.count(b"\n") == 1
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]", text)
    assert last(1)[4:6] == ("GET /x%22y HTTP/1.1", "404")
    assert last(1)[8].startswith(r"a\x22b\x5cc\x09d") or last(1)[8].startswith('a\\"b')


def test_long_fields_are_bounded(logged):
    s, server, last = logged
    server.get(s, "/" + "p" * 6000, fields=[("User-Agent", "u" * 6000)])
    assert last(1)[4].startswith("GET /ppp")
    assert len(s.log_lines()[0]) <= 8192


def test_lines_of_kept_and_pipelined_requests(logged):
    s, server, last = logged
    with server.client() as c:
        c.send("".join(f"GET /?{n} HTTP/1.1\r\nHost: log.test\r\n\r\n" for n in range(50)))
        for _ in range(50):
            c.answer()
    last(50)
    assert [COMBINED.fullmatch(line)[5] for line in s.log_lines()] == \
        [f"GET /?{n} HTTP/1.1" for n in range(50)]


@pytest.mark.parametrize("form", ["combined", "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" "
                                  "\"%{X-Own}i\""])
def test_lines_of_slow_readers(box, form):
    """Who takes an answer slowly costs little meanwhile; his line says all that others' say."""
    size = 24 << 20  # more than sockets take
    s = box.site("slow.test", files={"big": b"x" * size}, log_format=form)
    server = box.serve()
    fields = [("Referer", "http://ref/"), ("Cookie", "c" * 500),
              ("User-Agent" if form == "combined" else "X-Own", "UA/1")]
    with server.client() as done, server.client() as cut:
        for c in (done, cut):
            c.ask(s.host, "/big?q=1", fields=fields)
        got = 0
        while got < size:
            if got // (6 << 20) < (got := got + len(done.sock.recv(1 << 20))) // (6 << 20):
                time.sleep(0.3)  # laid down in between
        wait_for(lambda: len(s.log_lines()) == 1, "the line of who took it all")
    wait_for(lambda: len(s.log_lines()) == 2, "a line each")
    for line, whole in zip(s.log_lines(), (True, False)):
        _, _, _, _, request, status, sent, referer, agent = COMBINED.fullmatch(line).groups()
        assert (request, status) == ("GET /big?q=1 HTTP/1.1", "200")
        assert (referer, agent) == ("http://ref/", "UA/1")
        assert int(sent) == size if whole else 0 < int(sent) < size


@pytest.mark.core
def test_each_vhost_its_own(box):
    a = box.site("a.test", files={"index.html": "a"})
    b = box.site("b.test", files={"index.html": "b"})
    off = box.site("off.test", access_log="off", files={"index.html": "c"})
    dash = box.site("dash.test", access_log="-", files={"index.html": "d"})
    server = box.serve()
    for s in (a, b, off, dash):
        assert server.get(s, f"/?from-{s.host}").status == 200
    wait_for(lambda: a.log_lines() and b.log_lines(), "two logs")
    wait_for(lambda: "from-dash.test" in server.stderr, "`-` is standard error")
    assert "from-a.test" in a.access_log.read_text()
    assert "from-b" not in a.access_log.read_text() and "from-a" not in b.access_log.read_text()
    server.stop()
    everything = server.stderr + "".join(p.read_text() for p in box.logs.iterdir())
    assert "from-off" not in everything


def test_main_log_is_the_default(box):
    s = box.site("d.test", files={"index.html": "d"})
    del s.vhost["access_log"]
    log = box.logs / "main.log"
    server = box.serve(access_log=str(log))
    server.get(s, "/?by-default")
    wait_for(lambda: log.exists() and "by-default" in log.read_text(), "a line in the main log")


def test_refused_heads_are_no_log_injection(logged):
    s, server, last = logged
    with server.client() as c:
        c.get("log.test")
        c.send("GET /\x01\x1b[31m HTTP/1.1\r\nHost: log.test\r\n\r\n")
        c.closed()
    last(1)
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", s.access_log.read_bytes())


def json_lines(site):
    return [json.loads(line) for line in site.log_lines()]


@pytest.mark.core
def test_json_lines(box):
    """One object a line, whatever bytes a visitor sends; its members are always all there."""
    s = box.site("log.test", files={"index.html": "12345"}, log_format="json")
    server = box.serve()
    evil = 'a"b\\c\td\xe9\x80'
    server.get(s, "/?q=1", fields=[("User-Agent", evil), ("Referer", "http://ref/")])
    server.get(s, "/none", "HEAD")
    first, second = wait_for(lambda: len(s.log_lines()) == 2 and json_lines(s), "two lines")
    assert list(first) == list(second) == [
        "time", "request_id", "vhost", "user", "client", "remote_user", "tls", "method", "target",
        "protocol", "host", "referer", "user_agent", "status", "bytes", "duration_us",
        "upstream_us"]
    assert first["user_agent"] == evil
    assert (first["method"], first["target"], first["protocol"]) == ("GET", "/?q=1", "HTTP/1.1")
    assert (first["status"], first["bytes"], first["referer"]) == (200, 5, "http://ref/")
    assert (first["vhost"], first["client"]) == ("log.test", "127.0.0.1")
    assert first["host"].split(":")[0] == "log.test"
    assert first["tls"] is first["upstream_us"] is first["remote_user"] is None
    assert first["user"] and 0 <= first["duration_us"] < 60e6
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first["time"])
    assert re.fullmatch("[0-9a-f]{32}", first["request_id"])
    assert first["request_id"] != second["request_id"]
    assert (second["status"], second["bytes"], second["referer"]) == (404, 0, None)


@pytest.mark.core
def test_lines_of_a_format(box):
    """Each vhost its own; the main one's is the default."""
    a = box.site("a.test", files={"index.html": "12345", "go.txt": "x"},
                 log_format='%m %U%q %H %>s %B %v %V %p "%{X-Mine}i" %{Content-Type}o %{tls}x %%')
    b = box.site("b.test", files={"index.html": "1"})
    server = box.serve(log_format="%{usec}t %D %{request_id}x %{upstream_us}x")
    server.get(a, "/go.txt?x=%22", fields=[("X-Mine", 'a"b')])
    server.get(b)
    line = wait_for(lambda: a.log_lines(), "a line of one site")[0]
    m = re.fullmatch(r'GET /go.txt\?x=%22 HTTP/1.1 200 1 a.test a.test (\d+) "a\\x22b" '
                     r'text/plain\S*(?:; charset=\S+)? - %', line)
    assert m, line
    assert int(m[1]) == server.port
    line = wait_for(lambda: b.log_lines(), "a line of the other")[0]
    m = re.fullmatch(r"(\d{16}) (\d+) [0-9a-f]{32} -", line)
    assert m, line
    assert abs(int(m[1]) / 1e6 - time.time()) < 60


def test_a_request_has_one_name(box):
    """In the access log and for the script; how long PHP had it stands beside."""
    s = box.site("log.test", php={"processes": 1}, log_format="%{request_id}x %{upstream_us}x %D",
                     files={"id.php": "<?php usleep(20000); echo $_SERVER['UNIQUE_ID'];"})
    server = box.serve()
    names = [server.get(s, "/id.php").body.decode() for _ in range(3)]
    lines = wait_for(lambda: len(s.log_lines()) == 3 and s.log_lines(), "three lines")
    assert [line.split()[0] for line in lines] == names
    assert len(set(names)) == 3
    for line in lines:
        upstream, took = map(int, line.split()[1:])
        assert 20000 <= upstream <= took


def test_a_wrong_format_is_found_at_the_check(box):
    s = box.site("log.test", log_format="%h %Q")
    path, _ = box.config()
    r = hostel("check", "--config", path)
    assert r.returncode == 1
    assert re.search(r"\S+:\d+:\d+: `log_format` is no directive: `%Q` at byte 4", r.stderr +
                     r.stdout), r


@pytest.mark.core
def test_a_log_of_each_user_and_site(box):
    """%{user} and %{vhost} in the main file's access_log."""
    sites = [box.site(f"{name}.test", files={"index.html": "x"}) for name in "ab"]
    for s in sites:
        del s.vhost["access_log"]
    server = box.serve(access_log=str(box.logs / "%{user}-%{vhost}.log"))
    for s in sites:
        server.get(s, "/?" + s.host)
    for s in sites:
        log = wait_for(lambda: list(box.logs.glob(f"*-{s.host}.log")), "its log")[0]
        wait_for(lambda: s.host in log.read_text(), "its line")
        assert len(log.read_text().splitlines()) == 1


@pytest.mark.core
def test_error_lines_say_whom_they_are_about(box):
    """Time, process, user, vhost, client, request: the one that the access log has, too."""
    s = box.site("log.test", php={"processes": 1}, log_format="%{request_id}x %U %{user}x",
                 files={"bad.php": "<?php header('X: 1'); error_log(\"a\\x1b[2Jb\"); echo 1;",
                        "dead.php": "<?php posix_kill(getmypid(), 9);"})
    server = box.serve()
    assert server.get(s, "/bad.php").status == 200
    assert server.get(s, "/dead.php").status == 502
    names = wait_for(lambda: len(s.log_lines()) == 2 and
                     [line.split() for line in s.log_lines()], "two lines")
    wait_for(lambda: "/dead" in s.log_lines()[1] and s.errors().count("[request") >= 2, "errors")
    for (name, _, user), word, text in zip(names, ("php", "error"), (r"a\x1b[2Jb", "PHP")):
        assert re.search(
            rf"^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ hostel-worker\[\d+\] {re.escape(user)}: {word}: "
            rf"\[vhost log.test\] \[client 127.0.0.1\] \[request {name}\] .*{re.escape(text)}",
            s.errors(), re.M), (name, s.errors())


@pytest.mark.core
def test_log_level_and_its_change(box):
    """For all processes, and by a reload, which ends none of them."""
    s = box.site("log.test", files={"index.html": "x"})
    box.site("other.test")  # of another user: so the acceptor is in the way
    server = box.serve(log_level="error")
    assert server.get(s, "/none?1").status == 404
    assert "answered 404" not in s.errors()
    before = server.workers(s) + server.acceptors()
    path, _ = box.config(port=server.port, log_level="debug")
    assert hostel("reload", "--config", path).returncode == 0
    wait_for(lambda: server.get(s, "/none?2").status == 404 and "answered 404" in s.errors(),
             "debugging lines", 10)
    assert re.search(r"debug: \[vhost log.test\] \[client 127.0.0.1\] \[request [0-9a-f]{32}\] "
                     r"answered 404: GET /none\?2", s.errors())
    assert server.get("unknown.test").status in (404, 421)
    wait_for(lambda: re.search(r"hostel-acceptor\[\d+\]: debug: ", server.stderr), "its line")
    assert server.workers(s) + server.acceptors() == before
    assert "/none?1" not in s.errors()


class Daemon:
    """What listens at a syslog socket, and may go away."""

    def __init__(self, path):
        self.path, self.lines = path, []
        self.start()

    def start(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        os.chmod(self.path, 0o666)
        self.sock.settimeout(0.1)

    def stop(self):
        self.sock.close()
        self.path.unlink()

    def heard(self, text):
        try:
            while True:
                self.lines.append(self.sock.recv(65536).decode())
        except TimeoutError:
            return [line for line in self.lines if text in line]


@pytest.fixture
def daemon(box):
    d = Daemon(box.dir / "log")
    yield d
    d.sock.close()


SYSLOG = r"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "


@pytest.mark.core
def test_syslog_lines(box, daemon):
    """Access lines of a site, its errors and PHP's words, the server's own."""
    to = f"socket={daemon.path}"
    s = box.site("log.test", php={"processes": 1}, access_log=f"syslog:local3,tag=web-%{{vhost}},{to}",
                 error_log=f"syslog:local4,{to}",
                 files={"index.html": "x", "oh.php": "<?php error_log('oh');",
                        "e.php": "<?php posix_kill(getmypid(), 9);"})
    server = box.serve(error_log=f"syslog:{to}", log_level="debug")
    assert server.get(s, "/?1").status == 200
    assert server.get(s, "/oh.php").status == 200
    assert server.get(s, "/e.php").status == 502
    line = wait_for(lambda: daemon.heard("GET /?1 "), "an access line")[0]
    assert re.fullmatch(SYSLOG + r'web-log.test\[\d+\]: 127.0.0.1 - - \[[^]]+\] "GET /\?1 HTTP/1.1" '
                        r'200 1 "-" "-"', line), line
    assert line.startswith(f"<{19 * 8 + 6}>")
    line = wait_for(lambda: daemon.heard(": error: [vhost"), "an error")[0]
    assert re.match(SYSLOG + r"hostel\[\d+\]: hostel-worker\[\d+\] \S+ ?.*: error: \[vhost log.test\] ",
                    line), line
    assert line.startswith(f"<{20 * 8 + 3}>")
    assert wait_for(lambda: daemon.heard("] oh"), "PHP's words")
    line = wait_for(lambda: daemon.heard("is started"), "the server's own")[0]
    assert re.match(SYSLOG + r"hostel\[\d+\]: hostel\[\d+\]: debug: ", line), line
    assert line.startswith(f"<{3 * 8 + 7}>")
    assert all("\n" not in line for line in daemon.lines)


@pytest.mark.core
def test_syslog_daemon_comes_and_goes(box, daemon):
    """It is missing at the start, comes, does not read, is restarted: serving never minds."""
    daemon.stop()
    s = box.site("log.test", access_log=f"syslog:socket={daemon.path}", files={"index.html": "x"})
    server = box.serve()
    assert server.get(s, "/?before").status == 200
    wait_for(lambda: "lines are lost until it can be written" in server.stderr, "it is said", 10)
    daemon.start()
    wait_for(lambda: daemon.heard("GET /?before "), "what was kept meanwhile", 10)
    with server.client() as c:
        for n in range(12000):  # more than a socket and a ring hold: it does not read now
            assert c.get(s.host, f"/?{n}", fields=[("User-Agent", "u" * 150)]).status == 200
    daemon.stop()
    assert server.get(s, "/?while-gone").status == 200
    daemon.start()
    wait_for(lambda: server.get(s, "/?after").status == 200 and daemon.heard("GET /?after "),
             "lines again", 20)
    assert server.stderr.count("No such file") + server.stderr.count("refused") <= 2


def test_syslog_targets_are_checked(box):
    s = box.site("log.test", access_log="syslog:kernel")
    path, _ = box.config()
    r = hostel("check", "--config", path)
    assert r.returncode == 1
    assert "facility" in r.stderr + r.stdout and "kernel" in r.stderr + r.stdout, r


@pytest.mark.root
def test_logs_are_not_the_users_to_write(logged):
    s, server, last = logged
    server.get(s)
    last(1)
    st = s.access_log.stat()
    assert st.st_uid == 0 and not st.st_mode & 0o022
    assert stat.S_IMODE(st.st_mode) & 0o007 == 0, "nor the others' to read"


@pytest.mark.root
@pytest.mark.core
@pytest.mark.parametrize("plant", ["symlink", "hard link", "fifo", "directory", "user's file",
                                   "user's directory", "writable directory"])
def test_planted_log_paths_are_refused(box, plant):
    """Root opens the logs: what a user could have put there is refused, with one line."""
    s = box.site("plant.test")
    victim = box.dir / "victim"
    victim.write_text("precious\n")
    log = s.access_log
    if plant == "symlink":
        log.symlink_to(victim)
    elif plant == "hard link":
        os.link(victim, log)
    elif plant == "fifo":
        os.mkfifo(log)
    elif plant == "directory":
        log.mkdir()
    elif plant == "user's file":
        log.write_text("")
        os.chown(log, s.uid, s.uid)
    elif plant == "user's directory":
        s.vhost["access_log"] = str(s.home / "access.log")
    else:
        box.logs.chmod(0o777)
    path, _ = box.config()
    r = hostel("serve", "--config", path)
    assert r.returncode == 1, r
    assert "log" in r.stderr and "ready" not in r.stderr
    assert victim.read_text() == "precious\n"


@pytest.fixture
def small_disk(box):
    """A file system with room for 64 KiB."""
    mount = box.dir / "full"
    mount.mkdir()
    if os.system(f"mount -t tmpfs -o size=64k,mode=755 tmpfs {mount} 2>/dev/null") != 0:
        pytest.skip("cannot mount here")
    yield mount
    os.system(f"umount -l {mount}")


def lost_bytes(server, site):
    return next(u for u in status(server)["user"] if u["uid"] == site.uid)["log_lost_bytes"]


@pytest.mark.root
@pytest.mark.core
def test_full_disk_stops_logging_and_not_serving(box, small_disk):
    """And says so once; lines go on when there is room, the cut one ended. No byte is unaccounted."""
    s = box.site("full.test", files={"index.html": "served"})
    log = small_disk / "log"
    filler = small_disk / "filler"
    s.vhost["access_log"] = str(log)
    filler.write_bytes(b"x" * 45000)
    server = box.serve()
    with server.client() as c:
        for n in range(1500):
            assert c.get(s.host, f"/?{n}", fields=[("User-Agent", "x" * 200)]).status == 200
        wait_for(lambda: "No space left" in server.stderr, "it is said", 10)
        first = len(log.read_text().splitlines()[0]) + 1
        put = sum(first - 1 + len(str(n)) for n in range(1500))
        # none is on its way any more: what follows meets an empty ring, and a disk with room
        wait_for(lambda: log.stat().st_size + lost_bytes(server, s) == put, "every byte's end", 10)
        lost = lost_bytes(server, s)
        assert lost > 100000
        filler.unlink()
        for n in range(1500, 1600):
            assert c.get(s.host, f"/?{n}").status == 200
    wait_for(lambda: "/?1599 " in log.read_text(), "logging goes on", 10)
    wait_for(lambda: "written again; " in server.stderr, "that is said too", 10)
    assert server.stderr.count("No space left") == 1
    lines = log.read_text().splitlines()
    broken = [line for line in lines if not COMBINED.fullmatch(line)]
    assert len(broken) <= 1, broken
    assert [n for n in range(1500, 1600) if f"/?{n} " not in log.read_text()] == []
    assert int(re.search(r"again; (\d+) bytes", server.stderr)[1]) == lost
    shown = hostel("status", "--run-dir", box.dir / "run").stdout
    assert f"logs: {lost} bytes of lines lost" in shown
    server.stop()


@pytest.mark.root
def test_error_logs_on_a_full_disk(box, small_disk):
    """A site's, to which PHP writes much, and the server's own: nobody waits for either."""
    s = box.site("full.test", php={"processes": 1}, files={
        "index.html": "served",
        "loud.php": "<?php for ($i = 0; $i < 500; $i++) error_log(str_repeat('x', 200)); echo 1;"})
    s.vhost["error_log"] = str(small_disk / "site")
    server = box.serve(error_log=str(small_disk / "server"))
    for _ in range(4):
        assert server.get(s, "/loud.php").body == b"1"
        assert server.get(s, "/").status == 200
    assert (small_disk / "site").stat().st_size > 30000
    server.stop()
    assert server.stderr.count("error log") <= 1


@pytest.mark.root
@pytest.mark.core
def test_only_the_supervisor_has_a_logs_descriptor(box):
    """Whoever has one can cut the log, or write over it: append-only is a flag that goes off."""
    s = box.site("log.test", php={"processes": 1}, files={"index.html": "x", "a.php": "<?php "})
    server = box.serve()
    assert server.get(s, "/a.php").status == server.get(s).status == 200
    wait_for(lambda: s.log_lines(), "a line")
    logs = {os.stat(s.access_log).st_ino, os.stat(s.error_log).st_ino}

    def held(pid):
        found = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.add(os.stat(f"/proc/{pid}/fd/{fd}").st_ino)
            except OSError:
                pass
        return found & logs
    others = server.workers(s) + server.children("php-cgi") + server.acceptors()
    assert len(others) >= 3
    for pid in others:
        assert not held(pid)
    assert held(server.pid) == logs


def whole(lines):
    """Each of them a line of its own; the numbers that were asked for."""
    for line in lines:
        assert COMBINED.fullmatch(line), line
    return [int(re.search(r"\?(\d+) ", line)[1]) for line in lines]


@pytest.mark.root
@pytest.mark.core
def test_a_killed_worker_loses_no_line(box):
    """All that it answered is in the log, whole; and so is what follows."""
    s = box.site("log.test", files={"index.html": "x"})
    server = box.serve()
    with server.client() as c:
        for n in range(300):
            assert c.get(s.host, f"/?{n}").status == 200
        os.kill(server.worker(s), signal.SIGKILL)
    wait_for(lambda: try_status(server, s, "/?300") == 200, "the next worker", 15)
    wait_for(lambda: s.log_lines()[-1:] and "/?300 " in s.log_lines()[-1], "its line")
    assert whole(s.log_lines()) == list(range(301))


def try_status(server, site, path):
    try:
        return server.get(site, path).status
    except (Cut, OSError):
        return None


@pytest.mark.root
@pytest.mark.core
def test_a_stop_writes_every_line(box):
    """Of what was answered up to the last moment, and of what is still under way."""
    s = box.site("log.test", files={"index.html": "x", "big": b"x" * (4 << 20)})
    server = box.serve()
    with server.client() as c, server.client(rcvbuf=4096) as slow:
        slow.ask(s.host, "/big?1000")
        head = slow.head()
        for n in range(500):
            assert c.get(s.host, f"/?{n}").status == 200
        os.kill(server.pid, signal.SIGTERM)
        assert sum(map(len, slow.pieces(head))) == 4 << 20
        server.process.wait(15 * SLOW)  # a second signal would end it at once
        server.stop()
    lines = s.log_lines()
    assert sorted(whole(lines)) == [*range(500), 1000]


@pytest.mark.root
def test_a_worker_that_retires_writes_every_line(box):
    s = box.site("log.test", files={"index.html": "x"}, idle_exit="1s")
    server = box.serve()
    for n in range(20):
        assert server.get(s, f"/?{n}").status == 200
    wait_for(lambda: not server.workers(s), "it retires", 10)
    wait_for(lambda: len(s.log_lines()) >= 20, "its lines")  # the supervisor may be at them yet
    assert whole(s.log_lines()) == list(range(20))
