"""jail: home. What modes would allow and the jail does not; each beside a user without a jail."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from house import ROOT, free_port, hostel
from procs import wait_for
from secure import Secure, certificate

pytestmark = [pytest.mark.root]

REACH = """<?php
header('Content-Type: text/plain');
error_reporting(0);
function said($name, $got) { echo $name, ' ', $got ? 'yes' : 'no', "\\n"; }
$outside = $_GET['outside'];
said('read', file_get_contents("$outside/open.txt") === "open to all\\n");
said('list', scandir($outside) !== false);
said('write', file_put_contents("$outside/shared/" . posix_getuid(), 'x') !== false);
said('cut', fopen("$outside/shared/cut.txt", 'r+') !== false);
said('link', symlink('/etc', "$outside/shared/link" . posix_getuid()));
said('run', strpos(shell_exec("$outside/run.sh 2>/dev/null") ?? '', 'ran') !== false);
said('child', strpos(shell_exec("cat $outside/open.txt 2>/dev/null") ?? '', 'open') !== false);
said('process', file_get_contents('/proc/self/stat') !== false);
said('signal', posix_kill((int)$_GET['pid'], 0));
said('abstract', stream_socket_client("unix://\\0" . $_GET['abstract']) !== false);
said('home', file_put_contents(__DIR__ . '/../own', 'x') !== false);
said('move', rename(__DIR__ . '/../own', __DIR__ . '/moved'));
said('tmp', ($t = tempnam('/tmp', 'jail')) && unlink($t));
said('system', file_get_contents('/etc/passwd') !== false);
said('program', trim(shell_exec('id -u')) === (string)posix_getuid());
"""
WALLED = ["read", "list", "write", "cut", "link", "run", "child", "process"]
OWN = ["home", "move", "tmp", "system", "program"]


def landlock():
    """The kernel's version of it, or 0."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    return max(libc.syscall(444, None, 0, 1), 0)


@pytest.fixture
def outside():
    """Open to everybody by its modes, and not in a temporary directory."""
    top = Path(tempfile.mkdtemp(prefix="hostel-jail-", dir="/var/lib"))
    top.chmod(0o755)
    (top / "open.txt").write_text("open to all\n")
    (top / "shared").mkdir()
    (top / "shared").chmod(0o777)
    (top / "shared/cut.txt").write_text("x")
    (top / "shared/cut.txt").chmod(0o666)
    (top / "run.sh").write_text("#!/bin/sh\necho ran\n")
    (top / "run.sh").chmod(0o755)
    yield top
    shutil.rmtree(top)


def reach(server, site, outside, pid, abstract):
    r = server.get(site.host, f"/reach.php?outside={outside}&pid={pid}&abstract={abstract}")
    assert r.status == 200, r
    return dict(line.split() for line in r.body.decode().splitlines())


@pytest.mark.core
@pytest.mark.skipif(not ROOT or landlock() < 2, reason="no Landlock in this kernel")
def test_a_jail_holds_php_and_worker(box, outside):
    import socket
    jailed = box.site("jailed.test", jail="home", php={}, files={"reach.php": REACH})
    free = box.site("free.test", php={}, files={"reach.php": REACH})
    abstract = f"hostel-jail-{os.getpid()}"
    server = box.serve()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("\0" + abstract)
        listening.listen(64)
        ends = {}
        for site in (jailed, free):
            sleeper = subprocess.Popen(["/bin/sleep", "600"], user=site.uid, group=site.uid,
                                       extra_groups=[])
            try:
                ends[site] = reach(server, site, outside, sleeper.pid, abstract)
            finally:
                sleeper.kill()
                sleeper.wait()
    walled = WALLED + (["signal", "abstract"] if landlock() >= 6 else [])
    assert {k: ends[free][k] for k in walled + OWN} == dict.fromkeys(walled + OWN, "yes")
    assert {k: ends[jailed][k] for k in walled} == dict.fromkeys(walled, "no")
    assert {k: ends[jailed][k] for k in OWN} == dict.fromkeys(OWN, "yes")


@pytest.mark.skipif(not ROOT or landlock() < 2, reason="no Landlock in this kernel")
def test_what_a_vhost_names_beside_its_root_is_inside(box, outside):
    """A link root, and the program of a worker that speaks TLS, wherever it was built."""
    shared = outside / "albums"
    shared.mkdir()
    (shared / "photo.txt").write_text("a photo\n")
    (shared / "photo.txt").chmod(0o644)
    port = free_port()
    site = box.site("jailed.test", jail="home", link_roots=[str(shared)],
                    tls=certificate(box, "jailed.test"))
    site.symlink("photo.txt", shared / "photo.txt")
    site.symlink("open.txt", outside / "open.txt")
    server = box.serve(listen_tls=[f"127.0.0.1:{port}"])
    with Secure(port, site.host) as c:
        r = c.get(site.host, "/photo.txt")
        assert r.status == 200 and r.body == b"a photo\n"
    with Secure(port, site.host) as c:
        assert c.get(site.host, "/open.txt").status in (403, 404)
    assert server.workers(site)


@pytest.mark.skipif(not ROOT or landlock() < 2, reason="no Landlock in this kernel")
def test_confine_shows_the_same_jail(box, outside):
    jailed = box.site("jailed.test", jail="home", php={})
    free = box.site("free.test", php={})
    config, _ = box.config()
    for role in ("php", "worker"):
        for site, status in ((jailed, 1), (free, 0)):
            r = hostel("confine", role, site.uid, "--config", config, "--", "/bin/cat",
                       outside / "open.txt")
            assert r.returncode == status, (role, r)


@pytest.mark.skipif(not ROOT or landlock() < 2, reason="no Landlock in this kernel")
def test_a_root_behind_a_link_is_not_in_the_jail(box, outside):
    """Its user could point it anywhere: the jail would be as wide as he likes."""
    site = box.site("jailed.test", jail="home", files={"index.html": "mine\n"})
    real = site.root.rename(outside / "moved")
    site.root.symlink_to(real)
    server = box.serve()
    assert server.get(site.host).status in (403, 404)
    wait_for(lambda: "leads through a symbolic link" in server.stderr, "it is said")


@pytest.mark.skipif(not ROOT or landlock() < 2, reason="no Landlock in this kernel")
def test_a_jailed_user_has_tls(box):
    port = free_port()
    site = box.site("jailed.test", jail="home", tls=certificate(box, "jailed.test"),
                    files={"index.html": "mine\n"})
    box.serve(listen_tls=[f"127.0.0.1:{port}"])
    with Secure(port, site.host) as c:
        assert c.get(site.host).text == "mine\n"


@pytest.mark.skipif(landlock() < 2, reason="no Landlock in this kernel")
def test_a_jail_as_wide_as_the_machine_is_none(box):
    box.site("jailed.test", jail="home", root="/")
    config, _ = box.config()
    r = hostel("check", "--config", config)
    assert r.returncode == 1
    assert "jailed.test: jail: home would be no wall" in r.stderr


def test_only_words_that_are_known(box):
    site = box.site("jailed.test", jail="house")
    config, _ = box.config()
    r = hostel("check", "--config", config)
    assert r.returncode == 1, site
    assert "`jail` must be one of off home" in r.stderr
