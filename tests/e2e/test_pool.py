"""The life of a PHP pool: processes that come, are busy, die, retire, and come again."""
import os
import signal
import threading
import time

import pytest

import procs
from house import stretched
from load import Load
from procs import wait_for

pytestmark = pytest.mark.usefixtures("php_cgi")

HI = {"hi.php": "<?php echo 'hi ', getmypid();"}
SLEEP = {"sleep.php": "<?php usleep((int)$_GET['ms'] * 1000); echo 'slept';"}


def test_no_pool_before_the_first_request(box):
    s = box.site("lazy.test", php={}, files={**HI, "index.html": "x"})
    server = box.serve()
    assert server.get(s, "/index.html").status == 200
    assert server.php() == []
    assert server.get(s, "/hi.php").text.startswith("hi")
    assert server.php(s)


def test_as_many_processes_as_configured(box):
    s = box.site("three.test", php={"processes": 3}, files=HI)
    server = box.serve()
    server.get(s, "/hi.php")
    parent = server.php_parent(s)
    wait_for(lambda: len(procs.children(parent)) == 3, "3 children of the pool's parent")


@pytest.mark.core
def test_requests_wait_when_all_are_busy(box):
    s = box.site("busy.test", php={"processes": 2}, files=SLEEP)
    server = box.serve()
    got = []
    threads = [threading.Thread(
        target=lambda: got.append(server.get(s, "/sleep.php?ms=150").text)) for _ in range(12)]
    begin = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert got == ["slept"] * 12
    assert time.monotonic() - begin > 0.8, "12 x 150 ms on two processes"


@pytest.mark.core
def test_recycling_loses_no_request(box):
    """max_requests: a process that retires between requests is invisible."""
    s = box.site("recycle.test", php={"processes": 2, "max_requests": 5}, files=HI)
    server = box.serve()
    with Load(server.port, [(s.host, "/hi.php", "hi ")], threads=6) as load:
        load.reach(150)
    load.flawless()
    pids = {server.get(s, "/hi.php").text for _ in range(20)}
    assert len(pids) > 2, "processes were recycled"


@pytest.mark.core
def test_idle_pool_ends_and_comes_back(box):
    s = box.site("idle.test", php={"idle_exit": "1s"}, files=HI)
    server = box.serve()
    for _ in range(2):
        assert server.get(s, "/hi.php").text.startswith("hi")
        wait_for(lambda: not server.php(), "the idle pool to end", 10)
    assert server.workers(s), "the worker has its own idle_exit"


def test_requests_at_the_moment_of_retiring(box):
    """Requests that come just when the pool ends are answered by the next one."""
    s = box.site("edge.test", php={"idle_exit": "1s"}, files=HI)
    server = box.serve()
    for n in range(8):
        r = server.get(s, "/hi.php")
        assert r.status == 200, r
        time.sleep(0.97 + n * 0.01)  # sweeps over the moment in question


@pytest.mark.core
def test_killed_child_is_replaced(box):
    s = box.site("kill.test", php={"processes": 2}, files=HI)
    server = box.serve()
    server.get(s, "/hi.php")
    parent = server.php_parent(s)
    children = procs.children(parent)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(procs.alive(p) for p in children), "the children to be gone")
    for _ in range(10):
        assert server.get(s, "/hi.php").status == 200
    assert server.php_parent(s) == parent


@pytest.mark.core
def test_killed_parent_is_replaced_whole(box):
    """Children that outlive their parent must not go on as a pool of nobody's."""
    s = box.site("parent.test", php={"processes": 2}, files=HI)
    server = box.serve()
    server.get(s, "/hi.php")
    old = server.php(s)
    os.kill(server.php_parent(s), signal.SIGKILL)
    wait_for(lambda: server.get(s, "/hi.php").status == 200, "an answer from a new pool", 15)
    wait_for(lambda: not any(procs.alive(p) for p in old), "the old pool to be gone", 15)


def test_stopped_pool_times_out_alone(box):
    """SIGSTOP on all of a user's PHP: his scripts wait, his files and others' do not."""
    s = box.site("stopped.test", php={"processes": 1}, files={**HI, "index.html": "file"})
    other = box.site("other.test", php={}, files=HI)
    server = box.serve(request_timeout=stretched(1.5))
    server.get(s, "/hi.php")
    pids = server.php(s)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert server.get(other, "/hi.php").status == 200
        assert server.get(s, "/index.html").text == "file"
        assert server.get(s, "/hi.php").status in (502, 503, 504)
    finally:
        for pid in pids:
            if procs.alive(pid):
                os.kill(pid, signal.SIGCONT)
    wait_for(lambda: server.get(s, "/hi.php").status == 200, "PHP to answer again", 15)


def test_visitor_who_leaves_frees_the_queue(box):
    s = box.site("leave.test", php={"processes": 1}, files={**SLEEP, **HI})
    server = box.serve()
    server.get(s, "/hi.php")
    for _ in range(20):
        c = server.client()
        c.ask(s.host, "/sleep.php?ms=900")
        c.reset()  # a mere close could be a visitor who still listens
    begin = time.monotonic()
    assert server.get(s, "/hi.php").status == 200
    assert time.monotonic() - begin < 9, "20 x 900 ms were not waited for"


@pytest.mark.root
def test_one_users_pool_is_not_shared(box):
    a = box.site("a.test", php={}, files=HI)
    b = box.site("b.test", php={}, files=HI)
    server = box.serve()
    server.get(a, "/hi.php"), server.get(b, "/hi.php")
    assert server.php_parent(a) != server.php_parent(b)
