#!/usr/bin/python3
"""Rows of HTTP/2 frames in and what must come of them, against the real server.

  run.py                      start this server ($HOSTEL_BUILD, default build/) and ask it
  run.py --target HOST:PORT   ask another one, over TLS
  run.py --plain HOST:PORT    the same without
"""
import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from frames import PREFACE, Client, settings  # noqa: E402
from rows import ROWS  # noqa: E402

SLOW = float(os.environ.get("HOSTEL_SLOW", "1"))


def run_row(row, address, tls):
    """What is wrong, or None."""
    try:
        with Client(address, tls, timeout=10 * SLOW) as c:
            if not row.raw:
                c.send(PREFACE, settings())
            for step in row.steps:
                if isinstance(step, float):
                    c.hear(lambda: False, step * SLOW)
                else:
                    c.send(step)
            return row.want(c)
    except Exception as e:  # a row's own trouble is its failure
        return f"{type(e).__name__}: {e}"


def run_all(rows, address, tls):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda row: run_row(row, address, tls), rows))


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--target", metavar="HOST:PORT")
    p.add_argument("--plain", metavar="HOST:PORT")
    p.add_argument("--only", metavar="TEXT", help="rows whose line holds this text")
    o = p.parse_args()
    rows = [r for r in ROWS if not o.only or o.only in r.id]
    began = time.monotonic()
    if o.target or o.plain:
        host, _, port = (o.target or o.plain).rpartition(":")
        wrongs = run_all(rows, (host, int(port)), bool(o.target))
    else:
        from own import Own
        with Own() as server:
            wrongs = run_all(rows, ("127.0.0.1", server.tls_port), True)
    for row, wrong in zip(rows, wrongs):
        if wrong:
            print(f"{row.id}\n    {wrong}")
    failed = sum(w is not None for w in wrongs)
    print(f"{len(rows)} rows in {time.monotonic() - began:.1f} s")
    print(f"{len(rows) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
