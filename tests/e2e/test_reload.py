"""Changing the configuration of a running server: who is touched, who is not, and who is lost."""
import os
import resource
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from house import HOSTEL, free_port, hostel, nothing_left, yaml
from load import Load
from procs import SLOW, alive, wait_for
from test_control import status
from wire import Cut, fetch


class Changing:
    """A box whose sites stand in files of their own, so that they can change."""

    def __init__(self, box):
        self.box, self.main, self.server = box, {}, None

    def write_site(self, site, **change):
        site.vhost.update(change)
        vhost = {k: v for k, v in site.vhost.items() if v is not None}
        return self.box.write_config(yaml({"vhosts": [vhost]}), f"vhosts.d/{site.host}.yaml")

    def write_main(self, **main):
        self.main.update(main)
        return self.box.write_config(yaml(
            {"listen": [f"127.0.0.1:{p}" for p in self.ports], "include": "vhosts.d/*.yaml",
             "run_dir": str(self.box.dir / "run"), "error_log": "-", **self.main}))

    def serve(self, **main):
        self.ports = [free_port()]
        path = self.write_main(**main)
        for s in self.box.sites:
            self.write_site(s)
        self.server = self.box.start(["--config", path], self.ports[0])
        return self.server

    def reload(self, ok=True):
        p = hostel("reload", "--run-dir", self.box.dir / "run")
        assert (p.returncode == 0) == ok, (p.stdout, p.stderr, self.server.stderr)
        return p.stdout + p.stderr

    @contextmanager
    def reloading(self):
        """One that is under way: a future of what it said."""
        with ThreadPoolExecutor(1) as one:
            yield one.submit(self.reload)

    def generation(self):
        return status(self.server)["server"][0]["generation"]


@pytest.fixture
def changing(box):
    return Changing(box)


class Stopped:
    """Processes that do nothing meanwhile; they go on at the end, or before."""

    def __init__(self, pids):
        self.pids = pids

    def __enter__(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)
        return self

    def go_on(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)

    def __exit__(self, *_):
        self.go_on()


@pytest.mark.core
def test_over_when_listeners_are_closed(box, changing):
    """It is said when nobody is accepted there any more, however slow the acceptors are."""
    s = box.site("a.test", files={"index.html": "a\n"})
    t = box.site("b.test", files={"index.html": "b\n"})
    server, gone = changing.serve(), free_port()
    changing.write_main(listen=[f"127.0.0.1:{p}" for p in (changing.ports[0], gone)])
    changing.reload()
    assert fetch(gone, s.host).status == fetch(gone, t.host).status == 200
    changing.main.pop("listen")
    changing.write_main()
    with Stopped(server.acceptors()) as acceptors, changing.reloading() as reload:
        wait_for(lambda: "reload: reading" in server.stderr.split("is in effect")[-1], "it begins")
        with pytest.raises(TimeoutError):
            reload.result(0.7)
        acceptors.go_on()
        assert reload.result(30 * SLOW)
    with pytest.raises(OSError):
        fetch(gone, s.host)
    assert "does not answer" not in server.stderr
    # and one that is stuck holds up nobody for long
    changing.write_main(listen=[f"127.0.0.1:{p}" for p in (changing.ports[0], gone)])
    with Stopped(server.acceptors()):
        assert "is in effect" in changing.reload()
    assert "hostel-acceptor does not answer" in server.stderr
    assert fetch(gone, s.host).status == 200


@pytest.mark.core
def test_only_who_changed_is_touched(box, changing):
    a, b, c = (box.site(f"{n}.test", php={"processes": 1}, files={
        "index.html": f"{n}\n", "other.html": f"{n} other\n", "pid.php": "<?php echo posix_getppid();"})
        for n in "abc")
    server = changing.serve()
    pids = {}
    for s in (a, b, c):
        php = server.get(s, "/pid.php").text
        pids[s] = (server.worker(s), php)
    acceptors = server.acceptors()
    changing.write_site(b, index=["other.html"])
    changing.write_site(c, php={"processes": 1, "env": {"X": "1"}})
    assert "generation 2 is in effect" in changing.reload()
    assert server.get(b).text == "b other\n"
    for s in (a, b, c):
        server.get(s)
    wait_for(lambda: len(server.workers()) == 3, "the old workers leave")
    assert server.acceptors() == acceptors
    assert (server.worker(a), server.get(a, "/pid.php").text) == pids[a]
    assert server.worker(b) != pids[b][0]
    assert server.get(b, "/pid.php").text == pids[b][1]  # his php section is the same
    assert server.worker(c) != pids[c][0]
    assert server.get(c, "/pid.php").text != pids[c][1]
    wait_for(lambda: len([p for p in server.php(c)]) == 2, "the old pool of c ends")
    assert changing.reload() and changing.generation() == 3
    assert server.worker(a) == pids[a][0]  # the very same again: nothing happens


@pytest.mark.core
def test_users_come_and_go(box, changing):
    a, b = (box.site(f"{n}.test", php={}, files={
        "index.html": f"{n}\n", "a.php": "<?php echo 1;"}) for n in "ab")
    server = changing.serve()
    server.get(a, "/a.php")
    gone = server.workers(a) + server.php(a)
    assert server.get("c.test").status == 404
    c = box.site("c.test", files={"index.html": "c\n"})
    changing.write_site(c)
    (box.dir / "vhosts.d/a.test.yaml").unlink()
    changing.reload()
    wait_for(lambda: not any(alive(p) for p in gone), "all of a's processes end")
    assert server.get("a.test").status == 404
    assert server.get(b).text == "b\n" and server.get(c).text == "c\n"
    changing.write_site(a)
    changing.reload()
    for s, text in ((a, "a\n"), (b, "b\n"), (c, "c\n")):
        assert server.get(s).text == text
    assert server.workers(c) and changing.generation() == 3


@pytest.mark.core
def test_broken_files(box, changing):
    a, b = (box.site(f"{n}.test", files={"index.html": f"{n}\n", "o.html": f"{n} o\n"})
            for n in "ab")
    server = changing.serve()
    path = box.dir / "vhosts.d" / "a.test.yaml"
    good = path.read_text()
    path.write_text(good + "    colour: red\n")
    changing.write_site(b, index=["o.html"])
    said = changing.reload(ok=False)
    where = f"{path}:{len(good.splitlines()) + 1}:5: unknown key `colour`"
    assert where in said and "but for what has errors" in said, said
    assert server.get(a).text == "a\n" and server.get(b).text == "b o\n"
    assert where in [x["error"] for x in status(server)["broken"]][0]
    assert where in hostel("status", "--run-dir", box.dir / "run").stdout
    # while it is broken others go on changing, and it stays as it was
    changing.write_site(b, index=["index.html"])
    changing.reload(ok=False)
    assert server.get(a).text == "a\n" and server.get(b).text == "b\n"
    path.write_text(good)
    assert "generation 4 is in effect" in changing.reload()
    assert "broken" not in status(server)
    # a main file with errors: nothing at all changes
    changing.write_site(b, index=["o.html"])
    main = changing.write_main(kepalive_timeout="3s")
    said = changing.reload(ok=False)
    assert f"{main}:" in said and "unknown key `kepalive_timeout`" in said
    assert server.get(b).text == "b\n" and changing.generation() == 4


def test_start_without_a_broken_site(box, changing):
    """After a reboot too: who removed his document root takes nobody down."""
    a, b = (box.site(f"{n}.test", files={"index.html": f"{n}\n"}) for n in "ab")
    a.vhost["root"] = str(a.home / "gone")
    server = changing.serve()
    assert server.get(b).text == "b\n" and server.get(a).status == 404
    assert "a.test.yaml" in status(server)["broken"][0]["error"]
    assert "a.test.yaml" in server.stderr
    changing.write_site(a, root=str(a.root))
    changing.reload()
    assert server.get(a).text == "a\n"


@pytest.mark.core
def test_listeners_come_and_go(box, changing):
    a = box.site("listen.test", files={"index.html": "a\n"})
    box.site("other.test")  # the listeners of one user alone are his own
    server = changing.serve()
    worker, port = server.get(a) and server.worker(a), free_port()
    kept = server.client()
    assert kept.get(a.host).text == "a\n"
    changing.ports.append(port)
    changing.write_main()
    changing.reload()
    assert {x["address"] for x in status(server)["listener"]} == {
        f"127.0.0.1:{p}" for p in changing.ports}
    first, server.port = server.port, port
    assert server.get(a).text == "a\n"
    changing.ports.remove(first)
    changing.write_main()
    changing.reload()
    assert server.get(a).text == "a\n"
    assert kept.get(a.host).text == "a\n"  # its listener is gone, it is not
    server.port = first
    with pytest.raises(ConnectionRefusedError):
        server.get(a)
    server.port = port
    assert server.worker(a) == worker
    # one that cannot be had: nothing changes
    with socket.create_server(("127.0.0.1", 0)) as taken:
        changing.ports.append(taken.getsockname()[1])
        changing.write_main(keepalive_timeout="7s")
        said = changing.reload(ok=False)
        assert "cannot listen on" in said and "address already in use" in said
    assert server.get(a).text == "a\n" and server.worker(a) == worker


@pytest.mark.core
def test_kept_connections_get_their_last_answer(box, changing):
    """The old worker says `Connection: close` once, and leaves; nothing is cut."""
    a = box.site("kept.test", files={"index.html": "old\n", "new.html": "new\n"})
    server = changing.serve()
    c = server.client()
    assert c.get(a.host).get("Connection", "") != "close"
    old = server.worker(a)
    changing.write_site(a, index=["new.html"])
    changing.reload()
    assert server.get(a).text == "new\n" and alive(old)
    assert {w["state"] for u in status(server)["user"] for w in u["workers"]} == {
        "leaving", "serving"}
    r = c.get(a.host)
    assert r.text == "old\n" and r.get("Connection") == "close"
    assert c.closed() == b""
    wait_for(lambda: not alive(old), "the old worker leaves")


def test_drain_has_an_end(box, changing):
    a = box.site("drain.test", files={"index.html": "x\n"})
    server = changing.serve(drain_timeout="1s")
    c = server.client()
    c.get(a.host)
    old = server.worker(a)
    changing.write_site(a, autoindex=True)
    begin = time.monotonic()
    changing.reload()
    wait_for(lambda: not alive(old), "the old worker is ended", 10)
    assert time.monotonic() - begin > 0.5
    assert c.closed() == b""


def test_a_worker_that_cannot_start_leaves_the_old_one(box, changing):
    """What worked goes on working: the new generation's workers are killed as they come."""
    a = box.site("alive.test", files={"index.html": "x\n"})
    server = changing.serve()
    server.get(a)
    old = server.worker(a)
    os.kill(old, signal.SIGSTOP)  # it stays: only its successors are killed
    changing.write_site(a, autoindex=True)
    os.kill(server.pid, signal.SIGHUP)
    new = wait_for(lambda: [p for p in server.workers(a) if p != old], "a successor")
    os.kill(new[0], signal.SIGKILL)
    os.kill(old, signal.SIGCONT)
    assert server.get(a).text == "x\n"
    # it may have been ready already: then there is none until somebody asks
    wait_for(lambda: server.get(a).text == "x\n" and server.workers(a) and
             old not in server.workers(a), "another successor takes over", 10)
    assert server.get(a).text == "x\n"


@pytest.mark.core
def test_reloads_lose_nothing(box, changing):
    sites = [box.site(f"{n}.test", php={"processes": 2}, files={
        "index.html": f"{n}\n", "a.php": f"<?php echo '{n}', '!';"}) for n in "abc"]
    server = changing.serve()
    rows = [(s.host, path, text) for s in sites
            for path, text in (("/index.html", f"{s.host[0]}\n"), ("/a.php", f"{s.host[0]}!"))]
    with Load(server.port, rows, 3) as fresh, Load(server.port, rows, 3, kept=True) as kept:
        for n in range(6):
            changing.write_site(sites[n % 2], autoindex=n % 4 < 2)
            if n == 3:
                changing.write_site(sites[0], php={"processes": 3})
            changing.reload()
            fresh.reach(20)
            kept.reach(20)
    fresh.flawless()
    kept.flawless()
    assert changing.generation() == 7


def test_signals_while_it_reads(box, changing):
    """SIGHUP many times at once is one reload after the other, and the last files count."""
    a = box.site("often.test", files={"index.html": "x\n", "y.html": "y\n"})
    server = changing.serve()
    for n in range(20):
        changing.write_site(a, autoindex=n % 2 == 0)
        os.kill(server.pid, signal.SIGHUP)
    changing.write_site(a, index=["y.html"])
    os.kill(server.pid, signal.SIGHUP)
    wait_for(lambda: server.get(a).text == "y\n", "the last files are in effect", 20)


@pytest.mark.alone
def test_ten_thousand_vhosts(box, changing):
    """Under two seconds, and who asks meanwhile is answered at once."""
    a = box.site("first.test", files={"index.html": "x\n"})
    server_main = {"access_log": "off", "error_log": str(box.logs / "error")}
    changing.serve(**server_main)
    server = changing.server
    uid = box.new_uid() if os.geteuid() == 0 else os.getuid()
    text = yaml({"vhosts": [
        {"host": f"n{i}.test", "user": uid + i % 50 if os.geteuid() == 0 else uid,
         "group": uid + i % 50 if os.geteuid() == 0 else os.getegid(),
         "root": str(box.dir)} for i in range(10000)]})
    (box.dir / "vhosts.d" / "many.yaml").write_text(text)
    server.get(a)
    worker = server.worker(a)
    slowest = 0.0
    with Load(server.port, [(a.host, "/", "x\n")], 1) as load:
        begin = time.monotonic()
        changing.reload()
        took = time.monotonic() - begin
        changing.write_site(a, autoindex=True)
        changing.reload()
        load.reach(5)
        for _ in range(20):
            one = time.monotonic()
            server.get(a)
            slowest = max(slowest, time.monotonic() - one)
    load.flawless()
    assert took < 2 * SLOW, took
    assert slowest < 0.5 * SLOW, slowest
    assert server.get("n9999.test").status in (403, 404) and not alive(worker)


# --- the next executable ------------------------------------------------------------------------


class Upgraded:
    """Follows a server through its upgrades: each one is a process of its own."""

    def __init__(self, box, server):
        self.box, self.server, self.pid = box, server, server.pid

    def upgrade(self, ok=True):
        p = hostel("upgrade", "--run-dir", self.box.dir / "run", timeout=70)
        assert (p.returncode == 0) == ok, (p.stdout, p.stderr, self.server.stderr)
        if ok:
            self.pid = status(self.server)["server"][0]["pid"]
        return p.stdout + p.stderr

    def end(self):
        """The first one has ended by itself; the last one is stopped, and leaves nothing."""
        assert self.server.process.wait(20 * SLOW) == 0, self.server.stderr
        hostel("stop", "--run-dir", self.box.dir / "run")
        wait_for(lambda: not alive(self.pid), "the last server ends", 15)
        self.server.stopped = True
        nothing_left()
        self.server.assert_sane()


@pytest.mark.core
def test_upgrade_loses_nothing(box, changing):
    sites = [box.site(f"{n}.test", php={"processes": 2}, files={
        "index.html": f"{n}\n", "a.php": f"<?php echo '{n}', '!';"}) for n in "ab"]
    server = changing.serve(pid_file=str(box.dir / "pid"), drain_timeout="5s")
    rows = [(s.host, path, text) for s in sites
            for path, text in (("/index.html", f"{s.host[0]}\n"), ("/a.php", f"{s.host[0]}!"))]
    up, pids = Upgraded(box, server), [server.pid]
    slow = server.client()
    slow.send(b"GET /index.html HTTP/1.1\r\nHost: a.te")  # accepted by the first, not routed yet
    with Load(server.port, rows, 3) as fresh, Load(server.port, rows, 3, kept=True) as kept:
        for _ in range(3):
            fresh.reach(20)
            up.upgrade()
            pids.append(up.pid)
            kept.reach(20)
            assert (box.dir / "pid").read_text() == f"{up.pid}\n"
            if slow:
                slow.send(b"st\r\n\r\n")
                assert slow.answer().text == "a\n"
                slow = None
    fresh.flawless()
    kept.flawless()
    assert len(set(pids)) == 4
    wait_for(lambda: not any(alive(p) for p in pids[:-1]), "those before end", 15)
    assert server.get(sites[0]).text == "a\n"
    up.end()
    assert not (box.dir / "pid").exists()


@pytest.mark.core
def test_upgrade_that_fails_changes_nothing(box, changing):
    a = box.site("a.test", files={"index.html": "a\n"})
    server = changing.serve()
    server.get(a)
    worker, acceptors, up = server.worker(a), server.acceptors(), Upgraded(box, server)
    changing.write_main(kepalive_timeout="3s")
    said = up.upgrade(ok=False)
    assert "ended before it was ready" in said and "unknown key `kepalive_timeout`" in server.stderr
    assert server.get(a).text == "a\n"
    assert (server.worker(a), server.acceptors()) == (worker, acceptors)
    assert status(server)["server"][0]["pid"] == server.pid


def test_upgrade_keeps_what_a_broken_file_said(box, changing):
    a, b = (box.site(f"{n}.test", files={"index.html": f"{n}\n"}) for n in "ab")
    server = changing.serve(drain_timeout="1s")
    path, up = box.dir / "vhosts.d" / "a.test.yaml", Upgraded(box, server)
    good = path.read_text()
    path.write_text(good + "    colour: red\n")
    up.upgrade()
    assert server.get(a).text == "a\n" and server.get(b).text == "b\n"
    assert "unknown key `colour`" in status(server)["broken"][0]["error"]
    up.end()


def test_socket_activation_and_notify(box, changing):
    """As systemd starts it: the socket is there before, and the manager hears how it goes."""
    a = box.site("act.test", files={"index.html": "a\n"})
    changing.ports = [free_port()]
    for s in box.sites:
        changing.write_site(s)
    config = changing.write_main()
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(box.dir / "notify"))
    heard.settimeout(10 * SLOW)
    with socket.create_server(("127.0.0.1", changing.ports[0])) as opened, \
            socket.create_server(("127.0.0.1", 0)) as stray:
        early = socket.create_connection(("127.0.0.1", changing.ports[0]))  # before it starts
        def hand_over():
            fds = [os.dup(opened.fileno()), os.dup(stray.fileno())]
            for n, fd in enumerate(fds):
                os.dup2(fd, 60 + n)
            for n in range(2):
                os.dup2(60 + n, 3 + n)
                os.set_inheritable(3 + n, True)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2",
                              LISTEN_FDNAMES="web:stray", NOTIFY_SOCKET=str(box.dir / "notify"))
            os.execv(HOSTEL, ["hostel", "serve", "--config", str(config)])
        server = box.start(["--config", config], changing.ports[0], preexec_fn=hand_over,
                           close_fds=False)
    changing.server = server
    assert heard.recv(500).startswith(b"READY=1")
    assert "(stray) that was handed over is in no listen: closed" in server.stderr
    early.sendall(b"GET / HTTP/1.0\r\nHost: act.test\r\n\r\n")
    assert b"200" in early.recv(1000)
    assert server.get(a).text == "a\n"
    assert "user" not in status(server)["listener"][0], "the manager's socket is no user's own"
    changing.reload()
    assert heard.recv(500).startswith(b"RELOADING=1") and heard.recv(500) == b"READY=1"
    server.stop()
    assert heard.recv(500) == b"STOPPING=1"


# --- logs -----------------------------------------------------------------------------------------


@pytest.mark.core
@pytest.mark.parametrize("by", ["command", "signal"])
def test_logs_are_opened_anew(box, changing, by):
    noisy = "<?php error_log('noise ' . $_GET['n']); echo 1;"
    a = box.site("log.test", php={"processes": 1}, files={"index.html": "x", "a.php": noisy})
    server = changing.serve(error_log=str(box.logs / "server"))

    def lines(path):
        return path.read_text() if path.exists() else ""
    server.get(a, "/a.php?n=1")
    wait_for(lambda: "n=1" in lines(a.access_log) and "noise 1" in lines(a.error_log), "lines")
    pids = server.workers(a) + server.php(a)
    logs = [a.access_log, a.error_log, box.logs / "server"]
    for path in logs:
        path.rename(f"{path}.1")
    if by == "command":
        p = hostel("logs-reopen", "--run-dir", box.dir / "run")
        assert p.returncode == 0 and "3 log files are opened anew" in p.stdout, p.stdout + p.stderr
    else:
        os.kill(server.pid, signal.SIGUSR1)
        wait_for(lambda: all(p.exists() for p in logs), "new files")
    assert "log files are opened anew" in wait_for(lambda: lines(logs[2]), "the server's log")
    server.get(a, "/a.php?n=2")
    wait_for(lambda: "n=2" in lines(a.access_log) and "noise 2" in lines(a.error_log), "new lines")
    for path, gone in ((a.access_log, "n=2"), (a.error_log, "noise 2")):
        old = lines(path.with_name(path.name + ".1"))
        assert gone not in old and old
        assert path.stat().st_mode & 0o777 == 0o640
        assert "=1" not in lines(path) and "noise 1" not in lines(path)
    assert server.workers(a) + server.php(a) == pids


def test_a_log_that_cannot_be_opened_anew_stays(box, changing):
    a = box.site("stay.test", files={"index.html": "x"})
    server = changing.serve()
    server.get(a)
    a.access_log.rename(f"{a.access_log}.1")
    a.access_log.mkdir()
    p = hostel("logs-reopen", "--run-dir", box.dir / "run")
    assert p.returncode == 1 and "1 stay as they were" in p.stderr, p.stdout + p.stderr
    server.get(a, "/?still")
    wait_for(lambda: "?still" in a.access_log.with_name(a.access_log.name + ".1").read_text(),
             "the line in the old file")
    a.access_log.rmdir()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return {int(child) for child in f.read().split()}


@contextmanager
def newborn(server, before):
    """The server's next child, from its first instruction; it is told nothing meanwhile."""
    end, new = time.monotonic() + 10 * SLOW, set()
    while not new:
        assert time.monotonic() < end
        for pid in children(server.pid) - before:
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() != "hostel":
                    new.add(pid)
    with Stopped([server.pid]):
        yield new.pop()


def test_over_though_nobody_takes_over(box, changing):
    """A user's own processes can end his workers: whatever becomes of them, others do not wait."""
    a, b = (box.site(f"{n}.test", files={"index.html": f"{n}\n", "b.html": "b\n"}) for n in "ab")
    server = changing.serve()
    server.get(a)
    old = server.worker(a)
    changing.write_site(a, autoindex=True)
    before = children(server.pid)
    with changing.reloading() as reload:
        with newborn(server, before) as new:
            time.sleep(0.8)  # long enough not to be taken for a crash
            os.kill(new, signal.SIGTERM)
            wait_for(lambda: not alive(new), "it has left")
        assert "is in effect" in reload.result(15 * SLOW)
    assert server.get(a).text == "a\n"
    changing.write_site(b, index=["b.html"])
    changing.reload()
    assert server.get(b).text == "b\n"
    # and his own are tried again
    wait_for(lambda: server.workers(a) and old not in server.workers(a), "a successor", 10)


@contextmanager
def few_files(pid, free):
    """It may open so many more and no others."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    limit = next(n for n in range(len(used), 4096) if n - sum(fd < n for fd in used) == free)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_over_though_nobody_can_be_started(box, changing):
    """What his workers need cannot be had: those before go on, and others do not wait."""
    a, b = (box.site(f"{n}.test", files={"index.html": f"{n}\n", "b.html": "b\n"}) for n in "ab")
    server = changing.serve()
    server.get(a)
    changing.write_site(a, autoindex=True)
    with few_files(server.pid, 5):  # for the command, the files and the routes, but no worker
        assert "the workers before go on" in changing.reload()
    assert server.get(a).text == "a\n"
    changing.write_site(b, index=["b.html"])
    changing.reload()
    assert server.get(b).text == "b\n"
