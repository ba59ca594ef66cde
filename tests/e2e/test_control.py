"""The control socket: what an administrator may ask a running server, and that nobody else may."""
import json
import os
import socket
import stat

import pytest

import procs
from house import ROOT, hostel
from load import Load
from procs import SLOW, alive, wait_for


def ask(server, line, timeout=5.0):
    """Send raw bytes to the socket; all that comes until it closes."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout * SLOW)
        s.connect(str(server.box.dir / "run" / "control.sock"))
        s.sendall(line)
        got = b""
        while True:
            piece = s.recv(65536)
            if not piece:
                return got
            got += piece


def status(server):
    """`hostel status --json` as what it is -> a list of such objects."""
    p = hostel("status", "--json", "--run-dir", server.box.dir / "run")
    assert p.returncode == 0, p.stderr
    found = {}
    for record in json.loads(p.stdout)["status"]:
        found.setdefault(record["is"], []).append(record)
    return found


@pytest.mark.core
def test_status_shows_what_runs(box):
    alice = box.site("status.test", php={"processes": 2}, files={"a.php": "<?php echo 1;"})
    box.site("asleep.test")
    server = box.serve()
    server.get(alice, "/a.php")
    found = status(server)
    assert found["server"][0]["pid"] == server.pid
    assert found["server"][0]["state"] == "serving"
    assert [x["address"] for x in found["listener"]] == [f"127.0.0.1:{server.port}"]
    assert [x["pid"] for x in found["acceptor"]] == server.acceptors()
    mine, other = found["user"]
    assert mine["uid"] == alice.uid and other["workers"] == []
    assert [w["pid"] for w in mine["workers"]] == server.workers(alice)
    assert [p["pid"] for p in mine["pools"]] == [server.php_parent(alice)]
    text = hostel("status", "--config", box.dir / "hostel.yaml").stdout
    assert f"worker    {server.worker(alice):7} serving" in text, text
    if ROOT:
        assert "1 users are asleep" in text, text


@pytest.mark.core
def test_stop_command(box):
    box.site("stop.test")
    server = box.serve()
    p = hostel("stop", "--run-dir", box.dir / "run")
    assert (p.returncode, p.stdout) == (0, "stopping\n")
    assert server.process.wait(10 * SLOW) == 0
    assert not (box.dir / "run" / "control.sock").exists()
    p = hostel("stop", "--run-dir", box.dir / "run")
    assert p.returncode == 1 and "no server answers in" in p.stderr


@pytest.mark.core
def test_status_counts(box):
    """Each worker in a page of its own; what is gone is still in its user's sum."""
    slow = ("<?php usleep(300000); echo 1;"
            " while (isset($_GET['wait']) && !file_exists(__DIR__ . '/seen')) usleep(1000);")
    s = box.site("count.test", php={"processes": 1}, files={"index.html": "x" * 1000, "a.php": slow})
    box.site("other.test")  # one user alone has no use for acceptors
    server = box.serve(connections_per_address=20)
    for n in range(10):
        assert server.get(s, "/index.html" if n < 7 else "/none").status == (200 if n < 7 else 404)
    server.get("unknown.test")
    kept = server.client()
    kept.get(s.host, "/a.php")
    user, _ = status(server)["user"]
    mine, = user["workers"]
    assert (mine["requests"], mine["2xx"], mine["4xx"], mine["5xx"]) == (11, 8, 3, 0)
    assert mine["connections"] == 1 and mine["adopted"] == 11
    assert 7000 < mine["bytes"] < 9000 and mine["rss_kib"] > 500
    assert 0 < mine["p50_us"] < 200000 * SLOW <= 300000 * SLOW <= mine["p99_us"] * SLOW
    acceptor, = status(server)["acceptor"]
    assert acceptor["routed"] == 11 and acceptor["refused"] == 1 and acceptor["waiting"] == 0
    with server.client() as c:
        c.ask(s.host, "/a.php?wait")
        wait_for(lambda: status(server)["user"][0]["php_running"] == 1, "a running script is seen")
        s.write("seen")
        assert c.answer().status == 200
    with server.client() as c:
        c.send(b"GET / HT")
        wait_for(lambda: status(server)["acceptor"][0]["waiting"] == 1, "who waits is seen")
    os.kill(server.worker(s), 9)
    wait_for(lambda: status(server)["user"][0]["workers"] == [], "its end")
    user, _ = status(server)["user"]
    assert user["requests"] == 12 and user["connections"] == 0 and user["php_running"] == 0
    server.get(s, "/index.html")
    user, _ = status(server)["user"]
    assert user["requests"] == 13 and user["workers"][0]["requests"] == 1
    text = hostel("status", "--run-dir", box.dir / "run").stdout
    assert "REQUESTS" in text and "P99 MS" in text and "ROUTED" in text, text


def test_found_by_a_config_file_with_errors(box):
    box.site("broken.test")
    server = box.serve()
    path = box.dir / "hostel.yaml"
    path.write_text(path.read_text() + "kepalive_timeout: 3s\n")
    assert hostel("status", "--config", path).returncode == 0
    assert server.process.poll() is None


@pytest.mark.parametrize("line,answer", [
    (b"stauts\n", b'no command \\"stauts\\": did you mean \\"status\\"?'),
    (b"status now\n", b"status takes 0 words, not 1"),
    (b"\n", b"asks for nothing"),
    (b"a b c d e f g h i\n", b"more than 8 words"),
    (b"st\x1b[2Jop\n", b"st\\u001b[2Jop"),
])
def test_questions_that_are_none(box, line, answer):
    box.site("wrong.test")
    server = box.serve()
    got = ask(server, line)
    assert got.startswith(b'{"ok":false') and answer in got, got


@pytest.mark.root
def test_nobody_else_may_ask(box):
    """The mode says so; and when somebody opened it, the kernel's word on who asks."""
    box.site("shut.test")
    server = box.serve()
    path = box.dir / "run" / "control.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def as_nobody():
        """What a process of another user gets: an error's name, or the answer."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                try:
                    said = ask(server, b"status\n") or b"nothing"
                except OSError as e:
                    said = type(e).__name__.encode()
                os.write(writer, said[:1000])
            finally:
                os._exit(0)
        os.close(writer)
        os.waitpid(pid, 0)
        with os.fdopen(reader, "rb") as f:
            return f.read()

    assert as_nobody() == b"PermissionError"
    path.chmod(0o666)
    assert as_nobody() in (b"nothing", b"ConnectionResetError", b"BrokenPipeError")
    assert b'"is":"server"' in ask(server, b"status\n")  # the control


def test_asking_badly_stops_nobody(box):
    """Silent, endless, leaving and not reading askers: the server serves, and answers others."""
    s = box.site("bad.test", files={"index.html": "here\n"})
    server = box.serve()
    path = str(box.dir / "run" / "control.sock")
    silent = []
    for _ in range(15):
        c = socket.socket(socket.AF_UNIX)
        c.connect(path)
        silent.append(c)
    with socket.socket(socket.AF_UNIX) as endless:
        endless.connect(path)
        endless.settimeout(5 * SLOW)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(1000):
                endless.sendall(b"x" * 1000)
    for _ in range(50):
        with socket.socket(socket.AF_UNIX) as leaves:
            leaves.connect(path)
            leaves.sendall(b"status\n")
    assert server.get(s).text == "here\n"
    assert b'"is":"server"' in ask(server, b"status\n")
    for c in silent:
        c.close()
    before = procs.cpu_seconds(server.pid)
    wait_for(lambda: b'"ok":true' in ask(server, b"status\n"), "an answer")
    assert procs.cpu_seconds(server.pid) - before < 1


@pytest.mark.root
@pytest.mark.parametrize("by", ["php-restart", "reload"])
def test_php_starts_anew_and_loses_nothing(box, by):
    """What runs at the old processes ends there; others' processes are left alone."""
    a, b = (box.site(f"{n}.test", php={"processes": 2, "env": {"ROUND": "0"}}, files={
        "pid.php": "<?php echo posix_getppid();",
        "round.php": "<?php usleep(20000); echo 'round ', getenv('ROUND') ?: $_SERVER['ROUND'];",
        "slow.php": "<?php touch(__DIR__ . '/runs'); usleep(1500000);"
                    " echo 'slow ', posix_getppid();"}) for n in "ab")
    server = box.serve()
    run_dir = box.dir / "run"
    pools = {s: server.get(s, "/pid.php").text for s in (a, b)}
    seen = [pools[a]]
    with Load(server.port, [(a.host, "/round.php", "round "), (b.host, "/round.php", "round 0")],
              3) as load, server.client() as slow:
        slow.ask(a.host, "/slow.php")
        wait_for(lambda: (a.root / "runs").exists(), "it runs")
        for turn in range(1, 4):
            if by == "reload":
                a.vhost["php"]["env"]["ROUND"] = str(turn)
                box.config(port=server.port)
                p = hostel("reload", "--run-dir", run_dir)
            else:
                p = hostel("php-restart", str(a.uid), "--run-dir", run_dir)
            assert p.returncode == 0, p.stderr
            wait_for(lambda: server.get(a, "/pid.php").text not in seen, "new processes")
            seen.append(server.get(a, "/pid.php").text)
        assert slow.answer().text == f"slow {pools[a]}"
        load.reach(20)
    load.flawless()
    assert server.get(b, "/pid.php").text == pools[b]
    assert server.get(a, "/round.php").text == f"round {3 if by == 'reload' else 0}"
    wait_for(lambda: not any(alive(int(p)) for p in seen[:-1]), "the old processes end", 15)
