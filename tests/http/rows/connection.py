"""Expect, Connection, Upgrade, pipelines, pieces, and half-closed clients."""
from rowkit import (ANY, CHOICE, CLOSE, LETTERS, MUST, SHOULD, Answer, Await, HalfClose, Pause,
                    Table, ask, chunks, echoed, get, head, ok, pattern, post, refused, said, silent,
                    then)

T = Table("connection")
row = T.row
HELLO = echoed("hello")
SAID = Answer(200, body=HELLO)
CONTINUE = Answer(100)
SHUT = pattern("(?i)(.*,)?\\s*close\\s*(,.*)?")

# --- Expect ----------------------------------------------------------------------------------


def expecting(value="100-continue", body="hello", **more):
    return [post("Content-Length: 5", f"Expect: {value}", **more), Await(), body]


row("100 before the body", "9110 10.1.1", MUST, expecting(), then(CONTINUE, SAID))
row("100 before a chunked body", "9110 10.1.1", MUST,
    [chunks("", "Expect: 100-continue"), Await(), "5\r\nhello\r\n0\r\n\r\n"], then(CONTINUE, SAID))
row("100-continue in capitals", "9110 10.1.1", MUST, expecting("100-CONTINUE"), then(CONTINUE, SAID))
row("a body that does not wait for the 100", "9110 10.1.1", MUST,
    post("Content-Length: 5", "Expect: 100-continue", body="hello"),
    then(SAID, end=ANY), then(CONTINUE, SAID, end=ANY))
row("half a body that does not wait", "9110 10.1.1", MUST,
    [post("Content-Length: 5", "Expect: 100-continue", body="he"), Pause(0.05), "llo"],
    then(SAID, end=ANY), then(CONTINUE, SAID, end=ANY))
row("no 100 for HTTP/1.0", "9110 10.1.1", MUST,
    [post("Content-Length: 5", "Expect: 100-continue", version="1.0"), Pause(0.1), "hello"],
    then(SAID, end=CLOSE))
row("100-continue without a body", "9110 10.1.1", MUST, get("/a.txt", "Expect: 100-continue"),
    then(LETTERS, end=ANY), then(CONTINUE, LETTERS, end=ANY))
row("a refusal instead of 100", "9110 10.1.1", SHOULD,
    [ask("POST", "/missing.txt", "Content-Length: 5", "Expect: 100-continue")],
    said(404, 405))
row("the body of what was refused is no request", "9112 6.3", MUST,
    [ask("POST", "/missing.txt", "Content-Length: 42", "Expect: 100-continue"), Await(),
     b"GET /smuggled.txt HTTP/1.1\r\nHost: a.test\r\n"],
    said(404, 405), then(CONTINUE, Answer(404, 405), end=ANY))
row("100-continue, then another request", "9110 10.1.1", MUST,
    [post("Content-Length: 5", "Expect: 100-continue"), Await(), b"hello" + get()],
    then(CONTINUE, SAID, LETTERS))
row("another expectation", "9110 10.1.1", CHOICE, get("/a.txt", "Expect: cheese"),
    said(200, 417))
row("100-continue and another expectation", "9110 10.1.1", CHOICE,
    post("Content-Length: 5", "Expect: 100-continue, cheese", body="hello"), said(200, 417),
    then(CONTINUE, Answer(200, 417), end=ANY))
row("an expectation with a value", "9110 10.1.1", CHOICE, get("/a.txt", "Expect: a=b;c"),
    said(200, 417))
row("an empty expectation", "9110 10.1.1", CHOICE, get("/a.txt", "Expect:"), said(200, 400, 417))

# --- Connection ------------------------------------------------------------------------------
row("a connection goes on", "9112 9.3", SHOULD, get() + get("/which.txt"),
    then(LETTERS, Answer(200, body=b"site\n")))
for value, why in [("close", "close"), ("Close", "close in odd case"), ("close, TE", "close first of two"),
                   ("TE, close", "close last of two"), ("x,,close", "an empty member before close"),
                   (" \tclose ", "white space around close"), ("keep-alive, close", "both")]:
    row(f"{why} ends it", "9112 9.6", MUST, get("/a.txt", f"Connection: {value}") + get(),
        ok(LETTERS.body, end=CLOSE))
row("close in a second line ends it", "9112 9.6", MUST,
    get("/a.txt", "Connection: x", "Connection: close") + get(), ok(LETTERS.body, end=CLOSE))
row("close is said back", "9112 9.6", SHOULD, get("/a.txt", "Connection: close"),
    then(Answer(200, Connection=SHUT), end=CLOSE))
row("a word that holds close is another word", "9112 9.6", MUST,
    get("/a.txt", "Connection: closed, xclose"), then(LETTERS))
row("close after a body", "9112 9.6", MUST,
    post("Content-Length: 5", "Connection: close", body=b"hello" + get()),
    then(SAID, end=CLOSE))
row("close and an unknown length", "9112 9.6", MUST, get("/stream.php", "Connection: close"),
    ok(b"one two three", end=CLOSE))
row("options that nobody knows", "9110 7.6.1", MUST, get("/a.txt", "Connection: X-Y, Host"),
    then(LETTERS), said(400))
row("Connection cannot take the length away", "9110 7.6.1", MUST,
    post("Content-Length: 5", "Connection: Content-Length", body="hello"), then(SAID),
    refused(400))
row("Keep-Alive means nothing here", "9112 9.3", MUST, get("/a.txt", "Keep-Alive: timeout=1, max=1"),
    then(LETTERS))
row("TE asks for nothing that must be given", "9110 10.1.4", MUST,
    get("/a.txt", "TE: trailers, gzip;q=0.5", "Connection: TE"), then(LETTERS))
for protocol in ("h2c", "websocket", "TLS/1.0", "foo/1, bar"):
    row(f"an upgrade to {protocol} may be ignored", "9110 7.8", MUST,
        get("/a.txt", f"Upgrade: {protocol}", "Connection: Upgrade"), then(LETTERS))
row("an upgrade on HTTP/1.0 is ignored", "9110 7.8", MUST,
    get("/a.txt", "Upgrade: h2c", "Connection: Upgrade", version="1.0"), ok(LETTERS.body, end=CLOSE))

# --- pipelines -------------------------------------------------------------------------------
row("three requests at once", "9112 9.3.2", MUST, get() + get("/which.txt") + get("/missing"),
    then(LETTERS, Answer(200, body=b"site\n"), Answer(404)))
row("fifty requests at once", "9112 9.3.2", MUST, get() * 50, then(*[LETTERS] * 50))
row("a slow one first", "9112 9.3.2", MUST, get("/slow.php") + get(),
    then(Answer(200, body=b"slow"), LETTERS))
row("a slow one in the middle", "9112 9.3.2", MUST, get() + get("/slow.php") + get("/which.txt"),
    then(LETTERS, Answer(200, body=b"slow"), Answer(200, body=b"site\n")))
row("bodies in between", "9112 9.3.2", MUST,
    post("Content-Length: 5", body="hello") + get() + chunks("5\r\nhello\r\n0\r\n\r\n") + get(),
    then(SAID, LETTERS, SAID, LETTERS))
row("HEAD in between", "9112 9.3.2", MUST, get() + head() + get(),
    then(LETTERS, Answer(200, bare=True), LETTERS))
row("a big one, then a small one", "9112 9.3.2", MUST, get("/big.bin") + get(),
    then(Answer(200, body=bytes(range(256)) * 4096), LETTERS))
row("a good one, then a bad one", "9112 9.3.2", MUST, get() + b"bad request\r\n\r\n",
    then(LETTERS, Answer(400), end=CLOSE))
row("a slow one, then a bad one", "9112 9.3.2", MUST, get("/slow.php") + b"\x00bad\r\n\r\n",
    then(Answer(200, body=b"slow"), Answer(400), end=CLOSE))
row("a bad one, then a good one", "9112 9.3.2", SHOULD, b"bad request\r\n\r\n" + get(), refused(400))
row("nothing is answered after close", "9112 9.6", MUST,
    get() + get("/which.txt", "Connection: close") + get(),
    then(LETTERS, Answer(200, body=b"site\n"), end=CLOSE))
row("304 in a pipeline has no body", "9110 15.4.5", MUST,
    get("/a.txt", "If-None-Match: @ETAG@") + get(), then(Answer(304), LETTERS))

# --- pieces and halves -----------------------------------------------------------------------
row("a head byte by byte", "9112 2.2", MUST, [bytes([b]) for b in get()], then(LETTERS))
row("a pause in the method", "9112 2.2", MUST, ["GE", Pause(0.05), get()[2:]], then(LETTERS))
row("a pause between CR and LF", "9112 2.2", MUST, [get()[:-1], Pause(0.05), "\n"], then(LETTERS))
row("a pause before the empty line", "9112 2.2", MUST, [get()[:-2], Pause(0.05), "\r\n"],
    then(LETTERS))
row("one and a half requests, then the rest", "9112 9.3.2", MUST,
    [get() + get()[:20], Pause(0.05), get()[20:]], then(LETTERS, LETTERS))
row("a second request after the first answer", "9112 9.3", SHOULD, [get(), Await(), get()],
    then(LETTERS, LETTERS))
row("a half-closed client gets its answer", "9110 3.4", SHOULD, [get(), HalfClose()],
    ok(LETTERS.body, end=CLOSE))
row("a half-closed client gets a big answer", "9110 3.4", SHOULD, [get("/big.bin"), HalfClose()],
    ok(bytes(range(256)) * 4096, end=CLOSE))
row("a half-closed client gets a script's answer", "9110 3.4", SHOULD, [get("/slow.php"), HalfClose()],
    ok(b"slow", end=CLOSE))
row("a half-closed client gets all answers", "9112 9.3.2", SHOULD,
    [get() + get("/which.txt"), HalfClose()],
    then(LETTERS, Answer(200, body=b"site\n"), end=CLOSE))
row("a half-closed client and a body", "9110 3.4", SHOULD,
    [post("Content-Length: 5", body="hello"), HalfClose()], then(SAID, end=CLOSE))
row("half a head and the end", "9112 8", MUST, [get()[:20], HalfClose()], silent(), refused(400, 408))
row("a whole head but its last byte, and the end", "9112 8", MUST, [get()[:-1], HalfClose()],
    silent(), refused(400, 408))
row("the end at once", "9112 9.5", CHOICE, [HalfClose()], silent(), refused(400, 408))
row("an empty line and the end", "9112 2.2", CHOICE, ["\r\n", HalfClose()], silent(), refused(400, 408))
