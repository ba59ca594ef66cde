"""The two sites that the rows ask for: site.test and other.test, each a document root."""
import gzip
import os
import shutil
from pathlib import Path

OLD = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT
CSS = b"".join(b".room-%04d { color: #%06x; }\n" % (i, i * 4242) for i in range(800))
PRE = b"".join(b"line %d of what was compressed beforehand\n" % i for i in range(400))

SCRIPTS = {
    # the method, the length of the body and the body
    "echo.php": """<?php $b = file_get_contents('php://input'); header('Content-Type: text/plain');
echo $_SERVER['REQUEST_METHOD'], ' ', strlen($b), ' ', $b;""",
    # X-Test, percent-encoded
    "field.php": """<?php header('Content-Type: text/plain');
echo rawurlencode($_SERVER['HTTP_X_TEST'] ?? '(none)');""",
    # a body of unknown length, in three pieces
    "stream.php": """<?php header('Content-Type: text/plain');
foreach (['one ', 'two ', 'three'] as $w) { echo $w; flush(); usleep(20000); }""",
    "slow.php": """<?php header('Content-Type: text/plain'); usleep(100000); echo 'slow';""",
    "long.php": """<?php header('Content-Type: text/plain');
echo str_repeat('0123456789', 2000);""",
}

FILES = {
    b"index.html": b"site index\n",
    b"a.txt": b"abcdefghijklmnopqrstuvwxyz",
    b"which.txt": b"site\n",
    b"probe.txt": b"probe\n",
    b"smuggled.txt": b"never to be seen\n",
    b"empty.txt": b"",
    b"notype": b"<p>no type\n",
    b"big.bin": bytes(range(256)) * 4096,
    b"style.css": CSS,
    b"pre.txt": PRE,
    b"pic.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 20000,
    b"future.txt": b"future\n",
    b"with space.txt": b"space\n",
    b"per%cent.txt": b"percent\n",
    b"q?m.txt": b"question\n",
    b"h#sh.txt": b"hash\n",
    "ütf.txt".encode(): b"utf-8\n",
    b"latin\xe9.txt": b"latin-1\n",
    b"semi;colon.txt": b"semicolon\n",
    b"pl+us.txt": b"plus\n",
    b"at@home.txt": b"at\n",
    b"dir/index.html": b"dir index\n",
    b"dir/in.txt": b"inside\n",
    b"d ir/index.html": b"spaced index\n",
    b"bare/file.txt": b"bare\n",
}

OTHER = {b"index.html": b"other index\n", b"which.txt": b"other\n", b"probe.txt": b"probe\n"}


def compressed(path):
    """Neighbours of a file: the same in gzip, and in brotli and zstd where there is a tool."""
    Path(path + ".gz").write_bytes(gzip.compress(Path(path).read_bytes(), 9, mtime=0))
    for tool, ending in (("brotli", ".br"), ("zstd", ".zst")):
        if shutil.which(tool):
            os.system(f"{tool} -q -f -o '{path}{ending}' '{path}'")


def write(root, files):
    for name, content in files.items():
        path = os.path.join(os.fsencode(root), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)
        os.utime(path, (OLD, OLD))


def make_site(directory):
    """Write site/ and other/ into a directory; every file is of 1994, but one of 2100."""
    site, other = Path(directory, "site"), Path(directory, "other")
    write(site, FILES)
    write(site, {os.fsencode(n): text.encode() for n, text in SCRIPTS.items()})
    write(other, OTHER)
    compressed(str(site / "pre.txt"))
    for name in site.glob("pre.txt*"):
        os.utime(name, (OLD, OLD))
    os.utime(site / "future.txt", (4102444800, 4102444800))
    return site, other
