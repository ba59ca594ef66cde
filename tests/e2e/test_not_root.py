"""Without root: a development server for the invoking user's own sites."""
import os
import re
import subprocess

import pytest

import procs
from house import HOSTEL, PHP_CGI, ROOT, free_port, hostel


def as_user(s):
    """Arguments for Popen that run a program as the owner of s, who has a place for run files."""
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent",
           "XDG_RUNTIME_DIR": str(s.box.dir / "myrun")}
    return {"env": env, **({"user": s.uid, "group": s.uid, "extra_groups": []} if ROOT else {})}


@pytest.fixture
def mine(box):
    """A site of one user's, and a place for his run directory."""
    s = box.site("mine.test", php={}, access_log="-", error_log="-", files={
        "index.html": "my page\n", "who.php": "<?php echo posix_getuid();"})
    run = box.dir / "myrun"
    run.mkdir(mode=0o700)
    s.give(run, 0o700)
    box.main["run_dir"] = str(run / "hostel")
    return s


def start(box, s, args, port):
    return box.start(args, port, **as_user(s))


@pytest.mark.core
def test_own_sites_are_served(box, mine):
    path, port = box.config()
    server = start(box, mine, ["--config", path], port)
    assert server.get(mine).text == "my page\n"
    if os.access(PHP_CGI, os.X_OK):
        assert server.get(mine, "/who.php").text == str(mine.uid)
    lines = [line for line in server.stderr.splitlines() if "root" in line and "hostel:" in line]
    assert len(lines) == 1 and "switch" in lines[0], server.stderr


def test_confinement_holds_without_root(box, mine):
    """No switch, but still no new privileges, a filter, and nothing readable of the worker."""
    path, port = box.config()
    server = start(box, mine, ["--config", path], port)
    server.get(mine), server.get(mine, "/who.php")
    for pid in procs.descendants(server.pid):
        s = procs.status(pid)
        assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2"
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(s[name], 16) == 0
    for pid in server.workers() + server.acceptors():
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0, "not dumpable"


@pytest.mark.core
def test_another_users_vhost_is_a_config_error(box, mine):
    other = "nobody" if ROOT else "root"
    s = box.site("other.test", uid=mine.uid)
    s.vhost["user"] = other
    del s.vhost["group"]
    path, _ = box.config()
    for args in (["check"], ["serve"]):
        r = hostel(*args, "--config", path, **as_user(mine))
        assert r.returncode == 1
        assert re.search(rf"{path}:\d+: vhost other.test: ", r.stdout + r.stderr)
        assert other in r.stdout + r.stderr


@pytest.mark.core
def test_one_line_development_server(box, mine):
    port = free_port()
    server = start(box, mine, ["--root", mine.root, "--listen", f"127.0.0.1:{port}"], port)
    for host in ("localhost", "127.0.0.1", "whatever.test"):
        assert server.get(host).text == "my page\n"
    if os.access(PHP_CGI, os.X_OK):
        assert server.get("localhost", "/who.php").text == str(mine.uid)
    assert server.get("localhost", "/missing").status == 404


def test_directory_that_is_none(box, mine):
    for args in (["--root", box.dir / "missing"], ["--root", "/etc/passwd"],
                 ["--root", mine.root, "--listen", "nonsense"]):
        r = hostel("serve", *args, **as_user(mine))
        assert r.returncode == 1 and r.stderr, args


@pytest.mark.root
def test_root_serves_no_bare_directory(box, mine):
    r = hostel("serve", "--root", mine.root)
    assert r.returncode == 1 and re.search(r"user", r.stderr)


def test_files_of_others_stay_closed(box, mine):
    """Served with the user's own rights, whatever the path."""
    if not ROOT:
        pytest.skip("needs a file that we cannot read")
    closed = mine.root / "closed.txt"
    closed.write_text("root's")
    closed.chmod(0o600)
    path, port = box.config()
    server = start(box, mine, ["--config", path], port)
    assert server.get(mine, "/closed.txt").status == 403


def test_low_port_is_one_clear_line(box, mine):
    """A user cannot bind port 1 to 1023, unless the machine lets everybody."""
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as f:
        if int(f.read()) < 1024:
            pytest.skip("low ports are free for all here")
    path, _ = box.config(listen=["127.0.0.1:80"])
    p = subprocess.run([HOSTEL, "serve", "--config", path], capture_output=True, text=True,
                       timeout=20, check=False, **as_user(mine))
    assert p.returncode == 1 and "127.0.0.1:80" in p.stderr
    assert len(p.stderr.strip().splitlines()) == 1
