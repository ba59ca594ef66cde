"""Whose site: Host, absolute-form, and what no host can be called."""
from rowkit import (ANY, CHOICE, MUST, SHOULD, Answer, Table, ask, get, ok, refused, said, then)

T = Table("host")
row = T.row
SITE, OTHER = b"site\n", b"other\n"


def at(host, **more):
    return get("/which.txt", host=host, **more)


def absolute(target, *lines, host="site.test"):
    return get(target, *lines, host=host)


BAD = then(Answer(400), end=ANY)
ELSEWHERE = said(200, 301, 400, 403, 404, 421)

row("the host's own site", "9110 7.2", MUST, at("site.test"), ok(SITE))
row("another host's site", "9110 7.2", MUST, at("other.test"), ok(OTHER))
row("both sites on one connection", "9112 9.3", MUST,
    at("site.test") + at("other.test") + at("site.test"),
    then(Answer(200, body=SITE), Answer(200, body=OTHER), Answer(200, body=SITE)))
row("a host in capitals", "9110 4.2.3", MUST, at("OTHER.Test"), ok(OTHER))
row("a host with the port", "9110 7.2", MUST, at("other.test:@PORT@"), ok(OTHER))
row("a host with an empty port", "3986 3.2.3", MUST, at("other.test:"), ok(OTHER))
row("a host with another port", "9110 7.4", CHOICE, at("other.test:1"), ELSEWHERE)
row("a host with a trailing dot", "3986 3.2.2", CHOICE, at("other.test."), ELSEWHERE)
row("a host that nobody knows", "9110 7.4", CHOICE, at("nobody.test"), ELSEWHERE)
row("a host of 300 letters", "9110 7.2", CHOICE, at("a" * 300), ELSEWHERE)
row("an IPv6 address", "3986 3.2.2", CHOICE, at("[::1]"), ELSEWHERE)
row("an IPv6 address with a port", "3986 3.2.2", CHOICE, at("[::1]:@PORT@"), ELSEWHERE)
row("an IPv4 address", "3986 3.2.2", CHOICE, at("127.0.0.1"), ELSEWHERE)
row("a host with escapes", "3986 3.2.2", CHOICE, at("%73ite.test"), ELSEWHERE)
row("a future kind of address", "3986 3.2.2", CHOICE, at("[v1.x]"), ELSEWHERE)
row("a host with an underscore", "3986 3.2.2", CHOICE, at("a_b.test"), ELSEWHERE)
row("a host with sub-delims", "3986 3.2.2", CHOICE, at("a,b;c=d"), ELSEWHERE)
row("a port of five nines", "3986 3.2.3", CHOICE, at("site.test:99999"), ELSEWHERE)
row("an empty host", "9112 3.2", CHOICE, at(""), ELSEWHERE)
row("no host", "9112 3.2", MUST, at(None), BAD)
row("no host, HTTP/1.2", "9112 3.2", SHOULD, at(None, version="1.2"), said(400, 505))
row("no host on HTTP/1.0", "9112 3.2", CHOICE, at(None, version="1.0"), refused(200, 400, 404))
row("two hosts", "9112 3.2", MUST, get("/which.txt", "Host: other.test"), BAD)
row("the same host twice", "9112 3.2", MUST, get("/which.txt", "Host: site.test"), BAD)
row("two hosts on HTTP/1.0", "9112 3.2", MUST,
    get("/which.txt", "Host: other.test", version="1.0"), BAD)
row("a host, and an empty one", "9112 3.2", MUST, get("/which.txt", "Host:"), BAD)
row("two hosts far apart", "9112 3.2", MUST,
    get("/which.txt", *(f"X-{i}: y" for i in range(20)), "hOST: other.test"), BAD)

for bad, why in [("a b", "a space"), ("site.test/", "a slash"), ("site.test?", "a question mark"),
                 ("site.test#x", "a hash"), ("user@site.test", "userinfo"), ("@site.test", "an empty userinfo"),
                 ("site.test:a", "letters as a port"), ("site.test:80:80", "two ports"),
                 ("site.test:-1", "a negative port"), ("site.test:+80", "a signed port"),
                 ("site.test: 80", "a space before a port"), ("[::1", "a bracket that stays open"),
                 ("::1", "an IPv6 address without brackets"), ("[::g]", "no IPv6 address"),
                 ("[1.2.3.4]", "IPv4 in brackets"), ("[::1]x", "letters behind brackets"),
                 ("[]", "empty brackets"), ("a\\b", "a backslash"), ("<a>", "angle brackets"),
                 ('"site.test"', "quotes"), ("a^b", "a caret"), ("a|b", "a bar"), ("{a}", "braces"),
                 ("a%zz", "a bad escape"), ("a%", "half an escape"),
                 ("http://site.test", "a whole URI"), ("site.test\x01", "a control"),
                 ("site.test\x00", "NUL"), ("s\xefte.test", "a byte above ASCII"),
                 ("site.test other.test", "two names"), ("site.test\tother.test", "a tab"),
                 ("../../etc", "a path")]:
    row(f"{why} in a host: {bad!r}", "9112 3.2", MUST, at(bad), BAD)

# --- absolute-form ---------------------------------------------------------------------------
row("absolute-form", "9112 3.2.2", MUST, absolute("http://site.test/which.txt"), ok(SITE))
row("absolute-form beats Host", "9112 3.2.2", MUST, absolute("http://other.test/which.txt"),
    ok(OTHER))
row("absolute-form beats Host, the other way round", "9112 3.2.2", MUST,
    absolute("http://site.test/which.txt", host="other.test"), ok(SITE))
row("absolute-form with a port", "9112 3.2.2", MUST,
    absolute("http://other.test:@PORT@/which.txt"), ok(OTHER))
row("absolute-form in capitals", "3986 3.1", MUST, absolute("HTTP://OTHER.TEST/which.txt"),
    ok(OTHER))
row("absolute-form with a query", "9112 3.2.2", MUST, absolute("http://other.test/which.txt?a=b"),
    ok(OTHER))
row("absolute-form without a path", "9110 4.2.3", MUST, absolute("http://other.test"),
    ok(b"other index\n"))
row("absolute-form with a query and no path", "9110 4.2.3", MUST, absolute("http://other.test?a=b"),
    ok(b"other index\n"))
row("absolute-form without Host", "9112 3.2", MUST,
    absolute("http://other.test/which.txt", host=None), BAD)
row("absolute-form on HTTP/1.0 without Host", "9112 3.2.2", MUST,
    get("http://other.test/which.txt", host=None, version="1.0"),
    refused(200, body=OTHER))
row("absolute-form with two Hosts", "9112 3.2", MUST,
    absolute("http://other.test/which.txt", "Host: site.test"), BAD)
row("absolute-form with a bad Host", "9112 3.2", CHOICE,
    absolute("http://other.test/which.txt", host="a b"), ok(OTHER), said(400))
row("absolute-form with an empty Host", "9112 3.2.2", MUST,
    absolute("http://other.test/which.txt", host=""), ok(OTHER))
row("absolute-form without a host", "9110 4.2.1", MUST, absolute("http:///which.txt"), BAD)
row("absolute-form with a port and no host", "9110 4.2.1", MUST,
    absolute("http://:80/which.txt"), BAD)
row("absolute-form with userinfo", "9110 4.2.4", SHOULD,
    absolute("http://user:secret@site.test/which.txt"), BAD)
row("absolute-form with a bad port", "9112 3.2", SHOULD,
    absolute("http://site.test:x/which.txt"), BAD)
row("absolute-form of https without TLS", "9110 7.4", CHOICE,
    absolute("https://site.test/which.txt"), ELSEWHERE)
row("absolute-form of another scheme", "9110 7.4", CHOICE, absolute("ftp://site.test/which.txt"),
    said(301, 400, 403, 404, 421, 501), ok())
row("absolute-form without slashes", "9112 3.2", SHOULD, absolute("http:site.test/which.txt"),
    said(400, 404))
row("absolute-form with one slash", "9110 4.2.1", SHOULD, absolute("http:/which.txt"),
    said(400, 404))
row("absolute-form with a space in the host", "9112 3.2", SHOULD,
    absolute("http://si te.test/which.txt"), BAD)
row("authority-form without CONNECT", "9112 3.2.3", SHOULD, absolute("site.test:80"), BAD)
row("OPTIONS of an absolute-form without a path", "9112 3.2.4", CHOICE,
    ask("OPTIONS", "http://site.test"), said(200, 204, 403, 405, 501))
