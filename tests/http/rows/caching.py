"""What caches on the way need of an origin server."""
from rowkit import (ANY, CHOICE, LETTERS, MUST, SHOULD, Answer, Table, get, head, ok, said, then)

T = Table("caching")
row = T.row

for value in ("no-cache", "no-store", "max-age=0", "max-stale", "min-fresh=60", "only-if-cached",
              "no-transform", 'x="a,b"', "max-age=x", ",,"):
    row(f"an origin answers Cache-Control: {value}", "9111 5.2.1", MUST,
        get("/a.txt", f"Cache-Control: {value}"), then(LETTERS))
row("Pragma", "9111 5.4", MUST, get("/a.txt", "Pragma: no-cache"), then(LETTERS))
row("an answer of the origin has no age", "9111 5.1", SHOULD, get(), then(Answer(200, Age=None)))
row("an answer has no warning", "9111 5.5", SHOULD, get(), then(Answer(200, Warning=None)))
row("no-transform is not compressed", "9110 7.7", CHOICE,
    get("/a.txt", "Cache-Control: no-transform", "Accept-Encoding: gzip"),
    then(Answer(200)))
row("a fresh answer keeps its validators through HEAD", "9111 4.3.5", SHOULD, head("/a.txt"),
    then(Answer(200, bare=True, ETag=b"@ETAG@", Content_Length=b"26")))
row("304 says all that a cache must update", "9111 4.3.4", MUST, get("/a.txt", "If-None-Match: @ETAG@"),
    then(Answer(304, ETag=b"@ETAG@", Date=True)))
row("Vary has no effect on what was not asked for", "9111 4.1", CHOICE,
    get("/a.txt", "Cookie: a=b", "User-Agent: x"), then(LETTERS))
row("a request with a validator for another file", "9111 4.3.1", MUST,
    get("/which.txt", "If-None-Match: @ETAG@"), ok(b"site\n"))
