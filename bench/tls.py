"""
TLS and HTTP/2 beside nginx, h2o and Apache: handshakes, full and resumed, files over kept
connections, and one file in many streams. All servers of a case run at once and take turns.
"""
import contextlib
import json
import re
import socket
import ssl
import statistics
import subprocess
from pathlib import Path

import box as boxes
import cases
import load
import peers
from report import HOSTEL, bar, best, number

CIPHERS = ":".join(f"ECDHE-{a}-{c}" for c in (
    "AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305") for a in ("ECDSA", "RSA"))
TUNED = "nginx-tuned"


def make_pair(d, kind, host):
    how = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", *how, "-nodes", "-keyout", d / "key",
                    "-out", d / "crt", "-days", "2", "-subj", f"/CN={host}", "-addext",
                    f"subjectAltName=DNS:{host}"], check=True, capture_output=True)
    (d / "key").chmod(0o600)


def hostel(server, d, site, build):
    peers.copy_programs(build, d)
    config = {"listen": [f"127.0.0.1:{boxes.free_port()}"],
              "listen_tls": [f"127.0.0.1:{server.port}"], "run_dir": str(d / "run"),
              "acceptor_user": "nobody", "error_log": str(d / "error.log"),
              "access_log": str(d / "access.log"), "connections_per_address": 20000,
              "vhosts": [{"host": site.host, "user": str(site.uid), "group": str(site.uid),
                          "default": True, "root": str(site.root),
                          "tls": {"certificate": str(d / "crt"), "key": str(d / "key")}}]}
    (d / "hostel.yaml").write_text(json.dumps(config))
    server.spawn([d / "hostel", "serve", "--config", d / "hostel.yaml"], d / "out")


def nginx(server, d, site, _):
    log, cache = ("", "") if server.name != TUNED else (
        " buffer=64k flush=1s", "open_file_cache max=1000; open_file_cache_valid 1s;")
    temp = " ".join(f"{k}_temp_path {d}/{k};" for k in
                    ("client_body", "fastcgi", "proxy", "uwsgi", "scgi"))
    (d / "nginx.conf").write_text(f"""
daemon off; user {peers.WWW}; pid {d}/pid; error_log {d}/error.log; worker_processes 1;
events {{ worker_connections 4000; }}
http {{ include /etc/nginx/mime.types; access_log {d}/access.log combined{log}; {cache}
sendfile on; tcp_nopush on; keepalive_timeout 300; keepalive_requests 1000000000; {temp}
server {{ listen 127.0.0.1:{server.port} ssl http2 backlog=4096; server_name {site.host};
root {site.shared}; ssl_certificate {d}/crt; ssl_certificate_key {d}/key;
ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {CIPHERS}; ssl_prefer_server_ciphers off;
ssl_session_tickets on; }} }}
""")
    server.spawn(["nginx", "-p", d, "-e", d / "error.log", "-c", d / "nginx.conf"], d / "out")


def h2o(server, d, site, _):
    (d / "h2o.conf").write_text(json.dumps({
        "user": peers.WWW, "num-threads": 1, "max-connections": 4000,
        "error-log": str(d / "error.log"), "access-log": peers.h2o_log(d),
        "listen": {"host": "127.0.0.1", "port": server.port, "ssl": {
            "certificate-file": str(d / "crt"), "key-file": str(d / "key"),
            "cipher-suite": CIPHERS, "cipher-preference": "client", "ocsp-update-interval": 0}},
        "hosts": {"default": {"paths": {"/": {"file.dir": str(site.shared)}}}}}))
    server.spawn(["h2o", "-m", "worker", "-c", d / "h2o.conf"], d / "out")


def apache(server, d, site, _):
    at = "/usr/lib/apache2/modules"
    lines = [f"LoadModule {m}_module {at}/mod_{m}.so" for m in
             ("mpm_event", "authz_core", "mime", "ssl", "http2", "socache_shmcb")]
    lines += [
        "ServerLimit 1", "StartServers 1", "ThreadsPerChild 64", "MaxRequestWorkers 64",
        "MinSpareThreads 64", "MaxSpareThreads 64", f"DefaultRuntimeDir {d}", f"PidFile {d}/pid",
        f"Listen 127.0.0.1:{server.port}", f"User {peers.WWW}", f"Group {peers.WWW}",
        f"ServerName {site.host}", "KeepAlive On", "MaxKeepAliveRequests 0",
        "KeepAliveTimeout 300", "TypesConfig /etc/mime.types", f"ErrorLog {d}/error.log",
        f'LogFormat "{peers.COMBINED}" combined', f"CustomLog {d}/access.log combined",
        f"DocumentRoot {site.shared}", "Protocols h2 http/1.1", "SSLEngine on",
        f"SSLCertificateFile {d}/crt", f"SSLCertificateKeyFile {d}/key",
        "SSLProtocol -all +TLSv1.2 +TLSv1.3", f"SSLCipherSuite {CIPHERS}",
        "<Directory />", "AllowOverride None", "Require all granted", "</Directory>"]
    (d / "apache.conf").write_text("\n".join(lines) + "\n")
    server.spawn(["apache2", "-d", d, "-f", d / "apache.conf", "-DFOREGROUND"], d / "out")


PEERS = {HOSTEL: hostel, "nginx": nginx, TUNED: nginx, "h2o": h2o, "apache-event": apache}


def client(version=None, protocols=()):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


@contextlib.contextmanager
def connection(server, site, context, session=None):
    with socket.create_connection(("127.0.0.1", server.port), 10) as s, context.wrap_socket(
            s, server_hostname=site.host, session=session) as secure:
        yield secure


def whole_answer(server, site, path):
    """Compared with the file; returns its bytes on the wire, without TLS's."""
    with connection(server, site, client()) as s:
        s.sendall(load.request(site.host, path, False))
        head, body, wire = load.read_answer(s)
    if not head.startswith("HTTP/1.1 200") or body != (site.shared / path[1:]).read_bytes():
        raise load.Wrong(f"{path}: not the file: {head.splitlines()[0]}")
    return wire


class Handshakes:
    """One after the other by openssl s_time, which asks for nothing. It resumes TLS 1.2 only."""

    peers = tuple(p for p in PEERS if p != TUNED)

    def __init__(self, what, kind, *options):
        self.what, self.kind, self.options = what, kind, options

    def check(self, server, site):
        if "-reuse" not in self.options:
            return
        context, session = client(ssl.TLSVersion.TLSv1_2), None
        for _ in range(2):
            with connection(server, site, context, session) as s:
                s.sendall(load.request(site.host, "/1k.html", False))
                load.read_answer(s)
                reused, session = s.session_reused, s.session
        if not reused:
            raise load.Wrong("a session was not resumed")

    def round(self, _, server, site, seconds):
        self.check(server, site)
        before = server.cpu()
        p = subprocess.run(
            ["taskset", "-c", "1", "openssl", "s_time", "-connect", f"127.0.0.1:{server.port}",
             "-time", str(seconds), *self.options], capture_output=True, text=True,
            timeout=seconds + 60, check=False)
        cpu = max(server.cpu() - before, 0.01)
        found = re.search(r"^(\d+) connections in \d+ real seconds", p.stdout, re.M)
        if p.returncode or not found or not int(found[1]):
            raise load.Wrong(f"s_time: {p.stdout[-200:]} {p.stderr[-200:]}")
        return {"per_cpu": int(found[1]) / cpu}


class Files:
    """One file over kept connections, by wrk, which speaks HTTP/1.1."""

    peers = tuple(PEERS)
    kind = "ec"

    def __init__(self, what, path, connections):
        self.what = what
        self.case = cases.Case(f"tls-{path[1:]}", what, path, connections=connections)

    def round(self, run, server, site, seconds):
        wire = whole_answer(server, site, self.case.path)
        wrk = load.Wrk(run.box, self.case, [site], server.port, "1")
        wrk.url = f"https://127.0.0.1:{server.port}"
        figures = load.measure(server, wrk, wire, seconds)
        whole_answer(server, site, self.case.path)
        return figures


class Streams:
    """One file over HTTP/2, by h2load: 8 connections of 64 streams."""

    peers = tuple(PEERS)
    kind = "ec"
    under_way = 8 * 64

    def __init__(self, what, path):
        self.what, self.path = what, path

    def check(self, server, site):
        with connection(server, site, client(protocols=("h2",))) as s:
            if s.selected_alpn_protocol() != "h2":
                raise load.Wrong("no HTTP/2")
        p = subprocess.run(
            ["curl", "-sk", "--http2", "--max-time", "10", "--noproxy", "*", "--resolve",
             f"{site.host}:{server.port}:127.0.0.1", "-w", "%{http_version}",
             f"https://{site.host}:{server.port}{self.path}"], capture_output=True, check=False)
        if p.stdout != (site.shared / self.path[1:]).read_bytes() + b"2":
            raise load.Wrong(f"{self.path}: not the file over HTTP/2")

    def round(self, _, server, site, seconds):
        self.check(server, site)
        size = (site.shared / self.path[1:]).stat().st_size
        before = server.cpu()
        p = subprocess.run(
            ["taskset", "-c", "1", "h2load", "-D", str(seconds), "-c", "8", "-m", "64",
             f"--connect-to=127.0.0.1:{server.port}",
             f"https://{site.host}:{server.port}{self.path}"], capture_output=True, text=True,
            timeout=seconds + 60, check=False)
        cpu = max(server.cpu() - before, 0.01)
        done = re.search(r"(\d+) succeeded, (\d+) failed", p.stdout)
        data = re.search(r"\((\d+)\) data", p.stdout)
        if p.returncode or not done or not data or not int(done[1]):
            raise load.Wrong(f"h2load: {p.stdout[-300:]} {p.stderr[-200:]}")
        n, lost = map(int, done.groups())
        # what was under way at the end is neither an answer nor an error
        if lost > self.under_way or not 0 <= int(data[1]) - n * size <= self.under_way * size:
            raise load.Wrong(f"{n} answers, {lost} failed, {data[1]} bytes of them")
        self.check(server, site)
        return {"per_cpu": n / cpu}


class Secure:
    """Lines that several servers get in turn, over TLS; a row for each line."""

    peers = tuple(PEERS)

    def __init__(self, name, what, of_best, lines):
        self.name, self.what, self.of_best, self.lines = name, what, of_best, lines

    def steps(self, run, chosen):
        return run.args.rounds * sum(p.name in line.peers for p in chosen for line in self.lines)

    def start(self, run, name, kind):
        d = run.box / f"{self.name}-{name}-{kind}"
        d.mkdir()
        d.chmod(0o755)
        make_pair(d, kind, run.sites[0].host)
        server = boxes.Server(name, boxes.free_port())
        try:
            PEERS[name](server, d, run.sites[0], Path(run.args.build))
            server.wait_ready()
        except BaseException:
            server.stop()
            raise
        return server

    def measure_all(self, run, chosen):
        """peer -> what of a line -> its rounds; "wrong" when one failed."""
        servers = {}
        rows = {p.name: {"lines": {}, "wrong": ""} for p in chosen}
        turns = [(line, p.name) for line in self.lines for p in chosen if p.name in line.peers]
        try:
            for line, name in turns:
                self.ready(run, servers, rows[name], name, line.kind)
            for _ in range(run.args.rounds):
                for line, name in turns:
                    run.step(f"{self.name} {line.what} {name}", self.turn(
                        run, servers.get((name, line.kind)), rows[name], line))
        finally:
            for server in servers.values():
                server.stop()
        return rows

    def ready(self, run, servers, row, name, kind):
        if (name, kind) in servers:
            return
        try:
            servers[name, kind] = self.start(run, name, kind)
        except load.FAILURES as e:
            row["wrong"] = load.failure(e)

    @staticmethod
    def turn(run, server, row, line):
        if not server:
            return row["wrong"]
        try:
            figures = line.round(run, server, run.sites[0], run.args.seconds)
        except load.FAILURES as e:
            row["wrong"] = f"{line.what}: {load.failure(e)}"
            return row["wrong"]
        row["lines"].setdefault(line.what, []).append(figures)
        return number(figures["per_cpu"])

    @staticmethod
    def medians(rows, what):
        return {name: statistics.median(r["per_cpu"] for r in row["lines"][what])
                for name, row in rows.items() if row.get("lines", {}).get(what)}

    def table(self, rows):
        lines = ["| per CPU-second | " + " | ".join(rows) + " |", "|---|" + "---:|" * len(rows)]
        for line in self.lines:
            middle = self.medians(rows, line.what)
            lines.append(f"| {line.what} | " + " | ".join(
                number(middle[n]) if n in middle else "" for n in rows) + " |")
        return lines + [text for n, r in rows.items() if r["wrong"]
                        for text in ("", f"{n}: {r['wrong']}")]

    def bars(self, rows):
        found = []
        for line in self.lines:
            middle = self.medians(rows, line.what)
            others = ["nginx"] + ([best(middle)] if self.of_best else [])
            for other in dict.fromkeys(o for o in others if o in middle):
                if HOSTEL in middle:
                    ratio = middle[HOSTEL] / middle[other]
                    found.append(bar(f"{self.name}: {line.what}", f"1.00 of {other}", ratio,
                                     ratio >= 1))
        return found


CASES = [
    Secure("tls", "handshakes, and files over kept connections of TLS 1.3", False, [
        Handshakes("full handshake, TLS 1.3, P-256", "ec", "-new", "-tls1_3"),
        Handshakes("full handshake, TLS 1.3, RSA 2048", "rsa", "-new", "-tls1_3"),
        Handshakes("resumed, TLS 1.2, P-256", "ec", "-reuse", "-tls1_2"),
        Handshakes("resumed, TLS 1.2, RSA 2048", "rsa", "-reuse", "-tls1_2"),
        Files("1 KiB, kept connections", "/1k.html", 16),
        Files("1 MiB, kept connections", "/1m.html", 8)]),
    Secure("h2", "HTTP/2, 8 connections of 64 streams", True, [
        Streams("1 KiB, 64 streams", "/1k.html")]),
]
