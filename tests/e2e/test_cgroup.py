"""Users' control groups, with a kernel that has them: this machine's, where cgroup v2 has its
controllers, else one that is booted for it (Debian's user-mode-linux)."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import procs
from house import BUILD, REPO, hostel
from procs import SLOW, wait_for
from test_control import status

pytestmark = [pytest.mark.root]

INSIDE = os.environ.get("HOSTEL_CGROUP")  # the mount, in the kernel that was booted
WANTED = {"cpu", "memory", "pids"}

BURN = "<?php $e = microtime(true) + 2; while (microtime(true) < $e) ; echo 'burnt';"
RAISE = """<?php
$group = $_GET['group'];
foreach (["$group/memory.max", "$group/pids.max", "$group/cgroup.procs", "$group/cgroup.kill",
          "$group/../cgroup.procs", "$group/../../cgroup.procs"] as $file)
    echo @file_put_contents($file, '0') === false ? 'no ' : "yes: $file ";
echo @mkdir("$group/own") ? 'yes: mkdir' : 'no';
"""
EAT = """<?php
$code = 'import time; a = bytearray(40 << 20); time.sleep(3)';
for ($i = 0; $i < 6; $i++)
    $p[] = proc_open(['/usr/bin/python3', '-c', $code], [], $pipes);
foreach ($p as $one)
    $left[] = proc_close($one);
echo 'ended: ', implode(' ', $left);
"""


def mount():
    """Where cgroup v2 is, with controllers that nobody else has; or None."""
    if INSIDE:
        return Path(INSIDE)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line:
            at = Path(line.split()[4])
            if WANTED <= set((at / "cgroup.controllers").read_text().split()):
                return at
    return None


MOUNT = mount()
here = pytest.mark.skipif(MOUNT is None, 
                          reason="cgroup v2 has no controllers here: see test_in_a_kernel_of_its_own")


@pytest.mark.alone
@pytest.mark.skipif(MOUNT is not None, reason="not needed: this machine's own kernel does")
def test_in_a_kernel_of_its_own(tmp_path):
    """All that follows, in a kernel that has control groups: user-mode Linux on this very file
    system."""
    uml = shutil.which("linux.uml")
    if not uml or BUILD.parts[1] == "tmp":
        pytest.skip("no controllers in cgroup v2 here, and no linux.uml (user-mode-linux)")
    out = Path("/var/tmp") / f"hostel-uml-{os.getpid()}"
    init = out.with_suffix(".sh")
    # its /tmp and /run are its own, and no process of it is one of ours
    init.write_text(f"""#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root HOSTEL_BUILD={BUILD}
export HOSTEL_CGROUP=/sys/fs/cgroup HOSTEL_SLOW=4 PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup
ip link set lo up
cd {REPO}
{sys.executable} -m pytest -q -p no:cacheprovider tests/e2e/test_cgroup.py >{out} 2>&1
echo o >/proc/sysrq-trigger
sleep 60
""")
    init.chmod(0o755)
    kernel = subprocess.Popen(
        [uml, "mem=600M", "rootfstype=hostfs", "rootflags=/", "rw", "quiet", f"init={init}",
         "con=null", "con0=null,null", f"umid=hostel{os.getpid()}", f"uml_dir={tmp_path}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True, env={**os.environ, "TMPDIR": "/tmp"})
    try:
        kernel.wait(240 * SLOW)
        text = out.read_text() if out.exists() else "it did not start"
    finally:
        if kernel.poll() is None:
            os.killpg(kernel.pid, signal.SIGKILL)
            kernel.wait()
        out.unlink(missing_ok=True)
        init.unlink()
    print(text)
    assert re.search(r"^\d+ passed, 1 skipped in ", text, re.M), text[-5000:]


# --- in a kernel with control groups --------------------------------------------------------


@pytest.fixture
def slice_(box):
    """The directory of the users' groups; they are gone at the end."""
    at = MOUNT / (f"hostel-e2e-{os.getpid()}.slice")
    box.main["cgroup"] = str(at)
    yield at
    for s in box.servers:
        s.stop()
    left = list(at.glob("user-*"))
    if at.exists() and not left:
        at.rmdir()  # below the mount's root only who has all capabilities may
    assert not left


def members(group):
    return {int(pid) for pid in (group / "cgroup.procs").read_text().split()}


def value(group, name):
    return (group / name).read_text().strip()


def used(group):
    """Seconds of processor."""
    return int(re.search(r"usage_usec (\d+)", value(group, "cpu.stat")).group(1)) / 1e6


@here
def test_everybody_in_his_group(box, php_cgi, slice_):
    s = box.site("one.test", php={"processes": 2},
                 files={"a.php": "<?php echo 1;", "raise.php": RAISE},
                 limits={"memory": "100m", "cpu_weight": 50, "cpu_max": 150, "processes": 40})
    t = box.site("two.test", files={"a.txt": "a"})
    server = box.serve()
    assert server.get(s, "/a.php").text == "1"
    assert server.get(t, "/a.txt").text == "a"
    mine, other = slice_ / f"user-{s.uid}", slice_ / f"user-{t.uid}"
    wait_for(lambda: len(server.php(s)) == 3, "PHP")
    assert members(mine) == set(server.workers(s) + server.php(s))
    assert members(other) == set(server.workers(t))
    assert not {server.pid, *server.acceptors()} & (members(mine) | members(other))
    assert value(mine, "memory.max") == str(100 << 20) and value(other, "memory.max") == "max"
    assert value(mine, "cpu.weight") == "50" and value(other, "cpu.weight") == "100"
    assert value(mine, "cpu.max") == "150000 100000"
    assert value(other, "cpu.max") == "max 100000"
    assert value(mine, "pids.max") == str(40 + 16 + 4)
    # whoever is in a group has no say in it
    assert server.get(s, f"/raise.php?group={mine}").text == "no no no no no no no"
    said = f"cgroup v2 in {slice_}/user-UID, with cpu memory pids"
    assert f"limits: {said}" in server.stderr
    assert said in status(server)["server"][0]["limits"]
    check = hostel("check", "--config", box.dir / "hostel.yaml").stdout
    assert f"limits: {said}" in check and check.endswith("\nok\n")


@here
def test_reload_changes_them_in_place(box, php_cgi, slice_):
    s = box.site("one.test", php={"processes": 1}, files={"a.php": "<?php echo 1;"},
                 limits={"cpu_weight": 50, "cpu_max": 50})
    server = box.serve()
    server.get(s, "/a.php")
    same = members(slice_ / f"user-{s.uid}")
    s.vhost["limits"] = {"cpu_weight": 70}
    path, _ = box.config(port=server.port)
    assert hostel("reload", "--config", path).returncode == 0
    assert value(slice_ / f"user-{s.uid}", "cpu.weight") == "70"
    assert value(slice_ / f"user-{s.uid}", "cpu.max") == "max 100000"
    assert members(slice_ / f"user-{s.uid}") == same


@here
def test_a_group_goes_with_its_last_process(box, slice_):
    s = box.site("one.test", files={"a.txt": "a"}, idle_exit="1s")
    server = box.serve()
    for _ in range(2):
        assert server.get(s, "/a.txt").text == "a"
        assert (slice_ / f"user-{s.uid}").is_dir()
        wait_for(lambda: not (slice_ / f"user-{s.uid}").exists(), "an empty group to go", 10)


@here
def test_a_group_goes_with_its_user(box, php_cgi, slice_):
    s = box.site("one.test", php={"processes": 1}, files={"a.php": "<?php echo 1;"})
    box.site("two.test", files={"a.txt": "a"})
    server = box.serve()
    server.get(s, "/a.php")
    box.sites.remove(s)
    path, _ = box.config(port=server.port)
    assert hostel("reload", "--config", path).returncode == 0
    wait_for(lambda: not (slice_ / f"user-{s.uid}").exists(), "it to be gone")


@here
def test_memory_of_all_of_a_user(box, php_cgi, slice_):
    """Six processes that each take what they may: some of them end, and nobody else's."""
    s = box.site("eat.test", php={"processes": 1}, files={"eat.php": EAT, "hi.php": "hi"},
                 limits={"memory": "96m"})
    t = box.site("calm.test", php={"processes": 1}, files={"hi.php": "hi"})
    server = box.serve()
    assert server.get(t, "/hi.php").text == server.get(s, "/hi.php").text == "hi"
    same = set(server.workers(t) + server.php(t))
    with server.client(timeout=60) as c:
        c.ask(s.host, "/eat.php")
        wait_for(lambda: re.search(r"user \S+: his memory is used up: \d+ of his processes ended",
                                   server.stderr), "what happened to be said", 20)
        assert server.get(t, "/hi.php").text == "hi"
    assert set(server.workers(t) + server.php(t)) == same
    user = next(u for u in status(server)["user"] if u["uid"] == s.uid)
    assert 1 <= user["oom_kills"] <= 6
    wait_for(lambda: server.get(s, "/hi.php").status == 200, "his own site again", 20)


@here
def test_cpu_max(box, php_cgi, slice_):
    """A fifth of a core is a fifth of a core."""
    s = box.site("burn.test", php={"processes": 2}, files={"burn.php": BURN, "a.txt": "a"},
                 limits={"cpu_max": 20})
    server = box.serve()
    assert server.get(s, "/a.txt").text == "a"
    group = slice_ / f"user-{s.uid}"

    with server.client(timeout=60) as a, server.client(timeout=60) as b:
        a.ask(s.host, "/burn.php")
        b.ask(s.host, "/burn.php")
        time.sleep(0.3)
        before, begin = used(group), time.monotonic()
        time.sleep(1.5)
        took, ran = used(group) - before, time.monotonic() - begin
        assert 0 < took < 0.3 * ran, f"{took:.2f} s of {ran:.2f} s"
        assert a.answer().body == b.answer().body == b"burnt"


@here
@pytest.mark.skipif(not INSIDE, reason="needs a machine with one processor")
def test_cpu_weight(box, php_cgi, slice_):
    """Two who burn share as their weights say, however many processes each has; and who does
    little does not wait for them."""
    few = box.site("few.test", php={"processes": 1}, files={"burn.php": BURN},
                   limits={"cpu_weight": 300})
    many = box.site("many.test", php={"processes": 4}, files={"burn.php": BURN},
                    limits={"cpu_weight": 100})
    calm = box.site("calm.test", files={"a.txt": "a"})
    server = box.serve()
    assert server.get(calm, "/a.txt").text == "a"
    clients = [server.client(timeout=60) for _ in range(5)]
    for n, c in enumerate(clients):
        c.ask((many if n else few).host, "/burn.php")
    groups = [slice_ / f"user-{s.uid}" for s in (few, many)]
    wait_for(lambda: all(g.exists() and used(g) > 0.1 for g in groups), "both to burn", 10)
    before = [used(g) for g in groups]
    begin, took = time.monotonic(), []
    while time.monotonic() - begin < 1.2:
        at = time.monotonic()
        assert server.get(calm, "/a.txt").text == "a"
        took.append(time.monotonic() - at)
    ran = [used(g) - b for g, b in zip(groups, before)]
    assert 1.8 < ran[0] / ran[1] < 5, ran
    assert sorted(took)[len(took) * 9 // 10] < 0.2 * SLOW, sorted(took)[-10:]
    for c in clients:
        assert c.answer().body == b"burnt"
        c.close()


@here
@pytest.mark.skipif(not INSIDE, reason="needs the mount's root for itself")
def test_found_where_nobody_arranges(box):
    s = box.site("one.test", files={"a.txt": "a"})
    server = box.serve()
    assert server.get(s, "/a.txt").text == "a"
    assert members(MOUNT / f"hostel.slice/user-{s.uid}") == set(server.workers(s))
    server.stop()
    assert not list((MOUNT / "hostel.slice").glob("user-*"))
    (MOUNT / "hostel.slice").rmdir()


@here
@pytest.mark.skipif(not INSIDE, reason="needs the mount's root for itself")
def test_found_where_systemd_delegates(box):
    """As a service: the server goes into a leaf, its users beside it."""
    service = MOUNT / "hostel.slice/hostel.service"
    service.mkdir(parents=True)
    for group in (MOUNT, MOUNT / "hostel.slice"):
        (group / "cgroup.subtree_control").write_text("+cpu +memory +pids")
    os.setxattr(service, "user.delegate", b"1")
    s = box.site("one.test", files={"a.txt": "a"}, limits={"memory": "64m"})
    path, port = box.config()
    server = box.start(["--config", path], port,
                       preexec_fn=lambda: (service / "cgroup.procs").write_text("0"))
    assert server.get(s, "/a.txt").text == "a"
    assert members(service / f"user-{s.uid}") == set(server.workers(s))
    assert members(service / "supervisor") == {server.pid, *server.acceptors()}
    assert value(service / f"user-{s.uid}", "memory.max") == str(64 << 20)
    check = hostel("check", "--config", path).stdout
    assert f"limits: cgroup v2 in {service}/user-UID, with cpu memory pids" in check
    # the next executable is in the leaf already, and finds the same
    worker = server.worker(s)
    assert hostel("upgrade", "--config", path).returncode == 0
    wait_for(lambda: not procs.alive(worker), "the server before to be gone", 15)
    assert server.get(s, "/a.txt").text == "a"
    pids = members(service / f"user-{s.uid}")
    assert pids and worker not in pids
    for pid in members(service / "supervisor"):
        if procs.program(pid) == "hostel":
            os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not members(service / "supervisor"), "it to end", 15)
    assert not list(service.glob("user-*"))
    server.stopped = True
    for group in (service / "supervisor", service, MOUNT / "hostel.slice"):
        group.rmdir()


# --- everywhere -----------------------------------------------------------------------------


def test_check_says_which_it_is(box):
    """A configuration with limits is told what they rest on; one without is just ok."""
    s = box.site("one.test")
    path, _ = box.config(cgroup="off")
    assert hostel("check", "--config", path).stdout == "ok\n"
    s.vhost["limits"] = {"nice": 1}
    path, _ = box.config(cgroup="off")
    assert hostel("check", "--config", path).stdout == \
        "limits: rlimits and nice only: cgroup: off\nok\n"
    path, _ = box.config(cgroup="/no/such/group")
    assert "limits: rlimits and nice only: cgroup /no/such/group: neither" in \
        hostel("check", "--config", path).stdout
    path, _ = box.config(cgroup="relative")
    r = hostel("check", "--config", path)
    assert r.returncode == 1 and "`cgroup` must be `auto`, `off` or an absolute path" in r.stderr


def test_without_groups_it_serves(box):
    """One that was asked for and is not to be had stops nothing, and is said."""
    s = box.site("one.test", files={"a.txt": "a"})
    server = box.serve(cgroup="/no/such/group")
    assert server.get(s, "/a.txt").text == "a"
    assert "rlimits and nice only: cgroup /no/such/group" in server.stderr
    assert json.loads(hostel("status", "--json", "--run-dir", box.dir / "run").stdout)
