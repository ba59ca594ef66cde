"""The chunked transfer coding."""
from rowkit import (CHOICE, CLOSE, LETTERS, MUST, SHOULD, SMUGGLED, Answer, HalfClose, Pause,
                    Table, chunks, echoed, get, ok, refused, said, silent, then)

T = Table("chunked")
row = T.row
HELLO = echoed("hello")
END = "0\r\n\r\n"


def hello(size="5", data="hello\r\n", end=END, more=b""):
    return chunks((size + "\r\n" + data + end).encode("latin-1") + more)


row("one chunk", "9112 7.1", MUST, hello(), ok(HELLO))
row("no chunk but the last", "9112 7.1", MUST, chunks(END), ok(echoed()))
row("two chunks", "9112 7.1", MUST, chunks("2\r\nhe\r\n3\r\nllo\r\n" + END), ok(HELLO))
row("two hundred chunks of one byte", "9112 7.1", MUST, chunks("1\r\nx\r\n" * 200 + END),
    ok(echoed("x" * 200)))
row("a size in capitals", "9112 7.1", MUST, chunks("1A\r\n" + "x" * 26 + "\r\n" + END),
    ok(echoed("x" * 26)))
row("a size in small letters", "9112 7.1", MUST, chunks("1a\r\n" + "x" * 26 + "\r\n" + END),
    ok(echoed("x" * 26)))
row("leading zeros of a size", "9112 7.1", MUST, hello("0005"), ok(HELLO))
row("forty leading zeros of a size", "9112 7.1", CHOICE, hello("0" * 40 + "5"), ok(HELLO),
    refused(400, 413))
row("several zeros as the last chunk", "9112 7.1", MUST, hello(end="000\r\n\r\n"), ok(HELLO))
row("data that looks like the end", "9112 7.1", MUST, chunks("5\r\n0\r\n\r\n\r\n" + END),
    ok(echoed(END)))
row("what follows the last chunk is the next request", "9112 9.3.2", MUST, hello(more=get()),
    then(Answer(200, body=HELLO), LETTERS))
row("a chunk that looks like a request", "9112 7.1", MUST,
    chunks(f"{len(SMUGGLED):x}\r\n".encode() + SMUGGLED + b"\r\n" + END.encode()),
    ok(echoed(SMUGGLED)))
row("byte by byte", "9112 7.1", MUST,
    [chunks("")] + [bytes([b]) for b in b"5\r\nhello\r\n0\r\n\r\n"], ok(HELLO))
row("a pause in the middle of a size", "9112 7.1", MUST,
    [chunks("1"), Pause(0.05), b"0\r\n", b"x" * 16 + b"\r\n0\r\n\r\n"], ok(echoed("x" * 16)))

# --- extensions ------------------------------------------------------------------------------
for ext, why in [(";a=b", "an extension"), (";a", "an extension without a value"),
                 (';a="b"', "a quoted value"), (';a="b;c=d"', "a semicolon in quotes"),
                 (';a="\\""', "an escaped quote"), (";a=b;c=d;e", "three extensions"),
                 (";" + "a" * 100, "an extension of 100 letters")]:
    row(f"{why} is ignored: {ext[:16]}", "9112 7.1.1", MUST, hello("5" + ext), ok(HELLO))
for ext, why in [(" ;a=b", "before"), ("\t;a=b", "as a tab before"), ("; a=b", "behind"),
                 (" ; a = b", "everywhere around")]:
    row(f"white space {why} an extension's semicolon is removed", "9110 5.6.3", MUST,
        hello("5" + ext), ok(HELLO))
row("an extension of the last chunk", "9112 7.1.1", MUST, hello(end="0;a=b\r\n\r\n"), ok(HELLO))
row("an extension of 20 KiB", "9112 7.1.1", SHOULD, hello("5;" + "a" * 20480),
    then(Answer(400, 413, 431), end=CLOSE))
row("extensions of 64 KiB in 1000 chunks", "9112 7.1.1", SHOULD,
    chunks(("1;" + "a" * 64 + "\r\nx\r\n") * 1000 + END),
    then(Answer(400, 413, 431), end=CLOSE))
row("a bare LF in an extension", "9112 7.1", SHOULD, hello("5;a\nb"), refused(400))
row("a bare CR in an extension", "9112 7.1", SHOULD, hello("5;a\rb"), refused(400))
row("NUL in an extension", "9112 7.1", SHOULD, hello("5;a\x00b"), refused(400))

# --- sizes that are none: nothing of what follows may become a request -----------------------
for size, why in [("+5", "a sign"), ("-5", "a negative size"), ("0x5", "0x"),
                  (" 5", "a space before"), ("\t5", "a tab before"), ("5 ", "a space behind"),
                  ("5\t", "a tab behind"), ("5 5", "a space inside"), ("g", "no hex digit"),
                  ("5g", "a letter behind"), ("", "nothing"), (";a=b", "only an extension"),
                  ("5,", "a comma"), ("5.", "a point"), ("5\x00", "NUL behind"),
                  ("5\x0b", "a vertical tab behind"), ("\xb25", "a digit that is not ASCII"),
                  ("5_0", "an underscore"), ("5h", "the h of hex"), ('"5"', "quotes")]:
    row(f"{why} as a size: {size!r}", "9112 2.2", SHOULD, hello(size, more=SMUGGLED),
        refused(400))
for size, why in [("10000000000000005", "64"), ("100000000000000000000000000000005", "128")]:
    row(f"a size that wraps around at {why} bits", "9112 7.1", MUST,
        [hello(size, more=SMUGGLED), HalfClose()], refused(400, 413), silent())
for size, why in [("100000005", "32"), ("80000005", "31"), ("8000000000000005", "63"),
                  ("ffffffffffffffff", "63, all ones")]:
    row(f"a size that does not fit {why} bits", "9112 7.1", MUST,
        [hello(size), HalfClose()], refused(400, 408, 413), silent())
row("a size of one 4 KiB number", "9112 7.1", MUST, hello("f" * 4096), refused(400, 413))

# --- line ends -------------------------------------------------------------------------------
for body, why in [("5\nhello\r\n" + END, "a bare LF behind a size"),
                  ("5\r\nhello\n" + END, "a bare LF behind data"),
                  ("5\rhello\r\n" + END, "a bare CR behind a size"),
                  ("5\r\nhello\r" + END, "a bare CR behind data"),
                  ("5\r\r\nhello\r\n" + END, "two CR behind a size"),
                  ("5\r\nhello" + END, "nothing behind data"),
                  ("5\r\nhelloXX" + END, "two letters behind data"),
                  ("5\r\nhello world\r\n" + END, "more data than the size says"),
                  ("5\r\nhell\r\n" + END, "less data than the size says"),
                  ("5\r\nhello\r\n0\n\r\n", "a bare LF behind the last size"),
                  ("5\r\nhello\r\n0\r\nX", "a letter for the last line end")]:
    row(why, "9112 7.1", SHOULD, [chunks(body), SMUGGLED, HalfClose()], refused(400))
row("no last chunk", "9112 8", MUST, [chunks("5\r\nhello\r\n"), HalfClose()],
    refused(400, 408), silent())
row("half a chunk", "9112 8", MUST, [chunks("5\r\nhel"), HalfClose()], refused(400, 408),
    silent())
row("the last chunk without its empty line", "9112 8", MUST,
    [chunks("5\r\nhello\r\n0\r\n"), HalfClose()], refused(400, 408), silent())

# --- trailers --------------------------------------------------------------------------------


def trailed(lines, more=b""):
    return hello(end="0\r\n" + lines + "\r\n", more=more)


DROPPED = [ok(HELLO), refused(400)]
row("a trailer", "9112 7.1.2", MUST, trailed("X-Test: a\r\n"), ok(HELLO))
row("three trailers, and the next request", "9112 7.1.2", MUST,
    trailed("A: 1\r\nB: 2\r\nC: 3\r\n", more=get()), then(Answer(200, body=HELLO), LETTERS))
for field in ("Content-Length: 60", "Transfer-Encoding: chunked", "Host: other.test",
              "Expect: 100-continue", "Content-Encoding: gzip"):
    row(f"a trailer that would reframe or route: {field}", "9110 6.5.1", MUST,
        trailed(field + "\r\n", more=get()), then(Answer(200, body=HELLO), LETTERS),
        refused(400))
row("trailers of 100 KB", "9110 5.4", MUST, trailed("X: " + "y" * 100000 + "\r\n"), ok(HELLO),
    said(400, 413, 431))
row("a thousand trailers", "9110 5.4", MUST, trailed("X: y\r\n" * 1000), ok(HELLO),
    said(400, 413, 431))
row("white space before a trailer's colon", "9112 5.1", MUST, trailed("X : y\r\n"),
    refused(400))
row("a folded trailer", "9112 5.2", MUST, trailed("X: a\r\n b\r\n"), ok(HELLO), refused(400))
row("a trailer without a colon", "9112 2.2", SHOULD, trailed("X\r\n"), refused(400))
row("a trailer without a name", "9112 2.2", SHOULD, trailed(": x\r\n"), refused(400))
row("a trailer with NUL", "9110 5.5", MUST, trailed("X: a\x00b\r\n"), *DROPPED)
row("a trailer that looks like a request", "9112 2.2", SHOULD,
    trailed("GET /smuggled.txt HTTP/1.1\r\n"), refused(400))
