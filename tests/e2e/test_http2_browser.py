"""Chromium, without a window, at a page of a hundred resources over HTTP/2."""
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import zlib

import pytest

import procs
from house import REPO, Box, free_port, orphans, started
from procs import SLOW
from secure import certificate

CHROMIUM = shutil.which("chromium")
SHOTS = REPO / "build/shots/http2"
KINDS = {"css": 20, "js": 20, "png": 60}

# what the page says of itself when all is loaded
SCRIPT = """
addEventListener('load', () => setTimeout(() => {
  const all = performance.getEntriesByType('resource')
      .filter(e => /[0-9]\\.(css|js|png)$/.test(e.name));
  document.querySelector('#said').textContent = JSON.stringify({
    resources: all.length,
    protocols: [...new Set([...all, ...performance.getEntriesByType('navigation')]
        .map(e => e.nextHopProtocol))],
    scripts: window.ran || 0,
    rules: [...document.styleSheets].reduce((n, s) => n + s.cssRules.length, 0),
    pictures: [...document.images].filter(i => i.complete && i.naturalWidth == 16).length,
  });
}, 100));
"""


def png(n):
    """16 x 16, in a colour of its own."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    row = b"\0" + bytes([n * 4 % 256, 255 - n * 4 % 256, n * 37 % 256]) * 16
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)) \
        + chunk(b"IDAT", zlib.compress(row * 16)) + chunk(b"IEND", b"")


def files():
    names = [f"{n}.{kind}" for kind, count in KINDS.items() for n in range(count)]
    tags = {"css": '<link rel="stylesheet" href="/{}">', "js": '<script src="/{}"></script>',
            "png": '<img src="/{}" alt="">'}
    made = {f"{n}.css": f".c{n} {{ color: #{n:03x} }}\n" for n in range(20)}
    made |= {f"{n}.js": "window.ran = (window.ran || 0) + 1;\n" for n in range(20)}
    made |= {f"{n}.png": png(n) for n in range(60)}
    tag = [tags[name.rsplit(".")[-1]].format(name) for name in names]
    made["index.html"] = (f"<!DOCTYPE html><html><head><title>a hundred</title>{''.join(tag[:20])}"
                          f"<script>{SCRIPT}</script></head><body><h1>A hundred resources</h1>"
                          f"{''.join(tag[20:])}<pre id=said></pre></body></html>")
    return made


def visit(url, port, scratch, *how):
    """Chromium's output for one page; it leaves nothing."""
    p = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-dev-shm-usage", "--ignore-certificate-errors",
         "--window-size=900,700", f"--user-data-dir={scratch / 'profile'}",
         f"--host-resolver-rules=MAP h2.test:443 127.0.0.1:{port}, MAP * ~NOTFOUND , "
         "EXCLUDE 127.0.0.1", "--virtual-time-budget=10000", *how, url],
        capture_output=True, text=True, timeout=120 * SLOW, check=False, start_new_session=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(scratch), "LANG": "C.UTF-8"})
    for helper in [o["pid"] for o in orphans() if procs.program(o["pid"]).startswith("chrom")]:
        started.add(helper)
        try:
            os.kill(helper, signal.SIGKILL)
            os.waitpid(helper, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
    return p


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_a_page_of_a_hundred(tmp_path):
    box = Box()
    try:
        port = free_port()
        box.site("h2.test", tls=certificate(box, "h2.test"), files=files())
        box.serve(listen_tls=[f"127.0.0.1:{port}"])
        SHOTS.mkdir(parents=True, exist_ok=True)
        p = visit("https://h2.test/", port, tmp_path, "--dump-dom")
        said = re.search(r'<pre id="said">(.*?)</pre>', p.stdout)
        assert said and said[1], f"{p.stdout[-1500:]} {p.stderr[-1500:]}"
        assert json.loads(said[1]) == {"resources": 100, "protocols": ["h2"], "scripts": 20,
                                       "rules": 20, "pictures": 60}
        shot = SHOTS / "hundred.png"
        shot.unlink(missing_ok=True)
        visit("https://h2.test/", port, tmp_path, f"--screenshot={shot}")
        assert shot.read_bytes()[:4] == b"\x89PNG"
    finally:
        box.close()
