"""One user's trouble stays in his room: killed, stopped and crash-looping children."""
import os
import signal
import time

import pytest

import procs
from load import Load
from procs import SLOW, wait_for
from wire import Cut


@pytest.fixture
def pair(box):
    """Two users; the first is the one in trouble."""
    ill = box.site("ill.test", files={"index.html": "ill"})
    well = box.site("well.test", files={"index.html": "well"})
    server = box.serve(head_timeout="3s", connections_per_address=10000)
    assert server.get(ill).text == "ill" and server.get(well).text == "well"
    return server, ill, well


def undisturbed(server):
    return Load(server.port, [("well.test", "/", "well")], threads=4)


def try_get(server, site):
    """Status and text, or None for a connection that was cut."""
    try:
        with server.client(timeout=20) as c:
            r = c.get(site.host)
            return r.status, r.text
    except (Cut, OSError):
        return None


def bring_down(server, site):
    """Kill the site's workers as they come, until the user is given up for a while."""
    def down():
        for pid in server.workers(site):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        got = try_get(server, site)
        return got and got[0] == 503
    wait_for(down, "503 for the user who is down", 30)


@pytest.mark.root
@pytest.mark.core
def test_killed_worker_beside_others_is_replaced(box):
    """One of several comes back though the others go on: a busy user keeps his number."""
    busy = box.site("busy.test", workers=2, files={"index.html": "busy"})
    server = box.serve()
    assert server.get(busy).text == "busy"
    wait_for(lambda: len(server.workers(busy)) == 2, "both workers")
    gone, stays = server.workers(busy)
    os.kill(gone, signal.SIGKILL)
    wait_for(lambda: len(server.workers(busy)) == 2 and gone not in server.workers(busy),
             "a second worker again", 10)
    assert stays in server.workers(busy)
    assert server.get(busy).text == "busy"


@pytest.mark.root
@pytest.mark.core
def test_killed_worker_is_replaced(pair):
    server, ill, _ = pair
    with undisturbed(server) as load:
        for _ in range(2):
            old = server.worker(ill)
            os.kill(old, signal.SIGKILL)
            wait_for(lambda: try_get(server, ill) == (200, "ill"), "a new worker", 15)
            assert server.worker(ill) != old
        load.reach(100)
    load.flawless()


@pytest.mark.root
@pytest.mark.core
def test_worker_killed_while_requests_wait(pair):
    """What was handed over and not taken yet is the next worker's, not lost."""
    server, ill, _ = pair
    old = server.worker(ill)
    os.kill(old, signal.SIGSTOP)
    clients = [server.client(timeout=20) for _ in range(30)]
    for c in clients:
        c.ask(ill.host)
    with undisturbed(server) as load:
        load.reach(50)  # the acceptor has turned: the 30 were handed over
        os.kill(old, signal.SIGKILL)
        assert [c.answer().text for c in clients] == ["ill"] * 30
    load.flawless()
    for c in clients:
        c.close()


@pytest.mark.root
@pytest.mark.core
def test_stopped_worker_delays_only_its_user(pair):
    """SIGSTOP: nobody reads the channel. The other user does not notice; SIGCONT heals."""
    server, ill, _ = pair
    pid = server.worker(ill)
    os.kill(pid, signal.SIGSTOP)
    clients = [server.client(timeout=20) for _ in range(700)]
    try:
        with undisturbed(server) as load:
            for c in clients:
                c.ask(ill.host)
            load.reach(300)
        load.flawless()
    finally:
        os.kill(pid, signal.SIGCONT)
    answers = []
    for c in clients:
        try:
            answers.append(c.answer().status)
        except (Cut, OSError):
            answers.append(None)
        c.close()
    assert set(answers) <= {200, 503}, "each waits or is told 503, none is cut"
    wait_for(lambda: try_get(server, ill) == (200, "ill"), "the user is back", 15)


@pytest.mark.root
@pytest.mark.core
def test_crash_loop_is_503_and_heals(pair):
    server, ill, well = pair

    def refused_again():
        bring_down(server, ill)  # for a second, at first
        got = try_get(server, ill)
        return got and got[0] == 503
    with undisturbed(server) as load:
        wait_for(refused_again, "refused at once while the user is down", 30)
        load.reach(50)
    load.flawless()
    with server.client() as c:
        r = c.get(ill.host)
        assert r.status in (200, 503)
        if r.status == 503:
            assert int(r.get("Retry-After")) > 0
    assert server.get(well).status == 200
    wait_for(lambda: try_get(server, ill) == (200, "ill"), "recovery after the back-off", 60)
    assert str(ill.uid) in server.stderr or "ill" in server.stderr, "a log line says so"


@pytest.mark.root
def test_crash_loop_does_not_fork_without_pause(pair):
    """Back-off: a worker that dies at once is not started hundreds of times a second."""
    server, ill, _ = pair
    seen, begin = set(), time.monotonic()
    while time.monotonic() - begin < 4:
        for pid in server.workers(ill):
            seen.add(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try_get(server, ill)
    assert 1 <= len(seen) < 40, f"{len(seen)} starts in 4 s"


@pytest.mark.root
def test_connections_that_wait_while_a_user_goes_down(pair):
    """None hangs until its own timeout: the acceptor answers what waits in the channel."""
    server, ill, _ = pair
    bring_down(server, ill)
    begin = time.monotonic()
    clients = [server.client(timeout=20) for _ in range(20)]
    for c in clients:
        c.ask(ill.host)
    got = [c.answer().status for c in clients]
    assert set(got) <= {200, 503}
    assert time.monotonic() - begin < 15 * SLOW
    for c in clients:
        c.close()


@pytest.mark.core
def test_killed_acceptor_is_replaced(box):
    s = box.site("acc.test", files={"index.html": "here"})
    box.site("somebody.test")  # with one user alone an acceptor has nothing to do
    server = box.serve()
    with server.client() as kept:
        assert kept.get(s.host).text == "here"
        old = server.acceptors()
        os.kill(old[0], signal.SIGKILL)
        assert kept.get(s.host).text == "here", "a kept connection does not notice"
        wait_for(lambda: try_get(server, s) == (200, "here"), "a new acceptor", 15)
        assert server.acceptors() and server.acceptors() != old


@pytest.mark.root
def test_worker_without_descriptors(box):
    """A user who exhausts his own worker with connections stands in nobody's way."""
    ill = box.site("ill.test", files={"index.html": "ill"})
    box.site("well.test", files={"index.html": "well"})
    server = box.serve()
    server.get(ill)
    clients = []
    try:
        for _ in range(600):
            clients.append(server.client())
            clients[-1].ask(ill.host)
        with undisturbed(server) as load:
            load.reach(200)
        load.flawless()
    finally:
        for c in clients:
            c.close()


@pytest.mark.root
def test_scripts_that_burn(box):
    """Endless loops in one user's PHP do not keep the other user's visitors waiting."""
    ill = box.site("ill.test", php={"processes": 2}, files={
        "index.html": "ill", "burn.php": "<?php while (true) { }"})
    box.site("well.test", files={"index.html": "well"})
    server = box.serve(request_timeout="2s")
    clients = [server.client() for _ in range(4)]
    for c in clients:
        c.ask(ill.host, "/burn.php")
    with undisturbed(server) as load:
        load.reach(200)
    load.flawless()
    assert server.get(ill).text == "ill"
    for c in clients:
        c.close()


@pytest.mark.root
def test_document_root_that_vanishes(box):
    """A worker that cannot serve is not a reason for the server to end."""
    ill = box.site("ill.test", files={"index.html": "ill"})
    well = box.site("well.test", files={"index.html": "well"})
    server = box.serve()
    os.rename(ill.root, ill.home / "elsewhere")
    got = try_get(server, ill)
    assert got is not None and got[0] in (403, 404, 500, 503)
    assert server.get(well).text == "well"
    os.rename(ill.home / "elsewhere", ill.root)
    wait_for(lambda: try_get(server, ill) == (200, "ill"), "the site is back", 60)


@pytest.mark.root
def test_sigpipe_is_nothing(box):
    """A SIGPIPE to the supervisor leaves it serving."""
    s = box.site("sig.test", files={"index.html": "x"})
    server = box.serve()
    os.kill(server.pid, signal.SIGPIPE)
    assert server.get(s).status == 200
    assert procs.alive(server.pid)
