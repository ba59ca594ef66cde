#!/usr/bin/python3
"""
TLS beside the peers, in interleaved rounds: handshakes, full and resumed, and files over kept
connections. One server core, the load on the other; figures are per second of the server's
processor time.

    bench/tls.py [--rounds N] [--seconds N] [--only CASE,...] [--peers NAME,...] [--build DIR]
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import box as boxes

HERE = Path(__file__).resolve().parent
HOST, UID = "one.test", 6151
WWW = "www-data"
CIPHERS = ":".join(f"ECDHE-{a}-{c}" for c in (
    "AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305") for a in ("ECDSA", "RSA"))
# name, what it is, kind of key, and how it is loaded
CASES = [
    ("full-ecdsa", "full handshakes, TLS 1.3, P-256", "ec", ("-new", "-tls1_3")),
    ("full-ecdsa-1.2", "full handshakes, TLS 1.2, P-256", "ec", ("-new", "-tls1_2")),
    ("full-rsa", "full handshakes, TLS 1.3, RSA 2048", "rsa", ("-new", "-tls1_3")),
    ("resumed", "resumed handshakes, TLS 1.2, P-256", "ec", ("-reuse", "-tls1_2")),
    ("resumed-rsa", "resumed handshakes, TLS 1.2, RSA 2048", "rsa", ("-reuse", "-tls1_2")),
    ("keep-1k", "1 KiB, kept connections", "ec", "/1k.html"),
    ("keep-1m", "1 MiB, kept connections", "ec", "/1m.html"),
]


def make_pair(d, kind):
    how = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", *how, "-nodes", "-keyout", d / "key",
                    "-out", d / "crt", "-days", "2", "-subj", f"/CN={HOST}", "-addext",
                    f"subjectAltName=DNS:{HOST}"], check=True, capture_output=True)


def hostel(server, d, site, build):
    for name in ("hostel", "hostel-acceptor", "hostel-worker", "hostel-worker-tls",
                 "hostel-examiner"):
        shutil.copy2(build / name, d)
    config = {"listen": [f"127.0.0.1:{boxes.free_port()}"],
              "listen_tls": [f"127.0.0.1:{server.port}"], "run_dir": str(d / "run"),
              "acceptor_user": "nobody", "error_log": str(d / "error.log"),
              "access_log": str(d / "access.log"), "connections_per_address": 20000,
              "vhosts": [{"host": HOST, "user": str(UID), "group": str(UID), "default": True,
                          "root": str(site.root),
                          "tls": {"certificate": str(d / "crt"), "key": str(d / "key")}}]}
    (d / "hostel.yaml").write_text(json.dumps(config))
    server.spawn([d / "hostel", "serve", "--config", d / "hostel.yaml"], d / "out")


def nginx(server, d, site, _):
    (d / "nginx.conf").write_text(f"""
daemon off; user {WWW}; pid {d}/pid; error_log {d}/error.log; worker_processes 1;
events {{ worker_connections 16000; }}
http {{ access_log {d}/access.log combined; sendfile on; tcp_nopush on;
keepalive_timeout 300; keepalive_requests 1000000000; {" ".join(
    f"{k}_temp_path {d}/{k};" for k in ("client_body", "fastcgi", "proxy", "uwsgi", "scgi"))}
server {{ listen 127.0.0.1:{server.port} ssl backlog=4096; server_name {HOST};
root {site.shared}; ssl_certificate {d}/crt; ssl_certificate_key {d}/key;
ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {CIPHERS}; ssl_prefer_server_ciphers off;
ssl_session_tickets on; }} }}
""")
    server.spawn(["nginx", "-p", d, "-e", d / "error.log", "-c", d / "nginx.conf"], d / "out")


def h2o(server, d, site, _):
    (d / "h2o.conf").write_text(json.dumps({
        "user": WWW, "num-threads": 1, "max-connections": 16000,
        "error-log": str(d / "error.log"), "access-log": str(d / "access.log"),
        "listen": {"host": "127.0.0.1", "port": server.port, "ssl": {
            "certificate-file": str(d / "crt"), "key-file": str(d / "key"),
            "cipher-suite": CIPHERS, "cipher-preference": "client"}},
        "hosts": {HOST: {"paths": {"/": {"file.dir": str(site.shared)}}}}}))
    server.spawn(["h2o", "-m", "worker", "-c", d / "h2o.conf"], d / "out")


def apache(server, d, site, _):
    at = "/usr/lib/apache2/modules"
    lines = [f"LoadModule {m}_module {at}/mod_{m}.so" for m in
             ("mpm_event", "authz_core", "mime", "ssl", "socache_shmcb")]
    lines += [
        "ServerLimit 1", "StartServers 1", "ThreadsPerChild 64", "MaxRequestWorkers 64",
        "MinSpareThreads 64", "MaxSpareThreads 64", f"DefaultRuntimeDir {d}", f"PidFile {d}/pid",
        f"Listen 127.0.0.1:{server.port}", f"User {WWW}", f"Group {WWW}", f"ServerName {HOST}",
        "KeepAlive On", "MaxKeepAliveRequests 0", "KeepAliveTimeout 300",
        "TypesConfig /etc/mime.types", f"ErrorLog {d}/error.log",
        r'LogFormat "%h %l %u %t \"%r\" %>s %O" c', f"CustomLog {d}/access.log c",
        f"DocumentRoot {site.shared}", "SSLEngine on", f"SSLCertificateFile {d}/crt",
        f"SSLCertificateKeyFile {d}/key", "SSLProtocol -all +TLSv1.2 +TLSv1.3",
        f"SSLCipherSuite {CIPHERS}", "<Directory />", "Require all granted", "</Directory>"]
    (d / "apache.conf").write_text("\n".join(lines) + "\n")
    server.spawn(["apache2", "-d", d, "-f", d / "apache.conf", "-DFOREGROUND"], d / "out")


PEERS = {"hostel": hostel, "nginx": nginx, "h2o": h2o, "apache2": apache}


def load(server, how, seconds, box):
    """How many answers, or handshakes; 0 when one of them was wrong."""
    if isinstance(how, str):
        script = box / "host.lua"
        script.write_text(f'wrk.headers["Host"] = "{HOST}"\n')
        out = subprocess.run(
            ["taskset", "-c", "1", "wrk", "-t1", "-c16", f"-d{seconds}s", "-s", script,
             f"https://127.0.0.1:{server.port}{how}"], capture_output=True, text=True).stdout
        good = "Non-2xx" not in out and "Socket errors" not in out
        return int(re.search(r"(\d+) requests in", out)[1]) if good else 0
    out = subprocess.run(
        ["taskset", "-c", "1", "openssl", "s_time", "-connect", f"127.0.0.1:{server.port}",
         "-time", str(seconds), *how], capture_output=True, text=True).stdout
    return sum(map(int, re.findall(r"^(\d+) connections in \d+ real seconds", out, re.M)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=int, default=1)
    p.add_argument("--only", default="")
    p.add_argument("--peers", default=",".join(PEERS))
    p.add_argument("--build", type=Path, default=HERE.parent / "build")
    args = p.parse_args()
    names = [n for n in args.peers.split(",") if n == "hostel" or shutil.which(n)]
    only = args.only.split(",") if args.only else [c[0] for c in CASES]
    box = Path(tempfile.mkdtemp(prefix="hostel-bench-tls-"))
    box.chmod(0o755)
    servers, figures = {}, {}
    try:
        site = boxes.make_sites(box, [HOST], UID, ("1k", "1m"))[0]
        for kind in {c[2] for c in CASES if c[0] in only}:
            for name in names:
                d = box / f"{name}-{kind}"
                d.mkdir()
                d.chmod(0o755)
                make_pair(d, kind)
                server = servers[name, kind] = boxes.Server(name, boxes.free_port())
                PEERS[name](server, d, site, args.build)
                server.wait_ready()
        for _ in range(args.rounds):
            for case, _, kind, how in (c for c in CASES if c[0] in only):
                for name in names:
                    before = servers[name, kind].cpu()
                    n = load(servers[name, kind], how, args.seconds, box)
                    cpu = max(servers[name, kind].cpu() - before, 0.001)
                    figures.setdefault((case, name), []).append(n / cpu)
                    print(case, name, n, f"{n / cpu:.0f}", file=sys.stderr, flush=True)
    finally:
        for s in servers.values():
            s.stop()
        shutil.rmtree(box, ignore_errors=True)
    print("| per CPU-second | " + " | ".join(names) + " | hostel : nginx |")
    print("|---" * (len(names) + 2) + "|")
    for case, what, _, _ in CASES:
        if case not in only:
            continue
        row = {n: statistics.median(figures[case, n]) for n in names}
        ratio = f"{row['hostel'] / row['nginx']:.2f}" if row.get("nginx") and "hostel" in row \
            else ""
        print(f"| {what} | " + " | ".join(f"{row[n]:,.0f}" for n in names) + f" | {ratio} |")


if __name__ == "__main__":
    os.umask(0o022)
    main()
