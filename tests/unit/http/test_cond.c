/* Conditional requests against one file: mtime is T, its ETag "v1" unless the row says so. */
#include "rows.h"
#include "hostel/http/cond.h"

#define T      784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define AT     "Sun, 06 Nov 1994 08:49:37 GMT"
#define AT_850 "Sunday, 06-Nov-94 08:49:37 GMT"
#define AT_ASC "Sun Nov  6 08:49:37 1994"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

#define IM  "If-Match"
#define INM "If-None-Match"
#define IMS "If-Modified-Since"
#define IUS "If-Unmodified-Since"
#define IR  "If-Range"

struct row {
    const char *why;
    enum method method;
    const char *fields[6]; /* name, value, ... */
    int verdict;           /* of cond_evaluate(), or allowed or not */
    const char *etag;      /* NULL: "v1" */
    time_t mtime, now;     /* 0: T, and a day later */
};

/* clang-format off: one row a line */
static const struct row evaluated[] = {
    {"nothing asked", METHOD_GET, {NULL}, 200, NULL, 0, 0},

    {"INM same", METHOD_GET, {INM, "\"v1\""}, 304, NULL, 0, 0},
    {"INM same, HEAD", METHOD_HEAD, {INM, "\"v1\""}, 304, NULL, 0, 0},
    {"INM same, POST", METHOD_POST, {INM, "\"v1\""}, 412, NULL, 0, 0},
    {"INM other", METHOD_GET, {INM, "\"v2\""}, 200, NULL, 0, 0},
    {"INM other, POST", METHOD_POST, {INM, "\"v2\""}, 200, NULL, 0, 0},
    {"INM weak matches strong", METHOD_GET, {INM, "W/\"v1\""}, 304, NULL, 0, 0},
    {"INM strong matches weak", METHOD_GET, {INM, "\"v1\""}, 304, "W/\"v1\"", 0, 0},
    {"INM weak matches weak", METHOD_GET, {INM, "W/\"v1\""}, 304, "W/\"v1\"", 0, 0},
    {"INM lower-case w/ is no ETag", METHOD_GET, {INM, "w/\"v1\""}, 200, NULL, 0, 0},
    {"INM *", METHOD_GET, {INM, "*"}, 304, NULL, 0, 0},
    {"INM *, PUT", METHOD_PUT, {INM, "*"}, 412, NULL, 0, 0},
    {"INM * without an ETag of ours", METHOD_GET, {INM, "*"}, 304, "", 0, 0},
    {"INM without an ETag of ours", METHOD_GET, {INM, "\"v1\""}, 200, "", 0, 0},
    {"INM list", METHOD_GET, {INM, "\"v0\", W/\"v1\" , \"v2\""}, 304, NULL, 0, 0},
    {"INM list without spaces", METHOD_GET, {INM, "\"v0\",\"v1\""}, 304, NULL, 0, 0},
    {"INM list of others", METHOD_GET, {INM, "\"v0\", \"v2\""}, 200, NULL, 0, 0},
    {"INM empty members", METHOD_GET, {INM, ", ,\"v1\""}, 304, NULL, 0, 0},
    {"INM on two lines", METHOD_GET, {INM, "\"v0\"", INM, "\"v1\""}, 304, NULL, 0, 0},
    {"INM comma inside an ETag", METHOD_GET, {INM, "\"a,b\""}, 304, "\"a,b\"", 0, 0},
    {"INM ours inside another", METHOD_GET, {INM, "\"a,\"v1\",b\""}, 200, NULL, 0, 0},
    {"INM without quotes", METHOD_GET, {INM, "v1"}, 200, NULL, 0, 0},
    {"INM not closed", METHOD_GET, {INM, "\"v1"}, 200, NULL, 0, 0},
    {"INM quote alone", METHOD_GET, {INM, "\""}, 200, NULL, 0, 0},
    {"INM no comma between", METHOD_GET, {INM, "\"v0\" \"v1\""}, 200, NULL, 0, 0},
    {"INM space inside an ETag ends the list",
     METHOD_GET,
     {INM, "\"v 0\", \"v1\""},
     200,
     NULL,
     0,
     0},
    {"INM empty ETag", METHOD_GET, {INM, "\"\""}, 200, NULL, 0, 0},
    {"INM empty", METHOD_GET, {INM, ""}, 200, NULL, 0, 0},
    {"INM in capitals", METHOD_GET, {"IF-NONE-MATCH", "\"v1\""}, 304, NULL, 0, 0},
    {"INM beats IMS: differs", METHOD_GET, {INM, "\"v2\"", IMS, AT}, 200, NULL, 0, 0},
    {"INM beats IMS: same", METHOD_GET, {INM, "\"v1\"", IMS, BEFORE}, 304, NULL, 0, 0},

    {"IMS same second", METHOD_GET, {IMS, AT}, 304, NULL, 0, 0},
    {"IMS same second, HEAD", METHOD_HEAD, {IMS, AT}, 304, NULL, 0, 0},
    {"IMS later", METHOD_GET, {IMS, AFTER}, 304, NULL, 0, 0},
    {"IMS earlier", METHOD_GET, {IMS, BEFORE}, 200, NULL, 0, 0},
    {"IMS means nothing to POST", METHOD_POST, {IMS, AT}, 200, NULL, 0, 0},
    {"IMS RFC 850", METHOD_GET, {IMS, AT_850}, 304, NULL, 0, 0},
    {"IMS asctime", METHOD_GET, {IMS, AT_ASC}, 304, NULL, 0, 0},
    {"IMS no date", METHOD_GET, {IMS, "yesterday"}, 200, NULL, 0, 0},
    {"IMS empty", METHOD_GET, {IMS, ""}, 200, NULL, 0, 0},
    {"IMS twice", METHOD_GET, {IMS, AT, IMS, AT}, 200, NULL, 0, 0},
    {"IMS with a length behind", METHOD_GET, {IMS, AT "; length=5"}, 200, NULL, 0, 0},
    {"IMS without an mtime", METHOD_GET, {IMS, AT}, 200, NULL, COND_NO_MTIME, 0},

    {"IM same", METHOD_GET, {IM, "\"v1\""}, 200, NULL, 0, 0},
    {"IM other", METHOD_GET, {IM, "\"v2\""}, 412, NULL, 0, 0},
    {"IM list", METHOD_GET, {IM, "\"v0\", \"v1\""}, 200, NULL, 0, 0},
    {"IM *", METHOD_PUT, {IM, "*"}, 200, NULL, 0, 0},
    {"IM weak does not match", METHOD_GET, {IM, "W/\"v1\""}, 412, NULL, 0, 0},
    {"IM our weak does not match", METHOD_GET, {IM, "\"v1\""}, 412, "W/\"v1\"", 0, 0},
    {"IM both weak do not match", METHOD_GET, {IM, "W/\"v1\""}, 412, "W/\"v1\"", 0, 0},
    {"IM bad", METHOD_GET, {IM, "v1"}, 412, NULL, 0, 0},
    {"IM empty", METHOD_GET, {IM, ""}, 412, NULL, 0, 0},
    {"IM without an ETag of ours", METHOD_GET, {IM, "\"v1\""}, 412, "", 0, 0},
    {"IM beats IUS", METHOD_GET, {IM, "\"v1\"", IUS, BEFORE}, 200, NULL, 0, 0},
    {"IM, then INM", METHOD_GET, {IM, "\"v1\"", INM, "\"v1\""}, 304, NULL, 0, 0},
    {"IM fails before INM is looked at",
     METHOD_GET,
     {INM, "\"v1\"", IM, "\"v2\""},
     412,
     NULL,
     0,
     0},

    {"IUS same second", METHOD_GET, {IUS, AT}, 200, NULL, 0, 0},
    {"IUS earlier", METHOD_GET, {IUS, BEFORE}, 412, NULL, 0, 0},
    {"IUS later", METHOD_GET, {IUS, AFTER}, 200, NULL, 0, 0},
    {"IUS earlier, PUT", METHOD_PUT, {IUS, BEFORE}, 412, NULL, 0, 0},
    {"IUS no date", METHOD_GET, {IUS, "0"}, 200, NULL, 0, 0},
    {"IUS without an mtime", METHOD_GET, {IUS, BEFORE}, 200, NULL, COND_NO_MTIME, 0},
    {"IUS holds, then IMS", METHOD_GET, {IUS, AT, IMS, AT}, 304, NULL, 0, 0},
};

static const struct row ranged[] = {
    {"no If-Range", METHOD_GET, {NULL}, true, NULL, 0, 0},
    {"same ETag", METHOD_GET, {IR, "\"v1\""}, true, NULL, 0, 0},
    {"other ETag", METHOD_GET, {IR, "\"v2\""}, false, NULL, 0, 0},
    {"weak ETag", METHOD_GET, {IR, "W/\"v1\""}, false, NULL, 0, 0},
    {"our weak ETag", METHOD_GET, {IR, "\"v1\""}, false, "W/\"v1\"", 0, 0},
    {"list", METHOD_GET, {IR, "\"v1\", \"v2\""}, false, NULL, 0, 0},
    {"*", METHOD_GET, {IR, "*"}, false, NULL, 0, 0},
    {"without an ETag of ours", METHOD_GET, {IR, "\"v1\""}, false, "", 0, 0},
    {"same date", METHOD_GET, {IR, AT}, true, NULL, 0, 0},
    {"same date in another format", METHOD_GET, {IR, AT_ASC}, true, NULL, 0, 0},
    {"earlier date", METHOD_GET, {IR, BEFORE}, false, NULL, 0, 0},
    {"later date: it must be the very one", METHOD_GET, {IR, AFTER}, false, NULL, 0, 0},
    {"changed this very second: weak", METHOD_GET, {IR, AT}, false, NULL, 0, T},
    {"changed a second ago", METHOD_GET, {IR, AT}, true, NULL, 0, T + 1},
    {"without an mtime", METHOD_GET, {IR, AT}, false, NULL, COND_NO_MTIME, 0},
    {"neither", METHOD_GET, {IR, "v1"}, false, NULL, 0, 0},
    {"empty", METHOD_GET, {IR, ""}, false, NULL, 0, 0},
    {"twice", METHOD_GET, {IR, "\"v1\"", IR, "\"v1\""}, false, NULL, 0, 0},
};
/* clang-format on */

static void
set_up(const struct row *row, struct request *r, struct field fields[static 3],
       struct cond_state *state)
{
    print_message("%s\n", row->why);
    *r = (struct request){.method = row->method, .fields = fields};
    for (; r->nfields < 3 && row->fields[2 * r->nfields]; r->nfields++)
        fields[r->nfields] = (struct field){span_str(row->fields[2 * r->nfields]),
                                            span_str(row->fields[2 * r->nfields + 1])};
    state->etag = row->etag ? span_str(row->etag) : SPAN("\"v1\"");
    state->mtime = row->mtime ? row->mtime : T;
    state->now = row->now ? row->now : T + 86400;
}

static void
test_evaluate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(evaluated) / sizeof(evaluated[0]); i++) {
        struct cond_state file;
        struct field fields[3];
        struct request r;

        set_up(&evaluated[i], &r, fields, &file);
        assert_int_equal(cond_evaluate(&r, &file), evaluated[i].verdict);
    }
}

static void
test_if_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ranged) / sizeof(ranged[0]); i++) {
        struct cond_state file;
        struct field fields[3];
        struct request r;

        set_up(&ranged[i], &r, fields, &file);
        assert_int_equal(cond_range_allowed(&r, &file), ranged[i].verdict);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_if_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
