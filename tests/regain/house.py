"""A house to attack: two users' files, a running hostel, and the programs that attack it."""

import json
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.append(os.path.dirname(HERE))
from ports import free_port  # noqa: E402

ALICE, BOB = 6001, 6002
PROGRAMS = ["ids", "kernel", "procs", "files"]
PEERS = ["worker", "acceptor", "metrics"]
SECRET = "REGAIN_SECRET"  # in the environment of hostel itself, and of nobody else


def write(path, text, uid=0, mode=0o600):
    with open(path, "w") as f:
        f.write(text)
    os.chown(path, uid, uid)
    os.chmod(path, mode)


class House:
    """Everything below one directory; gone at the end, processes too."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.top = tempfile.mkdtemp(prefix="hostel-regain-")
        os.chmod(self.top, 0o711)
        self.bin = self.dir("bin", mode=0o755)
        self.logs = self.dir("logs", mode=0o755)
        self.servers = []
        for name, uid in (("alice", ALICE), ("bob", BOB)):
            self.dir(name, uid, 0o700)
            self.dir(f"{name}/www", uid, 0o700)
            write(f"{self.top}/{name}/www/index.html", f"page of {name}\n", uid)
            write(f"{self.top}/{name}/www/secret.txt", f"secret of {name}\n", uid)
            write(f"{self.top}/{name}/www/secret.php", "<?php return 'secret';\n", uid)
            self.copy("php/attack.php", f"{name}/www/attack.php", uid)
            self.copy("php/send.php", f"{name}/www/send.php", uid)
        write(f"{self.top}/root-only", "root's\n")
        self.outside = self.make_outside()
        self.decoy = f"{self.logs}/decoy.log"
        write(self.decoy, "a line\n", mode=0o640)
        self.compile()

    def make_outside(self):
        """Open to everybody by its modes, and in no temporary directory: what a jail is for."""
        top = tempfile.mkdtemp(prefix="hostel-regain-", dir="/var/lib")
        os.chmod(top, 0o755)
        os.mkdir(f"{top}/shared")
        os.chmod(f"{top}/shared", 0o777)
        write(f"{top}/open.txt", "open to all\n", mode=0o644)
        shutil.copy("/bin/true", top)
        write(f"{top}/shared/file.txt", "open to all\n", ALICE, mode=0o666)
        return top

    def dir(self, name, uid=0, mode=0o700):
        path = os.path.join(self.top, name)
        os.mkdir(path)
        os.chown(path, uid, uid)
        os.chmod(path, mode)
        return path

    def copy(self, source, name, uid=0, mode=0o600):
        path = os.path.join(self.top, name)
        shutil.copy(os.path.join(HERE, source), path)
        os.chown(path, uid, uid)
        os.chmod(path, mode)
        return path

    def compile(self):
        for name in PROGRAMS + PEERS:
            out = f"{self.bin}/{name}" if name in PROGRAMS else f"{self.top}/peer-{name}"
            subprocess.run(
                ["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-static", "-w",
                 f"-I{SOURCE}/include", f"{HERE}/attacks/{name}.c", "-o", out], check=True)
            os.chmod(out, 0o755)
        # the bait of the oldest attacks: a program of root's by mode, one by capability
        for name in ("setuid", "capable"):
            shutil.copy(f"{self.bin}/ids", f"{self.bin}/{name}")
        os.chmod(f"{self.bin}/setuid", 0o4755)
        os.chmod(f"{self.bin}/capable", 0o755)
        setuid_capability = struct.pack("<IIIII", 0x02000001, 1 << 7, 0, 0, 0)
        os.setxattr(f"{self.bin}/capable", "security.capability", setuid_capability)

    def config(self, name, port, acceptors=1, tls=False, **of_vhosts):
        path = f"{self.top}/{name}.json"  # the configuration is YAML, and so JSON too
        vhosts = [{
            "host": f"{user}.test", "user": str(uid), "root": f"{self.top}/{user}/www",
            "access_log": f"{self.logs}/{name}-{user}.access",
            "error_log": f"{self.logs}/{name}-{user}.error",
            "php": {"processes": 2}, **of_vhosts,
        } for user, uid in (("alice", ALICE), ("bob", BOB))]
        if tls:  # her worker holds a key then, which is root's
            subprocess.run([f"{self.build}/hostel", "cert", "self-signed", "alice.test", "--dir",
                            self.dir(f"keys-{name}", mode=0o755)], check=True, capture_output=True)
            pair = f"{self.top}/keys-{name}/alice.test"
            vhosts[0]["tls"] = {"certificate": f"{pair}.crt", "key": f"{pair}.key"}
        # what her administrator allows is no more than what she may read herself
        if "jail" not in of_vhosts:  # there it would be no jail, and is refused
            vhosts.append({**{k: v for k, v in vhosts[0].items() if k != "tls"},
                           "host": "wide.test", "sendfile_roots": ["/"], "link_roots": ["/"]})
        with open(path, "w") as f:
            json.dump({
                "listen": [f"127.0.0.1:{port}"], "acceptors": acceptors,
                "acceptor_user": "nobody", "run_dir": f"{self.top}/run-{name}",
                "error_log": f"{self.logs}/{name}.error", "access_log": "off",
                "metrics_listen": f"{self.top}/metrics-{name}.sock",
                "stop_timeout": "2s", "vhosts": vhosts}, f, indent=1)
        return path

    def serve(self, name, hostel=None):
        server = Server(self, name, hostel or f"{self.build}/hostel")
        self.servers.append(server)
        return server

    def replaced(self, role, mode):
        """A directory with our executables, one of them replaced by a hostile one."""
        path = self.dir(f"bin-{role}-{mode}", mode=0o755)
        for name in ("hostel", "hostel-worker", "hostel-worker-tls", "hostel-examiner",
                     "hostel-metrics", "hostel-acceptor"):
            shutil.copy(f"{self.build}/{name}", f"{path}/{name}")
        with open(f"{self.top}/peer-{role}", "rb") as f:
            program = f.read()
        text = b"@@MODE@@".ljust(48, b"\0")
        assert program.count(text) == 1
        victim = f"{path}/hostel-{role}"
        os.unlink(victim)
        with open(victim, "wb") as f:
            f.write(program.replace(text, mode.encode().ljust(48, b"\0")))
        os.chmod(victim, 0o711)
        return f"{path}/hostel"

    def close(self):
        for server in self.servers:
            server.stop()
        shutil.rmtree(self.top, ignore_errors=True)
        shutil.rmtree(self.outside, ignore_errors=True)


class Server:
    """One `hostel serve` and what it started."""

    def __init__(self, house, name, hostel):
        self.house, self.name = house, name
        self.port = free_port()
        # a hostile one in the place of hostel-worker would not be asked otherwise
        own = hostel == f"{house.build}/hostel"
        self.config = house.config(name, self.port, tls=own)
        self.run_dir = f"{house.top}/run-{name}"
        self.errors = f"{house.logs}/{name}.error"
        env = {"PATH": "/usr/bin:/bin", SECRET: "1"}
        self.process = subprocess.Popen([hostel, "serve", "--config", self.config], env=env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "ready" not in line:
            said = line + self.process.stderr.read() + self.log()
            raise RuntimeError(f"hostel did not start: {said}")

    @property
    def pid(self):
        return self.process.pid

    def ask(self, host, path="/", timeout=15.0):
        """A connection on which one request is sent."""
        s = socket.create_connection(("127.0.0.1", self.port), timeout)
        s.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return s

    def get(self, host, path="/", timeout=15.0):
        """(status, body) of one request on its own connection; status 0 = no answer."""
        try:
            with self.ask(host, path, timeout) as s:
                data = b""
                while chunk := s.recv(65536):
                    data += chunk
        except OSError:
            return 0, ""
        head, _, body = data.partition(b"\r\n\r\n")
        words = head.split(b" ", 2)
        return (int(words[1]) if len(words) > 2 else 0), body.decode("latin-1")

    def processes(self):
        """[(pid, uid, program)] of everything below the supervisor."""
        found, tree = [], {self.pid}
        rows = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/status") as f:
                    fields = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    program = os.path.basename(f.read().split(b"\0")[0].decode("latin-1"))
            except OSError:
                continue
            rows.append((int(pid), int(fields["PPid"]), int(fields["Uid"].split()[0]), program))
        grown = True
        while grown:
            more = [r for r in rows if r[1] in tree and r[0] not in tree]
            tree |= {r[0] for r in more}
            found += [(r[0], r[2], r[3]) for r in more]
            grown = bool(more)
        return found

    def find(self, program, uid=None):
        for pid, owner, name in self.processes():
            if program in name and (uid is None or owner == uid):
                return pid
        return None

    def php_socket(self, uid):
        for name in os.listdir(f"{self.run_dir}/php"):
            path = f"{self.run_dir}/php/{name}"
            if os.stat(path).st_uid == uid and stat.S_ISSOCK(os.stat(path).st_mode):
                return path
        return None

    def alive(self):
        return self.process.poll() is None

    def log(self):
        try:
            with open(self.errors, errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def stop(self):
        if self.process.poll() is None:
            below = [pid for pid, _, _ in self.processes()]
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                print(f"regain: {self.name} did not stop", file=sys.stderr)
                self.process.kill()
                self.process.wait()
                for pid in below:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
        self.process.stderr.close()


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return condition()
