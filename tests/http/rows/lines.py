"""Lines of a head: their ends, white space, names, values, number and size."""
from rowkit import (ANY, CHOICE, CLOSE, LETTERS, MUST, SHOULD, Answer, Table, ask, echoed, get,
                    ok, pattern, post, refused, said, then)

T = Table("lines")
row = T.row
BAD = [refused(400)]


def field(line, target="/field.php"):
    """A request whose X-Test the site's script says back, percent-encoded."""
    return get(target, line)


def raw(*lines):
    return "\r\n".join(lines) + "\r\n\r\n"


HOST = "Host: site.test"
LINE = "GET /a.txt HTTP/1.1"
EITHER = [ok(), said(400)]
NOTHING = [ok(b""), ok(b"%28none%29")]

# --- line ends -------------------------------------------------------------------------------
row("bare LF everywhere", "9112 2.2", CHOICE, f"{LINE}\n{HOST}\n\n", ok(), said(400))
row("a bare LF behind the request line", "9112 2.2", CHOICE, f"{LINE}\n{HOST}\r\n\r\n", *EITHER)
row("a bare LF behind a field", "9112 2.2", CHOICE, f"{LINE}\r\n{HOST}\nX: y\r\n\r\n", *EITHER)
row("a bare LF as the empty line", "9112 2.2", CHOICE, f"{LINE}\r\n{HOST}\r\n\n", *EITHER)
row("a bare CR in the request line", "9112 2.2", MUST, raw("GET /a.txt\rHTTP/1.1", HOST),
    *EITHER)
row("a bare CR in the target", "9112 2.2", MUST, raw("GET /a\r.txt HTTP/1.1", HOST),
    said(301, 400, 404))
row("a bare CR in a value", "9112 2.2", MUST, field("X-Test: a\rb"), ok(b"a%20b"), said(400))
row("a bare CR in a name", "9112 2.2", MUST, field("X-T\rest: a"), said(400))
row("a bare CR that hides a field", "9112 2.2", MUST,
    post("X: y\rContent-Length: 5", body=""), ok(echoed()), said(400, 411))
row("a bare CR in Content-Length", "9112 2.2", MUST, post("Content-Length: 5\r5", body="hello"),
    refused(400))
row("CR CR LF behind a field", "9112 2.2", MUST, field("X-Test: a\r"), ok(b"a"), said(400))
row("CR CR LF at the end of a head", "9112 2.2", MUST,
    f"{LINE}\r\n{HOST}\r\n\r\r\n\r\n", *EITHER)
row("LF CR at the end of a line", "9112 2.2", MUST, f"{LINE}\r\n{HOST}\n\rX: y\r\n\r\n", *EITHER)
row("one empty line before a request", "9112 2.2", SHOULD, "\r\n" + raw(LINE, HOST), then(LETTERS))
row("four empty lines before a request", "9112 2.2", CHOICE, "\r\n" * 4 + raw(LINE, HOST),
    *EITHER)
row("a hundred empty lines before a request", "9112 2.2", CHOICE, "\r\n" * 100 + raw(LINE, HOST),
    *EITHER)
row("a bare LF before a request", "9112 2.2", CHOICE, "\n" + raw(LINE, HOST), *EITHER)
row("a bare CR before a request", "9112 2.2", CHOICE, "\r" + raw(LINE, HOST), *EITHER)
row("an empty line between a body and the next request", "9112 2.2", SHOULD,
    post("Content-Length: 5", body="hello\r\n") + get(),
    then(Answer(200, body=echoed("hello")), LETTERS))

# --- white space -----------------------------------------------------------------------------
row("a folded field", "9112 5.2", MUST, field("X-Test: a\r\n b"), ok(pattern("a(%20)+b")),
    said(400))
row("a field folded with a tab", "9112 5.2", MUST, field("X-Test: a\r\n\tb"),
    ok(pattern("a(%20)+b")), said(400))
row("a folded Host", "9112 5.2", MUST, raw(LINE, "Host:\r\n site.test"), *EITHER)
row("a folded length", "9112 5.2", MUST, post("Content-Length:\r\n 5", body="hello"),
    ok(echoed("hello")), refused(400))
row("a folded coding", "9112 5.2", MUST,
    post("Transfer-Encoding:\r\n chunked", body="5\r\nhello\r\n0\r\n\r\n"),
    ok(echoed("hello")), refused(400))
row("a fold that makes a value of nothing", "9112 5.2", MUST, field("X-Test:\r\n \r\nY: z"),
    *NOTHING, said(400))
row("white space before the first field", "9112 2.2", MUST,
    raw(LINE, " X-Test: a", HOST), *EITHER)
row("white space before the first field, which is Host", "9112 2.2", MUST,
    raw(LINE, " Host: other.test", HOST), then(LETTERS), said(400))
row("white space before the first field, which is a length", "9112 2.2", MUST,
    raw("POST /echo.php HTTP/1.1", " Content-Length: 5", HOST), ok(echoed()), said(400, 411))
for name in ("X-Test", "Host", "Content-Length", "Transfer-Encoding", "Connection"):
    for space, why in ((" ", "a space"), ("\t", "a tab")):
        value = {"Content-Length": "0", "Transfer-Encoding": "chunked"}.get(name, "x")
        row(f"{why} before the colon of {name}", "9112 5.1", MUST,
            post(f"{name}{space}: {value}", body="0\r\n\r\n"), then(Answer(400), end=ANY))
row("white space around a value is no part of it", "9112 5.1", MUST,
    field("X-Test:  \t a\tb  c \t "), ok(b"a%09b%20%20c"))
row("no white space before a value", "9112 5.1", MUST, field("X-Test:a"), ok(b"a"))
row("an empty value", "9110 5.5", MUST, field("X-Test:"), *NOTHING)
row("a value of white space", "9110 5.5", MUST, field("X-Test:  \t "), *NOTHING)
row("colons in a value", "9110 5.5", MUST, field("X-Test: a:b::c"), ok(b"a%3Ab%3A%3Ac"))

# --- the request line ------------------------------------------------------------------------
for line, why in [("GET  /a.txt HTTP/1.1", "two spaces behind the method"),
                  ("GET /a.txt  HTTP/1.1", "two spaces before the version"),
                  ("GET\t/a.txt\tHTTP/1.1", "tabs in the request line"),
                  ("GET /a.txt HTTP/1.1 ", "a space behind the version"),
                  (" GET /a.txt HTTP/1.1", "a space before the method")]:
    row(why, "9112 3", CHOICE, raw(line, HOST), *EITHER)
for line, why in [("GET /a b.txt HTTP/1.1", "a space in the target"),
                  ("GET /a.txt HTTP/1.1 x", "a word behind the version"),
                  ("GET HTTP/1.1", "no target"), ("GET", "a method alone"), ("/", "a target alone"),
                  ("garbage", "one word of garbage"), ("{\"a\": 1}", "JSON"),
                  ("HTTP/1.1 200 OK", "a response"), ("\x16\x03\x01\x02", "the start of TLS"),
                  ("\x00\x00\x00\x00", "NULs"), ("\xff\xfe\xfd", "bytes above ASCII"),
                  ("GET /a.txt, HTTP/1.1, x", "a list"), (":authority: x", "HTTP/2's names"),
                  ("Host: site.test", "a field for a request line")]:
    row(f"{why}", "9112 3", SHOULD, raw(line, HOST), then(Answer(301, 400), end=ANY))
row("NUL in the request line", "9112 3", SHOULD, raw("GET /a\x00.txt HTTP/1.1", HOST), *BAD)
for method, why in [("G@T", "@"), ("(GET)", "brackets"), ("GET,", "a comma"), ("G\x01T", "a control"),
                    ("G\xc9T", "a byte above ASCII"), ("GET/", "a slash"), ('"GET"', "quotes")]:
    row(f"a method with {why}", "9112 3.1", SHOULD, raw(f"{method} /a.txt HTTP/1.1", HOST), *BAD)

# --- names and values ------------------------------------------------------------------------
for line, why in [(": x", "an empty name"), ("X y: z", "a space in a name"),
                  ("X(y): z", "brackets in a name"), ("X/y: z", "a slash in a name"),
                  ("X\x01: z", "a control in a name"), ("X\xe9: z", "a byte above ASCII in a name"),
                  ('X"y": z', "quotes in a name"), ("X@y: z", "@ in a name"), ("X\x7f: z", "DEL in a name"),
                  ("X{y}: z", "braces in a name"), ("X[0]: z", "square brackets in a name"),
                  ("no colon", "a line without a colon"), ("nocolon", "a word without a colon"),
                  ("X;y: z", "a semicolon in a name"), ("X,y: z", "a comma in a name"),
                  ("X=y: z", "an equals sign in a name")]:
    row(why, "9112 2.2", SHOULD, get("/a.txt", line), then(Answer(400), end=ANY))
row("NUL in a name", "9112 2.2", SHOULD, get("/a.txt", "X\x00Y: z"), then(Answer(400), end=ANY))
row("every character a name may have", "9110 5.6.2", MUST,
    get("/a.txt", "!#$%&'*+-.^_`|~09azAZ: x"), then(LETTERS))
row("NUL in a value", "9110 5.5", MUST, field("X-Test: a\x00b"), ok(b"a%20b"), said(400))
for byte, why in [("\x01", "SOH"), ("\x08", "backspace"), ("\x0b", "a vertical tab"),
                  ("\x0c", "a form feed"), ("\x1b", "escape"), ("\x7f", "DEL")]:
    row(f"{why} in a value", "9110 5.5", CHOICE, field(f"X-Test: a{byte}b"), *EITHER)
row("bytes above ASCII in a value", "9110 5.5", CHOICE, field("X-Test: a\xe9b"),
    ok(b"a%E9b"), said(400))
row("the same field twice", "3875 4.1.18", MUST, get("/field.php", "X-Test: a", "X-Test: b"),
    ok(pattern("a%2C(%20)?b")))

# --- number and size -------------------------------------------------------------------------
TOO_MUCH = [ok(), then(Answer(400, 413, 431, 494), end=ANY)]
row("ninety fields", "9110 5.4", CHOICE, get("/a.txt", *(f"X-{i}: y" for i in range(90))),
    *TOO_MUCH)
row("a thousand fields", "9110 5.4", MUST, get("/a.txt", *(f"X-{i}: y" for i in range(1000))),
    *TOO_MUCH)
row("a field of 4 KB", "9110 5.4", SHOULD, get("/a.txt", "X: " + "y" * 4000), then(LETTERS))
row("a field of 100 KB", "9110 5.4", MUST, get("/a.txt", "X: " + "y" * 100000), *TOO_MUCH)
row("a name of 100 KB", "9110 5.4", MUST, get("/a.txt", "X" * 100000 + ": y"), *TOO_MUCH)
row("a request line of 8000 bytes", "9112 3", SHOULD,
    get("/a.txt?" + "x" * (8000 - len("GET /a.txt? HTTP/1.1"))), then(LETTERS))
row("a target of 60 KB", "9112 3", MUST, get("/a.txt?" + "x" * 60000), ok(),
    then(Answer(414), end=ANY))
row("a target of 60 KB without an end", "9112 3", MUST, "GET /" + "x" * 60000,
    then(Answer(414), end=CLOSE))
row("a method that is longer than any", "9112 3", SHOULD, ask("X" * 500, "/a.txt"),
    then(Answer(501), end=ANY))
row("a method of 60 KB without an end", "9112 3", SHOULD, "X" * 60000,
    then(Answer(501), end=CLOSE))
