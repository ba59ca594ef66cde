"""Paths: escapes, dot segments, directories, and what must never be reached."""
from rowkit import (ANY, CHOICE, LETTERS, MUST, SHOULD, Answer, Table, ask, get, ok, pattern,
                    said, then)

T = Table("targets")
row = T.row
NOT_FOUND = said(404)
NOWHERE = said(301, 400, 403, 404)

row("a file", "9110 9.3.1", MUST, get("/a.txt"), ok(LETTERS.body))
row("a file that is not there", "9110 15.5.5", MUST, get("/missing"), said(404, 410))
row("a query belongs to no file's name", "3986 3.4", MUST, get("/a.txt?x=y"), then(LETTERS))
row("an empty query", "3986 3.4", MUST, get("/a.txt?"), then(LETTERS))
row("a query with question marks and slashes", "3986 3.4", MUST, get("/a.txt?/?../?"),
    then(LETTERS))
row("a query with bad escapes", "3986 2.1", CHOICE, get("/a.txt?%zz%"), then(LETTERS), said(400))
row("an escaped letter", "9110 4.2.3", MUST, get("/%61.txt"), then(LETTERS))
row("an escaped letter and an escaped dot", "9110 4.2.3", MUST, get("/%61%2Etxt"), then(LETTERS))
row("an escape in small letters", "3986 2.1", MUST, get("/a%2etxt"), then(LETTERS))
row("the whole name escaped", "9110 4.2.3", MUST, get("/%61%2e%74%78%74"), then(LETTERS))
row("an escape is decoded once", "3986 2.4", MUST, get("/%2561.txt"), NOT_FOUND)
for path, body in [("/with%20space.txt", b"space\n"), ("/per%25cent.txt", b"percent\n"),
                   ("/q%3Fm.txt", b"question\n"), ("/h%23sh.txt", b"hash\n"),
                   ("/%C3%BCtf.txt", b"utf-8\n"), ("/%c3%bctf.txt", b"utf-8\n"),
                   ("/latin%E9.txt", b"latin-1\n"), ("/semi;colon.txt", b"semicolon\n"),
                   ("/semi%3Bcolon.txt", b"semicolon\n"), ("/pl+us.txt", b"plus\n"),
                   ("/pl%2Bus.txt", b"plus\n"), ("/at@home.txt", b"at\n"),
                   ("/dir/in.txt", b"inside\n")]:
    row(f"the file behind {path}", "3986 2.1", MUST, get(path), ok(body))
row("a plus sign is no space", "3986 2.2", MUST, get("/with+space.txt"), NOT_FOUND)
row("names differ by case", "3986 6.2.2.1", MUST, get("/A.TXT"), NOT_FOUND)
for target, why in [("/%zz", "no hex"), ("/%", "half an escape"), ("/a%2", "two thirds of an escape"),
                    ("/%u0061.txt", "a kind of escape that is none"), ("/%%61.txt", "two percent signs"),
                    ("/a%-1.txt", "a sign in an escape")]:
    row(f"{why}: {target}", "3986 2.1", SHOULD, get(target), said(400, 404))
row("an escaped NUL", "3986 7.3", MUST, get("/a.txt%00"), said(400, 403, 404))
row("an escaped NUL hides no extension", "3986 7.3", MUST, get("/echo.php%00.txt"),
    said(400, 403, 404))
row("an escaped line end", "3986 7.3", MUST, get("/a.txt%0d%0aX:y"), said(400, 403, 404))
row("an escaped slash", "3986 2.2", CHOICE, get("/dir%2Fin.txt"), said(200, 400, 403, 404))
row("bytes above ASCII in the target", "9112 3", CHOICE, get("/\xc3\xbctf.txt"), ok(b"utf-8\n"),
    said(400, 404))
row("invalid UTF-8", "3986 2.5", CHOICE, get("/%ff%fe"), said(400, 404))
row("an overlong slash", "3986 7.3", MUST, get("/..%c0%af..%c0%afetc/passwd"), NOWHERE)

# --- dot segments ----------------------------------------------------------------------------
row("a single dot", "3986 5.2.4", MUST, get("/./a.txt"), then(LETTERS), said(301, 308))
row("into a directory and out again", "3986 5.2.4", MUST, get("/dir/../a.txt"), then(LETTERS),
    said(301, 308))
row("escaped dots are dots", "3986 6.2.2.3", MUST, get("/dir/%2e%2E/a.txt"), then(LETTERS),
    said(301, 308))
row("a dot at the end", "3986 5.2.4", MUST, get("/dir/."), ok(b"dir index\n"), said(301, 308))
row("a query keeps its dots", "3986 3.4", MUST, get("/a.txt?/../b"), then(LETTERS))
row("three dots are a name", "3986 5.2.4", MUST, get("/.../a.txt"), said(403, 404))
ESCAPE = "/.." * 12 + "/etc/passwd"
for target, why in [(ESCAPE, "as it is"), (ESCAPE.replace("..", "%2e%2e"), "escaped"),
                    (ESCAPE.replace("..", ".%2E"), "half escaped"),
                    (ESCAPE.replace("..", "%252e%252e"), "escaped twice"),
                    ("/dir" + ESCAPE, "from a directory"), ("/" + ESCAPE, "with two slashes"),
                    (ESCAPE.replace("/..", "/..%2f"), "with escaped slashes"),
                    (ESCAPE.replace("/..", "/..\\"), "with backslashes"),
                    (ESCAPE.replace("/..", "/..%5c"), "with escaped backslashes"),
                    (ESCAPE.replace("/..", "/..;x"), "with parameters"),
                    (ESCAPE.replace("/..", "/. ."), "with spaces"),
                    ("/a.txt" + ESCAPE, "through a file"),
                    ("/dir//" + ESCAPE, "through an empty segment")]:
    row(f"out of the root, {why}", "3986 7.3", MUST, get(target),
        then(Answer(301, 400, 403, 404, body=lambda r: b"root:" not in r.body), end=ANY))
row("one step out of the root and back in", "3986 5.2.4", CHOICE, get("/../site/a.txt"),
    said(301, 308, 400, 403, 404))
row("one step too many", "3986 5.2.4", CHOICE, get("/../a.txt"), then(LETTERS),
    said(301, 308, 400, 403, 404))

# --- directories and slashes -----------------------------------------------------------------
row("a directory's index", "9110 9.3.1", MUST, get("/dir/"), ok(b"dir index\n"))
row("the site's index", "9110 9.3.1", MUST, get("/"), ok(b"site index\n"))
row("a directory without its slash", "9110 15.4.2", SHOULD, get("/dir"),
    then(Answer(301, 302, 307, 308, Location=pattern(r"(http://site\.test(:\d+)?)?/dir/"))))
row("a directory without its slash keeps the query", "9110 15.4.2", SHOULD, get("/dir?a=b&c"),
    then(Answer(301, 302, 307, 308, Location=pattern(r"(http://site\.test(:\d+)?)?/dir/\?a=b&c"))))
row("a directory's name is escaped in Location", "9110 10.2.2", MUST, get("/d%20ir"),
    then(Answer(301, 302, 307, 308, Location=pattern(r"(http://site\.test(:\d+)?)?/d%20ir/"))))
row("no other host comes into Location", "9110 10.2.2", MUST, get("//evil.test/%2e%2e/dir"),
    then(Answer(301, 308, 302, 307, Location=pattern(r"(http://site\.test(:\d+)?)?/[^/].*")), end=ANY),
    said(400, 403, 404), ok())
row("no line end comes into Location", "9112 11.1", MUST, get("/dir%0d%0aX:%20y"),
    said(400, 403, 404))
row("a directory that has no index", "9110 15.5.4", CHOICE, get("/bare/"), said(403, 404), ok())
row("two slashes at the start", "3986 3.3", CHOICE, get("//a.txt"), then(LETTERS),
    said(301, 308, 400, 404))
row("two slashes inside", "3986 3.3", CHOICE, get("/dir//in.txt"), ok(b"inside\n"),
    said(301, 308, 400, 404))
row("a file with a slash behind", "3986 3.3", CHOICE, get("/a.txt/"), said(200, 301, 308, 404))
row("a file as a directory", "3986 3.3", CHOICE, get("/a.txt/b"), said(200, 403, 404))
row("a file is not run as a script", "9110 9.3.1", CHOICE, get("/a.txt/x.php"),
    said(200, 403, 404))
row("a script's text is never sent", "9110 9.3.1", MUST, get("/echo.php"),
    then(Answer(200, body=lambda r: b"<?php" not in r.body)))
row("a script's text is never sent, by another case", "9110 9.3.1", MUST, get("/echo.PHP"),
    said(403, 404))
row("a script's text is never sent, with a slash", "9110 9.3.1", MUST, get("/echo.php/"),
    then(Answer(200, 301, 403, 404, body=lambda r: b"<?php" not in r.body), end=ANY))
row("a parameter is part of the name", "3986 3.3", MUST, get("/a.txt;v=1"), NOT_FOUND)
row("a name of 300 letters", "9110 15.5.5", CHOICE, get("/" + "x" * 300), said(400, 403, 404, 414))
row("a path of 2000 directories", "9110 15.5.5", CHOICE, get("/x" * 2000), said(400, 403, 404, 414))

# --- forms of the target ---------------------------------------------------------------------
for target, why in [("a.txt", "a path without its slash"), ("?x", "a query alone"),
                    ("*", "an asterisk without OPTIONS"), ("/a.txt#b", "a fragment"),
                    ("#", "a fragment alone"), ("./a.txt", "a relative path"),
                    ('/a"b', "a quote"), ("/<a>", "angle brackets"), ("\\a.txt", "a backslash first"),
                    ("/a\x01b", "a control"), ("/a\x7fb", "DEL"), ("**", "two asterisks")]:
    row(f"{why} as the target", "9112 3.2", SHOULD, get(target), said(400))
row("an asterisk and more with OPTIONS", "9112 3.2.4", SHOULD, ask("OPTIONS", "*x"), said(400))
