#!/usr/bin/python3
"""Attacks on a running hostel, from inside its confinement. Needs root.

    run.py [BUILD_DIRECTORY] [--only TEXT]

Every attack has a control: the same attack without the wall, which must succeed; so none
passes only because it is broken. A table at the end: attack, wall, control, result.
"""

import argparse
import concurrent.futures
import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.parse

import rows
from house import ALICE, BOB, SECRET, SOURCE, House, wait_for

GOT, DENIED = 0, 10  # attack.h

# A sanitizer's report of what `hostel confine` had not freed would replace the exit status of
# the program that it ran; that program's environment is its own.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", SECRET: "1", "ASAN_OPTIONS": "detect_leaks=0"}

AT_ONCE = 4  # hostile servers side by side: each mostly waits


class Table:
    def __init__(self, only):
        self.only, self.rows = only, []

    def wants(self, name):
        return not self.only or self.only in name

    def add(self, name, wall, control, result):
        self.rows.append((name, wall, control, result))
        if result == "FAILED":
            print(f"regain: {name}: {wall}; control: {control}", file=sys.stderr)

    def end(self):
        widths = [max(len(r[i]) for r in self.rows + [("attack", "wall", "control", "")])
                  for i in range(3)]
        for r in [("attack", "wall", "control", "result")] + self.rows:
            print("  ".join(r[i].ljust(widths[i]) for i in range(3)) + "  " + r[3])
        count = {k: sum(r[3] == k for r in self.rows) for k in ("passed", "FAILED", "skipped")}
        print(f"{count['passed']} passed, {count['FAILED']} failed, {count['skipped']} skipped")
        return 1 if count["FAILED"] or not count["passed"] else 0


def judge(attack, control):
    """attack, control: (got, text); got None = it could not be tried."""
    if control[0] is None and "skip" in control[1]:
        return "skipped"
    return "passed" if attack[0] is False and control[0] is True else "FAILED"


# --- programs under `hostel confine`, and without it ----------------------------------------

def outcome(code, text):
    line = text.strip().splitlines()[-1] if text.strip() else ""
    if code == GOT and line.startswith("GOT"):
        return True, "got through"
    if code == GOT:  # an exec that worked says what the new program says: nothing
        return (True, "ran") if not line else (None, line)
    if code == DENIED and line.startswith("DENIED"):
        return False, line.split(" ", 2)[2]
    if code in (128 + signal.SIGSYS, -signal.SIGSYS):
        return False, "killed by SIGSYS"
    return None, f"exit {code}: {line}"


VISITED = {"reconnect", "fast-open"}  # attacks whose standard input is a visitor's connection


class Attacker:
    def __init__(self, house, server):
        self.house, self.server = house, server
        self.names = targets(house, server)
        self.came, self.elsewhere = None, socket.create_server(("127.0.0.1", 0))
        self.names["elsewhere"] = self.elsewhere.getsockname()[1]

    def words(self, args):
        if any("ownsocket" in a for a in args):
            # an attack may have ended the pool: the next one has a socket of its own
            self.server.get("alice.test", "/attack.php?attack=whoami")
            self.names["ownsocket"] = self.server.php_socket(ALICE)
        return [a.format(**self.names) for a in args]

    def run(self, argv, uid=None, log_flags=os.O_WRONLY | os.O_APPEND):
        """stderr is a log as a worker's is; one descriptor is left open on purpose."""
        log = os.open(self.names["ownlog"], log_flags)
        stray = os.open("/", os.O_RDONLY)
        ids = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
        try:
            stdin = self.visitor() if VISITED.intersection(argv) else subprocess.DEVNULL
            p = subprocess.run(argv, stdin=stdin, stdout=subprocess.PIPE,
                               stderr=log, pass_fds=[stray], timeout=60, text=True,
                               env=ENVIRONMENT, cwd="/", **ids)
        except subprocess.TimeoutExpired:
            return None, "did not end"
        finally:
            os.close(log)
            os.close(stray)
        return outcome(p.returncode, p.stdout)

    def visitor(self):
        """A connection as a worker has it, of a visitor who is gone."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with socket.create_connection(listener.getsockname()):
                self.came, _ = listener.accept()
        return self.came

    def confined(self, role, program, attack, args, config=None):
        user = "nobody" if role == "acceptor" else str(ALICE)
        return self.run([f"{self.house.build}/hostel", "confine", role, user,
                         "--config", config or self.server.config, "--",
                         f"{self.house.bin}/{program}", attack, *args])

    def control(self, kind, program, attack, args):
        argv = [f"{self.house.bin}/{program}", attack, *args]
        if kind == "copy":  # it destroys what it is pointed at
            copy = f"{self.house.top}/copy"
            open(copy, "w").close()
            return self.run(argv[:2] + [copy])
        if kind == "sleeper":
            with subprocess.Popen(["/bin/sleep", "60"], user=ALICE, group=ALICE,
                                  extra_groups=[]) as sleeper:
                end = self.run(argv[:2] + [str(sleeper.pid)], uid=ALICE)
                sleeper.kill()
            return end
        if kind == "log":
            return self.run(argv, log_flags=os.O_RDWR)
        return self.run(argv, uid=ALICE if kind == "user" else None)


def low_port():
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as f:
        start = int(f.read())
    return start - 1 if start > 1 else 0


def targets(house, server):
    """The live processes, files and sockets that rows name in braces."""
    for host in ("alice.test", "bob.test"):
        status, _ = server.get(host, "/attack.php?attack=whoami")
        if status != 200:
            raise RuntimeError(f"{host} does not serve PHP: {status}\n{server.log()}")
        server.get(host, "/")
    top = house.top
    found = {
        "supervisor": server.pid,
        "acceptor": server.find("hostel-acceptor"),
        "worker": server.find("hostel-worker", ALICE),
        "bobworker": server.find("hostel-worker", BOB),
        "bobphp": server.find("php-cgi", BOB),
        "bobsocket": server.php_socket(BOB),
        "ownsocket": server.php_socket(ALICE),
    }
    missing = [k for k, v in found.items() if v is None]
    if missing:
        raise RuntimeError(f"no {missing} to attack")
    return found | {
        "bin": house.bin, "logs": house.logs, "decoy": house.decoy, "rundir": server.run_dir,
        "empty": f"{server.run_dir}/empty", "own": f"{top}/alice/www", "bobwww": f"{top}/bob/www",
        "bobsecret": f"{top}/bob/www/secret.txt", "bobphpfile": f"{top}/bob/www/secret.php",
        "rootonly": f"{top}/root-only", "secretname": SECRET, "lowport": low_port(),
        "boblog": f"{house.logs}/{server.name}-bob.error",
        "ownlog": f"{house.logs}/{server.name}-alice.error",
        "outside": house.outside, "ownkey": f"{top}/keys-{server.name}/alice.test.key",
    }


CLONE_NEWUSER = 0x10000000


def in_chroot():
    """No mount is at our root directory."""
    with open("/proc/self/mountinfo") as f:
        return not any(line.split()[4] == "/" for line in f)


def cannot_be_shown(attack, words):
    """Why this machine lets nobody do it, or None: then the control is broken."""
    with open("/proc/self/status") as f:
        fields = dict(line.split(":\t", 1) for line in f if ":\t" in line)
    if attack in ("oom-score", "raise-files") and not int(fields["CapEff"], 16) >> 24 & 1:
        return "skip: root has no CAP_SYS_RESOURCE here"
    if attack == "low-port" and words == ["0"]:
        return "skip: every port is everybody's here"
    user_namespace = attack in ("unshare-user", "clone-user", "clone3-user") or \
        (attack == "clone" and int(words[0], 16) & CLONE_NEWUSER)
    if user_namespace and in_chroot():
        return "skip: a changed root lets nobody make a user namespace"
    if attack == "other-architecture":
        return "skip: the kernel has no 32-bit calls"
    return None


def landlock():
    """The kernel's version of it, or less than 1."""
    return ctypes.CDLL(None).syscall(444, None, 0, 1)


def run_confined(attacker, table):
    for program, attack, args, roles, kind in rows.CONFINED:
        shown = " ".join([attack] + [re.sub("[{}]", "", a) for a in args])
        if not any(table.wants(f"{role}: {shown}") for role in roles):
            continue
        words = attacker.words(args)
        if attack == "reconnect" and landlock() < 4:
            table.add(f"worker: {shown}", "", "skip: Linux before 6.7 cannot", "skipped")
            continue
        results = [(r, attacker.confined(r, program, attack, words)) for r in roles]
        control = attacker.control(kind, program, attack, words)
        if control[0] is not True:
            control = (None, cannot_be_shown(attack, words) or control[1])
        for role, result in results:
            table.add(f"{role}: {shown}", result[1], control[1], judge(result, control))


def run_jailed(attacker, table):
    """The same role and user, with jail: home and without."""
    config = attacker.house.config("jailed", 1, jail="home")
    with subprocess.Popen(["/bin/sleep", "600"], user=ALICE, group=ALICE,
                          extra_groups=[]) as sleeper:
        attacker.names["sleeper"] = str(sleeper.pid)
        for program, attack, args, roles in rows.JAILED:
            for role in roles:
                name = f"jailed {role}: {attack} {' '.join(os.path.basename(a) for a in args)}"
                if not table.wants(name):
                    continue
                words = attacker.words(args)
                result = attacker.confined(role, program, attack, words, config)
                control = attacker.confined(role, program, attack, words)
                if attack in ("kill", "pidfd-kill") and result[0] and landlock() < 6:
                    control = (None, "skip: this kernel's Landlock knows no signals")
                table.add(name, result[1], control[1], judge(result, control))
        sleeper.kill()


def landlock():
    """The version of the kernel's Landlock, or 0."""
    return max(ctypes.CDLL(None).syscall(444, None, 0, 1), 0)


# --- inside PHP ---------------------------------------------------------------------------------

def php_outcome(text):
    line = text.strip().splitlines()[-1] if text.strip() else ""
    if line == "GOT":
        return True, "got through"
    if line.startswith("DENIED"):
        return False, line[7:67]
    return None, line[:60] or "nothing said"


def php_request(server, attack, a, b):
    query = urllib.parse.urlencode({"attack": attack, "a": a, "b": b})
    status, body = server.get("alice.test", f"/attack.php?{query}", timeout=30)
    return php_outcome(body) if status == 200 else (None, f"status {status}")


def php_alone(attacker, attack, a, b, kind):
    """The same script in php-cgi, started by us."""
    script = attacker.house.copy("php/attack.php", "attack.php", mode=0o644)
    argv = ["/usr/bin/php-cgi", "-q", script, f"attack={attack}", f"a={a}", f"b={b}"]
    ids = {"user": ALICE, "group": ALICE, "extra_groups": []} if kind == "user" else {}
    stray = os.open("/bin/sh", os.O_RDONLY)
    if kind == "log":
        copy = f"{attacker.house.top}/copy-of-log"
        shutil.copyfile(a, copy)
        argv[-2] = f"a={copy}"
        os.dup2(os.open(copy, os.O_WRONLY | os.O_APPEND), stray)
        ids = {"user": ALICE, "group": ALICE, "extra_groups": []}
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, text=True, timeout=60, pass_fds=[stray],
                       env=ENVIRONMENT, cwd="/", **ids)
    os.close(stray)
    return php_outcome(p.stdout)


def run_php(attacker, table):
    for attack, a, b, kind in rows.PHP:
        a, b = attacker.words([a, b])
        name = f"in PHP: {attack} {os.path.basename(a)} {b}".strip()
        if not table.wants(name):
            continue
        result = php_request(attacker.server, attack, a, b)
        if isinstance(kind, tuple):
            control = php_request(attacker.server, attack, attacker.words([kind[1]])[0], b)
        else:
            control = php_alone(attacker, attack, a, b, kind)
        if control[0] is not True:  # "program": the attack proper is its argument
            why = cannot_be_shown(b if attack == "program" else attack, [])
            control = (None, why or control[1])
        table.add(name, result[1], control[1], judge(result, control))


def follow(server, link, secret, host="alice.test"):
    """Ask the worker for a link's end: got = the secret came."""
    status, body = server.get(host, f"/{link}")
    if status == 200 and body == secret:
        return True, "sent"
    return (False, f"status {status}") if status in (403, 404) else (None, f"status {status}")


def run_links(attacker, table):
    """Links that PHP leaves for the worker: it reads with no more rights than PHP has."""
    www = attacker.names["own"]
    for i, to in enumerate(attacker.words(rows.LINKS)):
        name = f"link followed by the worker: {os.path.basename(to)}"
        if not table.wants(name):
            continue
        with open(to) as f:
            secret = f.read()
        php_request(attacker.server, "link-for-the-worker", to, f"link{i}.txt")
        result = follow(attacker.server, f"link{i}.txt", secret)
        with open(f"{www}/mine{i}.txt", "w") as f:
            f.write(secret)
        os.chown(f"{www}/mine{i}.txt", ALICE, ALICE)
        os.symlink(f"mine{i}.txt", f"{www}/own-link{i}.txt")
        control = follow(attacker.server, f"own-link{i}.txt", secret)
        table.add(name, result[1], "his own: " + control[1], judge(result, control))


def send(server, path, secret):
    """Have the worker send a file that a script names: got = the secret came."""
    status, body = server.get("wide.test", f"/send.php?file={path}")
    if status == 200 and body == secret:
        return True, "sent"
    return (False, f"status {status}") if status in (403, 404) else (None, f"status {status}")


def run_wide(attacker, table):
    """Where every directory is allowed: the worker is its user all the same."""
    www = f"{attacker.house.top}/alice/www"
    for i, to in enumerate(attacker.words(rows.WIDE)):
        with open(to) as f:
            secret = f.read()
        own = f"{www}/mine-wide{i}.txt"
        with open(own, "w") as f:
            f.write(secret)
        os.chown(own, ALICE, ALICE)
        name = f"file sent by the worker: {os.path.basename(to)}"
        if table.wants(name):
            result, control = (send(attacker.server, path, secret) for path in (to, own))
            table.add(name, result[1], "his own: " + control[1], judge(result, control))
        name = f"link that may lead anywhere: {os.path.basename(to)}"
        if table.wants(name):
            os.symlink(to, f"{www}/wide{i}.txt")
            os.symlink(own, f"{www}/own-wide{i}.txt")
            result, control = (follow(attacker.server, f"{link}{i}.txt", secret, "wide.test")
                               for link in ("wide", "own-wide"))
            table.add(name, result[1], "his own: " + control[1], judge(result, control))


# --- hostile programs in the place of our own ------------------------------------------------

def others_answer(server, expected):
    """Another user's site answers, three times in a row and soon."""
    return all(server.get("bob.test", timeout=8) == (200, expected) for _ in range(3))


def hostile(house, role, mode, expected):
    """Start a server with a hostile child. ret (what became of it, all else is well, text)"""
    server = house.serve(f"{role}-{mode}", house.replaced(role, mode))
    try:
        with contextlib.ExitStack() as asking:
            if role == "worker":  # it comes when it is asked for, and does not answer
                asking.enter_context(server.ask("alice.test"))
            wait_for(lambda: "REGAIN sent" in server.log() or closed(server.log()), 20)
        acceptor = server.find("hostel-acceptor")
        well = bool(wait_for(lambda: others_answer(server, expected), 20))
        wait_for(lambda: "REGAIN survived" in server.log() or closed(server.log()), 15)
        log = server.log()
        if not server.alive():
            return "?", False, "the supervisor died"
        if role == "worker" and server.find("hostel-acceptor") != acceptor:
            return "?", False, "the acceptor died"
        if "REGAIN sent" not in log and not closed(log):
            return "?", False, "it was never sent"
        fate = "closed" if closed(log) else "survived"
        return fate, well, fate if well else fate + ", but bob's site does not answer"
    finally:
        server.stop()
        shutil.rmtree(os.path.dirname(server.process.args[0]), ignore_errors=True)


def closed(log):
    """By what it said, or because it did not hear what its own words brought about."""
    return any(word in log for word in (") is ended: ", ") was ended by signal 9",
                                        "REGAIN closed", "channel was closed"))


def run_hostile(house, table, role, modes, expected):
    named = {f"words of a hostile {role}: {mode}": (mode, want) for mode, want in modes}
    wanted = {name: row for name, row in named.items() if table.wants(name)}
    if not wanted:
        return
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        ends = {mode: pool.submit(hostile, house, role, mode, expected)
                for mode in ["proper"] + [mode for mode, _ in wanted.values()]}
    fate, well, text = ends["proper"].result()
    control = (fate == "survived" and well, f"proper words: {text}")
    for name, (mode, want) in wanted.items():
        fate, well, text = ends[mode].result()
        held = well and (want == "borne" or fate == "closed")
        table.add(name, text if held or not well else "not closed", control[1],
                  judge((not held, text), control))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", nargs="?",
                        default=os.environ.get("HOSTEL_BUILD") or f"{SOURCE}/build")
    parser.add_argument("--only", help="attacks whose name has this in it")
    options = parser.parse_args()
    table = Table(options.only)
    if os.geteuid() != 0:
        print("regain: needs root\n0 passed, 0 failed, 1 skipped")
        return 0
    house = House(options.build)
    try:
        attacker = Attacker(house, house.serve("live"))
        run_php(attacker, table)
        run_links(attacker, table)
        run_wide(attacker, table)
        run_confined(attacker, table)
        if landlock() >= 2:
            run_jailed(attacker, table)
        run_hostile(house, table, "worker", rows.WORKER_WORDS, "small worker")
        run_hostile(house, table, "acceptor", rows.ACCEPTOR_WORDS, "small acceptor")
        status, page = attacker.server.get("bob.test")
        assert status == 200
        run_hostile(house, table, "metrics", rows.METRICS_WORDS, page)
    finally:
        house.close()
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
