"""Start and stop: what `hostel serve` promises to whoever runs it."""
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

import procs
from house import HOSTEL, free_port, hostel, nothing_left
from procs import SLOW, wait_for
from wire import Cut

STREAM = ("<?php for ($i = 0; $i < 10; $i++) { echo \"part $i\\n\"; @ob_flush(); flush();"
          " usleep(150000); }")

UNTIL_SEEN = ("<?php do { echo 'part'; @ob_flush(); flush(); usleep(100000); }"
              " while (!file_exists(__DIR__ . '/seen'));")


@pytest.mark.core
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_stops_at_once_when_idle(box, sig):
    s = box.site("stop.test", php={}, files={"index.html": "x", "a.php": "<?php echo 1;"})
    server = box.serve(stop_timeout="30s")
    assert server.get(s).status == 200
    server.get(s, "/a.php")
    kept = server.client()
    kept.get(s.host)
    children = procs.descendants(server.pid)
    begin = time.monotonic()
    server.stop(sig)
    assert time.monotonic() - begin < 5 * SLOW
    assert not any(procs.alive(p) for p in children)
    assert kept.closed() == b""


def test_ready_line_names_what_it_listens_on(box):
    box.site("line.test")
    server = box.serve()
    lines = [line for line in server.stderr.splitlines() if line.startswith("hostel: ready")]
    assert lines == [f"hostel: ready, listening on 127.0.0.1:{server.port}"]


@pytest.mark.core
def test_running_answer_finishes(box):
    """SIGTERM while PHP streams: the visitor gets all of it, then everything ends."""
    s = box.site("run.test", php={}, files={"stream.php": STREAM})
    server = box.serve(stop_timeout="10s")
    with server.client() as c:
        c.ask(s.host, "/stream.php")
        r = c.head()
        pieces = c.pieces(r)
        got = next(pieces)
        server.process.send_signal(signal.SIGTERM)
        got += b"".join(pieces)
        assert got == b"".join(b"part %d\n" % n for n in range(10))
    assert server.process.wait(10 * SLOW) == 0


def test_no_new_connections_while_stopping(box):
    s = box.site("closing.test", php={}, files={"stream.php": UNTIL_SEEN})
    server = box.serve(stop_timeout="60s")
    with server.client() as c:
        c.ask(s.host, "/stream.php")
        r = c.head()
        server.process.send_signal(signal.SIGTERM)

        def refused():
            try:
                with server.client(timeout=1) as other:
                    other.get(s.host, "/none")
                return False
            except ConnectionRefusedError: # not a wait in a queue that nobody takes from
                return True
            except (OSError, Cut):
                return False
        wait_for(refused, "new connections to be refused", 10)
        assert server.process.poll() is None # refused while it stops, not because it ended
        s.write("seen")
        b"".join(c.pieces(r))
    assert server.process.wait(10 * SLOW) == 0


@pytest.mark.core
def test_stop_timeout_ends_what_does_not_finish(box):
    s = box.site("late.test", php={}, files={"late.php": "<?php echo 'begun'; @ob_flush();"
                                             " flush(); sleep(60);"})
    server = box.serve(stop_timeout="1s")
    with server.client() as c:
        c.ask(s.host, "/late.php")
        c.head()
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < 6 * SLOW


def test_stops_while_children_are_stopped(box):
    """A SIGSTOPped child cannot hold the end up."""
    s = box.site("still.test", php={}, files={"a.php": "<?php echo 1;"})
    server = box.serve(stop_timeout="1s")
    server.get(s, "/a.php")
    for pid in procs.descendants(server.pid):
        os.kill(pid, signal.SIGSTOP)
    server.stop()


def test_stops_in_the_middle_of_load(box):
    s = box.site("load.test", files={"index.html": "x"})
    server = box.serve(stop_timeout="3s")
    stop = threading.Event()

    def visit():
        while not stop.is_set():
            try:
                server.get(s)
            except (OSError, Cut, AssertionError):
                time.sleep(0.01)
    threads = [threading.Thread(target=visit) for _ in range(8)]
    for t in threads:
        t.start()
    wait_for(lambda: len(s.log_lines()) > 100, "load")
    server.stop()
    stop.set()
    for t in threads:
        t.join()


@pytest.mark.core
def test_second_instance_on_the_same_port(box):
    s = box.site("first.test", files={"index.html": "still here"})
    server = box.serve()
    path, _ = box.config(port=server.port, run_dir=str(box.dir / "run2"))
    r = hostel("serve", "--config", path)
    assert r.returncode not in (0, -6, -11)
    lines = [line for line in r.stderr.splitlines() if line]
    assert len(lines) == 1 and str(server.port) in lines[0], r.stderr
    nothing_left()
    assert server.get(s).text == "still here"


@pytest.mark.core
@pytest.mark.parametrize("text", ["vhosts: 5\n", "nonsense: [\n", ""])
def test_broken_config_leaves_nothing(box, text):
    path = box.write_config(text)
    r = hostel("serve", "--config", path)
    assert r.returncode not in (0, -6, -11)
    assert str(path) in r.stderr and "ready" not in r.stderr
    nothing_left()
    assert not (box.dir / "run").exists()


@pytest.mark.root
def test_run_dir_of_another_user_is_refused(box):
    s = box.site("rd.test")
    run = box.dir / "theirs"
    run.mkdir()
    os.chown(run, s.uid, s.uid)
    path, _ = box.config(run_dir=str(run))
    r = hostel("serve", "--config", path)
    assert r.returncode == 1 and str(run) in r.stderr
    link = box.dir / "link"
    (box.dir / "mine").mkdir()
    link.symlink_to(box.dir / "mine")
    path, _ = box.config(run_dir=str(link))
    r = hostel("serve", "--config", path)
    assert r.returncode == 1 and str(link) in r.stderr
    nothing_left()


def test_pid_file(box):
    box.site("pid.test")
    path = box.dir / "hostel.pid"
    server = box.serve(pid_file=str(path))
    assert path.read_text().strip() == str(server.pid)
    other, _ = box.config(pid_file=str(path), run_dir=str(box.dir / "run2"))
    r = hostel("serve", "--config", other)
    assert r.returncode != 0 and str(path) in r.stderr
    assert path.read_text().strip() == str(server.pid), "a failed start leaves it alone"
    server.stop()
    assert not path.exists()


def test_helpers_missing(box, tmp_path):
    """A hostel without its helpers beside it says which one it misses."""
    box.site("alone.test")
    path, _ = box.config()
    lone = shutil.copy(HOSTEL, tmp_path / "hostel")
    r = subprocess.run([lone, "serve", "--config", path], capture_output=True, text=True,
                       timeout=20 * SLOW, check=False)
    assert r.returncode != 0 and "hostel-" in r.stderr


def test_restarts_on_the_same_port_at_once(box):
    """TIME_WAIT of the last visitors does not keep the next start from binding."""
    s = box.site("again.test", files={"index.html": "x"})
    port = free_port()
    for _ in range(3):
        server = box.serve(port=port)
        with server.client() as c:
            assert c.get(s.host).status == 200
            server.stop()
            c.closed()


@pytest.mark.root
def test_logs_survive_a_restart(box):
    s = box.site("log.test", files={"index.html": "x"})
    for n in range(2):
        server = box.serve()
        server.get(s, f"/?{n}")
        server.stop()
    assert [re.search(r"GET (\S+)", line)[1] for line in s.log_lines()] == ["/?0", "/?1"]


@pytest.mark.root
def test_children_do_not_outlive_a_killed_supervisor(box):
    """Even kill -9 of the supervisor ends acceptors, workers and PHP."""
    s = box.site("orphan.test", php={}, files={"a.php": "<?php echo 1;"})
    server = box.serve()
    server.get(s, "/a.php")
    children = wait_for(lambda: (found := procs.descendants(server.pid))[3:] and found, "all kinds")
    server.stopped = True
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not any(procs.alive(p) for p in children), "all children to be gone", 10)


def test_port_is_closed_after_the_end(box):
    box.site("gone.test")
    server = box.serve()
    server.stop()
    with socket.socket() as s:
        s.settimeout(2)
        assert s.connect_ex(("127.0.0.1", server.port)) != 0
