"""HTTP/1.0, later minor versions, other major versions, and what looks like a version."""
from rowkit import (ANY, CHOICE, CLOSE, LETTERS, MUST, SHOULD, Answer, Table, ask, get, head, ok,
                    pattern, refused, said, then)

T = Table("versions")
row = T.row

row("HTTP/1.0 ends after its answer", "9112 9.3", MUST, get(version="1.0"),
    ok(LETTERS.body, end=CLOSE))
row("HTTP/1.0 with two requests gets one answer", "9112 9.3", MUST, get(version="1.0") * 2,
    ok(LETTERS.body, end=CLOSE))
row("HTTP/1.0 goes on when it asks to", "9112 9.3", CHOICE,
    get("/a.txt", "Connection: keep-alive", version="1.0"),
    then(Answer(200, body=LETTERS.body, Connection=pattern("(?i)keep-alive"))),
    ok(LETTERS.body, end=CLOSE))
row("HTTP/1.0 asks to go on in odd case", "9110 7.6.1", CHOICE,
    get("/a.txt", "Connection: Keep-Alive", version="1.0"),
    then(Answer(200, body=LETTERS.body, Connection=pattern("(?i)keep-alive"))),
    ok(LETTERS.body, end=CLOSE))
row("HTTP/1.0 twice with keep-alive, then without", "9112 9.3", CHOICE,
    get("/a.txt", "Connection: keep-alive", version="1.0") + get(version="1.0"),
    then(LETTERS, LETTERS, end=CLOSE), ok(LETTERS.body, end=CLOSE))
row("HTTP/1.0 with keep-alive and close", "9112 9.3", MUST,
    get("/a.txt", "Connection: keep-alive, close", version="1.0"), ok(LETTERS.body, end=CLOSE))
row("HTTP/1.0 with keep-alive for a proxy", "9112 C.2.2", MUST,
    get("/a.txt", "Proxy-Connection: keep-alive", version="1.0"), ok(LETTERS.body, end=CLOSE))
row("HTTP/1.0 is never answered in chunks", "9112 6.1", MUST, get("/stream.php", version="1.0"),
    ok(b"one two three", end=CLOSE, Transfer_Encoding=None))
row("HTTP/1.0 with keep-alive is never answered in chunks", "9112 6.1", MUST,
    get("/stream.php", "Connection: keep-alive", version="1.0"),
    ok(b"one two three", end=ANY, Transfer_Encoding=None))
row("HTTP/1.0 and HEAD", "9110 9.3.2", MUST, head(version="1.0"),
    then(Answer(200, bare=True), end=CLOSE))
row("HTTP/1.1 is answered as 1.1", "9110 2.5", SHOULD, get(),
    then(Answer(200, check=lambda r: r.version == "1.1")))
row("HTTP/1.0 is answered with what the server speaks", "9110 2.5", SHOULD, get(version="1.0"),
    then(Answer(200, check=lambda r: r.version == "1.1"), end=CLOSE))
for version in ("1.2", "1.9"):
    row(f"HTTP/{version} is read as 1.1", "9110 2.5", SHOULD, get(version=version),
        then(Answer(200, body=LETTERS.body, check=lambda r: r.version == "1.1")))
for version in ("2.0", "3.0", "0.9", "9.9", "2.1", "0.0"):
    row(f"HTTP/{version} is not spoken like this", "9110 15.6.6", SHOULD, get(version=version),
        refused(400, 505))
row("HTTP/1.1 keeps a body of unknown length apart", "9112 6.3", MUST, get("/stream.php"),
    then(Answer(200, body=b"one two three"), end=ANY))
row("the preface of HTTP/2", "9113 3.4", CHOICE, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    refused(400, 501, 505))
row("HTTP/0.9", "9112 3", SHOULD, "GET /a.txt\r\n", refused(400, 505))
row("HTTP/0.9 with fields", "9112 3", SHOULD, "GET /a.txt\r\nHost: site.test\r\n\r\n",
    refused(400, 505))
for name, why in [("http/1.1", "small letters"), ("HTTP/1.10", "a minor of two digits"),
                  ("HTTP/01.1", "a major of two digits"), ("HTTP/1", "no minor"),
                  ("HTTP/1.", "no minor behind the point"), ("HTTP/.1", "no major"),
                  ("HTTP/1,1", "a comma"), ("HTTP1.1", "no slash"), ("HTTPS/1.1", "another name"),
                  ("HTTP/1.1x", "a letter behind"), ("HTTP/11", "no point"), ("HTTP/+1.1", "a sign"),
                  ("HTTP/1.1.1", "three numbers"), ("HTTP/1.\xb9", "a digit that is not ASCII"),
                  ("HTTP/1.1\x00", "NUL behind"), ("HTTP/", "the name alone"),
                  ("Http/1.1", "a capital only"), ("HTTP/0x1.1", "hex"), ("ICY/1.1", "another protocol"),
                  ("HTTP/1.1,", "a comma behind"), ("HTTP\\1.1", "a backslash")]:
    row(f"{why}: {name!r}", "9112 2.3", SHOULD,
        f"GET /a.txt {name}\r\nHost: site.test\r\n\r\n", said(400, 505))
row("a coding on HTTP/1.0 does not keep the connection", "9112 6.1", MUST,
    ask("POST", "/a.txt", "Transfer-Encoding: chunked", "Connection: keep-alive", version="1.0",
        body="0\r\n\r\n"), refused(200, 400, 405, 411, 501))
