"""
TLS and HTTP/2 beside nginx, h2o and Apache: handshakes, full and resumed, files over kept
connections, and one file in many streams. All servers of a case run at once and take turns.
"""
import contextlib
import json
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path

import box as boxes
import cases
import load
import peers
import turns
from report import HOSTEL, best, number, ratio_bar

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


def client(protocols=()):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


@contextlib.contextmanager
def connection(server, site, context):
    with socket.create_connection(("127.0.0.1", server.port), 10) as s, context.wrap_socket(
            s, server_hostname=site.host) as secure:
        yield secure


class Visited:
    """The site's file by visitors: a handshake for each request, full or resumed; or kept."""

    share = 1   # of the rounds

    def __init__(self, what, case, kind, version="1.3", resumed=False):
        self.what, self.case, self.kind = what, case, kind
        self.peers = tuple(p for p in PEERS if p != TUNED or not case.close)
        self.options = ["-t", version] + (["-r"] if resumed else [])

    def player(self, run, name, server, stack):
        bodies = load.check(server.port, self.case, run.sites[:1], False, client())
        visitors = stack.enter_context(load.Visitors(
            run.box, self.case, bodies, server.port, "1", self.options))
        visitors.ask(self.case.ms)
        return turns.Player(name, lambda: load.measure(server, visitors, self.case.ms))


class Streams:
    """One file over HTTP/2, by h2load: 8 connections of 64 streams."""

    peers = tuple(PEERS)
    kind, share = "ec", 0.5
    ms = 250   # of a slice: handshakes are little beside it

    def __init__(self, what, path):
        self.what, self.path = what, path

    def check(self, server, site):
        with connection(server, site, client(("h2",))) as s:
            if s.selected_alpn_protocol() != "h2":
                raise load.Wrong("no HTTP/2")
        p = subprocess.run(
            ["curl", "-sk", "--http2", "--max-time", "10", "--noproxy", "*", "--resolve",
             f"{site.host}:{server.port}:127.0.0.1", "-w", "%{http_version}",
             f"https://{site.host}:{server.port}{self.path}"], capture_output=True, check=False)
        if p.stdout != (site.shared / self.path[1:]).read_bytes() + b"2":
            raise load.Wrong(f"{self.path}: not the file over HTTP/2")

    def ask(self, server, site, requests):
        """So many, all answered; what the server used for them."""
        size = (site.shared / self.path[1:]).stat().st_size
        before, began = server.cpu(), time.monotonic()
        p = subprocess.run(
            ["taskset", "-c", "1", "h2load", "-n", str(requests), "-c", "8", "-m", "64",
             f"--connect-to=127.0.0.1:{server.port}",
             f"https://{site.host}:{server.port}{self.path}"], capture_output=True, text=True,
            timeout=60, check=False)
        took, cpu = time.monotonic() - began, server.cpu() - before
        done = re.search(r"(\d+) succeeded, (\d+) failed", p.stdout)
        data = re.search(r"\((\d+)\) data", p.stdout)
        if p.returncode or not done or not data or int(done[1]) != requests or int(
                data[1]) != requests * size:
            raise load.Wrong(f"h2load: {p.stdout[-300:]} {p.stderr[-200:]}")
        return {"per_cpu": requests / cpu, "rate": requests / took, "cpu": cpu}

    def player(self, run, name, server, _):
        site = run.sites[0]
        self.check(server, site)
        rate = self.ask(server, site, 2048)["rate"]
        requests = max(512, round(self.ask(server, site, int(rate * 0.2) + 512)["rate"]
                                  * self.ms / 1000))
        return turns.Player(name, lambda: self.ask(server, site, requests))


class Secure:
    """Lines that several servers get in turn, over TLS; a row for each line."""

    peers = tuple(PEERS)

    def __init__(self, name, what, of_best, lines):
        self.name, self.what, self.of_best, self.lines = name, what, of_best, lines

    def steps(self, _, chosen):
        return sum(any(p.name in line.peers for p in chosen) for line in self.lines)

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
        try:
            for line in self.lines:
                names = [p.name for p in chosen if p.name in line.peers]
                if names:
                    run.step(f"{self.name}: {line.what}",
                             self.line(run, line, names, servers, rows))
        finally:
            for server in servers.values():
                server.stop()
        return rows

    def line(self, run, line, names, servers, rows):
        """Fills in the rows of one line; a word on it."""
        with contextlib.ExitStack() as stack:
            players = []
            for name in names:
                try:
                    if (name, line.kind) not in servers:
                        servers[name, line.kind] = self.start(run, name, line.kind)
                    players.append(line.player(run, name, servers[name, line.kind], stack))
                except load.FAILURES as e:
                    rows[name]["wrong"] = f"{line.what}: {load.failure(e)}"
            turns.play(players, run.rounds(line.share))
        for p in players:
            rows[p.name]["lines"][line.what] = p.row["rounds"]
            if p.row["wrong"]:
                rows[p.name]["wrong"] = f"{line.what}: {p.row['wrong']}"
        return ", ".join(f"{n} {number(v)}" for n, v in self.medians(rows, line.what).items())

    @staticmethod
    def medians(rows, what):
        return {name: turns.middle(row["lines"][what])
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
                    found += ratio_bar(f"{self.name}: {line.what}", 1, other,
                                       rows[HOSTEL]["lines"][line.what],
                                       rows[other]["lines"][line.what])
        return found


def handshakes(what, kind, version, resumed=False):
    case = cases.Case(f"tls-{kind}-{version}-{resumed}", what, "/1k.html", close=True,
                      connections=8)
    return Visited(what, case, kind, version, resumed)


def kept(what, path, connections):
    return Visited(what, cases.Case(f"tls-{path[1:]}", what, path, connections=connections), "ec")


CASES = [
    Secure("tls", "a handshake and 1 KiB for each visitor; and files over kept connections, "
           "TLS 1.3", False, [
               handshakes("full handshake, TLS 1.3, P-256", "ec", "1.3"),
               handshakes("full handshake, TLS 1.3, RSA 2048", "rsa", "1.3"),
               handshakes("resumed, TLS 1.3, P-256", "ec", "1.3", True),
               handshakes("resumed, TLS 1.2, P-256", "ec", "1.2", True),
               handshakes("resumed, TLS 1.2, RSA 2048", "rsa", "1.2", True),
               kept("1 KiB, kept connections", "/1k.html", 16),
               kept("1 MiB, kept connections", "/1m.html", 8)]),
    Secure("h2", "HTTP/2, 8 connections of 64 streams", True, [
        Streams("1 KiB, 64 streams", "/1k.html")]),
]
