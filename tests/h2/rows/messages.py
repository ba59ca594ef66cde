"""Bodies, trailers, interim answers. RFC 9113 8.1"""
from rowkit import *
from frames import *

T = Table("messages")
row = T.row
POST = request("POST", "/echo.php")


def post(*more):
    return headers(1, POST + list(more), END_HEADERS)


row("a body of the length that was said", "8.1.1", post(("content-length", "3")) + data(1, b"abc"), answers(1, 200, b"POST 3 abc"))
row("a body of no said length", "8.1", post() + data(1, b"ab", 0) + data(1, b"c"), answers(1, 200, b"POST 3 abc"))
row("an empty body", "8.1", post() + data(1), answers(1, 200, b"POST 0 "))
row("a body longer than was said", "8.1.1", post(("content-length", "2")) + data(1, b"abc"), resets(1))
row("a body shorter than was said", "8.1.1", post(("content-length", "4")) + data(1, b"abc"), resets(1))
row("a length, and the end with the head", "8.1.1",
    headers(1, POST + [("content-length", "4")]), resets(1))
row("trailers", "8.1", post() + data(1, b"abc", 0) + headers(1, [("x", "y")]), answers(1, 200, b"POST 3 abc"))
row("trailers that do not end it", "8.1", post() + data(1, b"abc", 0) + headers(1, [("x", "y")], END_HEADERS),
    refuses(1, PROTOCOL_ERROR))
row("a pseudo-header field in trailers", "8.1", post() + data(1, b"abc", 0) + headers(1, [(":path", "/")]),
    resets(1, PROTOCOL_ERROR, INTERNAL_ERROR))
row("capitals in trailers", "8.2.1", post() + data(1, b"abc", 0) + headers(1, [("X", "y")]),
    resets(1, PROTOCOL_ERROR, INTERNAL_ERROR))
row("connection in trailers", "8.2.2", post() + data(1, b"abc", 0) + headers(1, [("connection", "y")]),
    resets(1, PROTOCOL_ERROR, INTERNAL_ERROR))
row("100 is said to who waits for it", "8.1", [post(("expect", "100-continue")), 0.3, data(1, b"abc")],
    lambda c: answers(1, 200, b"POST 3 abc")(c) or (None if (1, 100) in c.interim else "no 100"))
row("100 is not said to who gets no answer for it", "8.1",
    headers(1, request("POST", "/a.txt", ("expect", "100-continue")), END_HEADERS),
    lambda c: None if c.hear(lambda: c.status.get(1) == 405) and not c.interim else f"{c.status} {c.interim}")
row("another expectation", "9110 10.1.1", headers(1, POST + [("expect", "tea")]), answers(1, 417))
row("HEAD has no body", "8.1", headers(1, request("HEAD")), answers(1, 200, b""))
row("304 has none", "8.1", headers(1, request("GET", "/a.txt", ("if-modified-since", "Fri, 31 Dec 2038 00:00:00 GMT"))),
    lambda c: None if c.hear(lambda: c.answered(1)) and c.status[1] in (200, 304) else "no")
row("a part", "9110 14", headers(1, request("GET", "/a.txt", ("range", "bytes=1-3"))), answers(1, 206, b"bcd"))
row("no fields of a connection in answers", "8.2.2", headers(1),
    lambda c: answers(1)(c) or (None if not {"connection", "transfer-encoding", "keep-alive"} & set(c.fields[1]) else f"{c.fields}"))
row("what PHP says over HTTP/2.0", "3875", headers(1, request("GET", "/proto.php")), answers(1, 200, b"HTTP/2.0 site.test"))
