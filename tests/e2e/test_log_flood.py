"""A worker that was taken over and logs without end: others' lines come, the machine has its CPU.

The test maps the rings of his logs out of a worker, and says from outside that they are always
full: faster than any worker could fill them.
"""
import mmap
import multiprocessing
import os
import signal
import socket
import struct
import time

import pytest

from procs import SLOW, cpu_seconds, wait_for
from test_handback import steal
from test_logs import lost_bytes

pytestmark = [pytest.mark.root, pytest.mark.alone]

PAGE = 4096
HEAD, TAIL = 0, 32  # struct counts in src/base/logring.c
LOG_LINES = 48      # include/hostel/ipc/table.h


def rings_of(pid):
    """The memory of all logs of a worker."""
    with open(f"/proc/{pid}/maps") as f:
        names = [line.split()[0] for line in f if "hostel-log" in line]
    for name in names:
        fd = os.open(f"/proc/{pid}/map_files/{name}", os.O_RDWR)
        yield mmap.mmap(fd, os.fstat(fd).st_size)
        os.close(fd)


def flood(pid):
    """Until we are ended."""
    rings, control, said = list(rings_of(pid)), steal(pid, 3), 0.0
    size = len(rings[0]) - PAGE
    for ring in rings:
        ring[PAGE:] = (b"x" * 99 + b"\n") * (size // 100) + b"y" * (size % 100)
    while True:
        for ring in rings:
            tail, = struct.unpack_from("<Q", ring, TAIL)
            struct.pack_into("<Q", ring, HEAD, tail + size)
        if time.monotonic() - said > 0.01:
            said = time.monotonic()
            try:
                control.send(struct.pack("<H", LOG_LINES), socket.MSG_DONTWAIT)
            except BlockingIOError:
                pass


def written(site):
    return site.access_log.stat().st_size + site.error_log.stat().st_size


def test_others_lines_come_in_time(box):
    """And the thread takes a part of one core; the flood is real: it comes up to its bound."""
    alice = box.site("alice.test", files={"index.html": "a"})
    bob = box.site("bob.test", files={"index.html": "b"})
    server = box.serve()
    assert server.get(alice).status == server.get(bob).status == 200
    wait_for(lambda: alice.log_lines() and bob.log_lines(), "logs")
    process = multiprocessing.get_context("fork").Process(target=flood,
                                                          args=(server.worker(alice),))
    process.start()
    try:
        wait_for(lambda: written(alice) > 1 << 20, "a flood")
        cpu, since, size = cpu_seconds(server.pid), time.monotonic(), written(alice)
        waits = []
        for n in range(4):
            assert server.get(bob, f"/?{n}").status == 200
            asked = time.monotonic()
            wait_for(lambda n=n: f"/?{n} " in bob.access_log.read_text(), "its line", 2)
            waits.append(time.monotonic() - asked)
        took = time.monotonic() - since
        cpu, size = cpu_seconds(server.pid) - cpu, written(alice) - size
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        for log in (alice.access_log, alice.error_log):
            os.truncate(log, 0)
    rate = size / took / (1 << 20)
    print(f"waits {[round(w, 2) for w in waits]} s, {cpu / took:.0%} of a core, {rate:.0f} MiB/s")
    assert max(waits) < 1.0 * SLOW
    assert cpu / took < 0.5
    assert 10 / SLOW < rate < 70
    assert lost_bytes(server, bob) == 0
    assert server.get(alice).status == 200, "she has not broken a rule"
