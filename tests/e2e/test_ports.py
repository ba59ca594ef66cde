"""Ports for servers under test: no two processes get the same one, nor one the same again soon."""
import socket
import subprocess
import sys

import ports
from house import REPO

MANY = "import sys; sys.path.append(sys.argv[1]); import ports\n" \
       "print(*(ports.free_port() for _ in range(300)), flush=True); sys.stdin.read()"


def test_side_by_side():
    tests = [subprocess.Popen([sys.executable, "-c", MANY, REPO / "tests"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)]
    try:
        got = [int(p) for t in tests for p in t.stdout.readline().split()]
    finally:
        for t in tests:
            t.communicate("")
    assert len(set(got)) == 4 * 300
    assert 1024 < min(got) and max(got) < 32768, "the kernel gives those to clients"


def test_those_in_use_are_passed_over():
    first = ports.free_port()
    with socket.socket() as s:
        s.bind(("127.0.0.1", first + 1))
        assert not ports.is_free(first + 1)
        assert ports.free_port() != first + 1


def test_pairs():
    for _ in range(300):  # over the end of the block, too
        port = ports.free_pair()
        assert ports.is_free(port) and ports.is_free(port + 1)
