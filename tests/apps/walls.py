"""
Two installations of one application are two users': what one can do to the other's is nothing.
Each refusal has a control that shows the same act succeed where it is allowed.
"""
import json
import os
import subprocess
import sys

import procs

# Run as a user: which of the paths can be opened, listed, written beside?
TRY = """
import json, os, sys
def can(act):
    try:
        act()
        return True
    except OSError:
        return False
def beside(path):
    with open(path + ".tried", "w"):
        os.unlink(path + ".tried")
path = sys.argv[1]
print(json.dumps({"read": can(lambda: open(path).close()), "write": can(lambda: beside(path)),
                  "list": can(lambda: os.listdir(os.path.dirname(path)))}))
"""
# The same from PHP, and all that PHP has besides: include, links, a shell, opcache, processes.
PROBE = """<?php
header('Content-Type: application/json');
ini_set('display_errors', '0');
[$path, $pids] = json_decode(base64_decode('%s'));
$seen = ['uid' => posix_getuid(), 'euid' => posix_geteuid(), 'gid' => posix_getgid()];
$seen['read'] = @file_get_contents($path) !== false;
$seen['list'] = @scandir(dirname($path)) !== false;
$seen['write'] = @file_put_contents("$path.tried", 'x') !== false && unlink("$path.tried");
$seen['shell'] = trim((string)shell_exec('cat ' . escapeshellarg($path) . ' 2>&1 | head -c 5'))
    === substr((string)@file_get_contents($path), 0, 5) && $seen['read'];
$link = __DIR__ . '/linked-by-probe';
$seen['link'] = symlink($path, $link) && @file_get_contents($link) !== false;
@unlink($link);
$seen['glob'] = (glob(dirname($path) . '/*') ?: []) !== [];
$scripts = array_keys((opcache_get_status(true) ?: [])['scripts'] ?? []);
$seen['opcache'] = count($scripts);
$seen['opcache_says'] = opcache_get_status(false);   // for who reads a failure
$seen['cached'] = count(array_filter($scripts, fn($s) => str_starts_with($s, dirname($path) . '/')));
$seen['signal'] = array_filter($pids, fn($p) => posix_kill($p, 0)) !== [];
$seen['environ'] = array_filter($pids, fn($p) => @file_get_contents("/proc/$p/environ")) !== [];
echo json_encode($seen);
"""
REACHES = ("read", "list", "write", "shell", "link", "glob", "signal")


def as_user(site, path):
    """What the site's user can do to the path, outside of any server."""
    p = subprocess.run([sys.executable, "-c", TRY, str(path)], capture_output=True, text=True,
                       user=site.uid, group=site.uid, extra_groups=[], cwd="/", check=True)
    return json.loads(p.stdout)


def from_php(server, site, path, pids):
    """What the site's PHP can do to the path and to the processes."""
    import base64
    data = base64.b64encode(json.dumps([str(path), pids]).encode()).decode()
    probe = site.write("probe-of-the-tests.php", PROBE % data)
    os.utime(probe, (1e9, 1e9))   # opcache takes no file of the last seconds
    try:
        answer = server.get(f"{site.host}:{server.port}", "/probe-of-the-tests.php")
        assert answer.status == 200, answer
        return json.loads(answer.text)
    finally:
        probe.unlink()


def hold(server, one, two, secret):
    """
    secret: a file with passwords, relative to the document root, that both installations have.
    """
    ours, theirs = one.root / secret, two.root / secret
    none = dict.fromkeys(("read", "write", "list"), False)
    every = dict.fromkeys(none, True)
    assert as_user(one, theirs) == none and as_user(two, ours) == none
    assert as_user(one, ours) == every and as_user(two, theirs) == every   # the control
    for site in (two, one):   # both have processes now
        answer = server.get(f"{site.host}:{server.port}", "/")
        assert answer.status in (200, 301, 302), answer
    hold_processes(server, one, two)

    seen = from_php(server, one, theirs, server.php(two) + server.workers(two))
    assert (seen["uid"], seen["euid"], seen["gid"]) == (one.uid,) * 3
    assert not any(seen[act] for act in REACHES), seen
    assert seen["opcache"] > 0 and seen["cached"] == 0 and not seen["environ"], seen
    # the control: PHP may be another generation by now, the worker is the same
    seen = from_php(server, two, theirs, server.php(two) + server.workers(two))
    assert seen["uid"] == two.uid and all(seen[act] for act in REACHES), seen
    assert seen["cached"] > 0, seen
    hold_links(server, one, theirs, ours)
    for site in (one, two):
        strangers = [p for p in site.home.rglob("*") if p.lstat().st_uid != site.uid]
        assert not strangers, f"not {site.uid}'s: {strangers[:5]}"


def hold_processes(server, one, two):
    """Each site has a worker and PHP of its own user; nothing else runs than these and the house."""
    for site in (one, two):
        assert server.workers(site) and server.php(site), f"{site.host} has no processes"
    for pid in procs.descendants(server.pid):
        name, uid = procs.program(pid), procs.uid(pid)
        if name in ("hostel-worker", "php-cgi"):
            assert uid in {s.uid for s in server.box.sites}, f"{name} as {uid}"
            ids = procs.status(pid)
            assert set(ids["Uid"].split() + ids["Gid"].split()) == {str(uid)}, ids
            assert int(ids["CapPrm"], 16) == int(ids["CapBnd"], 16) == 0, ids


def hold_links(server, one, theirs, ours):
    """A link in one's root to two's file is not served, as text or as a script."""
    for name, target, good in (("link.txt", theirs, False), ("link.php", theirs, False),
                               ("own.txt", "own-file.txt", True)):
        one.write("own-file.txt", "mine")
        link = one.symlink(name, target)
        try:
            answer = server.get(f"{one.host}:{server.port}", f"/{name}")
            assert (answer.status == 200) == good, f"{name} -> {target}: {answer}"
            assert good or answer.status in (403, 404), answer
        finally:
            link.unlink()
            os.unlink(one.root / "own-file.txt")
    assert ours.exists()
