"""
The loads that all servers get in turn. One more is one more row here; what it must reach is a
row of report.BARS. Cases that need more than a load are in special.py.
"""
from dataclasses import dataclass

ONE = 1   # hosts asked for
ALL = 3


@dataclass(frozen=True)
class Case:
    name: str
    what: str
    path: str
    hosts: int = ONE
    close: bool = False
    connections: int = 32
    unit: str = "per_cpu"
    pace: int = 200     # requests a second of the one visitor whose latency is taken
    ms: int = 80        # of a slice: long beside one answer
    share: float = 1    # of the rounds, where slices are long
    group: str = ""     # cases that take turns with each other, to be compared
    calls: bool = False  # system calls of a request are counted, where they are worth a run
    usual: bool = True   # else only when asked for: a figure that a neighbour tells as well

    @property
    def php(self):
        """A script, or a directory that one answers for."""
        return self.path.endswith((".php", "/"))

    @property
    def blog(self):
        return self.path.startswith("/blog/")


LOADS = [
    Case("keep-1k", "1 KiB, kept connections", "/1k.html", calls=True),
    Case("fresh-1k", "1 KiB, a connection for each request", "/1k.html", close=True,
         calls=True, group="fresh"),
    Case("turns-fresh", "1 KiB, three users in turn, a connection for each request",
         "/1k.html", hosts=ALL, close=True, calls=True, group="fresh"),
    Case("keep-10k", "10 KiB, kept connections", "/10k.html"),
    Case("keep-100k", "100 KiB, kept connections", "/100k.html"),
    Case("keep-1m", "1 MiB, kept connections", "/1m.html", connections=8),
    # so many that they are never all waited for: with two a round is twice another
    Case("keep-100m", "100 MiB, kept connections, MB per CPU-second", "/100m.html",
         connections=8, unit="mb_per_cpu", pace=5, ms=150, share=0.5),
    Case("turns-keep", "1 KiB, kept connections that ask for three users' sites in turn",
         "/1k.html", hosts=ALL),
    Case("php-hello", "PHP hello, kept connections", "/hello.php", connections=8,
         calls=True),
    Case("php-hello-fresh", "PHP hello, a connection for each request", "/hello.php",
         close=True, connections=8),
    Case("php-2ms", "PHP, some 2 ms of work, kept connections", "/work.php", connections=8,
         ms=200, share=0.5),
    Case("php-2ms-fresh", "PHP, some 2 ms of work, a connection for each request",
         "/work.php", close=True, connections=8, ms=200, share=0.5),
    # as many visitors as PHP processes: all servers have the same number at work then
    Case("wordpress", "front page of a new WordPress, kept connections", "/blog/",
         connections=4, pace=10, ms=600, share=0.25),
    Case("wordpress-fresh", "front page of a new WordPress, a connection for each request",
         "/blog/", close=True, connections=4, pace=10, ms=600, share=0.25,
         usual=False),
]


def groups(wanted):
    """The loads of these names, each with those that it takes turns with."""
    found = {}
    for case in LOADS:
        if case.name in wanted:
            found.setdefault(case.group or case.name, []).append(case)
    return list(found.values())
