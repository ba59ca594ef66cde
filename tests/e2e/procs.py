"""What /proc says about processes: the witness of everything the tests claim about confinement."""
import ctypes
import os
import time

# tests that run side by side keep each other waiting
SIDE_BY_SIDE = 2 if "PYTEST_XDIST_WORKER" in os.environ else 1
SLOW = float(os.environ.get("HOSTEL_SLOW", "1")) * SIDE_BY_SIDE
PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")


def wait_for(condition, what, seconds=5.0):
    """Wait for condition() to become true, and return what it gave; fail loudly otherwise."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds * SLOW:.1f} s in vain: {what}")
        time.sleep(0.01)


def adopt_orphans():
    """Become the parent of whatever a server leaves behind, so that it is seen."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def stat(pid):
    """The fields of /proc/PID/stat that are asked for here, or None: it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            text = f.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    comm = text[text.index("(") + 1:text.rindex(")")]
    rest = text[text.rindex(")") + 2:].split()
    return {"pid": int(pid), "comm": comm, "state": rest[0], "ppid": int(rest[1]),
            "pgrp": int(rest[2]), "cpu": (int(rest[11]) + int(rest[12])) / TICKS}


def alive(pid):
    entry = stat(pid)
    return entry is not None and entry["state"] not in "ZX"


def everyone():
    """All processes that are not zombies."""
    entries = (stat(name) for name in os.listdir("/proc") if name.isdigit())
    return [e for e in entries if e and e["state"] not in "ZX"]


def children(pid):
    return [e["pid"] for e in everyone() if e["ppid"] == pid]


def descendants(pid):
    parents = {e["pid"]: e["ppid"] for e in everyone()}
    found, wave = [], [pid]
    while wave:
        wave = [child for child, parent in parents.items() if parent in wave]
        found += wave
    return found


def status(pid):
    """/proc/PID/status as a dictionary of texts."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in f)}


def uid(pid):
    try:
        return int(status(pid)["Uid"].split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return None


def program(pid):
    """Name of the executable, without a version (php-cgi8.2)."""
    try:
        path = os.readlink(f"/proc/{pid}/exe")
    except PermissionError:  # not dumpable, and we are not root
        return (stat(pid) or {}).get("comm", "")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return os.path.basename(path.removesuffix(" (deleted)")).rstrip("0123456789.")


def descriptors(pid):
    """Descriptor -> what it is."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            pass
    return found


def descriptor_flags(pid, fd):
    with open(f"/proc/{pid}/fdinfo/{fd}", encoding="utf-8") as f:
        for line in f:
            if line.startswith("flags:"):
                return int(line.split()[1], 8)
    raise AssertionError("no flags in fdinfo")


def cpu_seconds(pid):
    entry = stat(pid)
    return entry["cpu"] if entry else 0.0
