"""What a user could bend, flood or leave behind: one test for each hole that was closed."""
import os
import signal
import stat
import time

import pytest

import procs
from house import hostel
from procs import SLOW, wait_for


def refused(box):
    path, _ = box.config()
    r = hostel("serve", "--config", path)
    assert r.returncode == 1 and "log" in r.stderr and "ready" not in r.stderr, r


@pytest.mark.root
@pytest.mark.core
def test_log_path_through_a_link_of_the_users(box):
    """A link in his home that leads to a directory of root's: root would write there."""
    s = box.site("bend.test")
    (s.home / "logs").symlink_to(box.logs)
    os.chown(s.home / "logs", s.uid, s.uid, follow_symlinks=False)
    s.vhost["access_log"] = str(s.home / "logs" / "planted")
    refused(box)
    assert not (box.logs / "planted").exists()


@pytest.mark.root
def test_log_directory_that_the_users_group_writes(box):
    s = box.site("group.test")
    os.chown(box.logs, 0, s.uid)
    box.logs.chmod(0o775)
    refused(box)


@pytest.mark.root
def test_log_path_through_a_link_of_roots(box):
    s = box.site("link.test", files={"index.html": "x"})
    (box.dir / "elsewhere").symlink_to("logs")
    s.vhost["access_log"] = str(box.dir / "elsewhere" / "access")
    server = box.serve()
    assert server.get(s).status == 200
    wait_for(lambda: (box.logs / "access").read_text(), "a line behind root's own link")


@pytest.mark.root
@pytest.mark.core
def test_shared_log_is_read_by_none_of_its_users(box):
    """Two users' visitors in one file: neither may read the other's."""
    log = box.logs / "shared"
    a, b = (box.site(f"{n}.test", access_log=str(log)) for n in "ab")
    box.serve()
    st = log.stat()
    assert st.st_gid == 0 and stat.S_IMODE(st.st_mode) & 0o007 == 0
    assert a.error_log.stat().st_gid == a.uid and b.error_log.stat().st_gid == b.uid


LEAVE_BEHIND = """<?php
exec('setsid sh -c "echo \\$\\$ > ' . __DIR__ . '/pid; exec sleep 600" > /dev/null 2>&1 &');
echo 'left';
"""


@pytest.mark.root
@pytest.mark.core
def test_what_php_left_behind_ends_with_the_server(box, php_cgi):
    """A session of its own is out of the pool's group; the stop finds it all the same."""
    s = box.site("left.test", php={}, files={"left.php": LEAVE_BEHIND})
    server = box.serve()
    assert server.get(s, "/left.php").text == "left"
    pid = int(wait_for(lambda: (s.root / "pid").exists() and (s.root / "pid").read_text(), "it"))
    wait_for(lambda: procs.program(pid) == "sleep", "what was left behind sleeps")
    server.stop()
    assert not procs.alive(pid)


@pytest.mark.root
def test_php_has_limits_of_its_own(box, php_cgi):
    """One user's forks and descriptors are not the machine's."""
    s = box.site("lim.test", php={}, files={
        "l.php": "<?php echo file_get_contents('/proc/self/limits');"})
    text = box.serve().get(s, "/l.php").text
    limits = {line[:25].strip(): line[25:].split()[:2] for line in text.splitlines()}
    assert limits["Max open files"] == ["4096", "4096"]
    assert [int(n) <= 1024 for n in limits["Max processes"]] == [True, True]


@pytest.mark.root
@pytest.mark.core
def test_stop_while_everybody_starts(box):
    """Connections that came before the end are served, by workers that start during it."""
    sites = [box.site(f"s{n}.test", files={"index.html": f"s{n}"}) for n in range(40)]
    server = box.serve()
    clients = [server.client(timeout=30) for _ in sites]
    for c, s in zip(clients, sites):
        c.ask(s.host)
    wait_for(server.workers, "a worker that starts")
    begin = time.monotonic()
    server.stop()
    assert time.monotonic() - begin < 11.5 * SLOW


@pytest.mark.alone
@pytest.mark.root
@pytest.mark.parametrize("again", [False, True])
def test_stop_with_stopped_children(box, php_cgi, again):
    """SIGSTOP holds neither the stop nor, asked twice, its haste up."""
    s = box.site("still.test", php={}, files={"x.php": "<?php echo 'x';"})
    server = box.serve(stop_timeout="3s")
    assert server.get(s, "/x.php").text == "x"
    for pid in server.workers() + server.php() + server.acceptors():
        os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    if again:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    server.stop()
    assert time.monotonic() - begin < (1.5 if again else 5) * SLOW


@pytest.mark.alone
@pytest.mark.root
def test_log_flood_of_short_lines(box, php_cgi):
    """The supervisor pays by the line: a script that floods takes none of its time."""
    s = box.site("flood.test", php={}, files={"x.php": """<?php
        $e = fopen('php://stderr', 'w');
        for ($i = 0; $i < 200000; $i++) fwrite($e, "x\n");"""})
    server = box.serve(request_timeout="3s")
    before = procs.cpu_seconds(server.pid)
    with server.client() as c:
        c.ask(s.host, "/x.php")
        time.sleep(2)
    assert procs.cpu_seconds(server.pid) - before < 0.3 * SLOW


@pytest.mark.root
def test_run_dir_is_one_servers(box):
    """A second server would take the first one's PHP sockets away."""
    box.site("one.test", files={"index.html": "1"})
    box.serve()
    path, _ = box.config()
    r = hostel("serve", "--config", path)
    assert r.returncode == 1 and "run_dir" in r.stderr and "ready" not in r.stderr


@pytest.mark.root
def test_pid_file_in_a_users_directory(box):
    s = box.site("pid.test")
    path, _ = box.config(pid_file=str(s.home / "pid"))
    r = hostel("serve", "--config", path)
    assert r.returncode == 1 and "pid_file" in r.stderr
    assert not (s.home / "pid").exists()
