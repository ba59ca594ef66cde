"""
PHP under fire. Every script that counts appends one line, in one write, when it runs: so a test
knows how often each request ran, and what its visitor was told. Nothing runs twice, nothing is
answered twice, and nothing is lost but what a killed process was in the middle of.
"""
import collections
import contextlib
import json
import os
import signal
import threading
import time

import pytest

import procs
from house import ROOT, hostel, stretched
from load import Load
from procs import SLOW, wait_for
from test_control import status
from wire import Cut

pytestmark = pytest.mark.usefixtures("php_cgi")

RAN = "file_put_contents(__DIR__ . '/ran', ($_GET['id'] ?? '') . \"\\n\", FILE_APPEND);"
FILES = {
    "index.html": "a file",
    "pid.php": "<?php echo 'pid ', getmypid();",
    "count.php": f"<?php {RAN} echo 'ran ', $_GET['id'];",
    "post.php": f"<?php {RAN} echo 'ran ', $_GET['id'], ' ', strlen(file_get_contents('php://input'));",
    "sleep.php": f"<?php {RAN} usleep((int)$_GET['ms'] * 1000); echo 'slept ', getmypid();",
    "endless.php": f"<?php {RAN} while (true) usleep(100000);",
    "begun.php": f"<?php {RAN} echo str_repeat('x', 20000); flush(); while (true) usleep(100000);",
    "writes.php": "<?php set_time_limit(0); while (true) { echo str_repeat('y', 65536); flush(); }",
    "early.php": f"<?php {RAN} echo 'early';",
    "drips.php": "<?php for ($i = 0; $i < 200; $i++) { echo 'z'; @ob_flush(); flush();"
                 " usleep(100000); }",
    "events.php": "<?php header('Content-Type: text/event-stream'); for ($i = 0; $i < 20; $i++) {"
                  " printf(\"data: %.6f\\n\\n\", microtime(true)); @ob_flush(); flush();"
                  " usleep(100000); }",
    "after.php": f"<?php header('Content-Length: 4'); echo 'done'; flush(); {RAN}"
                 " usleep(300000); file_put_contents(__DIR__ . '/after', 'x');",
    "dies.php": f"<?php {RAN} posix_kill(getmypid(), 9);",
}


def ran(site):
    """id -> how often it ran"""
    path = site.root / "ran"
    return collections.Counter(path.read_text().split()) if path.exists() else {}


class Counting:
    """Visitors who ask with ids that are theirs alone, and keep what they were told."""

    def __init__(self, server, site, threads=4, method="GET", kept=True, path="/count.php"):
        self.server, self.site, self.kept, self.path = server, site, kept, path
        self.method = method
        self.told, self.lock, self.stopped = {}, threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.visit, args=(n,)) for n in range(threads)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for t in self.threads:
            t.join()

    def visit(self, number):
        client, n = None, 0
        while not self.stopped.is_set():
            n += 1
            name = f"{number}.{n}"
            method = self.method if self.method != "both" else ("GET", "POST")[n % 2]
            path = "/post.php" if method == "POST" else self.path
            try:
                client = client or self.server.client()
                r = client.get(self.site.host, f"{path}?id={name}", method,
                               **({"body": b"b" * 100} if method == "POST" else {}))
                said = r.status if r.status != 200 or f"ran {name}" in r.text else "another's"
                if not self.kept or r.get("Connection", "").lower() == "close":
                    client.close()
                    client = None
            except (Cut, OSError) as e:
                said, client = repr(e), None
            with self.lock:
                self.told[name] = said

    def reach(self, n, seconds=60):
        goal = len(self.told) + n
        wait_for(lambda: len(self.told) >= goal, f"{n} more answers", seconds)

    def check(self, lost=0):
        """Who was answered had it run once; at most so many others, and those at most once."""
        wrong = {k: v for k, v in self.told.items() if v != 200}
        assert len(wrong) <= lost, f"{len(wrong)} of {len(self.told)}: {list(wrong.items())[:5]}"
        assert all(v in (502, 503) for v in wrong.values()), wrong
        count = ran(self.site)
        twice = {k: n for k, n in count.items() if n > 1}
        assert not twice, f"ran more than once: {twice}"
        missing = [k for k, v in self.told.items() if v == 200 and k not in count]
        assert not missing, f"answered, but never ran: {missing[:5]}"
        return wrong


def children(server, site):
    return procs.children(server.php_parent(site))


def whole(server, site, processes):
    """All processes of a pool that has just been started: its children come one by one."""
    return wait_for(lambda: len(server.php(site)) == 1 + processes and server.php(site),
                    "all processes of the pool")


def parents(server, site):
    """One for each generation."""
    return {p for p in server.php(site) if (procs.stat(p) or {}).get("ppid") == server.pid}


# --- processes that die -----------------------------------------------------------------------

@pytest.mark.core
@pytest.mark.parametrize("method", ["GET", "POST", "both"])
def test_recycling_loses_and_doubles_nothing(box, method):
    """F24: a process that retires closes the connection that the next request goes out on."""
    s = box.site("recycle.test", php={"processes": 2, "max_requests": 7}, files=FILES)
    server = box.serve()
    with Counting(server, s, threads=5, method=method) as visitors:
        visitors.reach(600)
    visitors.check()


@pytest.mark.core
def test_killed_children_lose_what_they_ran_and_no_more(box):
    s = box.site("kill.test", php={"processes": 3}, files=FILES)
    server = box.serve()
    server.get(s, "/pid.php")
    kills = 0
    with Counting(server, s, threads=4, method="both") as visitors:
        for _ in range(25):
            visitors.reach(20)
            for pid in children(server, s)[:1]:
                with contextlib.suppress(ProcessLookupError):   # it may have retired just now
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
        assert kills > 5
    visitors.check(lost=kills)


def test_killed_idle_children_lose_nothing(box):
    """Also where a connection is kept to them."""
    s = box.site("idle.test", php={"processes": 2}, files=FILES)
    server = box.serve()
    for n in range(20):
        assert server.get(s, f"/count.php?id={n}").text == f"ran {n}"
        for pid in children(server, s):
            os.kill(pid, signal.SIGKILL)
    assert ran(s) == {str(n): 1 for n in range(20)}


@pytest.mark.core
def test_script_that_dies_runs_once(box):
    """On a connection that was used before, too: that it may have run is enough not to ask again."""
    s = box.site("dies.test", php={"processes": 1}, files=FILES)
    server = box.serve()
    for n in range(8):
        assert server.get(s, f"/count.php?id=a{n}").status == 200
        assert server.get(s, f"/dies.php?id=b{n}").status == 502
    assert set(ran(s).values()) == {1} and len(ran(s)) == 16


@pytest.mark.core
def test_killed_parent_lets_its_children_finish(box):
    """F26: what they run ends as it should; what comes meanwhile is another generation's."""
    s = box.site("parent.test", php={"processes": 3}, files=FILES)
    server = box.serve()
    server.get(s, "/pid.php")
    old = whole(server, s, 3)
    got = []
    threads = [threading.Thread(target=lambda n=n: got.append(
        server.get(s, f"/sleep.php?ms=1000&id={n}"))) for n in range(3)]
    for t in threads:
        t.start()
    wait_for(lambda: len(ran(s)) == 3, "three scripts to run")
    os.kill(server.php_parent(s), signal.SIGKILL)
    assert wait_for(lambda: server.get(s, "/pid.php"), "PHP").status == 200
    for t in threads:
        t.join()
    assert [r.status for r in got] == [200] * 3, got
    assert {int(r.text.split()[1]) for r in got} <= set(old)
    wait_for(lambda: not any(procs.alive(p) for p in old), "the old processes to be gone", 15)
    assert ran(s) == {"0": 1, "1": 1, "2": 1}


def test_killed_parents_under_load(box):
    s = box.site("parents.test", php={"processes": 3}, files=FILES)
    server = box.serve()
    server.get(s, "/pid.php")
    with Counting(server, s, threads=4, method="both") as visitors:
        for _ in range(4):
            visitors.reach(60)
            parents = [p for p in server.php(s) if procs.stat(p)
                       and procs.stat(p)["pgrp"] == p and procs.stat(p)["ppid"] == server.pid]
            for pid in parents:
                os.kill(pid, signal.SIGKILL)
            time.sleep(5.2 + SLOW)  # a calm while: these are no crashes in a row
    visitors.check()


@pytest.mark.root
@pytest.mark.alone
def test_user_without_processes(box):
    """F27: no process more for this user. 503 in time, nobody else notices, and it comes back."""
    s = box.site("full.test", php={"processes": 4}, files=FILES)
    other = box.site("other.test", php={}, files=FILES)
    server = box.serve()
    assert server.get(s, "/index.html").status == 200
    assert server.get(other, "/pid.php").status == 200
    worker = server.worker(s)
    limit = f"/proc/{worker}/limits"
    assert os.path.exists(limit)
    crowd = []
    pid = os.fork()
    if pid == 0:  # 1024 is what PHP's cage allows the user, all his processes together
        os.setgroups([])
        os.setgid(s.uid)
        os.setuid(s.uid)
        for _ in range(1019):
            if os.fork() == 0:
                signal.pause()
        signal.pause()
    crowd.append(pid)
    try:
        wait_for(lambda: sum(1 for e in procs.everyone() if e["ppid"] == pid) >= 1019,
                 "a crowd of the user's", 30)
        begin = time.monotonic()
        r = server.get(s, "/count.php?id=1")
        assert r.status in (200, 503), r
        assert time.monotonic() - begin < 10 * SLOW
        assert server.get(s, "/index.html").status == 200
        assert server.get(other, "/pid.php").status == 200
        wait_for(lambda: "PHP failed" in server.stderr or "exited" in server.stderr,
                 "a line in the log")
    finally:
        for child in procs.children(pid):
            os.kill(child, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    wait_for(lambda: server.get(s, "/count.php?id=2").status == 200, "PHP again", 20)
    assert max(ran(s).values()) == 1 or ran(s)["2"] >= 1


def test_pool_that_fails_at_every_start(box):
    """503 with Retry-After, a line in the log, and no more starts than the back-off allows."""
    log = box.dir / "starts"
    log.touch(mode=0o666)
    log.chmod(0o666)
    command = box.write_config(f"#!/bin/sh\necho x >>{log}\nexit 7\n", "php-broken")
    command.chmod(0o755)
    s = box.site("broken.test", php={"command": str(command)}, files=FILES)
    server = box.serve()
    begin = time.monotonic()
    for _ in range(30):
        r = server.get(s, "/count.php?id=1")
        assert r.status == 503 and 1 <= int(r.get("Retry-After")) <= 6, r
    took = time.monotonic() - begin
    assert len(log.read_text().split()) <= 4 + took / 4
    assert "PHP failed 3 times in a row" in server.stderr
    assert server.get(s, "/index.html").text == "a file"


@pytest.mark.parametrize("garbage", [
    "HTTP/1.1 200 OK\\r\\n\\r\\n", "\\001\\006\\000\\002\\000\\001\\000\\000x",
    "\\377\\377\\377\\377\\377\\377\\377\\377\\377", "\\001\\006\\000\\001\\377\\377"])
def test_garbage_instead_of_fastcgi(box, garbage):
    """What listens is no php-cgi: 502, and said in the site's log."""
    command = box.write_config(
        "#!/usr/bin/python3\nimport socket\ns = socket.socket(fileno=0)\n"
        f"while True:\n    c = s.accept()[0]\n    c.recv(65536)\n    c.sendall(b'{garbage}')\n"
        "    c.close()\n", "php-garbage")
    command.chmod(0o755)
    s = box.site("garbage.test", php={"command": str(command)}, files=FILES)
    server = box.serve()
    for _ in range(3):
        assert server.get(s, "/count.php?id=1").status == 502
    wait_for(lambda: "PHP" in s.errors(), "a line in the site's log")


# --- scripts that do not end ------------------------------------------------------------------

@pytest.mark.core
def test_endless_script_is_ended_and_no_other(box):
    """504 after request_timeout; that very process ends, the others go on with what they run."""
    s = box.site("endless.test", php={"processes": 4, "request_timeout": stretched(3)}, files=FILES)
    server = box.serve()
    server.get(s, "/pid.php")
    before = set(wait_for(lambda: len(children(server, s)) == 4 and children(server, s), "4"))
    got = {}

    def ask(name, path):
        got[name] = server.get(s, path)
    threads = [threading.Thread(target=ask, args=("endless", "/endless.php?id=e"))]
    threads += [threading.Thread(target=ask, args=(n, f"/sleep.php?ms=1500&id={n}"))
                for n in range(3)]
    threads[0].start()
    time.sleep(2 * min(SLOW, 4))  # the others begin in time, and run when it is ended
    for t in threads[1:]:
        t.start()
    for t in threads:
        t.join()
    assert got["endless"].status == 504
    assert [got[n].status for n in range(3)] == [200] * 3
    gone = wait_for(lambda: before - set(children(server, s)), "the endless one to be ended")
    assert len(gone) == 1
    assert not gone & {int(got[n].text.split()[1]) for n in range(3)}
    wait_for(lambda: len(children(server, s)) == 4, "another in its place")
    assert ran(s)["e"] == 1
    wait_for(lambda: "too long" in server.stderr, "a line in the log")


def test_endless_scripts_do_not_use_the_pool_up(box):
    """More of them than there are processes, one after the other."""
    s = box.site("many.test", php={"processes": 2, "request_timeout": "300ms"}, files=FILES)
    server = box.serve()
    for n in range(6):
        assert server.get(s, f"/endless.php?id={n}").status == 504
    wait_for(lambda: server.get(s, "/pid.php").status == 200, "an answer", 10)
    assert set(ran(s).values()) == {1}


def test_endless_answer_is_cut(box):
    """Its head is out: the visitor can tell that it is not whole."""
    s = box.site("begun.test", php={"processes": 1, "request_timeout": stretched(1)}, files=FILES)
    server = box.serve()
    with server.client() as c:
        c.ask(s.host, "/begun.php?id=1")
        r = c.head()
        with pytest.raises(Cut):
            b"".join(c.pieces(r))
    wait_for(lambda: server.get(s, "/pid.php").status == 200, "an answer", 10)


def test_endless_script_whose_visitor_left(box):
    """It has no more time than with a visitor; its process counts as busy until then."""
    s = box.site("left.test", php={"processes": 1, "request_timeout": stretched(1.5)}, files=FILES)
    server = box.serve()
    server.get(s, "/pid.php")
    pid = children(server, s)
    with server.client() as c:
        c.ask(s.host, "/endless.php?id=1")
        wait_for(lambda: ran(s), "it to run")
        c.reset()
    r = server.get(s, "/count.php?id=2")
    assert (r.status, r.text) == (200, "ran 2")
    assert not procs.alive(pid[0])
    assert ran(s) == {"1": 1, "2": 1}


def memory(pid):
    """KiB"""
    return int(procs.status(pid)["VmRSS"].split()[0])


@pytest.mark.core
def test_script_that_writes_for_ever(box):
    """Bounded for a visitor who does not read; freed by its next write when he leaves."""
    s = box.site("writes.test", php={"processes": 1}, files=FILES)
    server = box.serve()
    server.get(s, "/pid.php")
    worker = server.worker(s)
    before = memory(worker)
    with server.client(rcvbuf=8192) as c:
        c.ask(s.host, "/writes.php")
        c.head()
        time.sleep(1)
        spooled = sum(os.stat(f"/proc/{worker}/fd/{fd}").st_size
                      for fd, what in procs.descriptors(worker).items()
                      if what.endswith("(deleted)")) if ROOT else 0
        assert spooled <= 65 << 20
        if int(procs.status(worker)["VmSize"].split()[0]) < 1 << 30:  # no sanitizer's shadow
            assert memory(worker) - before < 32 << 10
        c.reset()
    begin = time.monotonic()
    assert server.get(s, "/count.php?id=1").status == 200
    assert time.monotonic() - begin < 3 * SLOW


def test_visitor_who_leaves_frees_the_child_at_its_next_write(box):
    s = box.site("events.test", php={"processes": 1}, files=FILES)
    server = box.serve()
    with server.client() as c:
        c.ask(s.host, "/drips.php")
        c.head()
        c.reset()
    begin = time.monotonic()
    assert server.get(s, "/pid.php").status == 200
    assert time.monotonic() - begin < 10, "the script would have taken twenty seconds"


@pytest.mark.alone
@pytest.mark.core
def test_events_arrive_at_once(box):
    """Server-sent events: what PHP flushes reaches the visitor within 50 ms."""
    s = box.site("sse.test", php={"processes": 1}, files=FILES)
    server = box.serve()
    late = []
    with server.client() as c:
        c.ask(s.host, "/events.php")
        r = c.head()
        for piece in c.pieces(r):
            now = time.time()
            late += [now - float(line[6:]) for line in piece.decode().split("\n")
                     if line.startswith("data: ")]
    assert len(late) == 20
    assert sorted(late)[18] < 0.05 * SLOW, late


def test_work_after_the_answer(box):
    """The visitor has all that was promised; the script goes on, and the next one waits for it."""
    s = box.site("after.test", php={"processes": 1}, files=FILES)
    server = box.serve()
    for n in range(3):
        begin = time.monotonic()
        assert server.get(s, f"/after.php?id={n}").text == "done"
        if n == 0:
            assert time.monotonic() - begin < 0.29 + SLOW
    wait_for(lambda: (s.root / "after").exists(), "what the script does at last")
    assert set(ran(s).values()) == {1}


# --- request bodies ---------------------------------------------------------------------------

def test_upload_that_nobody_reads(box):
    """100 MiB for a script that answers without looking; and the connection goes on."""
    s = box.site("unread.test", php={"processes": 1, "define": {
        "post_max_size": "200M", "enable_post_data_reading": "0"}}, files=FILES)
    server = box.serve(body_max="200m")
    size = 100 << 20
    with server.client(timeout=60) as c:
        c.ask(s.host, "/early.php?id=1", "POST", [("Content-Length", str(size)),
                                                  ("Content-Type", "text/plain")])
        block = bytes(1 << 20)
        for _ in range(size >> 20):
            c.send(block)
        assert c.answer().text == "early"
        assert c.get(s.host, "/count.php?id=2").text == "ran 2"
    assert ran(s) == {"1": 1, "2": 1}


def test_queue_is_bounded(box):
    """queue: over its length 503 at once, over its time 503 then; both say when to come again."""
    s = box.site("queue.test", php={"processes": 1, "queue": 2, "queue_timeout": stretched(1)},
                 files=FILES)
    server = box.serve()
    server.get(s, "/pid.php")
    got, lock, time_s = [], threading.Lock(), min(SLOW, 4)

    def ask(n):
        begin = time.monotonic()
        r = server.get(s, f"/sleep.php?ms={2500 * time_s:.0f}&id={n}")
        with lock:
            got.append((r.status, r.get("Retry-After"), time.monotonic() - begin))
    threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(g[0] for g in got) == [200] + [503] * 5
    refused = sorted(g[2] for g in got if g[0] == 503)
    assert all(g[1] for g in got if g[0] == 503)
    assert refused[2] < 0.9 * time_s, "three had no place in the queue"
    assert 0.9 * time_s <= refused[3] and refused[4] < 2.4 * time_s, "two waited their time"
    assert len(ran(s)) == 1


# --- another generation -----------------------------------------------------------------------

def touch(path):
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.touch()
    os.utime(path, ns=(before + 10**9, before + 10**9))


@pytest.mark.core
def test_restart_on(box):
    """A file that changes: new processes within a second, nothing lost, the old ones finish."""
    s = box.site("deploy.test", php={"processes": 2, "restart_on": ["tmp/restart.txt"]}, files=FILES)
    s.directory("tmp")
    server = box.serve()
    server.get(s, "/pid.php")
    old = whole(server, s, 2)
    slow = []
    thread = threading.Thread(target=lambda: slow.append(
        server.get(s, "/sleep.php?ms=3000&id=slow")))
    thread.start()
    wait_for(lambda: ran(s), "the slow one to run")
    with Counting(server, s, threads=3, method="both") as visitors:
        visitors.reach(50)
        (s.root / "tmp/restart.txt").write_text("now")
        wait_for(lambda: parents(server, s) - set(old), "a new generation")
        visitors.reach(200)
        new = int(server.get(s, "/pid.php").text.split()[1])
        assert new not in old
    thread.join()
    assert slow[0].status == 200 and int(slow[0].text.split()[1]) in old
    visitors.check()
    wait_for(lambda: not any(procs.alive(p) for p in old), "the old ones to be gone", 10)
    touch(s.root / "tmp/restart.txt")  # and again
    wait_for(lambda: int(server.get(s, "/pid.php").text.split()[1]) not in server.php(s)
             or server.php_parent(s) not in old, "a third generation", 10)


def test_files_that_nobody_named_start_nothing_anew(box):
    """What a script leaves beside itself, least of all."""
    s = box.site("files.test", php={"processes": 1}, files=FILES)
    server = box.serve()
    for n in range(3):
        assert server.get(s, f"/count.php?id={n}").text == f"ran {n}"
        s.write(f"new{n}.html", "x")
        time.sleep(1.1)  # files are looked at once a second
    assert server.get(s, "/pid.php").status == 200
    assert status(server)["user"][0]["php"]["starts"] == 1


def test_generations_under_load(box):
    s = box.site("often.test", php={"processes": 2, "restart_on": ["r"]}, files=FILES)
    server = box.serve()
    server.get(s, "/pid.php")
    seen = parents(server, s)
    with Counting(server, s, threads=4, method="both") as visitors:
        for _ in range(4):
            touch(s.root / "r")
            seen |= wait_for(lambda: parents(server, s) - seen, "another generation", 10)
            visitors.reach(30)
    visitors.check()
    wait_for(lambda: len(server.php(s)) == 3, "the last generation alone", 10)


def test_old_generation_ends_for_certain(box):
    """A script that ignores everything and never ends keeps no old generation alive."""
    s = box.site("stubborn.test", php={"processes": 2, "request_timeout": stretched(1.5),
                                       "restart_on": ["r"]},
                 files={**FILES, "stubborn.php":
                        f"<?php ignore_user_abort(true); {RAN} while (true) usleep(9);"})
    server = box.serve()
    server.get(s, "/pid.php")
    old = whole(server, s, 2)
    with server.client() as c:
        c.ask(s.host, "/stubborn.php?id=1")
        wait_for(lambda: ran(s), "it to run")
        touch(s.root / "r")
        wait_for(lambda: server.get(s, "/pid.php").status == 200
                 and parents(server, s) - set(old), "a new generation", 10)
        wait_for(lambda: not any(procs.alive(p) for p in old), "the old one to be gone", 15)


# --- settings ---------------------------------------------------------------------------------

def test_define(box):
    s = box.site("define.test", files={"i.php": "<?php echo json_encode([ini_get('memory_limit'),"
                 " ini_get('error_prepend_string'), ini_get('date.timezone')]);"},
                 php={"define": {"memory_limit": "77M", "error_prepend_string": "\"a b=c\"",
                                 "date.timezone": "Europe/Berlin"}})
    assert json.loads(box.serve().get(s, "/i.php").text) == ["77M", "a b=c", "Europe/Berlin"]


@pytest.mark.parametrize("php,what", [
    ({"define": {"a b": "1"}}, "letters, digits"),
    ({"define": {"x": "a\nextension=evil"}}, "control characters"),
    ({"define": ["x"]}, "mapping"),
    ({"restart_on": ["../other/file"]}, "without `..`"),
    ({"restart_on": [f"f{n}" for n in range(9)]}, "0..8"),
    ({"request_timeout": "1ms"}, "100ms"),
    ({"queue": "many"}, "queue"),
    ({"queue_timeout": "0"}, "queue_timeout"),
])
def test_settings_are_checked(box, php, what):
    box.site("checked.test", php=php)
    path, _ = box.config()
    p = hostel("check", "--config", path)
    assert p.returncode != 0 and what in p.stdout + p.stderr, p


def test_two_commands_side_by_side(box):
    """Two PHP versions of one user: two pools, each with its own."""
    def wrapper(name):
        path = box.write_config(f"#!/bin/sh\nPHP_NAME={name} exec /usr/bin/php-cgi \"$@\"\n", name)
        path.chmod(0o755)
        return str(path)
    show = {"n.php": "<?php echo getenv('PHP_NAME');"}
    a = box.site("a.test", php={"command": wrapper("php-a")}, files=show)
    b = box.site("b.test", uid=a.uid, php={"command": wrapper("php-b")}, files=show)
    c = box.site("c.test", uid=a.uid, php={"command": a.vhost["php"]["command"]}, files=show)
    server = box.serve()
    assert [server.get(s, "/n.php").text for s in (a, b, c)] == ["php-a", "php-b", "php-a"]
    parents = [p for p in server.php(a) if procs.stat(p)["ppid"] == server.pid]
    assert len(parents) == 2


# --- one pool, several workers ----------------------------------------------------------------

@pytest.mark.root
def test_opcache_is_shared_by_one_user_alone(box):
    """F29: what one process has compiled, all of the pool run; no other user sees any of it."""
    show = {"op.php": "<?php $s = opcache_get_status(); echo json_encode($s === false ? null :"
                      " [getmypid(), array_map(fn($f) => $f['hits'], $s['scripts'])]);"}
    fresh = {"opcache.file_update_protection": "0"}  # files of this very moment, too
    a = box.site("a.test", workers=2, php={"processes": 4, "define": fresh},
                 files={**show, **FILES})
    b = box.site("b.test", php={"processes": 2, "define": fresh}, files={**show, **FILES})
    server = box.serve()
    if server.get(a, "/op.php").text == "null":
        pytest.skip("no opcache here")
    server.get(b, "/pid.php")
    with Load(server.port, [(a.host, "/op.php", "op.php")], threads=8) as load:
        load.reach(60)
    load.flawless()
    pid, scripts = json.loads(server.get(a, "/op.php").text)
    assert scripts[str(a.root / "op.php")] >= 50, "compiled once, for all of them"
    assert len(children(server, a)) == 4
    theirs = json.loads(server.get(b, "/op.php").text)[1]
    assert str(b.root / "pid.php") in theirs
    assert not any(name.startswith(str(a.root)) for name in theirs)
    assert not any(name.startswith(str(b.root)) for name in scripts)


@pytest.mark.core
@pytest.mark.parametrize("processes,workers", [(2, 2), (3, 2), (1, 2), (1, 3)])
def test_kept_connections_starve_nobody(box, processes, workers):
    """F25: whatever workers keep, every one of them gets an answer at once."""
    s = box.site("share.test", workers=workers, php={"processes": processes}, files=FILES)
    server = box.serve()
    server.get(s, "/index.html")
    wait_for(lambda: len(server.workers(s)) == workers, "all workers")
    begin = time.monotonic()
    with Load(server.port, [(s.host, "/pid.php", "pid")], threads=6) as load:
        load.reach(300)
    load.flawless()
    for _ in range(40):
        server.get(s, "/pid.php")
    assert time.monotonic() - begin < 20 * SLOW
    parents = [p for p in server.php(s) if procs.stat(p)["ppid"] == server.pid]
    assert len(parents) == 1, "one pool for all workers"


@pytest.mark.alone
@pytest.mark.core
def test_cold_answer(box):
    """The first request waits for PHP no longer than twice what PHP itself needs to start."""
    import subprocess
    s = box.site("cold.test", php={"processes": 4, "idle_exit": "1s"}, files=FILES)
    server = box.serve()
    server.get(s, "/index.html")

    def bare():
        begin = time.monotonic()
        subprocess.run(["/usr/bin/php-cgi", "-q", str(s.root / "pid.php")], check=True,
                       stdout=subprocess.DEVNULL, env={"PATH": "/usr/bin"})
        return time.monotonic() - begin

    def cold():
        wait_for(lambda: not server.php(s), "the pool to be idle", 10)
        begin = time.monotonic()
        assert server.get(s, "/pid.php").status == 200
        return time.monotonic() - begin
    rounds = [(bare(), cold()) for _ in range(4)]
    base, first = min(r[0] for r in rounds), min(r[1] for r in rounds)
    assert first <= 2 * base + 0.01 * SLOW, (base, first)
