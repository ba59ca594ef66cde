/* Log lines: one line, no control byte, within its bound, whatever was asked. */
#include "fuzz.h"
#include "hostel/base/log.h"
#include "hostel/http/html.h"
#include "hostel/serve/accesslog.h"

static void
printable(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        must(s.p[i] >= 0x20 && s.p[i] <= 0x7e);
}

static void
escapes(struct span s)
{
    struct buf b;

    buf_init(&b, 100);
    log_escape(&b, s);
    printable(buf_span(&b));
    must(span_find(buf_span(&b), '"') == b.len);
    buf_done(&b);
    buf_init(&b, 1 << 16);
    must(html_escape(&b, s) == 0);
    for (size_t i = 0; i < b.len; i++)
        must(b.data[b.start + i] != '<' && b.data[b.start + i] != '"' &&
             b.data[b.start + i] != '\'');
    buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = input(data, size), s;
    struct field fields[] = {{SPAN("Referer"), {NULL, 0}}, {SPAN("User-Agent"), {NULL, 0}}};
    struct visitor visitor = {.addr = "192.0.2.1"};
    struct exchange x = {.visitor = &visitor,
                         .req = {.version = 11, .nfields = 2, .fields = fields}};
    struct buf line;

    escapes(rest);
    if (span_cut(&rest, '|', &s))
        x.req.method_text = s;
    if (span_cut(&rest, '|', &s))
        x.req.target = s;
    if (span_cut(&rest, '|', &s))
        fields[0].value = s;
    fields[1].value = rest;
    buf_init(&line, ACCESSLOG_LINE_MAX);
    accesslog_format(&x, 200, size, 1700000000, &line);
    must(line.len > 0 && line.data[line.start + line.len - 1] == '\n');
    printable(span_of(line.data + line.start, line.len - 1));
    buf_done(&line);
    return 0;
}
