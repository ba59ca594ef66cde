"""Fixtures of the applications' tests: two users with one application each, and a browser."""
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import house  # noqa: E402
import procs  # noqa: E402
from house import HOSTEL, ROOT, Box  # noqa: E402

import packages  # noqa: E402
from browser import Browser  # noqa: E402
from mariadb import MariaDb  # noqa: E402

# What an administrator of a hosting machine writes for a user; sessions and uploads are his own.
PHP_INI = """[PHP]
display_errors = Off
log_errors = On
memory_limit = 256M
post_max_size = 64M
upload_max_filesize = 64M
date.timezone = UTC
session.save_path = {tmp}
sys_temp_dir = {tmp}
upload_tmp_dir = {tmp}
"""


def pytest_configure():
    if not os.access(HOSTEL, os.X_OK):
        pytest.exit(f"no {HOSTEL}: build first, or set HOSTEL_BUILD", 3)
    if not ROOT:
        pytest.exit("two users take root", 3)
    # a terminated run ends what it started, as an interrupted one does
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", 4))
    procs.adopt_orphans()


outcomes = {}   # test -> whether all of it went well, its fixtures too


def pytest_runtest_logreport(report):
    outcomes[report.nodeid] = outcomes.get(report.nodeid, True) and not report.failed


def pytest_unconfigure():
    """The last line, which the runner of all tests adds up."""
    good = sum(outcomes.values())
    print(f"{good} passed, {len(outcomes) - good} failed")


def pytest_runtest_makereport(item, call):
    """A test is a step of a person's work: after one that failed the next ones make no sense."""
    if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
        item.parent.broken = getattr(item.parent, "broken", item.name)


def pytest_runtest_setup(item):
    broken = getattr(item.parent, "broken", None)
    if broken:
        pytest.fail(f"not done, since {broken} failed", pytrace=False)


@pytest.fixture(scope="session")
def scratch():
    d = Path(tempfile.mkdtemp(prefix="hostel-apps-", dir="/tmp"))
    d.chmod(0o755)
    yield d
    shutil.rmtree(d)


@pytest.fixture(scope="session")
def mariadb(scratch):
    db = MariaDb(scratch)
    yield db
    db.close()


@pytest.fixture(scope="module")
def browser(request, scratch):
    name = request.module.__name__.removeprefix("test_")
    b = Browser(Path(tempfile.mkdtemp(prefix="browser-", dir=scratch)),
                packages.ARTEFACTS / "shots" / name)
    yield b
    b.close()


@pytest.fixture(autouse=True)
def last_sight(request):
    """What the browser showed when a step failed."""
    yield
    if getattr(request.node.parent, "broken", None) == request.node.name:
        if "browser" in request.fixturenames:
            request.getfixturevalue("browser").shot(f"failed-{request.node.name}")


class House:
    """Two users, the same application twice, one server."""

    def __init__(self, app, **vhost):
        self.box = Box()
        self.one, self.two = (self._site(app, n, vhost) for n in ("one", "two"))
        self.server = None

    def _site(self, app, which, vhost):
        php = vhost.pop("php", {}) if which == "two" else dict(vhost.get("php", {}))
        site = self.box.site(f"{app.name}-{which}.localhost", **vhost)
        tmp = site.directory(site.home / "tmp")
        ini = site.home / "php.ini"
        ini.write_text(PHP_INI.format(tmp=tmp))
        site.give(ini, 0o600)
        site.vhost["php"] = {"processes": 4, "ini": str(ini), **php}
        packages.install(app, site)
        return site

    @property
    def both(self):
        return self.one, self.two

    def serve(self):
        self.server = self.box.serve()

    def url(self, site, path="/"):
        return f"http://{site.host}:{self.server.port}{path}"

    def get(self, site, path, method="GET", **more):
        """Ask as a browser does: the port is part of the name that applications build links with."""
        return self.server.get(f"{site.host}:{self.server.port}", path, method, **more)

    def no_fatal_errors(self):
        for site in self.both:
            said = [line for line in site.errors().splitlines()
                    if "PHP Fatal error" in line or "PHP Parse error" in line]
            assert not said, said[:5]


def make_house(app, browser, **vhost):
    h = House(app, **vhost)
    try:
        h.serve()
        yield h
        h.no_fatal_errors()
    finally:
        browser.claim()
        h.box.close()
        for left in list(house.orphans()):
            os.kill(left["pid"], signal.SIGKILL)
