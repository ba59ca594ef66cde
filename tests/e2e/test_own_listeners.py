"""Listeners of one user's own: his workers accept there themselves, and nothing else differs."""
import contextlib
import os
import signal
import socket
import ssl
import threading
import time

import pytest

from house import free_port, hostel
from load import Load
from procs import SLOW, wait_for
from secure import Secure, certificate
from test_control import status
from test_reload import Changing, Upgraded, changing  # noqa: F401, a fixture
from wire import Client, Cut, fetch


@pytest.fixture
def pair(box):
    """Two users behind one listener; ann has one of her own beside it."""
    ann = box.site("ann.test", files={"index.html": "ann"}, idle_exit="1s")
    bob = box.site("bob.test", files={"index.html": "bob"})
    ann.port = free_port()
    ann.vhost["listen"] = [f"127.0.0.1:{ann.port}"]
    return box, ann, bob


@contextlib.contextmanager
def stopped(pids):
    """What is answered meanwhile, others answer."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def try_get(port, host):
    try:
        r = fetch(port, host)
        return r.status, r.text
    except (Cut, OSError):
        return None


@pytest.mark.root
@pytest.mark.core
def test_no_acceptor_in_the_way(pair):
    box, ann, bob = pair
    server = box.serve()
    assert server.workers() == [], "nothing was asked for yet"
    with stopped(server.acceptors()):
        assert fetch(ann.port, "ann.test").text == "ann"
        with Client(ann.port) as c:
            for _ in range(3):
                assert c.get("ann.test").text == "ann"
    assert server.get(ann).text == "ann", "the main listener is hers as well"
    assert server.get(bob).text == "bob"


@pytest.mark.core
def test_one_user_has_all_listeners(box):
    s = box.site("one.test", files={"index.html": "one"})
    server = box.serve()
    with stopped(server.acceptors()):
        assert server.get(s).text == "one"
    server.stop()
    assert s.log_lines()[0].startswith("127.0.0.1 "), "the visitor's own address"


def unprivileged_from():
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as f:
        return int(f.read())


def low_port():
    """One that needs a privilege, and is free."""
    for port in range(min(unprivileged_from(), 1024) - 1, 511, -1):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    pytest.skip("every port is everybody's here")


@pytest.mark.root
@pytest.mark.core
def test_a_privileged_port_is_given_away_only_where_it_is_said(box):
    """His processes could keep it, whoever comes after him."""
    s = box.site("one.test", files={"index.html": "one"})
    port = low_port()
    server = box.serve(listen=[f"127.0.0.1:{port}"])
    assert [row.get("user") for row in status(server)["listener"]] == [None], "an acceptor has it"
    assert fetch(port, "one.test").text == "one"
    server.stop()
    s.vhost["listen"] = [f"127.0.0.1:{port}"]
    server = box.serve()
    assert [row.get("user") for row in status(server)["listener"]] == [str(s.uid)], "a high one"
    with stopped(server.acceptors()):
        assert fetch(port, "one.test").text == "one"


@pytest.mark.root
def test_names_of_others_and_of_nobody(pair):
    box, ann, bob = pair
    server = box.serve()
    for host in ("bob.test", "nobody.test", None):
        with Client(ann.port) as c:
            c.ask(host, version="1.0" if host is None else "1.1")
            assert c.answer().status == 404, host
            assert c.closed() == b""
    with Client(ann.port) as c:
        assert c.get("ann.test").text == "ann"
        assert c.get("bob.test").status == 404, "a kept connection goes to nobody else either"
        assert c.closed() == b""
    assert server.workers(bob) == [], "he was not even asked for"
    with server.client() as c:
        assert c.get("ann.test").text == "ann"
        assert c.get("bob.test").text == "bob"


@pytest.mark.root
@pytest.mark.parametrize("default, status", [("ann", 200), ("bob", 404)])
def test_the_default_vhost_answers_where_it_is_the_same_users(pair, default, status):
    box, ann, bob = pair
    (ann if default == "ann" else bob).vhost["default"] = True
    box.serve()
    with Client(ann.port) as c:
        r = c.get("nobody.test")
        assert r.status == status
        if status == 200:
            assert r.text == "ann"
            assert c.get("ann.test").text == "ann", "the connection is kept"


@pytest.mark.root
@pytest.mark.core
def test_retires_and_comes_back_without_a_loss(pair):
    box, ann, _ = pair
    ann.vhost["idle_exit"] = "100ms"
    server = box.serve()
    answers, seen = [], set()
    for _ in range(3):
        answers.append(try_get(ann.port, "ann.test"))
        seen.update(server.workers(ann))
        wait_for(lambda: not server.workers(ann), "she retires", 10)
    assert answers == [(200, "ann")] * 3
    assert len(seen) == 3, "each a new one"
    # and at the very moment when she retires
    end = time.monotonic() + 4
    while time.monotonic() < end:
        assert try_get(ann.port, "ann.test") == (200, "ann")
        time.sleep(0.09)


@pytest.mark.root
def test_workers_share_the_listener(pair):
    box, ann, _ = pair
    ann.vhost["workers"] = 2
    ann.vhost["idle_exit"] = "1m"
    server = box.serve()
    fetch(ann.port, "ann.test")
    wait_for(lambda: len(server.workers(ann)) == 2, "two workers", 10)
    for stopped in server.workers(ann):  # each can do it alone
        os.kill(stopped, signal.SIGSTOP)
        try:
            assert fetch(ann.port, "ann.test").text == "ann"
        finally:
            os.kill(stopped, signal.SIGCONT)
    with Load(ann.port, [("ann.test", "/", "ann")], threads=4) as load:
        load.reach(50)
        os.kill(server.workers(ann)[0], signal.SIGKILL)
        load.reach(300)
    assert len(load.wrong) <= 4, "what the killed one was at, and no more"


def take_down(server, ann, times=1):
    begin = time.monotonic()
    while server.stderr.count("is down") < times:
        assert time.monotonic() - begin < 20 * SLOW
        asked = threading.Thread(target=try_get, args=(ann.port, "ann.test"))
        asked.start()
        for pid in server.workers(ann):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        asked.join(0.05)


@pytest.mark.root
@pytest.mark.core
def test_down_is_503_and_heals(pair):
    box, ann, bob = pair
    server = box.serve()

    def refused():
        take_down(server, ann, server.stderr.count("is down") + 1)  # for a second, at first
        with Client(ann.port, timeout=5) as c:
            r = c.get("ann.test")
            return r.status == 503 and int(r.get("Retry-After")) > 0
    wait_for(refused, "503 at once, while she is down", 20)
    assert fetch(ann.port, "nobody.test").status == 404
    assert server.get(bob).text == "bob"
    wait_for(lambda: try_get(ann.port, "ann.test") == (200, "ann"), "she is back", 60)
    wait_for(lambda: len(server.acceptors()) == 1, "the porter has left", 10)


@pytest.mark.root
def test_heads_that_wait_are_bounded_by_address(pair):
    """As in an acceptor: who only waits takes no place of those who ask."""
    box, ann, _ = pair
    ann.vhost["idle_exit"] = "1m"
    box.serve(connections_per_address=8, head_timeout="30s")
    waiting = [Client(ann.port) for _ in range(8)]
    try:
        for c in waiting:
            c.send("GET / HT")
        wait_for(lambda: refused(ann.port), "the ninth is refused", 10)
        assert fetch(ann.port, "ann.test").text == "ann", "a whole head does not wait"
        waiting[0].send("TP/1.1\r\nHost: ann.test\r\n\r\n")
        assert waiting[0].answer().text == "ann"
    finally:
        for c in waiting:
            c.close()


def refused(port):
    with Client(port) as c:
        c.send("GET / HT")
        c.sock.settimeout(1)
        try:
            return c.answer().status == 429
        except (Cut, OSError):
            return False


# --- configuration ----------------------------------------------------------------------------

@pytest.mark.root
def test_one_address_serves_one_user(pair):
    box, ann, bob = pair
    bob.vhost["listen"] = list(ann.vhost["listen"])
    path, _ = box.config()
    p = hostel("check", "--config", path)
    assert p.returncode == 1
    assert "vhost bob.test" in p.stderr and "of vhost ann.test" in p.stderr


def test_an_address_of_the_main_listen_is_nobodys_own(box):
    s = box.site("a.test")
    port = free_port()
    s.vhost["listen"] = [f"127.0.0.1:{port}"]
    path, _ = box.config(port=port)
    p = hostel("check", "--config", path)
    assert p.returncode == 1
    assert "vhost a.test" in p.stderr and "of the main file" in p.stderr


@pytest.mark.root
def test_sites_of_one_user_may_name_the_same(pair):
    box, ann, _ = pair
    more = box.site("more.test", uid=ann.uid, files={"index.html": "more"})
    more.vhost["listen"] = list(ann.vhost["listen"])
    p = hostel("check", "--config", box.config()[0])
    assert p.stdout.splitlines() == [
        f"listen 127.0.0.1:{ann.port}: user {ann.uid}'s own (vhost ann.test)", "ok"]
    box.serve()
    assert fetch(ann.port, "more.test").text == "more"
    assert fetch(ann.port, "ann.test").text == "ann"


# --- TLS --------------------------------------------------------------------------------------

def nameless_answer(port):
    """What comes, to the last byte, when a ClientHello has no name."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    sent = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ctx.wrap_bio(ssl.MemoryBIO(), sent).do_handshake()
    with Client(port) as c:
        c.sock.sendall(sent.read())
        return c.closed()


@pytest.mark.root
@pytest.mark.core
def test_tls_is_the_workers_too(pair):
    box, ann, bob = pair
    for s in (ann, bob):
        s.vhost["tls"] = certificate(box, s.host)
    port, main = free_port(), free_port()
    ann.vhost["listen_tls"] = [f"127.0.0.1:{port}"]
    server = box.serve(listen_tls=[f"127.0.0.1:{main}"])
    with stopped(server.acceptors()):
        with Secure(port, "ann.test") as c:
            assert c.get("ann.test").text == "ann"
            assert c.get("bob.test").status == 421
        for name, why in (("bob.test", "UNRECOGNIZED_NAME"), ("nobody.test", "UNRECOGNIZED_NAME"),
                          (None, "MISSING_EXTENSION")):
            with pytest.raises(ssl.SSLError) as e:
                Secure(port, name)
            assert why in str(e.value.reason), name
        nameless = nameless_answer(port)
        assert len(nameless) == 7 and nameless[5:] == bytes((2, 109)), "one alert, and the end"
        with Client(port) as c:
            c.send("GET / HTTP/1.1\r\nHost: ann.test\r\n\r\n")
            assert b"200" not in c.closed(), "no TLS, no answer"
    assert nameless_answer(main) == nameless, "an acceptor says the same"
    for s in (ann, bob):
        with Secure(main, s.host) as c:
            assert c.get(s.host).text == s.host[:3]


@pytest.mark.root
def test_handshakes_are_bounded_by_address(pair):
    box, ann, _ = pair
    ann.vhost.update(idle_exit="1m", tls=certificate(box, ann.host))
    port = free_port()
    ann.vhost["listen_tls"] = [f"127.0.0.1:{port}"]
    box.serve(connections_per_address=8, head_timeout="30s")
    silent = [Client(port) for _ in range(8)]
    try:
        for c in silent:
            c.send("\x16\x03")
        def refused():
            with pytest.raises((OSError, ssl.SSLError)):
                Secure(port, "ann.test").close()
                return False
            return True
        wait_for(refused, "the ninth is refused", 10)
    finally:
        for c in silent:
            c.close()
    def served():
        try:
            with Secure(port, "ann.test") as c:
                return c.get("ann.test").text == "ann"
        except (OSError, ssl.SSLError, Cut):
            return False
    wait_for(served, "there is room again", 10)


# --- from one configuration to the next ---------------------------------------------------------

def directly(server, port, host, text, seconds=10):
    """Answered with every acceptor stopped?"""
    with stopped(server.acceptors()):
        try:
            with Client(port, timeout=seconds) as c:
                return c.get(host).text == text
        except (Cut, OSError):
            return False


@pytest.fixture
def couple(box, changing):  # noqa: F811
    ann, bob = (box.site(f"{n}.test", files={"index.html": f"{n}\n"}) for n in ("ann", "bob"))
    return box, changing, ann, bob


@pytest.mark.root
@pytest.mark.core
def test_the_main_listener_changes_hands_without_a_loss(couple):
    box, changing, ann, bob = couple  # noqa: F811
    server = changing.serve()
    path = box.dir / "vhosts.d" / "bob.test.yaml"
    both = path.read_text()
    assert not directly(server, server.port, "ann.test", "ann\n", 1)
    with Load(server.port, [("ann.test", "/", "ann\n")], 3) as fresh, \
            Load(server.port, [("ann.test", "/", "ann\n")], 2, kept=True) as kept:
        for n in range(3):
            path.unlink()
            changing.reload()
            fresh.reach(30)
            kept.reach(30)
            assert directly(server, server.port, "ann.test", "ann\n"), "all of it is hers"
            path.write_text(both)
            changing.reload()
            assert server.get(bob).text == "bob\n", "at once"
            fresh.reach(30)
            time.sleep(1.6 if n < 2 else 0)  # the old one has ended, or ends with the next
    fresh.flawless()
    kept.flawless()
    assert not directly(server, server.port, "ann.test", "ann\n", 1), "it is everybody's again"
    assert server.get(ann).text == "ann\n"


@pytest.mark.root
@pytest.mark.core
def test_own_listeners_come_change_and_go(couple):
    box, changing, ann, bob = couple  # noqa: F811
    port = free_port()
    server = changing.serve()
    changing.write_site(ann, listen=[f"127.0.0.1:{port}"])
    changing.reload()
    assert fetch(port, "ann.test").text == "ann\n"
    with Client(port) as kept:
        assert kept.get("ann.test").text == "ann\n"
        changing.write_site(ann, listen=None)
        changing.write_site(bob, listen=[f"127.0.0.1:{port}"])
        changing.reload()
        assert fetch(port, "bob.test").text == "bob\n"
        assert fetch(port, "ann.test").status == 404
        last = kept.get("ann.test")
        assert (last.text, last.get("Connection")) == ("ann\n", "close")
    users = {u["uid"]: u["listens"] for u in status(server)["user"]}
    assert users == {ann.uid: [], bob.uid: [f"127.0.0.1:{port}"]}
    changing.write_site(bob, listen=None)
    changing.reload()
    wait_for(lambda: try_get(port, "bob.test") is None, "nobody listens there any more", 10)
    with socket.create_server(("127.0.0.1", port)):
        pass
    assert server.get(bob).text == "bob\n"


@pytest.mark.root
def test_plain_becomes_tls(couple):
    box, changing, ann, _ = couple  # noqa: F811
    port = free_port()
    changing.serve()
    changing.write_site(ann, listen=[f"127.0.0.1:{port}"], tls=certificate(box, "ann.test"))
    changing.reload()
    assert fetch(port, "ann.test").text == "ann\n"
    changing.write_site(ann, listen=None, listen_tls=[f"127.0.0.1:{port}"])
    changing.reload()
    with Secure(port, "ann.test") as c:
        assert c.get("ann.test").text == "ann\n"


@pytest.mark.root
def test_a_reload_of_others_does_not_touch_them(couple):
    _, changing, ann, bob = couple  # noqa: F811
    port = free_port()
    ann.vhost["listen"] = [f"127.0.0.1:{port}"]
    server = changing.serve()
    assert fetch(port, "ann.test").text == "ann\n"
    worker = server.worker(ann)
    changing.write_site(bob, autoindex=True)
    changing.reload()
    assert server.worker(ann) == worker
    assert directly(server, port, "ann.test", "ann\n")


@pytest.mark.root
@pytest.mark.core
def test_an_address_that_is_taken_is_its_users_trouble(couple):
    _, changing, ann, bob = couple  # noqa: F811
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ann.vhost["listen"] = [f"127.0.0.1:{port}"]
        server = changing.serve()
        assert f"vhost ann.test: cannot listen on 127.0.0.1:{port}" in server.stderr
        assert server.get(ann).text == "ann\n" and server.get(bob).text == "bob\n"
        assert "address already in use" in changing.reload(ok=False)
    changing.reload()
    assert fetch(port, "ann.test").text == "ann\n"


@pytest.mark.root
@pytest.mark.core
def test_an_upgrade_keeps_them_and_loses_nothing(couple):
    box, changing, ann, _ = couple  # noqa: F811
    port = free_port()
    ann.vhost["listen"] = [f"127.0.0.1:{port}"]
    server = changing.serve(drain_timeout="5s")
    up, rows = Upgraded(box, server), [("ann.test", "/", "ann\n")]
    with Load(port, rows, 3) as fresh, Load(port, rows, 2, kept=True) as kept:
        for _ in range(2):
            fresh.reach(20)
            up.upgrade()
            fresh.reach(20)
            kept.reach(20)
    fresh.flawless()
    kept.flawless()
    up.end()
    assert try_get(port, "ann.test") is None


@pytest.mark.root
def test_an_upgrade_with_another_owner(couple):
    """The main listener is one user's, and the next server finds that there are two."""
    box, changing, _, bob = couple  # noqa: F811
    server = changing.serve(drain_timeout="5s")
    path = box.dir / "vhosts.d" / "bob.test.yaml"
    both = path.read_text()
    path.unlink()
    changing.reload()
    up = Upgraded(box, server)
    with Load(server.port, [("ann.test", "/", "ann\n")], 3) as load:
        load.reach(20)
        path.write_text(both)
        up.upgrade()
        load.reach(20)
        assert server.get(bob).text == "bob\n"
        path.unlink()
        up.upgrade()
        load.reach(20)
        assert server.get("bob.test").status == 404
    load.flawless()
    up.end()


@pytest.mark.root
def test_a_reload_while_its_user_is_down(couple):
    _, changing, ann, bob = couple  # noqa: F811
    port = free_port()
    ann.vhost["listen"] = [f"127.0.0.1:{port}"]
    server = changing.serve()
    ann.port = port


    def refused():
        take_down(server, ann, server.stderr.count("is down") + 1)
        got = try_get(port, "ann.test")
        return got and got[0] == 503
    wait_for(refused, "503 while she is down", 20)
    changing.write_site(ann, autoindex=True)
    changing.reload()
    wait_for(lambda: try_get(port, "ann.test") == (200, "ann\n"), "another try at once")
    take_down(server, ann, server.stderr.count("is down") + 1)
    changing.write_site(ann, listen=None)
    changing.reload()
    assert server.get(bob).text == "bob\n"
    wait_for(lambda: len(server.acceptors()) == 1, "the porter has left", 10)


# --- several workers --------------------------------------------------------------------------

def sockets(pid):
    found = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
        except FileNotFoundError:
            pass
    return found


@pytest.mark.root
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_kept_connections_are_spread(pair, own, together):
    """One busy user uses all cores: none of his workers gets everything."""
    box, ann, _ = pair
    ann.vhost["workers"] = 2
    ann.vhost["idle_exit"] = "1m"
    server = box.serve()
    server.get(ann)
    wait_for(lambda: len(server.workers(ann)) == 2, "two workers", 10)
    time.sleep(1)
    pids = server.workers(ann)
    before = [sockets(pid) for pid in pids]
    port = ann.port if own else server.port
    clients = [Client(port) for _ in range(60)]
    try:
        for c in clients:
            c.ask("ann.test")
            if not together:
                assert c.answer().text == "ann"
        if together:
            for c in clients:
                assert c.answer().text == "ann"
        each = [sockets(pid) - b for pid, b in zip(pids, before)]
        print(own, together, each)
        assert sum(each) == 60
        assert min(each) >= 15, each
    finally:
        for c in clients:
            c.close()
