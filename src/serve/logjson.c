/*
 * Access lines as JSON, one object each. Keys never change their names, and none is ever left
 * out: what is not known is null. Floor 5; worker.
 */
#include "logparts.h"
#include "hostel/base/json.h"

/* Bytes between the quotes: all of them, and the keys, fit into a line. */
#define HOST_ROOM   512
#define USER_ROOM   256
#define METHOD_ROOM 64
#define TARGET_ROOM 3072
#define FIELD_ROOM  1536

static void
text(struct json *j, const char *key, struct span s, size_t room)
{
    if (s.n)
        json_span(j, key, json_fit(s, room));
    else
        json_null(j, key);
}

static void
who(struct json *j, struct exchange *x)
{
    char id[REQUEST_ID_TEXT];

    exchange_id(x, id);
    json_string(j, "request_id", id);
    json_string(j, "vhost", x->site->names[0]);
    text(j, "user", span_str(x->site->user), USER_ROOM);
    json_string(j, "client", x->visitor->addr);
    text(j, "remote_user", span_str(x->remote_user), USER_ROOM);
}

static void
what(struct json *j, const struct request *r)
{
    text(j, "method", r->method_text, METHOD_ROOM);
    text(j, "target", r->target, TARGET_ROOM);
    json_span(j, "protocol", span_skip(logparts_version(r), 1));
    text(j, "host", r->host, HOST_ROOM);
    text(j, "referer", request_field(r, SPAN("referer")), FIELD_ROOM);
    text(j, "user_agent", request_field(r, SPAN("user-agent")), FIELD_ROOM);
}

void
logjson_line(struct exchange *x, const struct answered *a, struct buf *line)
{
    struct json j = {.b = line};
    char iso[LOGPARTS_ISO_ROOM];
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    logparts_iso(&now, iso);
    json_open(&j, NULL, '{');
    json_string(&j, "time", iso);
    who(&j, x);
    json_string(&j, "tls", x->visitor->tls);
    what(&j, &x->req);
    json_number(&j, "status", a->status);
    json_number(&j, "bytes", a->bytes);
    json_number(&j, "duration_us", a->took_ns / 1000);
    if (x->upstream)
        json_number(&j, "upstream_us", x->upstream_us);
    else
        json_null(&j, "upstream_us");
    json_close(&j, '}');
    (void)buf_add(line, "\n", 1);
}
