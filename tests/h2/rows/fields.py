"""What a request must say, and must not. RFC 9113 8.2, 8.3"""
from rowkit import *
from frames import *

T = Table("fields")
row = T.row


def ask(*fields, flags=END_STREAM | END_HEADERS):
    return headers(1, list(fields), flags)


M, S, A, P = (":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", "/a.txt")
row("the least", "8.3.1", ask(M, S, A, P), answers(1))
row("pseudo-header fields in any order", "8.3", ask(P, A, S, M), answers(1))
row("no :method", "8.3.1", ask(S, A, P), resets(1))
row("no :scheme", "8.3.1", ask(M, A, P), resets(1))
row("no :path", "8.3.1", ask(M, S, A), resets(1))
row("an empty :path", "8.3.1", ask(M, S, A, (":path", "")), resets(1))
row("no :authority and no host", "8.3.1", ask(M, S, P), resets(1))
row("host alone", "8.3.1", ask(M, S, P, ("host", HOST)), answers(1))
row("host that differs", "8.3.1", ask(M, S, A, P, ("host", "other.test")), resets(1))
row("userinfo", "8.3.1", ask(M, S, (":authority", "u@site.test"), P), resets(1))
row(":method twice", "8.3", ask(M, M, S, A, P), resets(1))
row(":path twice", "8.3", ask(M, S, A, P, P), resets(1))
row("a pseudo-header field behind another", "8.3", ask(M, S, A, ("x", "y"), P), resets(1))
row("an unknown pseudo-header field", "8.3", ask(M, S, A, P, (":x", "y")), resets(1))
row(":status in a request", "8.3", ask(M, S, A, P, (":status", "200")), resets(1))
row(":protocol that was not agreed upon", "8441 3", ask((":method", "CONNECT"), S, A, P, (":protocol", "websocket")), resets(1))
row("capitals in a name", "8.2.1", ask(M, S, A, P, ("X-A", "b")), resets(1))
row("a space in a name", "8.2.1", ask(M, S, A, P, ("x a", "b")), resets(1))
row("a colon in a name", "8.2.1", ask(M, S, A, P, ("x:a", "b")), resets(1))
row("LF in a value", "8.2.1", ask(M, S, A, P, ("x", "a\nb")), resets(1))
row("CR in a value", "8.2.1", ask(M, S, A, P, ("x", "a\rb")), resets(1))
row("NUL in a value", "8.2.1", ask(M, S, A, P, ("x", "a\0b")), resets(1))
row("a space before a value", "8.2.1", ask(M, S, A, P, ("x", " a")), resets(1))
row("a space behind one", "8.2.1", ask(M, S, A, P, ("x", "a ")), resets(1))
for name in ("connection", "keep-alive", "proxy-connection", "upgrade", "transfer-encoding"):
    row(name, "8.2.2", ask(M, S, A, P, (name, "close")), resets(1))
row("te: trailers", "8.2.2", ask(M, S, A, P, ("te", "trailers")), answers(1))
row("another te", "8.2.2", ask(M, S, A, P, ("te", "gzip")), resets(1))
row("an absolute target", "8.3.1", ask(M, S, A, (":path", "https://site.test/a.txt")), resets(1))
row("a fragment", "8.3.1", ask(M, S, A, (":path", "/a.txt#x")), resets(1))
row("* for GET", "8.3.1", ask(M, S, A, (":path", "*")), resets(1))
row("* for OPTIONS", "8.3.1", ask((":method", "OPTIONS"), S, A, (":path", "*")), answers(1, 204))
row("CONNECT", "8.5", ask((":method", "CONNECT"), (":authority", HOST + ":443")), answers(1, 405))
row("CONNECT with a path", "8.5", ask((":method", "CONNECT"), S, A, P), resets(1))
row("a method nobody knows", "9110 9.1", ask((":method", "BREW"), S, A, P), answers(1, 501))
row("another user's host", "9110 15.5.20", ask(M, S, (":authority", "elsewhere.test"), P), answers(1, 421))
row("another site of the same user", "9110 7.4", ask(M, S, (":authority", "other.test"), P),
    lambda c: None if c.hear(lambda: c.answered(1)) and c.status[1] in (200, 404, 421) else f"{c.status}")
row("a target of 9000 bytes", "9110 15.5.15", ask(M, S, A, (":path", "/" + "x" * 9000)), answers(1, 414))
row("a hundred and more fields", "10.5.1", ask(M, S, A, P, *((f"x-{i}", "y") for i in range(120))), answers(1, 431))
row("crumbs of cookies are one field", "8.2.3", ask(M, S, A, P, *(("cookie", f"a{i}=b") for i in range(150))), answers(1))
row("more than a head may hold", "10.5.1",
    headers(1, [M, S, A, P, ("x", "y" * 15000)], END_STREAM)[:0] + b"".join((
        frame(HEADERS, END_STREAM, 1, (b := block([M, S, A, P, *((f"x{i}", "y" * 8000) for i in range(5))]))[:16000]),
        frame(CONTINUATION, 0, 1, b[16000:32000]), frame(CONTINUATION, END_HEADERS, 1, b[32000:]))), answers(1, 431))
