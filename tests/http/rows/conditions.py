"""Conditional requests in their order of precedence, dates in all three formats."""
from rowkit import (ALPHABET, ANY, CHOICE, LETTERS, MODIFIED, MUST, SHOULD, Answer, Table, ask, get,
                    head, ok, said, then)

T = Table("conditions")
row = T.row

SAME = {"as it is sent today": MODIFIED, "as RFC 850 writes it": "Sunday, 06-Nov-94 08:49:37 GMT",
        "as asctime() writes it": "Sun Nov  6 08:49:37 1994"}
BEFORE = {"as it is sent today": "Sat, 05 Nov 1994 08:49:37 GMT",
          "as RFC 850 writes it": "Saturday, 05-Nov-94 08:49:37 GMT",
          "as asctime() writes it": "Sat Nov  5 08:49:37 1994"}
AFTER = {"as it is sent today": "Mon, 01 Jan 2001 00:00:00 GMT",
         "as RFC 850 writes it": "Monday, 01-Jan-01 00:00:00 GMT",
         "as asctime() writes it": "Mon Jan  1 00:00:00 2001"}
LATER, EARLIER = AFTER["as it is sent today"], BEFORE["as it is sent today"]

FRESH = then(Answer(304))
FAILED = then(Answer(412), end=ANY)
WHOLE = then(LETTERS)


def on(*lines, **more):
    return get("/a.txt", *lines, **more)


# --- If-None-Match ---------------------------------------------------------------------------
for value, why in [("@ETAG@", "the very ETag"), ("W/@OPAQUE@", "the ETag, made weak"),
                   ('"x", @ETAG@', "the last of two"), ('@ETAG@, "x"', "the first of two"),
                   ('"x",@ETAG@,"y"', "one of three without spaces"), ("*", "an asterisk"),
                   ('"a,b", @ETAG@', "behind a comma in quotes"), (", @ETAG@ ,", "empty members"),
                   ('"", @ETAG@', "behind an empty tag"), ('W/"x", W/@OPAQUE@', "all of them weak")]:
    row(f"If-None-Match: {why}", "9110 13.1.2", MUST, on(f"If-None-Match: {value}"), FRESH)
row("If-None-Match in two lines", "9110 5.3", MUST,
    on('If-None-Match: "x"', "If-None-Match: @ETAG@"), FRESH)
row("If-None-Match: another tag", "9110 13.1.2", MUST, on('If-None-Match: "x"'), WHOLE)
row("If-None-Match: tags differ by case", "9110 8.8.3.2", MUST,
    on('If-None-Match: "X", "etag"'), WHOLE)
row("If-None-Match: a tag without quotes", "9110 8.8.3", CHOICE, on("If-None-Match: x"), WHOLE,
    said(304, 400))
row("If-None-Match: an empty list", "9110 13.1.2", CHOICE, on("If-None-Match:"), WHOLE, said(400))
row("If-None-Match: a quote that stays open", "9110 8.8.3", CHOICE, on('If-None-Match: "x'), WHOLE,
    said(400))
row("If-None-Match to HEAD", "9110 13.1.2", MUST, head("/a.txt", "If-None-Match: @ETAG@"), FRESH)
row("304 keeps the ETag", "9110 15.4.5", MUST, on("If-None-Match: @ETAG@"),
    then(Answer(304, ETag=b"@ETAG@")))
row("304 has a Date", "9110 15.4.5", MUST, on("If-None-Match: @ETAG@"), then(Answer(304, Date=True)))
row("304 does not repeat what describes the content", "9110 15.4.5", SHOULD,
    on("If-None-Match: @ETAG@"), then(Answer(304, Content_Type=None, Content_Encoding=None,
                                             Content_Range=None)))
row("a 304's length is the 200's, or is not there", "9110 8.6", MUST, on("If-None-Match: @ETAG@"),
    then(Answer(304, check=lambda r: r.get("Content-Length") in (None, b"26"))))

# --- If-Modified-Since -----------------------------------------------------------------------
for how, date in SAME.items():
    row(f"If-Modified-Since: the same second, {how}", "9110 5.6.7", MUST,
        on(f"If-Modified-Since: {date}"), FRESH)
for how, date in AFTER.items():
    row(f"If-Modified-Since: later, {how}", "9110 13.1.3", SHOULD, on(f"If-Modified-Since: {date}"),
        FRESH)
for how, date in BEFORE.items():
    row(f"If-Modified-Since: earlier, {how}", "9110 13.1.3", MUST, on(f"If-Modified-Since: {date}"),
        WHOLE)
row("If-Modified-Since: in the future", "9110 13.1.3", SHOULD,
    on("If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"), FRESH)
row("If-Modified-Since to HEAD", "9110 13.1.3", SHOULD,
    head("/a.txt", f"If-Modified-Since: {MODIFIED}"), FRESH)
row("If-Modified-Since to another method", "9110 13.1.3", MUST,
    ask("OPTIONS", "/a.txt", f"If-Modified-Since: {LATER}"), said(200, 204, 405))
for bad, why in [("yesterday", "a word"), ("784111777", "a number"), ("", "nothing"),
                 ("Mon, 01 Jan 2001 00:00:00", "no zone"), ("Mon, 01 Jan 2001 00:00:00 EST", "another zone"),
                 ("Mon, 01 Jan 2001 00:00:00 +0000", "a zone in numbers"),
                 ("Mon, 01 Jan 2001 25:00:00 GMT", "hour 25"), ("Mon, 01 Jan 2001 00:61:00 GMT", "minute 61"),
                 ("Mon, 32 Jan 2001 00:00:00 GMT", "day 32"), ("Fri, 30 Feb 2001 00:00:00 GMT", "30 February"),
                 ("Mon, 01 Foo 2001 00:00:00 GMT", "no month"), ("Mon, 00 Jan 2001 00:00:00 GMT", "day 0"),
                 ("Mon, 01 Jan 2001 00:00 GMT", "no seconds"), ("01 Jan 2001 00:00:00 GMT", "no day of the week"),
                 ("2001-01-01T00:00:00Z", "ISO 8601"), ("Mon, 01 Jan 20011 00:00:00 GMT", "a year of five digits"),
                 ("Mon, -1 Jan 2001 00:00:00 GMT", "a negative day"),
                 (f"{LATER}, {LATER}", "two dates"), (f"{LATER}; length=26", "a parameter")]:
    row(f"If-Modified-Since: {why} is no date", "9110 13.1.3", MUST, on(f"If-Modified-Since: {bad}"),
        WHOLE)
row("If-Modified-Since in two lines is no date", "9110 13.1.3", MUST,
    on(f"If-Modified-Since: {LATER}", f"If-Modified-Since: {LATER}"), WHOLE)
row("If-Modified-Since: white space around it", "9112 5.1", MUST,
    on(f"If-Modified-Since: \t {MODIFIED} "), FRESH)

# --- If-Match, If-Unmodified-Since -----------------------------------------------------------
for value, why in [("@ETAG@", "the very ETag"), ("*", "an asterisk"), ('"x", @ETAG@', "one of two"),
                   ('@ETAG@ , "x"', "white space before a comma")]:
    row(f"If-Match: {why}", "9110 13.1.1", MUST, on(f"If-Match: {value}"), WHOLE)
for value, why in [('"x"', "another tag"), ('"x", "y"', "two others"), ("W/@OPAQUE@", "a weak tag"),
                   ('"x", W/@OPAQUE@', "another, and a weak one")]:
    row(f"If-Match: {why}", "9110 13.1.1", MUST, on(f"If-Match: {value}"), FAILED)
row("If-Match to HEAD", "9110 13.1.1", MUST, head("/a.txt", 'If-Match: "x"'),
    then(Answer(412, bare=True), end=ANY))
row("If-Match in two lines", "9110 5.3", MUST, on('If-Match: "x"', "If-Match: @ETAG@"), WHOLE)
for how, date in SAME.items():
    row(f"If-Unmodified-Since: the same second, {how}", "9110 13.1.4", MUST,
        on(f"If-Unmodified-Since: {date}"), WHOLE)
for how, date in AFTER.items():
    row(f"If-Unmodified-Since: later, {how}", "9110 13.1.4", MUST, on(f"If-Unmodified-Since: {date}"),
        WHOLE)
for how, date in BEFORE.items():
    row(f"If-Unmodified-Since: earlier, {how}", "9110 13.1.4", MUST,
        on(f"If-Unmodified-Since: {date}"), FAILED)
for bad, why in [("yesterday", "a word"), ("Sat, 05 Nov 1994 08:49:37", "no zone"),
                 ("Sat, 05 Nov 1994 08:49:37 EST", "another zone"),
                 ("Sat, 35 Nov 1994 08:49:37 GMT", "day 35")]:
    row(f"If-Unmodified-Since: {why} is no date", "9110 13.1.4", MUST, on(f"If-Unmodified-Since: {bad}"),
        WHOLE)

# --- precedence ------------------------------------------------------------------------------
for lines, outcome, why in [
        (('If-Match: "x"', "If-None-Match: @ETAG@"), FAILED, "If-Match fails before If-None-Match"),
        (("If-Match: @ETAG@", "If-None-Match: @ETAG@"), FRESH, "If-Match holds, If-None-Match decides"),
        (("If-Match: @ETAG@", f"If-Unmodified-Since: {EARLIER}"), WHOLE,
         "If-Match holds, If-Unmodified-Since is not looked at"),
        (('If-Match: "x"', f"If-Unmodified-Since: {LATER}"), FAILED,
         "If-Match fails, whatever If-Unmodified-Since says"),
        ((f"If-Unmodified-Since: {EARLIER}", "If-None-Match: @ETAG@"), FAILED,
         "If-Unmodified-Since fails before If-None-Match"),
        ((f"If-Unmodified-Since: {EARLIER}", f"If-Modified-Since: {LATER}"), FAILED,
         "If-Unmodified-Since fails before If-Modified-Since"),
        (('If-None-Match: "x"', f"If-Modified-Since: {LATER}"), WHOLE,
         "If-None-Match does not match, If-Modified-Since is not looked at"),
        (("If-None-Match: @ETAG@", f"If-Modified-Since: {EARLIER}"), FRESH,
         "If-None-Match matches, whatever If-Modified-Since says"),
        (("If-None-Match: @ETAG@", "Range: bytes=0-4"), FRESH, "If-None-Match before Range"),
        ((f"If-Modified-Since: {MODIFIED}", "Range: bytes=0-4"), FRESH,
         "If-Modified-Since before Range"),
        (('If-Match: "x"', "Range: bytes=0-4"), FAILED, "If-Match before Range"),
        (("If-None-Match: @ETAG@", "Range: bytes=100-"), FRESH, "If-None-Match before 416")]:
    row(why, "9110 13.2.2", MUST, on(*lines), outcome)
row("what is not there has no condition", "9110 13.2.1", MUST, get("/missing", "If-Match: *"), said(404))
row("what is not there is not unchanged", "9110 13.2.1", MUST, get("/missing", "If-None-Match: *"),
    said(404))
row("a redirect has no condition", "9110 13.2.1", MUST, get("/dir", 'If-Match: "x"'),
    said(301, 302, 307, 308))
row("OPTIONS has no condition", "9110 13.2.1", MUST, ask("OPTIONS", "/a.txt", 'If-Match: "x"'),
    said(200, 204, 405))

# --- If-Range --------------------------------------------------------------------------------
PART = then(Answer(206, body=ALPHABET[:5], Content_Range=b"bytes 0-4/26"))
for lines, level, outcomes, why in [
        (("If-Range: @ETAG@",), SHOULD, [PART], "the very ETag"),
        ((f"If-Range: {MODIFIED}",), SHOULD, [PART], "the very date"),
        (('If-Range: "x"',), MUST, [WHOLE], "another tag"),
        (("If-Range: W/@OPAQUE@",), MUST, [WHOLE], "a weak tag"),
        ((f"If-Range: {LATER}",), MUST, [WHOLE], "a later date"),
        ((f"If-Range: {EARLIER}",), MUST, [WHOLE], "an earlier date"),
        (("If-Range: x",), MUST, [WHOLE], "neither"),
        (('If-Range: "x", @ETAG@',), MUST, [WHOLE], "a list"),
        (("If-Range: *",), MUST, [WHOLE], "an asterisk"),
        (("If-Range: @ETAG@", "If-Match: *"), SHOULD, [PART], "with an If-Match that holds")]:
    row(f"If-Range: {why}", "9110 13.1.5", level, on(*lines, "Range: bytes=0-4"), *outcomes)
for how, date in list(SAME.items())[1:]:
    row(f"If-Range: the very date, {how}", "9110 5.6.7", SHOULD,
        on(f"If-Range: {date}", "Range: bytes=0-4"), PART)
row("If-Range without Range", "9110 13.1.5", MUST, on("If-Range: @ETAG@"), WHOLE)
row("If-Range that fails, and a range that is not there", "9110 13.1.5", MUST,
    on('If-Range: "x"', "Range: bytes=100-"), WHOLE)
