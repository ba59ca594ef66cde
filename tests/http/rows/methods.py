"""Which methods are known, which are allowed, and that HEAD says what GET would."""
from rowkit import (ANY, CHOICE, MUST, SHOULD, Answer, Table, ask, echoed, get, head, ok, pattern,
                    post, said, then)

T = Table("methods")
row = T.row

READS = pattern(r"(?=.*\bGET\b)(?=.*\bHEAD\b).*")


def allow_stands(r):
    """A 405 must say what is allowed."""
    return r.status != 405 or r.get("Allow") is not None


for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS", "PROPFIND", "LOCK"):
    target = "site.test:80" if method == "CONNECT" else "/a.txt"
    row(f"{method} to a file: a 405 says what is allowed", "9110 15.5.6", MUST, ask(method, target),
        then(Answer(200, 204, 400, 403, 404, 405, 409, 411, 501, check=allow_stands), end=ANY))
for method in ("PUT", "DELETE", "PATCH"):
    row(f"{method} to a file is known but not allowed", "9110 9.1", SHOULD, ask(method, "/a.txt"),
        then(Answer(405, Allow=READS), end=ANY))
row("POST to a file", "9110 9.3.3", CHOICE, ask("POST", "/a.txt"),
    said(200, 405, 411))
row("POST to a file: what is allowed", "9110 10.2.1", SHOULD, ask("POST", "/a.txt"),
    then(Answer(405, Allow=READS), end=ANY), said(200))
row("a refused method does not end the connection", "9112 9.3", SHOULD,
    ask("DELETE", "/a.txt") + get(),
    then(Answer(403, 405, 501), Answer(200)))
row("a refused method changed nothing", "9110 9.2.1", MUST,
    ask("DELETE", "/which.txt", "Connection: close"), said(403, 405, 501))
row("what was to be deleted is still there", "9110 9.2.1", MUST, get("/which.txt"), ok(b"site\n"))
row("nothing was put", "9110 9.3.4", MUST,
    ask("PUT", "/put.txt", "Content-Length: 3", body="put") + get("/put.txt"),
    then(Answer(403, 404, 405, 409, 501), Answer(404)), said(403, 404, 405, 409, 501))

for method in ("FOO", "get", "Get", "GETT", "GE", "G", "HEADS", "POSTT", "post", "X-Y", "BREW",
               "head", "A" * 31, "OPTION", "GET1", "$", "!#$%&'*+-.^_`|~"):
    row(f"an unknown method: {method}", "9110 9.1", SHOULD, ask(method, "/a.txt"),
        then(Answer(501), end=ANY))
row("an unknown method to nothing", "9110 9.1", SHOULD, ask("FOO", "/missing"),
    then(Answer(404, 501), end=ANY))
row("an unknown method with a body", "9112 6.3", MUST,
    ask("FOO", "/a.txt", "Content-Length: 5", body="hello"), said(400, 403, 405, 501))
row("an unknown method and then a good request", "9112 9.3", CHOICE,
    ask("FOO", "/a.txt") + get(), then(Answer(400, 403, 405, 501), Answer(200)),
    said(400, 403, 405, 501))

# --- OPTIONS, TRACE, CONNECT -----------------------------------------------------------------
row("OPTIONS of a file", "9110 9.3.7", SHOULD, ask("OPTIONS", "/a.txt"),
    then(Answer(200, 204, Allow=READS)))
row("OPTIONS of the server", "9110 9.3.7", SHOULD, ask("OPTIONS", "*"), then(Answer(200, 204)))
row("OPTIONS of the server without Host", "9112 3.2", MUST, ask("OPTIONS", "*", host=None),
    said(400))
row("OPTIONS with a body", "9110 9.3.7", MUST,
    ask("OPTIONS", "/a.txt", "Content-Length: 5", body="hello"), said(200, 204, 400, 405, 413))
row("OPTIONS of nothing", "9110 9.3.7", CHOICE, ask("OPTIONS", "/missing"),
    said(200, 204, 403, 404, 405))
row("TRACE says no secrets back", "9110 9.3.8", SHOULD,
    ask("TRACE", "/a.txt", "Cookie: secret=1", "Authorization: Basic c2VjcmV0"),
    then(Answer(200, 400, 403, 405, 501, check=lambda r: b"secret" not in r.body), end=ANY))
row("TRACE with a body", "9110 9.3.8", CHOICE,
    ask("TRACE", "/a.txt", "Content-Length: 5", body="hello"), said(200, 400, 403, 405, 413, 501))
row("CONNECT is for proxies", "9110 9.3.6", SHOULD, ask("CONNECT", "site.test:80"),
    said(400, 403, 404, 405, 501))
row("CONNECT with a path", "9112 3.2.3", SHOULD, ask("CONNECT", "/a.txt"),
    said(400, 403, 404, 405, 501))
row("CONNECT of another host", "9110 9.3.6", MUST, ask("CONNECT", "192.0.2.1:22"),
    said(400, 403, 404, 405, 421, 501))

# --- scripts get what they may want ----------------------------------------------------------
for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
    row(f"{method} to a script", "9110 9.1", CHOICE,
        ask(method, "/echo.php", "Content-Length: 5", body="hello"),
        ok(echoed("hello", method)), said(400, 403, 405, 413))
row("HEAD to a script", "9110 9.3.2", MUST, head("/echo.php"), then(Answer(200, bare=True)))

# --- HEAD ------------------------------------------------------------------------------------
for target, why in [("/a.txt", "a file"), ("/", "an index"), ("/dir", "a directory without its slash"),
                    ("/missing", "nothing"), ("/empty.txt", "an empty file"), ("/big.bin", "1 MiB"),
                    ("/style.css", "what could be compressed"), ("/%zz", "a bad escape")]:
    row(f"HEAD has no body: {why}", "9110 9.3.2", MUST, head(target) + get("/a.txt"),
        then(Answer(200, 301, 302, 307, 308, 400, 404, bare=True), Answer(200)),
        then(Answer(400, bare=True), end=ANY))


def twins(target, *lines):
    """HEAD and GET of one thing, and what must be the same in both."""
    first = {}

    def keep(r):
        first["fields"] = same(r)
        first["status"] = r.status
        return True

    def compare(r):
        fields = same(r)
        if first.get("status") != r.status:
            return f"status {first.get('status')} to HEAD, {r.status} to GET"
        return fields == first["fields"] or f"HEAD {first['fields']}, GET {fields}"

    return ([head(target, *lines) + get(target, *lines)],
            then(Answer(200, 206, 301, 304, 404, bare=True, check=keep),
                 Answer(200, 206, 301, 304, 404, check=compare)))


def same(r):
    """The fields of an answer; those that only making the content tells may be missing."""
    loose = {"date", "transfer-encoding", "content-length", "vary", "age", "accept-ranges"}
    return sorted((n.lower(), v) for n, v in r.fields if n.lower() not in loose)


for target, lines, why in [("/a.txt", (), "a file"), ("/", (), "an index"), ("/dir", (), "a redirect"),
                           ("/missing", (), "nothing"),
                           ("/style.css", ("Accept-Encoding: gzip",), "what is compressed"),
                           ("/pre.txt", ("Accept-Encoding: gzip",), "what lies there compressed"),
                           ("/a.txt", ("If-None-Match: @ETAG@",), "what has not changed")]:
    row(f"HEAD says what GET says: {why}", "9110 9.3.2", SHOULD, *twins(target, *lines))
row("HEAD has the length that GET has", "9110 8.6", MUST, head("/a.txt"),
    then(Answer(200, bare=True, Content_Length=b"26")),
    then(Answer(200, bare=True, Content_Length=None)))
