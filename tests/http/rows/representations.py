"""Fields that describe content; content codings, their ETags and Vary."""
import gzip
import re

from rowkit import (ALPHABET, ANY, CHOICE, LETTERS, MODIFIED, MUST, SHOULD, Answer, Table, get, head, ok,
                    pattern, said, then)
from site_files import CSS, PRE

T = Table("representations")
row = T.row
DATE = pattern(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
               r"\d{4} \d\d:\d\d:\d\d GMT")

row("Date", "9110 6.6.1", MUST, get(), then(Answer(200, Date=DATE)))
row("Date of an error", "9110 6.6.1", MUST, get("/missing"), then(Answer(404, Date=DATE), end=ANY))
row("Last-Modified", "9110 8.8.2.1", SHOULD, get(), then(Answer(200, Last_Modified=MODIFIED.encode())))
row("Last-Modified to HEAD", "9110 9.3.2", SHOULD, head(),
    then(Answer(200, bare=True, Last_Modified=MODIFIED.encode())))
row("a file of the future is not modified in the future", "9110 8.8.2.1", MUST, get("/future.txt"),
    then(Answer(200, Last_Modified=lambda v: b"2100" not in v)), then(Answer(200, Last_Modified=None)))
row("an ETag", "9110 8.8.3.1", SHOULD, get(),
    then(Answer(200, ETag=pattern(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"'))))
row("an ETag to HEAD", "9110 9.3.2", SHOULD, head(), then(Answer(200, bare=True, ETag=b"@ETAG@")))
row("files differ, ETags differ", "9110 8.8.3", MUST, get("/which.txt"),
    then(Answer(200, check=lambda r: r.get("ETag") != b"@ETAG@")))
row("a type", "9110 8.3", SHOULD, get(), then(Answer(200, Content_Type=pattern("text/plain(;.*)?"))))
row("the type of a page", "9110 8.3", SHOULD, get("/"), then(Answer(200, Content_Type=pattern("text/html(;.*)?"))))
row("the type of a style sheet", "9110 8.3", SHOULD, get("/style.css"),
    then(Answer(200, Content_Type=pattern("text/css(;.*)?"))))
row("the type of an error", "9110 8.3", SHOULD, get("/missing"),
    then(Answer(404, Content_Type=pattern("text/.*")), end=ANY))
row("a file of no type is no page", "9110 8.3", SHOULD, get("/notype"),
    then(Answer(200, Content_Type=lambda v: not v.startswith(b"text/html"))),
    then(Answer(200, Content_Type=None)))
row("an empty file", "9110 8.6", MUST, get("/empty.txt"), ok(b""))
row("an empty file says so", "9110 8.6", SHOULD, get("/empty.txt"), then(Answer(200, Content_Length=b"0")))
row("1 MiB", "9112 6.2", MUST, get("/big.bin"), ok(bytes(range(256)) * 4096))
row("a length, when it is known", "9110 8.6", SHOULD, get(), then(Answer(200, Content_Length=b"26")))
row("an error says how to go on", "9110 15.5", SHOULD, get("/missing"),
    then(Answer(404, body=lambda r: len(r.body) > 0), end=ANY))
row("a type that nobody has", "9110 12.5.1", CHOICE, get("/a.txt", "Accept: x/y"), then(LETTERS), said(406))
row("a language that nobody has", "9110 12.5.4", CHOICE, get("/a.txt", "Accept-Language: tlh"), then(LETTERS),
    said(406))
row("a character set that nobody has", "9110 12.5.2", CHOICE, get("/a.txt", "Accept-Charset: x"), then(LETTERS),
    said(406))
row("an Accept that is none", "9110 12.5.1", CHOICE, get("/a.txt", "Accept: ;;;,"), then(LETTERS), said(400, 406))

# --- content codings -------------------------------------------------------------------------


def unpacked(content, *codings, varies=False):
    """A 200 in one of these codings ("" is none) whose content is this."""
    def check(r):
        coding = (r.get("Content-Encoding") or b"").decode().lower()
        if coding not in codings:
            return f"coded as {coding or 'identity'!r}"
        if coding in ("gzip", "x-gzip") and gzip.decompress(r.body) != content:
            return "unpacks to something else"
        if coding == "" and r.body != content:
            return "not the content"
        return not varies or varies_by(r, "accept-encoding") or f"Vary: {r.get('Vary')}"
    return then(Answer(200, check=check))


def varies_by(r, name):
    return any(m.strip().lower() in (name, "*") for v in r.all("Vary") for m in v.decode().split(","))


CODED = ["gzip", "br", "zstd", "deflate"]
for target, content, what in [("/style.css", CSS, "what can be compressed"), ("/pre.txt", PRE, "what lies there compressed")]:
    def on(value, target=target):
        return get(target, f"Accept-Encoding: {value}")
    row(f"{what}, no wish", "9110 12.5.3", MUST, get(target), unpacked(content, "", *CODED))
    row(f"{what}, no coding wanted", "9110 12.5.3", SHOULD, on(""), unpacked(content, ""))
    row(f"{what}, identity", "9110 12.5.3", SHOULD, on("identity"), unpacked(content, ""))
    row(f"{what}, gzip", "9110 12.5.3", SHOULD, on("gzip"), unpacked(content, "gzip"))
    row(f"{what}, gzip in capitals", "9110 8.4.1", SHOULD, on("GZIP"), unpacked(content, "gzip", "", "x-gzip"))
    row(f"{what}, x-gzip", "9110 8.4.1.3", CHOICE, on("x-gzip"), unpacked(content, "gzip", "x-gzip", ""))
    row(f"{what}, gzip or nothing at all", "9110 12.5.3", SHOULD, on("gzip, identity;q=0"), unpacked(content, "gzip"))
    for value, why in [("gzip;q=0", "gzip refused"), ("gzip; q=0", "gzip refused with a space"),
                       ("gzip;q=0.0", "gzip refused with 0.0"), ("gzip;q=0.000", "gzip refused with 0.000"),
                       ("GZIP;Q=0", "gzip refused in capitals"), ("*;q=0, identity", "all refused but identity"),
                       ("foo", "an unknown coding"), ("gzipx", "a longer name than gzip"),
                       ("foo;q=1, gzip;q=0", "gzip refused, another wanted")]:
        row(f"{what}, {why}: {value}", "9110 12.5.3", SHOULD, on(value), unpacked(content, ""))
    row(f"{what}, gzip refused and the rest allowed", "9110 12.5.3", SHOULD, on("gzip;q=0, *"),
        unpacked(content, "", "br", "zstd", "deflate"))
    row(f"{what}, gzip liked less than identity", "9110 12.5.3", CHOICE, on("gzip;q=0.1, identity;q=1"),
        unpacked(content, "", "gzip"))
    row(f"{what}, whatever there is", "9110 12.5.3", CHOICE, on("*"), unpacked(content, "", *CODED))
    row(f"{what}, nothing is acceptable", "9110 12.5.3", CHOICE, on("*;q=0"), unpacked(content, ""),
        said(406, 415))
    row(f"{what}, what browsers send", "9110 12.5.3", SHOULD, on("gzip, deflate, br, zstd"),
        unpacked(content, *CODED))
    row(f"{what}, in two lines", "9110 5.3", SHOULD, get(target, "Accept-Encoding: foo", "Accept-Encoding: gzip"),
        unpacked(content, "gzip"))
    for value, why in [("gzip;q=2", "a weight above 1"), ("gzip;q=x", "a weight that is none"), (";;,,q=", "garbage"),
                       ("gzip;q=0.1234", "a weight of four digits"), ("gzip;q=-1", "a negative weight")]:
        row(f"{what}, {why}", "9110 12.4.2", CHOICE, on(value), unpacked(content, "", "gzip"), said(400, 406))
    row(f"{what} says that it varies", "9110 12.5.5", SHOULD, on("gzip"), unpacked(content, "gzip", varies=True))
    row(f"{what} says that it varies, uncompressed too", "9110 12.5.5", SHOULD, on("identity"),
        unpacked(content, "", varies=True))
    row(f"{what}, HEAD varies like GET", "9110 12.5.5", SHOULD, head(target, "Accept-Encoding: gzip"),
        then(Answer(200, bare=True, check=lambda r: varies_by(r, "accept-encoding"))))

row("a coded answer has an ETag of its own", "9110 8.8.3.3", MUST, get("/style.css", "Accept-Encoding: gzip"),
    then(Answer(200, Content_Encoding=True, ETag=None)), then(Answer(200, Content_Encoding=None)),
    then(Answer(200, Content_Encoding=True, ETag=pattern("W/.*"))),
    then(Answer(200, Content_Encoding=True, check=lambda r: r.get("ETag") != r.known["PLAIN_ETAG"])))
row("a coded answer that is still fresh", "9110 13.1.2", MUST,
    get("/style.css", "Accept-Encoding: gzip", "If-None-Match: @GZIP_ETAG@"), then(Answer(304)))
row("304 says that it varies", "9110 15.4.5", MUST,
    get("/style.css", "Accept-Encoding: gzip", "If-None-Match: @GZIP_ETAG@"),
    then(Answer(304, check=lambda r: not r.known["GZIP_VARY"] or varies_by(r, "accept-encoding"))))
row("what nobody compresses is not compressed again", "9110 8.4", SHOULD,
    get("/pic.png", "Accept-Encoding: gzip, br"), then(Answer(200, Content_Encoding=None)))
row("a small file in gzip, or not", "9110 12.5.3", CHOICE, get("/a.txt", "Accept-Encoding: gzip"),
    unpacked(ALPHABET, "", "gzip"))
row("a script's answer in gzip, or not", "9110 12.5.3", CHOICE, get("/long.php", "Accept-Encoding: gzip"),
    unpacked(b"0123456789" * 2000, "", "gzip"))
row("a script's answer with gzip refused", "9110 12.5.3", SHOULD, get("/long.php", "Accept-Encoding: gzip;q=0"),
    unpacked(b"0123456789" * 2000, ""))
row("a compressed file is what it is", "9110 8.4", CHOICE, get("/pre.txt.gz"),
    then(Answer(200, check=lambda r: gzip.decompress(r.body) == PRE)), said(403, 404))
