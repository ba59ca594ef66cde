/*
 * Conditions: lines of an input are the fields of a request, their first byte says which. A
 * verdict must be one that the method can have, and without a condition there is none.
 */
#include "fuzz.h"
#include "hostel/http/cond.h"

#define FIELDS 8

static const char *const names[] = {"If-Match", "If-None-Match",       "If-Modified-Since",
                                    "If-Range", "If-Unmodified-Since", "Range"};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tags[] = {"\"a\"", "W/\"a\"", "\"\"", ""};
    struct field fields[FIELDS];
    struct request r = {.method = size ? (enum method)(data[0] % 4) : METHOD_GET,
                        .fields = fields};
    struct cond_state state = {.etag = span_str(tags[size ? data[0] / 4 % 4 : 0]),
                               .mtime = size && data[0] & 64 ? COND_NO_MTIME : 784111777,
                               .now = 1700000000};
    struct span rest = input(data, size), line;
    bool reads = r.method == METHOD_GET || r.method == METHOD_HEAD;
    enum cond_verdict v;

    while (r.nfields < FIELDS && span_cut(&rest, '\n', &line)) {
        if (line.n == 0)
            continue;
        fields[r.nfields].name = span_str(names[(unsigned char)line.p[0] % 6]);
        fields[r.nfields++].value = span_trim(span_skip(line, 1));
    }
    v = cond_evaluate(&r, &state);
    must(v == COND_SERVE || v == COND_FAILED || (v == COND_NOT_MODIFIED && reads));
    must(v == COND_SERVE || r.nfields);
    if (!request_field(&r, SPAN("if-range")).p)
        must(cond_range_allowed(&r, &state));
    else
        (void)cond_range_allowed(&r, &state);
    return 0;
}
