"""`hostel status`: each thing that it shows, against what was done."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from house import HOSTEL, free_port, hostel, started, stretched
from procs import SLOW, wait_for
from procs import status as status_of
from secure import certificate
from test_control import status
from test_reload import Changing


def user_of(server, site):
    return next(u for u in status(server)["user"] if u["uid"] == site.uid)


def shown(server):
    p = hostel("status", "--run-dir", server.box.dir / "run")
    assert p.returncode == 0, p.stderr
    return p.stdout


@pytest.mark.core
@pytest.mark.root
def test_php_under_load(box, php_cgi):
    """Processes, busy ones, who waits, starts, restarts, slow scripts; and as a person sees it."""
    a = box.site("a.test", php={"processes": 2, "request_timeout": stretched(3)},
                 files={"a.php": "<?php echo 1;", "slow.php": "<?php sleep(30);"})
    box.site("b.test")
    server = box.serve()
    none = user_of(server, a)
    assert none["php"] == {"running": 0, "busy": 0, "queued": 0, "starts": 0, "restarts": 0,
                           "slow": 0}
    clients = [server.client() for _ in range(5)]
    for c in clients:
        c.ask(a.host, "/slow.php")
    mine = wait_for(lambda: (lambda u: u if u["php"]["queued"] == 3 else None)(user_of(server, a)),
                    "two run and three wait")
    assert mine["php"] == {"running": 2, "busy": 2, "queued": 3, "starts": 1, "restarts": 0,
                           "slow": 0}
    assert (mine["pools"][0]["processes"], mine["pools"][0]["starts"]) == (2, 1)
    text = shown(server)
    assert re.search(r"php: 2 processes, 2 busy, 3 queued, 0 slow", text), text
    assert {clients[0].answer().status, clients[1].answer().status} == {504}
    wait_for(lambda: user_of(server, a)["php"]["slow"] >= 2, "slow ones are counted", 10)
    for c in clients:
        c.close()
    os.kill(server.php_parent(a), signal.SIGKILL)
    wait_for(lambda: user_of(server, a)["php"]["restarts"] == 1, "it starts anew", 10)
    mine = user_of(server, a)
    assert mine["php"]["starts"] == 2 and mine["pools"][0]["restarts"] == 1
    assert re.search(r"php +\d+ serving +\S+ +\S+ 2 processes, 2 starts, 1 restarts", shown(server))


@pytest.mark.root
def test_workers_and_limits(box, php_cgi):
    """Bytes and classes of answers, crashes, and bounds that were reached."""
    a = box.site("a.test", connections=1, php={"processes": 1},
                 files={"index.html": "x" * (1 << 20), "slow.php": "<?php sleep(8);"},
                 redirects=[{"from": "/old", "to": "/new"}])
    box.site("b.test")
    server = box.serve()
    for path, expected in (("/", 200), ("/", 200), ("/old", 301), ("/lost", 404)):
        assert server.get(a, path).status == expected
    with server.client() as one, server.client() as two:
        one.ask(a.host, "/slow.php")
        wait_for(lambda: user_of(server, a)["php"]["busy"] == 1, "the first one is answered")
        assert two.get(a.host, "/").status == 503
    mine = user_of(server, a)
    assert (mine["limited"], mine["limited_site"]) == (1, 1)
    worker, = mine["workers"]
    assert (worker["2xx"] >= 2, worker["3xx"], worker["pid"]) == (True, 1, server.worker(a))
    assert worker["bytes"] > 2 << 20 and worker["time_us"] > 0
    assert mine["worker_starts"] == 1 and mine["worker_crashes"] == 0
    text = shown(server)
    line = next(x for x in text.splitlines() if f"{server.worker(a):7} serving" in x).split()
    assert float(line[8]) >= 1.9 and line[10] == "1", (line, text)  # MB OUT, 3XX
    assert "limits: 1 requests refused: 1 site" in text
    os.kill(server.worker(a), signal.SIGSEGV)
    wait_for(lambda: user_of(server, a)["worker_crashes"] == 1, "a crash is counted")
    assert user_of(server, a)["2xx"] >= mine["2xx"], "what was counted stays"


@pytest.mark.root
def test_generation_files_certificates(box):
    tls_port = free_port()
    a = box.site("a.test", files={"index.html": "a\n"},
                 tls=certificate(box, "a.test", days=10))
    b = box.site("b.test", files={"index.html": "b\n"})
    changing = Changing(box)
    server = changing.serve(listen_tls=[f"127.0.0.1:{tls_port}"])
    one = status(server)["server"][0]
    assert (one["generation"], one["errors"], one["broken_files"]) == (1, 0, 0)
    assert one["users"] == one["vhosts"] == 2 and one["uptime_s"] < 60 * SLOW
    cert, = status(server)["certificate"]
    assert (cert["vhost"], cert["expired"]) == ("a.test", False) and cert["days_left"] in (9, 10)
    path = changing.write_site(b)
    path.write_text(path.read_text() + "    colour: red\n    size: 3\n")
    changing.reload(ok=False)
    two = status(server)
    assert (two["server"][0]["generation"], two["server"][0]["errors"]) == (2, 2)
    assert two["server"][0]["broken_files"] == 1
    assert [re.sub(r".*b.test.yaml:\d+:\d+: ", "", x["error"]) for x in two["broken"]] == [
        "unknown key `colour`", "unknown key `size`"]
    text = shown(server)
    assert "generation 2, 2 errors in 1 files" in text and "NOT IN EFFECT" in text, text
    assert re.search(r"a\.test +(9|10)$", text, re.M), "a certificate that ends soon"
    assert server.get(b).text == "b\n" and server.get(a).text == "a\n"


@pytest.mark.root
def test_watch(box):
    """Again and again, until the server is gone."""
    box.site("a.test")
    server = box.serve()
    p = subprocess.Popen([HOSTEL, "status", "--watch", "--json", "--run-dir", box.dir / "run"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started.add(p.pid)
    seen, text = [], ""
    deadline = time.monotonic() + 20 * SLOW
    while len(seen) < 3:
        assert time.monotonic() < deadline
        text += p.stdout.readline()
        try:
            seen.append(json.loads(text)["status"][0]["uptime_s"])
            text = ""
        except json.JSONDecodeError:
            pass
    assert seen[2] > seen[1] > seen[0] or seen[2] - seen[0] >= 3, seen
    server.stop()
    out, err = p.communicate(timeout=20 * SLOW)
    assert p.returncode == 1 and "no server answers" in err, (out, err)


@pytest.mark.alone
@pytest.mark.root
def test_a_thousand_users(box):
    """Asked for over and over while it serves: quick, and nobody waits for it."""
    sites = [box.site(f"u{n}.test", files={"index.html": "u\n"}) for n in range(5)]
    for n in range(1000):
        box.site(f"s{n}.test")
    server = box.serve()
    for s in sites:
        assert server.get(s).text == "u\n"
    begin = time.monotonic()
    found = status(server)
    took = time.monotonic() - begin
    assert len(found["user"]) == 1005 and took < 2 * SLOW, took
    assert "1000 users are asleep" in shown(server)
    slowest = 0
    asking = [subprocess.Popen([HOSTEL, "status", "--json", "--run-dir", box.dir / "run"],
                               stdout=subprocess.PIPE) for _ in range(8)]  # nobody reads
    started.update(p.pid for p in asking)
    for n in range(50):
        begin = time.monotonic()
        assert server.get(sites[n % 5]).text == "u\n"
        slowest = max(slowest, time.monotonic() - begin)
    for p in asking:
        p.kill()
        p.communicate()
    assert slowest < 1 * SLOW, slowest
    assert len(status(server)["user"]) == 1005


def own_kib(server):
    """What the supervisor and the acceptors have, that is no page of a file."""
    total = 0
    for pid in (server.pid, *server.acceptors()):
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
            rows = dict(line.split(":", 1) for line in f.read().splitlines()[1:])
        total += sum(int(rows[k].split()[0]) for k in ("Pss_Anon", "Pss_Shmem"))
    return total


@pytest.mark.root
def test_who_is_never_asked_for(box):
    """He is a row: under 1 KiB, and it stays one when somebody looks, or reloads."""
    a = box.site("a.test", files={"index.html": "a\n"})
    changing, uid = Changing(box), box.new_uid()

    def write(n):
        box.write_config(json.dumps({"vhosts": [
            {"host": f"n{i}.test", "user": str(uid + i), "group": str(uid + i),
             "root": str(box.dir), "php": {"processes": 2}} for i in range(n)]}),
            "vhosts.d/many.yaml")

    write(1000)
    server = changing.serve(error_log=str(box.logs / "error"))
    if int(status_of(server.pid)["VmSize"].split()[0]) > 1 << 30:
        pytest.skip("a sanitizer's own memory counts too")
    assert server.get(a).text == "a\n"
    found = [own_kib(server)]
    for n in (5000, 5001):
        write(n)
        changing.reload()
        users = status(server)["user"]
        assert len(users) == n + 1, len(users)
        assert [x["state"] for x in users[-1]["pools"]] == ["asleep"]
        found.append(own_kib(server))
    assert (found[2] - found[0]) / 4001 < 1, found
    assert server.get(a).text == "a\n"
