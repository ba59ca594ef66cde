/* Formats of access lines: whatever is taken writes one line, within its bound, no control
 * byte. */
#include "fuzz.h"
#include "hostel/base/logformat.h"
#include "hostel/serve/accesslog.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = input(data, size), text;
    struct field fields[] = {{SPAN("Referer"), {NULL, 0}}, {SPAN("User-Agent"), {NULL, 0}}};
    char name[] = "a.example", *names[] = {name, NULL}, why[LOGFORMAT_WHY_MAX];
    struct visitor visitor = {.addr = "192.0.2.1", .fd = -1};
    struct logformat *f;
    struct site site = {.names = names};
    struct exchange x = {.visitor = &visitor,
                         .site = &site,
                         .req = {.version = 11, .nfields = 2, .fields = fields}};
    const struct answered a = {200, size, 12345678};
    char room[ACCESSLOG_LINE_MAX];
    struct buf line = {.data = room, .cap = sizeof(room), .max = sizeof(room)};
    bool tab;

    if (!span_cut(&rest, '\n', &text))
        return 0;
    if (logformat_new(&f, text, why) < 0) {
        must(strlen(why) > 0 && strlen(why) < LOGFORMAT_WHY_MAX);
        return 0;
    }
    site.log_format = f;
    x.req.method_text = rest;
    x.req.target = x.req.path = x.req.query = x.req.host = rest;
    x.req.has_query = true;
    fields[0].value = fields[1].value = rest;
    accesslog_form(&x, &a, &line);
    tab = text.n > 0 && memmem(text.p, text.n, "\\t", 2);
    must(line.len > 0 && line.len <= ACCESSLOG_LINE_MAX && room[line.len - 1] == '\n');
    for (size_t i = 0; i + 1 < line.len; i++)
        must((unsigned char)room[i] >= 0x20 || (tab && room[i] == '\t'));
    logformat_free(&f);
    return 0;
}
