/* What a response says of its content coding. Floor 4; worker. RFC 9110 8.4, 12.5.5 */
#include "hostel/http/encoding.h"

#include <stdio.h>

/* --- may it be coded? --------------------------------------------------------------------- */

static struct span
without_parameters(struct span type)
{
    return span_trim(span_of(type.p, span_find(type, ';')));
}

static bool
begins(struct span s, struct span prefix)
{
    return s.n >= prefix.n && span_ieq(span_of(s.p, prefix.n), prefix);
}

static bool
finishes(struct span s, struct span suffix)
{
    return s.n >= suffix.n && span_ieq(span_skip(s, s.n - suffix.n), suffix);
}

bool
encoding_pays(struct span type)
{
    /* not all of it is text, but all of it shrinks as text does */
    static const char *const types[] = {
        "application/javascript",
        "application/x-javascript",
        "application/ecmascript",
        "application/json",
        "application/x-ndjson",
        "application/xml",
        "application/xml-dtd",
        "application/rtf",
        "application/sql",
        "application/graphql",
        "application/yaml",
        "application/toml",
        "application/wasm",
        "application/vnd.ms-fontobject",
        "image/svg+xml",
        "image/bmp",
        "image/vnd.microsoft.icon",
        "image/x-icon",
        "font/ttf",
        "font/otf",
        "font/sfnt",
    };

    type = without_parameters(type);
    if (begins(type, SPAN("text/")) || finishes(type, SPAN("+json")) ||
        finishes(type, SPAN("+xml")))
        return true;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (span_ieq(type, span_str(types[i])))
            return true;
    return false;
}

/* Is a word one of a list's members, in any of the lines of one name? */
static bool
lists(const struct response *r, struct span name, struct span word)
{
    for (unsigned i = 0; i < r->nfields; i++) {
        struct span rest = r->fields[i].value, member;

        if (!span_ieq(r->fields[i].name, name))
            continue;
        while (span_cut(&rest, ',', &member))
            if (span_ieq(member, word))
                return true;
    }
    return false;
}

static struct field *
field_of(struct response *r, struct span name)
{
    for (unsigned i = 0; i < r->nfields; i++)
        if (span_ieq(r->fields[i].name, name))
            return &r->fields[i];
    return NULL;
}

/* A field that speaks of the very bytes, or says that they are coded already. */
static bool
bound_to_bytes(const struct response *r)
{
    static const char *const names[] = {
        "content-encoding", "content-range", "content-digest",
        "repr-digest",      "digest",        "content-md5",
    };

    for (unsigned i = 0; i < r->nfields; i++)
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
            if (span_ieq(r->fields[i].name, span_str(names[k])))
                return true;
    return false;
}

bool
encoding_allowed(const struct response *r, uint64_t min)
{
    struct span type = {NULL, 0};

    switch (r->status) {
    case 204:
    case 205:
    case 206:
    case 304:
        return false;
    default:
        break;
    }
    if (r->length != RESPONSE_LENGTH_UNKNOWN && (r->length < min || r->length == 0))
        return false;
    for (unsigned i = 0; i < r->nfields; i++)
        if (span_ieq(r->fields[i].name, SPAN("content-type")))
            type = r->fields[i].value;
    return encoding_pays(type) &&
           !span_ieq(without_parameters(type), SPAN("text/event-stream")) &&
           !bound_to_bytes(r) && !lists(r, SPAN("cache-control"), SPAN("no-transform")) &&
           !r->unbuffered;
}

/* --- saying so ---------------------------------------------------------------------------- */

static void
remove_all(struct response *r, struct span name)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < r->nfields; i++)
        if (!span_ieq(r->fields[i].name, name))
            r->fields[kept++] = r->fields[i];
    r->nfields = kept;
}

void
encoding_vary(struct response *r, struct encoding_room *room)
{
    struct field *vary = field_of(r, SPAN("vary"));
    int n;

    r->nready = 0;
    if (lists(r, SPAN("vary"), SPAN("accept-encoding")) || lists(r, SPAN("vary"), SPAN("*")))
        return;
    if (vary && vary->value.n > 0 && vary->value.n < sizeof(room->vary)) {
        n = snprintf(room->vary, sizeof(room->vary), "%.*s, Accept-Encoding",
                     (int)vary->value.n, vary->value.p);
        if (n > 0 && (size_t)n < sizeof(room->vary)) {
            vary->value = span_of(room->vary, (size_t)n);
            return;
        }
    }
    response_add(r, SPAN("Vary"), SPAN("Accept-Encoding")); /* several lines are one list */
}

/* Two bodies that mean the same, byte for byte different: weak. RFC 9110 8.8.1 */
static void
weaken_etag(struct response *r, struct encoding_room *room)
{
    struct field *etag = field_of(r, SPAN("etag"));
    int n;

    if (!etag || span_starts(etag->value, SPAN("W/")))
        return;
    n = etag->value.n < sizeof(room->etag) ? snprintf(room->etag, sizeof(room->etag), "W/%.*s",
                                                      (int)etag->value.n, etag->value.p)
                                           : -1;
    if (n > 0 && (size_t)n < sizeof(room->etag))
        etag->value = span_of(room->etag, (size_t)n);
    else
        remove_all(r, SPAN("etag")); /* none is better than a strong one that is wrong */
}

void
encoding_apply(struct response *r, enum coding c, struct encoding_room *room)
{
    encoding_vary(r, room);
    weaken_etag(r, room);
    remove_all(r, SPAN("accept-ranges"));
    response_add(r, SPAN("Content-Encoding"), encoding_name(c));
    r->length = RESPONSE_LENGTH_UNKNOWN;
}
