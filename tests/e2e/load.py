"""Load from threads that check every answer: what a visitor would have noticed is counted."""
import threading
import time

from procs import SLOW
from wire import Client, Cut


class Load:
    """
    Threads that go round rows of (host, path, text that the answer must hold) until stopped.

    kept: connections are used again as long as the server keeps them.
    connect: makes a connection for a host; a plain one to the port, if it is not given.
    pace_s: a visitor's pause after an answer, so that many of them get their turns here.
    """

    def __init__(self, port, rows, threads=8, kept=False, connect=None, pace_s=0):
        self.port, self.rows, self.kept = port, rows, kept
        self.pace_s = pace_s
        self.connect = connect or (lambda host: Client(port))
        self.done, self.wrong = 0, []
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True)
                         for n in range(threads)]

    def __enter__(self):
        for t in self._threads:
            t.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for t in self._threads:
            t.join()

    def _run(self, n):
        client = None
        while not self._stop.is_set():
            host, path, text = self.rows[n % len(self.rows)]
            n += 1
            try:
                client = client or self.connect(host)
                r = client.get(host, path)
                self._note(r.status == 200 and text in r.text, f"{host}{path}: {r!r}")
                if not self.kept or r.get("Connection", "").lower() == "close":
                    client.close()
                    client = None
                time.sleep(self.pace_s)
            except (Cut, OSError, AssertionError) as e:
                self._note(False, f"{host}{path}: {e!r}")
                client = None

    def _note(self, good, what):
        with self._lock:
            self.done += good
            if not good:
                self.wrong.append(what)

    def reach(self, n, seconds=60, begin=None):
        """Until n more answers were right (or the time is over) than now, or than begin."""
        goal = (self.done if begin is None else begin) + n
        deadline = time.monotonic() + seconds * SLOW
        while self.done < goal:
            assert time.monotonic() < deadline, f"{self.done} of {goal}; {self.wrong[:5]}"
            time.sleep(0.005)

    def flawless(self):
        assert not self.wrong, f"{len(self.wrong)} of {self.done + len(self.wrong)} " \
                               f"went wrong: {self.wrong[:5]}"
