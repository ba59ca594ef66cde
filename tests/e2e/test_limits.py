"""`limits:`: what a user and a site may take, and that the others do not notice."""
import os
import re
import time

import pytest

import procs
from house import ROOT, hostel
from procs import wait_for

root = pytest.mark.root

LOOK = """<?php
header('Content-Type: text/plain');
echo file_get_contents('/proc/self/limits'), 'nice ', trim(shell_exec('nice'));
"""
RAISE = """<?php
echo shell_exec('ulimit -n 5000 && echo raised; ulimit -d unlimited && echo raised;
                 ulimit -p 4000 && echo raised; renice -n 0 $$ && echo raised; echo tried');
"""
EAT = """<?php
ini_set('memory_limit', '-1');
$all = '';
while (strlen($all) < 400 << 20)
    $all .= str_repeat('x', 1 << 20);
echo 'all of it: ', strlen($all);
"""
OPEN = """<?php
$open = [];
while ($f = @fopen('/dev/null', 'r'))
    $open[] = $f;
echo count($open), ' files';
"""
BOMB = """<?php
$code = <<<'SH'
bomb() { n=0; while :; do sleep 30 & n=$((n+1)); done; }
bomb
SH;
echo 'started ', getmypid();
flush();
$p = proc_open(['/bin/sh', '-c', $code], [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'],
                                          ['file', '/dev/null', 'w']], $pipes);
"""


def nice_of(pid):
    return os.getpriority(os.PRIO_PROCESS, pid)


def limit_of(pid, name):
    with open(f"/proc/{pid}/limits") as f:
        return re.search(rf"^{name} +(\S+) +(\S+)", f.read(), re.M).groups()


@pytest.mark.core
def test_rlimits_and_nice(box, php_cgi):
    s = box.site("tight.test", php={"processes": 1}, files={"look.php": LOOK, "a.txt": "a"},
                 limits={"open_files": 300, "processes": 200, "memory": "128m", "nice": 5})
    server = box.serve()
    text = server.get(s, "/look.php").text
    assert re.search(r"^Max open files +300 +300 ", text, re.M), text
    assert re.search(rf"^Max data size +{128 << 20} +{128 << 20} ", text, re.M), text
    assert re.search(r"^Max processes +200 +200 ", text, re.M), text
    assert text.endswith("nice 5"), text
    worker = server.worker(s)
    assert limit_of(worker, "Max open files") == ("300", "300")
    assert nice_of(worker) == 5
    assert {nice_of(pid) for pid in server.php(s)} == {5}
    assert {nice_of(pid) for pid in server.acceptors()} == {nice_of(server.pid)}


def test_what_is_set_stays(box, php_cgi):
    """Nobody gives himself more; who has no such limits may have these (so the ways work)."""
    s = box.site("low.test", php={"processes": 1}, files={"raise.php": RAISE},
                 limits={"open_files": 300, "processes": 200, "memory": "128m", "nice": 5})
    free = box.site("high.test", php={"processes": 1}, files={"raise.php": RAISE},
                    limits={"open_files": 200000, "processes": 5000})
    server = box.serve()
    assert server.get(s, "/raise.php").text == "tried\n"
    assert server.get(free, "/raise.php").text.count("raised") >= (3 if ROOT else 1)


def test_memory_of_a_script(box, php_cgi):
    """Who takes too much is refused it, and nobody notices but his own script."""
    s = box.site("big.test", php={"processes": 1}, limits={"memory": "64m"},
                 files={"eat.php": EAT, "hi.php": "hi"})
    free = box.site("free.test", php={"processes": 1}, files={"eat.php": EAT})
    server = box.serve()
    assert server.get(free, "/eat.php").text == f"all of it: {400 << 20}"
    r = server.get(s, "/eat.php")
    assert "all of it" not in r.text, r
    assert server.get(s, "/hi.php").text == "hi"


def test_open_files_of_a_script(box, php_cgi):
    s = box.site("files.test", php={"processes": 1}, limits={"open_files": 100},
                 files={"open.php": OPEN})
    server = box.serve()
    n = int(server.get(s, "/open.php").text.split()[0])
    assert 80 < n < 100


@root
@pytest.mark.alone
def test_fork_bomb(box, php_cgi):
    """It fills its own user's room: another user's pages are as fast as before."""
    s = box.site("bomb.test", php={"processes": 1}, limits={"processes": 60, "nice": 10},
                 files={"bomb.php": BOMB})
    other = box.site("calm.test", php={"processes": 1}, files={"hi.php": "hi", "a.txt": "a"})
    server = box.serve()
    assert server.get(other, "/hi.php").text == "hi"
    with server.client() as c:
        c.ask(s.host, "/bomb.php")
        wait_for(lambda: len(of_user(s.uid)) >= 55, "the bomb to go off", 20)
        took = []
        for n in range(60):
            begin = time.monotonic()
            r = server.get(other, "/hi.php" if n % 2 else "/a.txt")
            took.append(time.monotonic() - begin)
            assert r.status == 200
            assert len(of_user(s.uid)) <= 61
        took.sort()
        assert took[-2] < 0.5 * procs.SLOW, took[-5:]


def of_user(uid):
    return [e for e in os.listdir("/proc") if e.isdigit() and procs.uid(int(e)) == uid]


def test_pools_that_come_to_say_the_same(box, php_cgi):
    """One process is left for each, so they differ in nothing: still each site has its own."""
    hi = {"hi.php": "<?php echo 'hi ', $_SERVER['HTTP_HOST'];"}
    s = box.site("a.test", php={"processes": 4}, limits={"php_processes": 1}, files=hi)
    t = box.site("b.test", uid=s.uid, php={"processes": 5}, files=hi,
                 error_log=s.vhost["error_log"])
    server = box.serve()
    for site in (t, s, t):
        assert server.get(site, "/hi.php").text == f"hi {site.host}"
    assert len(server.php(s)) == 4  # two parents


def test_php_processes_are_shared_out(box, php_cgi):
    """Two php sections of one user: two pools, together no more than he may have."""
    hi = {"hi.php": "<?php echo getmypid();"}
    s = box.site("one.test", php={"processes": 6}, limits={"php_processes": 4}, files=hi)
    t = box.site("two.test", uid=s.uid, php={"processes": 2, "max_requests": 7}, files=hi)
    server = box.serve()
    parents = {procs.stat(int(server.get(site, "/hi.php").text))["ppid"] for site in (s, t)}
    assert len(parents) == 2
    wait_for(lambda: sorted(len(procs.children(p)) for p in parents) == [1, 3],
             "3 processes of the one and 1 of the other")


@pytest.mark.core
def test_vhosts_that_disagree(box):
    s = box.site("one.test", limits={"memory": "64m"})
    box.site("two.test", uid=s.uid, limits={"memory": "128m"})
    path, _ = box.config()
    r = hostel("check", "--config", path)
    assert r.returncode != 0
    assert re.search(r"hostel\.yaml:\d+: vhost two\.test: limits: `memory` is the user's as a "
                     r"whole, and vhost one\.test \(\S+hostel\.yaml:\d+\) says another value",
                     r.stderr + r.stdout)


def test_reload_with_other_limits(box, php_cgi):
    """New processes of whose limits have changed, the very same ones of all others."""
    s = box.site("one.test", php={"processes": 1}, limits={"nice": 1},
                 files={"look.php": LOOK})
    other = box.site("two.test", php={"processes": 1}, files={"look.php": LOOK})
    server = box.serve()
    before = server.get(s, "/look.php").text
    assert before.endswith("nice 1")
    server.get(other, "/look.php")
    same = set(server.workers(other) + server.php(other))
    s.vhost["limits"] = {"nice": 3, "open_files": 200}
    path, _ = box.config(port=server.port)
    assert hostel("reload", "--config", path).returncode == 0
    text = wait_for(lambda: (t := server.get(s, "/look.php").text).endswith("nice 3") and t,
                    "the new limits")
    assert re.search(r"^Max open files +200 +200 ", text, re.M), text
    assert set(server.workers(other) + server.php(other)) >= same
