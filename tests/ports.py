#!/usr/bin/python3
"""
Free ports for servers under test; by itself: the first of two free ones, for a shell script.

A port that the kernel picks is one that it may pick again before the server has it, for another
test or for the client's end of any connection. So these lie below those, each process that tests
has a block of its own, which it keeps until it ends, and a port comes again only after the whole
block: one of a server that is stopped is its test's own until then.
"""
import itertools
import os
import socket
import threading

FIRST, BLOCK, BLOCKS = 12288, 512, 40  # the kernel's own begin at 32768

_claim = None  # a name that only one process can have; the kernel takes it back
_ports = None
_lock = threading.Lock()


def _claimed(n):
    global _claim
    _claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        _claim.bind(f"\0hostel-tests-ports-{n}")
    except OSError:
        _claim.close()
        return False
    return True


def _block():
    begin = os.getpid()  # one that comes later does not begin where the last one ended
    for n in range(BLOCKS):
        block = (begin + n) % BLOCKS
        if _claimed(block):
            return block
    return begin % BLOCKS  # as many runs at once: all that is left is to look


def is_free(port):
    """At every address; not even closed connections of an earlier server are left."""
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            with socket.socket(family) as s:
                if family == socket.AF_INET6:
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                s.bind((address, port))
        except OSError:
            if family == socket.AF_INET or os.path.exists("/proc/net/if_inet6"):
                return False
    return True


def free_port():
    global _ports
    with _lock:
        if _ports is None:
            first = FIRST + _block() * BLOCK
            _ports = itertools.cycle(range(first, first + BLOCK))
        for port in itertools.islice(_ports, BLOCK):
            if is_free(port):
                return port
    raise AssertionError(f"none of {BLOCK} ports is free")


def free_pair():
    """A free port with a free one behind it."""
    while True:
        port = free_port()
        if (port + 1 - FIRST) % BLOCK and is_free(port + 1):
            free_port()
            return port


if __name__ == "__main__":
    print(free_pair())
