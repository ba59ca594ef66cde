"""What a row is made of. A row says why it is there, which section of which RFC decides it, how
strictly (MUST, SHOULD, or CHOICE where several behaviours are right), which bytes go in and
which outcomes are right.

Sent bytes may hold names that are replaced by what the server under test says of its own
files: @ETAG@ (of /a.txt, as sent), @OPAQUE@ (the same without W/), @PORT@, @GZIP_ETAG@ and
@PLAIN_ETAG@ (of /style.css with and without gzip)."""
import re

MUST, SHOULD, CHOICE = "MUST", "SHOULD", "CHOICE"
OPEN, CLOSE, ANY = "open", "close", "any"  # what the connection is good for afterwards

HOST = "site.test"
ALPHABET = b"abcdefghijklmnopqrstuvwxyz"  # /a.txt
MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT"  # its Last-Modified


class Pause:
    """Send nothing for so many seconds."""

    def __init__(self, seconds):
        self.seconds = seconds


class Await:
    """Read one answer before sending on."""


class HalfClose:
    """Send the end of file and keep reading."""


class Answer:
    """One answer that is right: status is a number or several; a field is bytes that the value
    must equal, a compiled pattern, a function, True (is there) or None (is not); body is bytes,
    a pattern or a function. Functions get the value (or the whole answer) and return whether it
    is right, or a text that says what is wrong."""

    def __init__(self, *statuses, body=None, bare=False, check=None, **fields):
        self.statuses, self.body, self.bare, self.check = statuses, body, bare, check
        self.fields = {n.replace("_", "-"): v for n, v in fields.items()}

    def __repr__(self):
        return "/".join(map(str, self.statuses))


class Outcome:
    """Answers in order, then what becomes of the connection."""

    def __init__(self, answers, end):
        self.answers, self.end = answers, end

    def __repr__(self):
        return f"{', '.join(map(repr, self.answers)) or 'no answer'} then {self.end}"


class Row:
    def __init__(self, topic, why, section, level, steps, outcomes):
        self.topic, self.why, self.section, self.level = topic, why, section, level
        self.steps, self.outcomes = steps, outcomes
        self.id = f"{topic}: {why}"


class Table:
    """The rows of one topic, in order; no two say the same."""

    def __init__(self, topic):
        self.topic, self.rows, self._why = topic, [], set()

    def row(self, why, section, level, sent, *outcomes):
        assert why not in self._why, f"{self.topic}: twice: {why}"
        self._why.add(why)
        steps = [octets(s) if isinstance(s, (str, bytes)) else s
                 for s in (sent if isinstance(sent, list) else [sent])]
        self.rows.append(Row(self.topic, why, section, level, steps, list(outcomes)))


# --- bytes in --------------------------------------------------------------------------------

def octets(s):
    return s.encode("latin-1") if isinstance(s, str) else s


def ask(method, target, *lines, host=HOST, version="1.1", body=b""):
    """One request; the field lines as they are given, host=None for none."""
    head = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        head.append(f"Host: {host}")
    return octets("\r\n".join([*head, *lines]) + "\r\n\r\n") + octets(body)


def get(target="/a.txt", *lines, **more):
    return ask("GET", target, *lines, **more)


def head(target="/a.txt", *lines, **more):
    return ask("HEAD", target, *lines, **more)


def post(*lines, body=b"", target="/echo.php", **more):
    return ask("POST", target, *lines, body=body, **more)


def chunks(body, *lines, **more):
    return post("Transfer-Encoding: chunked", *lines, body=body, **more)


# What must never be answered: a request inside the body of another.
SMUGGLED = b"GET /smuggled.txt HTTP/1.1\r\nHost: site.test\r\n\r\n"


# --- what must come out ----------------------------------------------------------------------

def then(*answers, end=OPEN):
    return Outcome(list(answers), end)


def ok(body=None, end=OPEN, **more):
    """One 200, and the connection goes on."""
    return then(Answer(200, body=body, **more), end=end)


def said(*statuses, **more):
    """One answer with one of these statuses; closing or not is the server's choice."""
    return then(Answer(*statuses, **more), end=ANY)


def refused(*statuses, **more):
    """One answer with one of these statuses, then the end."""
    return then(Answer(*statuses, **more), end=CLOSE)


def silent():
    return Outcome([], CLOSE)


def echoed(body=b"", method="POST"):
    """What /echo.php says of the request it got."""
    body = octets(body)
    return f"{method} {len(body)} ".encode() + body


def pattern(text):
    return re.compile(octets(text), re.S)


LETTERS = Answer(200, body=ALPHABET)
