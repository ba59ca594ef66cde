"""Fixtures of the end-to-end tests: the real executables, on free ports, with real users."""
import os
from types import SimpleNamespace

import pytest

import house as _house
import procs
from house import BUILD, HOSTEL, PHP_CGI, ROOT, Box

WHO_AM_I = """<?php
header('Content-Type: text/plain');
echo 'uid ', posix_getuid(), ' ', posix_geteuid(), ' gid ', posix_getgid(), "\\n";
echo 'groups ', implode(' ', posix_getgroups()), "\\n";
echo file_get_contents('/proc/self/status');
"""


def pytest_configure(config):
    if not os.access(HOSTEL, os.X_OK):
        pytest.exit(f"no {HOSTEL}: build first, or set HOSTEL_BUILD", 3)
    procs.adopt_orphans()


def pytest_report_header(config):
    return f"hostel: {BUILD}, {'root' if ROOT else 'not root'}, HOSTEL_SLOW={procs.SLOW:g}"


def pytest_collection_modifyitems(items):
    for item in items:
        if not ROOT and item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture
def box():
    """An empty box; its servers are stopped, and judged, at the end."""
    b = Box()
    yield b
    b.close()


@pytest.fixture(scope="session")
def house():
    """One server that reading tests share: alice (PHP) and bob (none), two users."""
    b = Box()
    alice = b.site("alice.test", aliases=["www.alice.test"], php={}, files={
        "index.html": "alice's page\n", "who.php": WHO_AM_I})
    bob = b.site("bob.test", files={"index.html": "bob's page\n", "secret.txt": "bob's own\n"})
    server = b.serve(body_max="12m", head_timeout="2s")
    yield SimpleNamespace(box=b, alice=alice, bob=bob, server=server, port=server.port)
    b.close()


@pytest.fixture(scope="session")
def php_cgi():
    if not os.access(PHP_CGI, os.X_OK):
        pytest.skip("no php-cgi")
    return PHP_CGI


def pytest_sessionfinish():
    for left in list(_house.orphans()):
        os.kill(left["pid"], 9)
