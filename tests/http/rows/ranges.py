"""Range: one, several, none, and what is none."""
import re

from rowkit import (ALPHABET, ANY, CHOICE, LETTERS, MUST, SHOULD, Answer, Table, ask, chunks, echoed,
                    get, head, ok, pattern, post, said, then)

T = Table("ranges")
row = T.row
WHOLE = then(LETTERS)
BIG = bytes(range(256)) * 4096


def part(first, last, data=ALPHABET):
    return then(Answer(206, body=data[first:last + 1],
                       Content_Range=f"bytes {first}-{last}/{len(data)}".encode()))


def on(value, *lines, target="/a.txt"):
    return get(target, f"Range: {value}", *lines)


NONE = then(Answer(416, Content_Range=b"bytes */26"), end=ANY)

# --- one -------------------------------------------------------------------------------------
for value, first, last, why in [
        ("bytes=0-4", 0, 4, "the start"), ("bytes=5-9", 5, 9, "the middle"), ("bytes=20-", 20, 25, "to the end"),
        ("bytes=-5", 21, 25, "the last five"), ("bytes=0-0", 0, 0, "the first byte"),
        ("bytes=25-25", 25, 25, "the last byte"), ("bytes=-1", 25, 25, "the last byte as a suffix"),
        ("bytes=0-25", 0, 25, "all of it"), ("bytes=0-", 0, 25, "all of it, open"),
        ("bytes=20-99", 20, 25, "past the end"), ("bytes=-99", 0, 25, "a suffix longer than the file"),
        ("bytes=0-18446744073709551615", 0, 25, "to the last number of 64 bits"),
        ("bytes=20-99999999999999999999999999", 20, 25, "to a number that does not fit 64 bits"),
        ("bytes=-99999999999999999999999999", 0, 25, "a suffix that does not fit 64 bits"),
        ("bytes=000-004", 0, 4, "leading zeros"), ("bytes=0-4,", 0, 4, "an empty member behind"),
        ("bytes=,0-4", 0, 4, "an empty member before")]:
    row(f"{why}: {value}", "9110 14.1.2", SHOULD, on(value), part(first, last))
row("the name of the unit in capitals", "9110 14.1", SHOULD, on("BYTES=0-4"), part(0, 4))
row("the middle of 1 MiB", "9110 14.1.2", SHOULD, on("bytes=500000-600000", target="/big.bin"),
    part(500000, 600000, BIG))
row("the last byte of 1 MiB", "9110 14.1.2", SHOULD, on("bytes=1048575-", target="/big.bin"),
    part(1048575, 1048575, BIG))
row("a part has the length of the part", "9110 8.6", MUST, on("bytes=0-4"),
    then(Answer(206, Content_Length=b"5")), WHOLE)
row("a part keeps the ETag", "9110 15.3.7", MUST, on("bytes=0-4"), then(Answer(206, ETag=b"@ETAG@")),
    WHOLE)
row("a part has a Date", "9110 15.3.7", MUST, on("bytes=0-4"), then(Answer(206, Date=True)), WHOLE)
row("one part is no multipart", "9110 15.3.7.2", MUST, on("bytes=0-4"),
    then(Answer(206, Content_Type=lambda v: not v.startswith(b"multipart/"))), WHOLE)
row("ranges are offered", "9110 14.3", SHOULD, get(), then(Answer(200, Accept_Ranges=b"bytes")))
row("the whole file says nothing of parts", "9110 14.4", MUST, get(), then(Answer(200, Content_Range=None)))

# --- what is not there -----------------------------------------------------------------------
for value, why in [("bytes=26-", "just behind the end"), ("bytes=100-200", "far behind the end"),
                   ("bytes=-0", "the last none"), ("bytes=18446744073709551616-", "2^64"),
                   ("bytes=18446744073709551615-", "2^64 - 1"), ("bytes=30-40,50-", "two, both behind the end"),
                   ("bytes=9223372036854775807-", "2^63 - 1")]:
    row(f"{why}: {value}", "9110 15.5.17", SHOULD, on(value), NONE)
row("416 of HTTP/1.0", "9110 15.5.17", SHOULD, get("/a.txt", "Range: bytes=26-", version="1.0"),
    then(Answer(416, Content_Range=b"bytes */26"), end=ANY))
row("the start of an empty file", "9110 14.1.2", CHOICE, on("bytes=0-", target="/empty.txt"),
    said(200, 416))
row("the end of an empty file", "9110 14.1.2", CHOICE, on("bytes=-5", target="/empty.txt"),
    said(200, 416))
row("a range of nothing", "9110 13.2.1", MUST, on("bytes=0-4", target="/missing"), said(404))

# --- what is no range ------------------------------------------------------------------------
for value, why in [("items=0-4", "another unit"), ("x=0-4", "an unknown unit"), ("none=0-4", "the unit none")]:
    row(why, "9110 14.2", MUST, on(value), WHOLE)
for value, why in [("bytes=5-2", "the end before the start"), ("bytes=a-b", "letters"), ("bytes=", "nothing"),
                   ("bytes=-", "a hyphen alone"), ("bytes=--5", "two hyphens"), ("bytes 0-4", "no equals sign"),
                   ("bytes=0-4-5", "three numbers"), ("bytes=0x0-4", "hex"), ("bytes=+0-4", "a sign"),
                   ("bytes=0 -4", "a space inside"), ("0-4", "no unit"), ("=0-4", "an empty unit"),
                   ("bytes=0-4;q=1", "a parameter"), ("bytes=0-4,x", "a good and a bad one"),
                   ("bytes=5", "no hyphen"), ("bytes==0-4", "two equals signs"), ("bytes=0.0-4", "a point"),
                   ("bytes=-5-", "hyphens on both sides"), ("", "an empty field")]:
    row(f"{why} is no range: {value!r}", "9110 14.2", CHOICE, on(value), WHOLE, said(400, 416))
row("Range twice", "9110 5.3", CHOICE, get("/a.txt", "Range: bytes=0-4", "Range: bytes=5-9"),
    said(200, 206, 400, 416))

# --- other methods ---------------------------------------------------------------------------
row("HEAD has no ranges", "9110 14.2", MUST, head("/a.txt", "Range: bytes=0-4"),
    then(Answer(200, bare=True, Content_Range=None)))
row("HEAD has no 416", "9110 14.2", MUST, head("/a.txt", "Range: bytes=26-"),
    then(Answer(200, bare=True)))
row("POST has no ranges", "9110 14.2", MUST,
    post("Content-Length: 5", "Range: bytes=0-1", body="hello"), ok(echoed("hello")))
row("a script's answer may stay whole", "9110 14.2", CHOICE, on("bytes=0-4", target="/echo.php"),
    ok(echoed(b"", "GET")), then(Answer(206, 416), end=ANY))

# --- several ---------------------------------------------------------------------------------


def parts_of(r):
    """The parts of a multipart/byteranges, as (first, last, total, bytes, type)."""
    kind = re.fullmatch(rb'(?i)multipart/byteranges;\s*boundary="?([^"\s;]+)"?', r.get("Content-Type") or b"")
    if not kind:
        return None
    pieces = (b"\r\n" + r.body).split(b"\r\n--" + kind[1])
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        return None
    found = []
    for piece in pieces[1:-1]:
        top, _, body = piece.partition(b"\r\n\r\n")
        span = re.search(rb"(?im)^content-range:\s*bytes (\d+)-(\d+)/(\d+)\s*$", top)
        if not span:
            return None
        found.append((int(span[1]), int(span[2]), int(span[3]), body, b"content-type:" in top.lower()))
    return found


def covers(*wanted, data=ALPHABET, ordered=False):
    """A 206 whose parts are true, cover what was wanted and nothing that nobody asked for."""
    def check(r):
        if r.get("Content-Range"):
            one = re.fullmatch(rb"bytes (\d+)-(\d+)/(\d+)", r.get("Content-Range"))
            parts = one and [(int(one[1]), int(one[2]), int(one[3]), r.body, True)]
        else:
            parts = parts_of(r)
        if not parts:
            return "no parts that can be read"
        for first, last, total, body, _ in parts:
            if total != len(data) or body != data[first:last + 1]:
                return f"part {first}-{last}/{total} is not those bytes"
        if {i for f, l, *_ in parts for i in range(f, l + 1)} != {i for f, l in wanted for i in range(f, l + 1)}:
            return f"got {[p[:2] for p in parts]}"
        return not ordered or [p[:2] for p in parts] == list(wanted) or f"order {[p[:2] for p in parts]}"
    return then(Answer(206, check=check))


for value, wanted, why in [("bytes=0-1,4-5", [(0, 1), (4, 5)], "two"), ("bytes=0-1, 4-5", [(0, 1), (4, 5)], "two with a space"),
                           ("bytes=20-,0-1", [(20, 25), (0, 1)], "the end first"), ("bytes=0-0,-1", [(0, 0), (25, 25)], "first and last byte"),
                           ("bytes=1-2,5-6,9-10,13-14", [(1, 2), (5, 6), (9, 10), (13, 14)], "four"),
                           ("bytes=0-1,,4-5", [(0, 1), (4, 5)], "an empty member between two")]:
    row(f"{why}: {value}", "9110 14.2", SHOULD, on(value), covers(*wanted))
row("several ranges keep their order", "9110 15.3.7.2", SHOULD, on("bytes=20-21,0-1"),
    covers((20, 21), (0, 1), ordered=True))
for value, wanted, why in [("bytes=0-4,2-8", [(0, 8)], "overlapping"), ("bytes=0-4,5-8", [(0, 8)], "touching"),
                           ("bytes=0-4,0-4", [(0, 4)], "twice the same"), ("bytes=0-,-1", [(0, 25)], "one inside the other")]:
    row(f"{why} ranges: {value}", "9110 15.3.7.2", CHOICE, on(value), covers(*wanted), WHOLE, said(416))
row("one there and one not", "9110 14.1.2", SHOULD, on("bytes=0-4,100-"), covers((0, 4)))
row("several parts have a type of their own", "9110 15.3.7.2", MUST, on("bytes=0-1,4-5"),
    then(Answer(206, check=lambda r: all(p[4] for p in parts_of(r) or []))), WHOLE)
row("several parts have no Content-Range in the head", "9110 15.3.7.2", MUST, on("bytes=0-1,4-5"),
    then(Answer(206, Content_Range=None, Content_Type=pattern("(?i)multipart/byteranges.*"))), WHOLE)
row("several parts, then another request", "9112 6.3", MUST, on("bytes=0-1,4-5") + get(),
    then(Answer(200, 206), LETTERS))
MANY = ",".join(f"{i * 10}-{i * 10}" for i in range(200))
row("two hundred small ranges", "9110 14.2", CHOICE, on(f"bytes={MANY}", target="/big.bin"),
    said(200, 206, 416))
row("two hundred times all of it", "9110 17.15", SHOULD, on("bytes=" + ",".join(["0-"] * 200), target="/big.bin"),
    then(Answer(200, 206, 416, check=lambda r: len(r.body) < 2 * len(BIG)), end=ANY))
row("a range of what could be compressed", "9110 14.2", MUST,
    on("bytes=0-99", "Accept-Encoding: gzip", target="/style.css"),
    then(Answer(206, check=lambda r: len(r.body) == 100 and r.get("Content-Encoding") is None
                or r.get("Content-Encoding") == b"gzip")), then(Answer(200)))
row("a range of HTTP/1.0", "9110 14.2", CHOICE, get("/a.txt", "Range: bytes=0-4", version="1.0"),
    said(200, 206))
