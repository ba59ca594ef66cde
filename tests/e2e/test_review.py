"""What a user could bend, flood or leave behind: one test for each hole that was closed."""
import os
import stat

import pytest

import procs
from house import hostel
from procs import wait_for


def refused(box):
    path, _ = box.config()
    r = hostel("serve", "--config", path)
    assert r.returncode == 1 and "log" in r.stderr and "ready" not in r.stderr, r


@pytest.mark.root
@pytest.mark.core
def test_log_path_through_a_link_of_the_users(box):
    """A link in his home that leads to a directory of root's: root would write there."""
    s = box.site("bend.test")
    (s.home / "logs").symlink_to(box.logs)
    os.chown(s.home / "logs", s.uid, s.uid, follow_symlinks=False)
    s.vhost["access_log"] = str(s.home / "logs" / "planted")
    refused(box)
    assert not (box.logs / "planted").exists()


@pytest.mark.root
def test_log_directory_that_the_users_group_writes(box):
    s = box.site("group.test")
    os.chown(box.logs, 0, s.uid)
    box.logs.chmod(0o775)
    refused(box)


@pytest.mark.root
def test_log_path_through_a_link_of_roots(box):
    s = box.site("link.test", files={"index.html": "x"})
    (box.dir / "elsewhere").symlink_to("logs")
    s.vhost["access_log"] = str(box.dir / "elsewhere" / "access")
    server = box.serve()
    assert server.get(s).status == 200
    wait_for(lambda: (box.logs / "access").read_text(), "a line behind root's own link")


@pytest.mark.root
@pytest.mark.core
def test_shared_log_is_read_by_none_of_its_users(box):
    """Two users' visitors in one file: neither may read the other's."""
    log = box.logs / "shared"
    a, b = (box.site(f"{n}.test", access_log=str(log)) for n in "ab")
    box.serve()
    st = log.stat()
    assert st.st_gid == 0 and stat.S_IMODE(st.st_mode) & 0o007 == 0
    assert a.error_log.stat().st_gid == a.uid and b.error_log.stat().st_gid == b.uid
