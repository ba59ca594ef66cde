#!/usr/bin/python3
"""Rows of bytes in and what must come out, against the real server or another one.

  run.py                          start this server ($HOSTEL_BUILD, default build/) and ask it
  run.py --target HOST:PORT       ask a server that serves what --make-site wrote
  run.py --make-site DIR          write DIR/site (site.test) and DIR/other (other.test)
  run.py --peers                  ask Debian's nginx, apache2 and lighttpd as well, and write
                                  the comparison into README.md
"""
import argparse
import json
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import peers  # noqa: E402
from own import Own  # noqa: E402
from rows import ROWS, TOPICS  # noqa: E402
from site_files import make_site  # noqa: E402
from talk import learn, run_row  # noqa: E402

SLOW = float(os.environ.get("HOSTEL_SLOW", "1"))
PATIENCE = 10  # seconds without a byte
PARALLEL = 16


def run_all(rows, address):
    """Run rows in parallel; what is wrong by row, None for what is right."""
    known = learn(address, PATIENCE * SLOW)
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(lambda row: run_row(row, address, known, PATIENCE * SLOW), rows))


def shown(row):
    return b"".join(s if isinstance(s, bytes) else b"<%s>" % type(s).__name__.encode()
                    for s in row.steps)


def report(name, rows, wrongs):
    for row, wrong in zip(rows, wrongs):
        if wrong:
            print(f"{name}: {row.level} {row.section} {row.id}\n"
                  f"    sent {shown(row)[:600]!r}\n"
                  f"    want {' | '.join(map(repr, row.outcomes))}\n    {wrong}")


def results(name, rows, wrongs):
    return {"server": name,
            "rows": [{"topic": row.topic, "why": row.why, "section": row.section,
                      "level": row.level, "wrong": wrong} for row, wrong in zip(rows, wrongs)]}


def options():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--target", metavar="HOST:PORT")
    p.add_argument("--make-site", metavar="DIR")
    p.add_argument("--peers", action="store_true")
    p.add_argument("--topic", action="append", choices=[t.topic for t in TOPICS])
    p.add_argument("--json", metavar="FILE")
    p.add_argument("--only", metavar="TEXT", help="rows whose line holds this text")
    return p.parse_args()


def chosen(o):
    return [r for r in ROWS if (not o.topic or r.topic in o.topic) and (not o.only or o.only in r.id)]


def own_results(rows):
    with Own() as server:
        return run_all(rows, ("127.0.0.1", server.port))


def main():
    o = options()
    if o.make_site:
        make_site(o.make_site)
        return 0
    rows = chosen(o)
    if o.target:
        host, _, port = o.target.rpartition(":")
        name, wrongs = o.target, run_all(rows, (host or "127.0.0.1", int(port)))
    else:
        name, wrongs = "hostel", own_results(rows)
    report(name, rows, wrongs)
    everyone = [results(name, rows, wrongs)]
    if o.peers:
        scratch = Path(tempfile.mkdtemp(prefix="hostel-peers-", dir="/tmp"))
        try:
            for peer, address in peers.servers(scratch):
                everyone.append(results(peer, rows, run_all(rows, address)))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        text = peers.table(everyone)
        print(text)
        if len(rows) == len(ROWS):
            peers.write_readme(text)
    if o.json:
        Path(o.json).write_text(json.dumps(everyone, indent=1) + "\n")
    failed = sum(w is not None for w in wrongs)
    print(f"{len(rows) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
