"""I1 and I6, as the kernel tells it: what each child of the server is, and may do."""
import os
import re
import socket
import stat
import subprocess

import pytest

import procs
from house import HOSTEL, Box, hostel, started
from procs import SLOW, wait_for

pytestmark = [pytest.mark.root, pytest.mark.core]

CAPS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
# the capabilities that the design names for the supervisor, by number
SUPERVISOR_CAPS = {0: "chown", 2: "dac_read_search", 5: "kill", 6: "setgid", 7: "setuid",
                   8: "setpcap", 10: "net_bind_service", 18: "sys_chroot"}

SLEEPER = """
#include <unistd.h>
int main(void) { char c; return read(0, &c, 1) < 0 ? 3 : 0; }
"""


@pytest.fixture(scope="module")
def running():
    """A server whose every kind of child is alive: acceptor, two workers, two PHP pools."""
    b = Box()
    sites = [b.site(f"{n}.test", php={"processes": 2}, files={
        "index.html": n, "a.php": "<?php echo 'ok';"}) for n in ("alice", "bob")]
    server = b.serve()
    for s in sites:
        assert server.get(s).status == 200 and server.get(s, "/a.php").text == "ok"
        wait_for(lambda s=s: len(server.php(s)) == 3, "a parent and two processes")
    yield server, *sites
    b.close()


def assert_unprivileged(pid, uid, gid):
    s = procs.status(pid)
    assert s["Uid"].split() == [str(uid)] * 4
    assert s["Gid"].split() == [str(gid)] * 4
    assert set(s["Groups"].split()) <= {str(gid)}
    for name in CAPS:
        assert int(s[name], 16) == 0, f"{name} of {procs.program(pid)}"
    assert s["NoNewPrivs"] == "1"
    assert s["Seccomp"] == "2"


def test_workers(running):
    server, *sites = running
    for site in sites:
        assert_unprivileged(server.worker(site), site.uid, site.uid)


def test_acceptor(running):
    server, *sites = running
    pid, = server.acceptors()
    uid, gid = (int(procs.status(pid)[k].split()[0]) for k in ("Uid", "Gid"))
    assert uid not in (0, *(s.uid for s in sites)) and gid != 0
    assert_unprivileged(pid, uid, gid)


def test_php(running):
    server, *sites = running
    for site in sites:
        pids = server.php(site)
        assert len(pids) == 3, "a parent and two processes"
        for pid in pids:
            assert_unprivileged(pid, site.uid, site.uid)


def test_every_child_is_one_of_these(running):
    """Nothing else runs below the supervisor: no helper kept its privilege by being forgotten."""
    server, *_ = running
    names = sorted(procs.program(p) for p in procs.descendants(server.pid))
    assert names == ["hostel-acceptor"] + ["hostel-worker"] * 2 + ["php-cgi"] * 6


def test_supervisor_is_trimmed(running):
    server, *_ = running
    s = procs.status(server.pid)
    for name in ("CapPrm", "CapEff", "CapBnd"):
        have = {n for n in range(64) if int(s[name], 16) >> n & 1}
        assert have <= set(SUPERVISOR_CAPS), f"{name}: more than the design says"
    assert int(s["CapInh"], 16) == 0 and int(s["CapAmb"], 16) == 0


def test_empty_root_of_the_acceptor(running):
    server, *_ = running
    pid, = server.acceptors()
    root = f"/proc/{pid}/root"
    assert os.listdir(root + "/") == []
    st = os.stat(root + "/")
    assert st.st_uid == 0 and not st.st_mode & 0o222
    assert os.stat("/").st_ino != st.st_ino
    assert os.readlink(f"/proc/{pid}/cwd") == os.readlink(root)


def test_no_core_dumps(running):
    server, *_ = running
    for pid in procs.descendants(server.pid):
        with open(f"/proc/{pid}/limits", encoding="utf-8") as f:
            core = [line for line in f if line.startswith("Max core")][0]
        assert core.split()[4:6] == ["0", "0"], procs.program(pid)


def test_workers_and_acceptor_are_not_dumpable(running):
    """The kernel gives the files of such a process in /proc to root, even its own user's."""
    server, *sites = running
    for pid in server.acceptors() + [server.worker(s) for s in sites]:
        for name in ("mem", "maps", "environ", "fd"):
            st = os.stat(f"/proc/{pid}/{name}")
            assert st.st_uid == 0, f"{name} of {procs.program(pid)} is uid {st.st_uid}'s"


def test_own_php_cannot_look_into_its_worker(running):
    server, alice, _ = running
    pid = server.worker(alice)
    alice.write("peek.php", f"""<?php
        foreach (['mem', 'maps', 'environ', 'fd/3', 'root', 'cwd'] as $f)
            echo @file_get_contents('/proc/{pid}/' . $f) !== false
                 || @readlink('/proc/{pid}/' . $f) ? "GOT $f " : '';
        echo 'done';""")
    assert server.get(alice, "/peek.php").text == "done"


def test_descriptors_of_a_worker(running):
    server, alice, bob = running
    pid = server.worker(alice)
    fds = procs.descriptors(pid)
    assert fds[0] == fds[1] == "/dev/null"
    assert fds[2].startswith(("pipe:", "socket:"))
    assert fds[3].startswith("socket:") and fds[4].startswith("socket:")
    for fd, what in fds.items():
        if fd < 5 or what.startswith(("socket:", "pipe:", "anon_inode:", "/memfd:")):
            continue
        assert what == "/dev/null" or what.startswith((str(alice.root), "/dev/null")) or \
            what in (str(alice.access_log), str(alice.error_log), str(server.box.dir / "run"),
                     str(server.box.dir / "run/php")), f"{fd}: {what}"
        if what.startswith(str(server.box.logs)):
            flags = procs.descriptor_flags(pid, fd)
            assert flags & os.O_APPEND and flags & 3 == os.O_WRONLY
    assert not any(str(bob.uid) in what or "bob" in what for what in fds.values())


def test_descriptors_of_the_acceptor(running):
    server, *_ = running
    pid, = server.acceptors()
    fds = procs.descriptors(pid)
    assert fds[0] == fds[1] == "/dev/null" and fds[3].startswith("socket:")
    for fd, what in fds.items():
        assert what == "/dev/null" or what.startswith(
            ("socket:", "pipe:", "anon_inode:", "/memfd:")), f"{fd}: {what}"


def test_descriptors_of_php(running):
    server, alice, _ = running
    for pid in server.php(alice):
        fds = procs.descriptors(pid)
        assert fds[0].startswith("socket:") and fds[1].startswith(("pipe:", "/dev/null"))
        # beyond 0-2 only what php-cgi opens for itself: its lock file, already unlinked, and the
        # connection of a request, which it may still be closing
        wait_for(lambda pid=pid: all(fd < 3 or "ZendSem" in what
                                     for fd, what in procs.descriptors(pid).items()),
                 "php-cgi has nothing of ours")


def test_environment_of_php(running):
    server, alice, _ = running
    with open(f"/proc/{server.php_parent(alice)}/environ", "rb") as f:
        names = {e.split(b"=")[0].decode() for e in f.read().split(b"\0") if e}
    for name in ("SUDO_USER", "SSH_AUTH_SOCK", "LD_PRELOAD", "HOSTEL_BUILD", "SERVER_SOFTWARE",
                 "REQUEST_METHOD", "GATEWAY_INTERFACE"):
        assert name not in names
    assert "PHP_FCGI_CHILDREN" in names


def test_php_socket_is_the_users_alone(running):
    server, *sites = running
    run = server.box.dir / "run"
    assert run.stat().st_uid == 0 and not run.stat().st_mode & 0o022
    owners = []
    for path in run.rglob("*"):
        st = path.lstat()
        if path.name == "control.sock":  # the administrator's: test_control.py
            assert st.st_uid == 0 and stat.S_IMODE(st.st_mode) == 0o600
            continue
        if stat.S_ISSOCK(st.st_mode):
            owners.append(st.st_uid)
            assert stat.S_IMODE(st.st_mode) & 0o077 == 0, path
        else:
            assert st.st_uid == 0 and not st.st_mode & 0o022, path
    assert sorted(owners) == sorted(s.uid for s in sites)


# --- hostel confine ---------------------------------------------------------------------------

@pytest.fixture(scope="module")
def sleeper(running):
    """A static program that waits on its standard input."""
    source = running[0].box.dir / "sleeper.c"
    source.write_text(SLEEPER)
    program = running[0].box.dir / "sleeper"
    r = subprocess.run(["cc", "-static", "-o", program, source], capture_output=True, text=True,
                       check=False)
    if r.returncode:
        pytest.skip(f"no static linking here: {r.stderr[:200]}")
    program.chmod(0o755)
    return program


def confined(server, role, user, program):
    """Start `hostel confine` and find the program in it."""
    p = subprocess.Popen([HOSTEL, "confine", role, str(user), "--config",
                          server.box.dir / "hostel.yaml", "--", program],
                         stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE)
    started.add(p.pid)

    def there():
        assert p.poll() is None, p.stderr.read()
        pids = [q for q in [p.pid, *procs.descendants(p.pid)] if procs.program(q) == program.name]
        return pids and procs.status(pids[0])["Seccomp"] == "2" and pids[0]
    return p, wait_for(there, f"{program.name} as {role}")


@pytest.mark.parametrize("role", ["worker", "php", "acceptor"])
def test_confine_is_the_same_confinement(running, sleeper, role):
    server, alice, _ = running
    real = {"worker": lambda: server.worker(alice), "php": lambda: server.php_parent(alice),
            "acceptor": lambda: server.acceptors()[0]}[role]()
    user = procs.uid(real)
    p, pid = confined(server, role, user, sleeper)
    try:
        for name in ("Uid", "Gid", "Groups", *CAPS, "NoNewPrivs", "Seccomp", "Seccomp_filters",
                     "Umask"):
            assert procs.status(pid).get(name) == procs.status(real).get(name), name
        assert os.readlink(f"/proc/{pid}/root") == os.readlink(f"/proc/{real}/root")
        assert set(procs.descriptors(pid)) == {0, 1, 2}
        limits = [open(f"/proc/{q}/limits", encoding="utf-8").read() for q in (pid, real)]
        assert limits[0] == limits[1]
    finally:
        p.stdin.close()
        assert p.wait(10 * SLOW) == 0
        p.stderr.close()


def test_confine_passes_the_exit_status_on(running):
    server, alice, _ = running
    conf = server.box.dir / "hostel.yaml"
    for role in ("worker", "php"):
        r = hostel("confine", role, alice.uid, "--config", conf, "--", "cat", "/proc/self/status")
        assert r.returncode == 0 and re.search(r"^NoNewPrivs:\t1$", r.stdout, re.M), r
    r = hostel("confine", "php", alice.uid, "--config", conf, "--", "sh", "-c", "exit 7")
    assert r.returncode == 7
    r = hostel("confine", "worker", alice.uid, "--config", conf, "--", "sh", "-c", "/bin/true; exit 9")
    assert r.returncode != 0, "a worker cannot fork"


# A connection comes as descriptor 0, as from an acceptor; "tls" is what kTLS begins with.
ULP = """
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
int main(void)
{
    int none = 0;
    if (setsockopt(0, IPPROTO_TCP, TCP_ULP, "tls", 3) < 0 && errno == EPERM)
        return 1;
    if (setsockopt(0, IPPROTO_TCP, TCP_MD5SIG, &none, sizeof(none)) == 0 || errno != EPERM)
        return 2; /* the control: what is not in the list */
    return 0;
}
"""


def test_the_cage_of_a_worker_lets_the_kernel_encrypt(running):
    """Whether it can is the kernel's answer, not the filter's."""
    box = running[0].box
    (box.dir / "ulp.c").write_text(ULP)
    r = subprocess.run(["cc", "-o", box.dir / "ulp", box.dir / "ulp.c"], capture_output=True,
                       text=True, check=False)
    assert r.returncode == 0, r.stderr
    (box.dir / "ulp").chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as one:
            r = subprocess.run([HOSTEL, "confine", "worker", str(running[1].uid), "--config",
                                box.dir / "hostel.yaml", "--", box.dir / "ulp"], stdin=one,
                               capture_output=True, text=True, check=False)
    assert r.returncode == 0, r


@pytest.mark.parametrize("user", ["0", "root", "999", "daemon", "no-such-user"])
def test_confine_refuses_low_ids(running, user):
    server, *_ = running
    r = hostel("confine", "php", user, "--config", server.box.dir / "hostel.yaml", "--", "id")
    assert r.returncode != 0 and "uid=" not in r.stdout
