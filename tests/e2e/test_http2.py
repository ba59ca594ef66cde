"""HTTP/2 with real clients: curl, nghttp, h2load; what PHP and the log see; how it stops."""
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

import procs
from house import REPO, SANITIZED, Box, free_port
from procs import SLOW, wait_for
from secure import Secure, certificate, context

sys.path.append(str(REPO / "tests/h2"))
from frames import PREFACE, Client, headers, request, settings, window  # noqa: E402

SERVER_PHP = """<?php
header('Content-Type: text/plain');
foreach (['SERVER_PROTOCOL', 'HTTP_HOST', 'HTTP_COOKIE', 'REQUEST_METHOD', 'HTTPS',
          'CONTENT_LENGTH', 'REQUEST_URI'] as $k)
    echo $k, '=', $_SERVER[$k] ?? '', "\\n";
"""
UPLOAD_PHP = "<?php $b = file_get_contents('php://input'); echo strlen($b), ' ', sha1($b);"
SLOW_PHP = "<?php for ($i = 0; $i < 5; $i++) { echo \"$i\\n\"; flush(); usleep(100000); }"
BIG = os.urandom(1 << 20) * 20


@pytest.fixture(scope="module")
def h2():
    box = Box()
    port = free_port()
    site = box.site("h2.test", php={"processes": 2}, tls=certificate(box, "h2.test"),
                 files={"index.html": "a page\n", "big.bin": BIG, "server.php": SERVER_PHP,
                        "upload.php": UPLOAD_PHP, "slow.php": SLOW_PHP,
                        **{f"{n}.txt": f"file {n}\n" for n in range(100)}})
    other = box.site("other.test", tls=certificate(box, "other.test"),
                     files={"index.html": "another's\n"})
    server = box.serve(listen_tls=[f"127.0.0.1:{port}"])
    yield SimpleNamespace(box=box, site=site, other=other, server=server, port=port)
    box.close()


def curl(h2, path, *args, host="h2.test", **more):
    p = subprocess.run(["curl", "-sk", "--http2", "--max-time", str(int(60 * SLOW)),
                        "--resolve", f"{host}:{h2.port}:127.0.0.1",
                        f"https://{host}:{h2.port}{path}", *args],
                       capture_output=True, timeout=90 * SLOW, check=False, **more)
    assert p.returncode == 0, f"curl: {p.returncode} {p.stderr}"
    return p.stdout


@pytest.mark.core
def test_curl_agrees_on_it(h2):
    out = curl(h2, "/", "-w", "%{http_version} %{http_code}").decode()
    assert out == "a page\n2 200"
    assert curl(h2, "/", "--http1.1", "-w", "%{http_version}").decode() == "a page\n1.1"


def test_head_and_errors(h2):
    assert curl(h2, "/lost", "-o", "/dev/null", "-w", "%{http_code}") == b"404"
    head = curl(h2, "/big.bin", "-I").decode()
    assert f"content-length: {len(BIG)}" in head and "transfer-encoding" not in head


@pytest.mark.core
def test_downloads_are_whole(h2):
    assert hashlib.sha1(curl(h2, "/big.bin")).digest() == hashlib.sha1(BIG).digest()
    part = curl(h2, "/big.bin", "-r", "1000000-1999999")
    assert part == BIG[1000000:2000000]


@pytest.mark.core
def test_what_php_sees(h2):
    out = curl(h2, "/server.php?a=b", "-H", "cookie: a=1", "-H", "cookie: b=2").decode()
    lines = dict(line.split("=", 1) for line in out.splitlines())
    assert lines["SERVER_PROTOCOL"] == "HTTP/2.0"
    assert lines["HTTP_HOST"] == f"h2.test:{h2.port}"
    assert lines["HTTP_COOKIE"] == "a=1; b=2"
    assert lines["HTTPS"] == "on" and lines["REQUEST_URI"] == "/server.php?a=b"


@pytest.mark.core
def test_uploads(h2, tmp_path):
    """With a length, and without one; both larger than any window."""
    sent = os.urandom(6 << 20)
    (tmp_path / "sent").write_bytes(sent)
    want = f"{len(sent)} {hashlib.sha1(sent).hexdigest()}".encode()
    assert curl(h2, "/upload.php", "--data-binary", f"@{tmp_path}/sent") == want
    assert curl(h2, "/upload.php", "-T", "-", input=sent) == want
    assert curl(h2, "/upload.php", "-H", "Expect: 100-continue", "--data-binary",
                f"@{tmp_path}/sent") == want


def test_a_body_nobody_wants(h2, tmp_path):
    (tmp_path / "sent").write_bytes(bytes(4 << 20))
    out = curl(h2, "/0.txt", "--data-binary", f"@{tmp_path}/sent", "-o", "/dev/null", "-w",
               "%{http_code}")
    assert out == b"405"


def test_php_streams(h2):
    assert curl(h2, "/slow.php") == b"0\n1\n2\n3\n4\n"


def test_another_users_name_on_the_connection(h2):
    """What a browser does that takes one certificate for another's name, too."""
    out = curl(h2, "/", "-H", "Host: other.test", "-w", " %{http_code}").decode()
    assert out.endswith(" 421") and "another's" not in out


@pytest.mark.core
def test_the_log_line(h2):
    curl(h2, "/7.txt?logged", "-A", "an agent")
    line = wait_for(lambda: next((x for x in h2.site.log_lines() if "logged" in x), None),
                    "a log line")
    assert re.search(r'"GET /7\.txt\?logged HTTP/2\.0" 200 7 "-" "an agent"$', line), line


def test_nghttp_gets_a_hundred(h2):
    urls = [f"https://127.0.0.1:{h2.port}/{n}.txt" for n in range(100)]
    p = subprocess.run(["nghttp", "-ns", "-H:authority: h2.test", "--no-verify-peer", *urls],
                       capture_output=True, text=True, timeout=60 * SLOW, check=False)
    assert p.returncode == 0, p.stderr
    assert len(re.findall(r"\s200\s+\d+ /\d+\.txt", p.stdout)) == 100, p.stdout[-2000:]


@pytest.mark.core
def test_h2load(h2):
    p = subprocess.run(["h2load", "-n", "5000", "-c", "4", "-m", "64",
                        f"--connect-to=127.0.0.1:{h2.port}", f"https://h2.test:{h2.port}/5.txt"],
                       capture_output=True, text=True, timeout=120 * SLOW, check=False)
    assert "5000 succeeded, 0 failed, 0 errored" in p.stdout, p.stdout + p.stderr


def test_slow_reader_holds_no_memory(h2):
    """Twenty big answers on one connection whose client reads nothing."""
    worker = h2.server.worker(h2.site)
    before = int(procs.status(worker)["VmRSS"].split()[0])
    with Client(("127.0.0.1", h2.port), rcvbuf=16384, name="h2.test") as c:
        c.send(PREFACE, settings((4, (1 << 31) - 1)), window(0, (1 << 31) - 65536))
        for n in range(20):
            c.send(headers(2 * n + 1, request("GET", "/big.bin", host="h2.test")))
        time.sleep(1)
        grown = int(procs.status(worker)["VmRSS"].split()[0]) - before
    assert grown < 4096 * (4 if SANITIZED else 1), f"{grown} KiB more"


def test_stop_lets_what_runs_end():
    """SIGTERM in the middle of a download: GOAWAY, and every byte of it."""
    box = Box()
    try:
        port = free_port()
        box.site("h2.test", tls=certificate(box, "h2.test"), files={"big.bin": BIG})
        server = box.serve(listen_tls=[f"127.0.0.1:{port}"])
        p = subprocess.Popen(["curl", "-skv", "--http2", "--limit-rate", "10M", "--resolve",
                              f"h2.test:{port}:127.0.0.1", f"https://h2.test:{port}/big.bin"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = p.stdout.read(1 << 20)
        server.process.send_signal(signal.SIGTERM)
        rest, err = p.communicate(timeout=60 * SLOW)
        assert p.returncode == 0, err[-2000:]
        assert first + rest == BIG
        server.stop()
    finally:
        box.close()


def test_plain_text_http2_is_refused(h2):
    """h2c: by prior knowledge, and by Upgrade, which is passed over. RFC 9113 3.1, 3.3"""
    with h2.server.client() as c:
        c.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert re.match(rb"HTTP/1\.1 (400|505) ", c.closed())
    r = h2.server.get(h2.site, "/", fields=[("Connection", "Upgrade, HTTP2-Settings"),
                                            ("Upgrade", "h2c"),
                                            ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")])
    assert (r.status, r.text) == (200, "a page\n")


def test_without_alpn_it_is_http1(h2):
    with Secure(h2.port, "h2.test", context()) as c:
        assert c.get("h2.test").text == "a page\n"
