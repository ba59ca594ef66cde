"""Where a request ends: Content-Length, and Content-Length with Transfer-Encoding."""
from rowkit import (ANY, CHOICE, CLOSE, LETTERS, MUST, SHOULD, SMUGGLED, Answer, HalfClose,
                    Table, ask, echoed, get, ok, post, refused, said, silent, then)

T = Table("framing")
row = T.row
HELLO = echoed("hello")


def length(*values, body="hello"):
    return post(*(f"Content-Length: {v}" for v in values), body=body)


row("a body by its length", "9112 6.2", MUST, length(5), ok(HELLO))
row("a body of no bytes", "9112 6.2", MUST, length(0, body=""), ok(echoed()))
row("no length and no coding is no body", "9112 6.3", MUST, post(),
    ok(echoed()), said(411))
row("leading zeros are digits", "9110 8.6", MUST, length("0000005"), ok(HELLO))
row("forty leading zeros", "9110 8.6", CHOICE, length("0" * 40 + "5"), ok(HELLO),
    refused(400, 413))
row("white space around a length", "9112 5.1", MUST, length(" \t5 \t"), ok(HELLO))
row("the name of the field in odd case", "9110 5.1", MUST, post("cOnTeNt-LeNgTh: 5", body="hello"),
    ok(HELLO))
row("what follows the body is the next request", "9112 9.3.2", MUST, length(5) + get(),
    then(Answer(200, body=HELLO), LETTERS))
row("a body that looks like a request", "9112 6.3", MUST, length(len(SMUGGLED), body=SMUGGLED),
    ok(echoed(SMUGGLED)))
row("twice the same length", "9110 8.6", MUST, length(5, 5), ok(HELLO), refused(400))
row("twice the same length in one list", "9110 8.6", MUST, length("5, 5"), ok(HELLO),
    refused(400))
row("two lengths", "9112 6.3", MUST, length(5, 6), refused(400))
row("two lengths, the shorter last", "9112 6.3", MUST, length(6, 5), refused(400))
row("two lengths in one list", "9112 6.3", MUST, length("5, 6"), refused(400))
row("two lengths, one of them empty", "9112 6.3", MUST, length("", 5), refused(400), ok(HELLO))
row("two lengths that differ, and a request in between", "9112 6.3", MUST,
    length(0, len(SMUGGLED), body=SMUGGLED), refused(400))

for bad, why in [("+5", "a sign"), ("-5", "a negative length"), ("-0", "minus nothing"),
                 ("0x5", "hex"), ("5 5", "a space inside"), ("5;", "a semicolon behind"),
                 ("5.0", "a point"), ("a", "a letter"), ("5a", "a letter behind"),
                 ("1e0", "an exponent"), ('"5"', "quotes"), ("5\x0b", "a vertical tab behind"),
                 ("\x0c5", "a form feed before"), ("\xb25", "a digit that is not ASCII"),
                 ("_5", "an underscore"), ("5_0", "an underscore inside"),
                 ("5,6,5", "a list with a stranger"), ("chunked", "a coding's name"),
                 ("NaN", "not a number"), ("5\x00", "NUL behind")]:
    row(f"{why}: {bad!r}", "9112 6.3", MUST, length(bad), refused(400))

row("an empty length", "9112 6.3", MUST, length("", body=""), refused(400))
row("a length that is no number smuggles nothing", "9112 6.3", MUST,
    length("x5", body=SMUGGLED), refused(400))
for size, why in [(2**64 + 5, "64"), (2**128 + 5, "128")]:
    row(f"a length that wraps around at {why} bits", "9110 8.6", MUST,
        [length(size), HalfClose()], refused(400, 413), silent())
for size, why in [(2**32 + 5, "32"), (2**63 + 5, "63"), (2**31 + 5, "31")]:
    row(f"a length that does not fit {why} bits", "9110 8.6", MUST,
        [length(size), HalfClose()], refused(400, 408, 413), silent())
row("a body that ends early is no request", "9112 8", MUST,
    [length(6), HalfClose()], refused(400, 408), silent())
row("a body of which nothing comes", "9112 8", MUST,
    [length(6, body=""), HalfClose()], refused(400, 408), silent())

# --- both framings at once -------------------------------------------------------------------
BOTH = b"5\r\nhello\r\n0\r\n\r\n"
HONEST = [refused(400), ok(HELLO, end=CLOSE)]
row("length, then chunked", "9112 6.1", MUST,
    post("Content-Length: 15", "Transfer-Encoding: chunked", body=BOTH), *HONEST)
row("chunked, then length", "9112 6.1", MUST,
    post("Transfer-Encoding: chunked", "Content-Length: 15", body=BOTH), *HONEST)
row("a short length and chunked", "9112 6.1", MUST,
    post("Content-Length: 3", "Transfer-Encoding: chunked", body=BOTH + SMUGGLED), *HONEST)
row("a long length and chunked", "9112 6.1", MUST,
    post("Content-Length: 200", "Transfer-Encoding: chunked", body=BOTH + SMUGGLED), *HONEST)
row("chunked of nothing, and a length that hides a request", "9112 6.1", MUST,
    post("Content-Length: 60", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
    refused(400), ok(echoed(), end=CLOSE))
row("a bad length and chunked", "9112 6.1", MUST,
    post("Content-Length: x", "Transfer-Encoding: chunked", body=BOTH), *HONEST)

# --- bodies where none is wanted -------------------------------------------------------------
for method in ("GET", "HEAD", "DELETE", "OPTIONS", "PUT", "PATCH", "POST"):
    row(f"the body of a {method} is not a request", "9112 6.3", MUST,
        ask(method, "/a.txt", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
        then(Answer(200, 204, 400, 403, 405, 409, 413, 500, 501, bare=method == "HEAD"),
             end=ANY))
row("a chunked body of a GET is not a request", "9112 6.3", MUST,
    ask("GET", "/a.txt", "Transfer-Encoding: chunked",
        body=f"{len(SMUGGLED):x}\r\n".encode() + SMUGGLED + b"\r\n0\r\n\r\n"),
    said(200, 400, 411, 413))
row("after a small body that nobody wanted", "9112 9.3", MUST,
    ask("POST", "/missing", "Content-Length: 5", body="hello") + get(),
    then(Answer(400, 404, 405), LETTERS), refused(400, 404, 405))
row("a body of 1 GiB that nobody wants", "9112 9.3", MUST,
    [ask("POST", "/a.txt", "Content-Length: 1073741824", body="hello"), HalfClose()],
    refused(200, 400, 405, 413), silent())
row("a body that comes in pieces", "9112 6.2", MUST,
    [post("Content-Length: 10"), b"he", b"llo", b"wor", b"ld"], ok(echoed("helloworld")))
row("the empty body of a chunked request to a file", "9112 6.3", MUST,
    ask("GET", "/a.txt", "Transfer-Encoding: chunked", body="0\r\n\r\n") + get(),
    then(LETTERS, LETTERS), refused(400, 411, 413))
row("a length on HTTP/1.0", "9112 6.2", MUST,
    post("Content-Length: 5", body="hello", version="1.0"), ok(HELLO, end=CLOSE))
row("no length on HTTP/1.0", "9112 6.3", MUST, post(version="1.0"), ok(echoed(), end=CLOSE),
    refused(400, 411))

# --- codings ---------------------------------------------------------------------------------


def coded(*values, body=BOTH):
    return post(*(f"Transfer-Encoding: {v}" for v in values), body=body)


row("chunked", "9112 7.1", MUST, coded("chunked"), ok(HELLO))
row("chunked in capitals", "9112 7", MUST, coded("CHUNKED"), ok(HELLO))
row("white space around chunked", "9112 5.1", MUST, coded(" \tchunked\t "), ok(HELLO))
row("a list with empty members", "9110 5.6.1.2", MUST, coded(", chunked ,"), ok(HELLO))
row("chunked is not the last coding", "9112 6.3", MUST, coded("chunked, gzip"), refused(400, 501))
row("chunked is not the last coding, in two lines", "9112 6.3", MUST,
    coded("chunked", "gzip"), refused(400, 501))
for value, why in [("gzip", "a coding without chunked"), ("identity", "identity"),
                   ("x", "an unknown coding"), ("chunkedx", "chunked and a letter"),
                   ("xchunked", "a letter and chunked"), ("chunke", "most of chunked"),
                   ("chun\tked", "a tab in chunked"), ("\x0bchunked", "a vertical tab before"),
                   ("chunked\x0c", "a form feed behind"), ('"chunked"', "chunked in quotes"),
                   ("chunked chunked", "chunked twice without a comma"),
                   ("chunked\x00", "NUL behind"), ("identity, x", "two unknown codings")]:
    row(f"{why}: {value!r}", "9112 6.3", MUST, coded(value, body=BOTH + SMUGGLED),
        refused(400, 501))
row("an unknown coding before chunked is not implemented", "9112 6.1", SHOULD,
    coded("foo, chunked"), then(Answer(501), end=ANY))
row("gzip before chunked", "9112 6.1", SHOULD, coded("gzip, chunked"),
    then(Answer(501), end=ANY))
row("an unknown coding alone", "9112 6.1", SHOULD, coded("foo", body=""), said(400, 501))
row("identity, then chunked", "9112 7", SHOULD, coded("identity, chunked"), said(400, 501))
row("chunked twice in one list", "9112 7.1", SHOULD, coded("chunked, chunked"),
    said(400, 501))
row("chunked twice in two lines", "9112 7.1", SHOULD, coded("chunked", "chunked"),
    said(400, 501))
row("a parameter of chunked", "9112 7.1", SHOULD, coded("chunked;a=b"), said(400, 501))
row("an empty Transfer-Encoding", "9112 6.1", CHOICE, coded("", body=""), ok(echoed()),
    said(400, 501))
row("chunked on HTTP/1.0", "9112 6.1", MUST,
    post("Transfer-Encoding: chunked", "Connection: keep-alive", body=BOTH, version="1.0"),
    refused(200, 400, 411, 501))
