/* Accept-Encoding, and what may be coded. */
#include "rows.h"
#include "hostel/http/encoding.h"

#define BR       CODING_BR
#define ZSTD     CODING_ZSTD
#define GZIP     CODING_GZIP
#define IDENTITY CODING_IDENTITY
#define NONE     CODINGS

#define ALL      0xfu
#define FILE_GZ  (CODING_BIT(GZIP) | CODING_BIT(IDENTITY))
#define FILE_BR  (CODING_BIT(BR) | CODING_BIT(IDENTITY))
#define FILE_ZST (CODING_BIT(ZSTD) | CODING_BIT(IDENTITY))
#define PLAIN    CODING_BIT(IDENTITY)

/* clang-format off: one row a line */
static const struct {
    const char *why, *first, *second;
    unsigned available;
    enum coding want;
} rows[] = {
    {"no field: identity", NULL, NULL, ALL, IDENTITY},
    {"no field, nothing else there", NULL, NULL, PLAIN, IDENTITY},
    {"an empty field: identity", "", NULL, ALL, IDENTITY},
    {"blanks only", " \t ", NULL, ALL, IDENTITY},
    {"commas only", ",,,", NULL, ALL, IDENTITY},
    {"gzip", "gzip", NULL, ALL, GZIP},
    {"br", "br", NULL, ALL, BR},
    {"zstd", "zstd", NULL, ALL, ZSTD},
    {"identity", "identity", NULL, ALL, IDENTITY},
    {"a browser of today", "gzip, deflate, br, zstd", NULL, ALL, BR},
    {"a browser without br", "gzip, deflate, zstd", NULL, ALL, ZSTD},
    {"an older browser", "gzip, deflate", NULL, ALL, GZIP},
    {"br there only, gzip asked for", "gzip", NULL, FILE_BR, IDENTITY},
    {"gzip there only, all asked for", "gzip, deflate, br, zstd", NULL, FILE_GZ, GZIP},
    {"zstd there only", "gzip, br, zstd", NULL, FILE_ZST, ZSTD},
    {"nothing there", "gzip, br, zstd", NULL, PLAIN, IDENTITY},
    {"a coding we do not speak", "deflate", NULL, ALL, IDENTITY},
    {"compress, from the registry", "compress", NULL, ALL, IDENTITY},
    {"dcb, from the registry", "dcb, dcz", NULL, ALL, IDENTITY},

    {"order does not count", "zstd, br", NULL, ALL, BR},
    {"nor the other way round", "identity, gzip, zstd, br", NULL, ALL, BR},
    {"like identity: coded", "gzip, identity", NULL, ALL, GZIP},
    {"case does not count", "GZip", NULL, ALL, GZIP},
    {"br in capitals", "BR", NULL, ALL, BR},
    {"x-gzip is gzip", "x-gzip", NULL, ALL, GZIP},
    {"X-GZIP as well", "X-GZIP;q=0.5", NULL, ALL, GZIP},
    {"x-br is nothing", "x-br", NULL, ALL, IDENTITY},
    {"a name that only begins so", "gzipped", NULL, ALL, IDENTITY},
    {"a name that is cut", "gzi", NULL, ALL, IDENTITY},
    {"b is not br", "b", NULL, ALL, IDENTITY},

    {"weights decide", "br;q=0.5, gzip;q=0.8", NULL, ALL, GZIP},
    {"a thousandth decides", "br;q=0.500, gzip;q=0.501", NULL, ALL, GZIP},
    {"the same with fewer digits", "br;q=0.5, zstd;q=0.50, gzip;q=0.500", NULL, ALL, BR},
    {"one is the default", "gzip, br;q=0.999", NULL, ALL, GZIP},
    {"1.0 is one", "gzip;q=1.0, br;q=0.9", NULL, ALL, GZIP},
    {"1.000 is one", "gzip;q=1.000, br;q=1", NULL, ALL, BR},
    {"1. is one", "gzip;q=1., br;q=0.9", NULL, ALL, GZIP},
    {"0. is nought", "gzip;q=0., br;q=0.1", NULL, ALL, BR},
    {"nought refuses", "gzip;q=0", NULL, ALL, IDENTITY},
    {"0.000 refuses", "br;q=0.000, gzip;q=0.001", NULL, ALL, GZIP},
    {"the least still counts above identity", "gzip;q=0.001", NULL, ALL, GZIP},
    {"q in capitals", "gzip;Q=0.5, br;Q=0.4", NULL, ALL, GZIP},
    {"blanks around the semicolon", "gzip ; q=0.5 , br\t;\tq=0.4", NULL, ALL, GZIP},
    {"identity is wanted more", "identity, gzip;q=0.5", NULL, ALL, IDENTITY},
    {"identity a little more", "identity;q=0.6, br;q=0.5", NULL, ALL, IDENTITY},
    {"identity a little less", "identity;q=0.4, br;q=0.5", NULL, ALL, BR},
    {"identity with the least", "identity;q=0.001, br;q=0.001", NULL, ALL, BR},

    {"any", "*", NULL, ALL, BR},
    {"any, gzip there", "*", NULL, FILE_GZ, GZIP},
    {"any, nothing there", "*", NULL, PLAIN, IDENTITY},
    {"any but br", "*, br;q=0", NULL, ALL, ZSTD},
    {"any but br and zstd", "br;q=0, zstd;q=0, *", NULL, ALL, GZIP},
    {"any, less than gzip", "*;q=0.1, gzip", NULL, ALL, GZIP},
    {"any, more than gzip", "*, gzip;q=0.5", NULL, ALL, BR},
    {"any says identity too", "*;q=0.5, gzip;q=0.3", NULL, FILE_GZ, IDENTITY},
    {"any, identity named", "*;q=0.5, identity;q=0.2", NULL, ALL, BR},
    {"none but gzip", "gzip, *;q=0", NULL, ALL, GZIP},
    {"none but gzip, br there", "gzip, *;q=0", NULL, FILE_BR, NONE},
    {"none but identity", "identity, *;q=0", NULL, ALL, IDENTITY},
    {"none but identity, at the least", "identity;q=0.001, *;q=0", NULL, ALL, IDENTITY},
    {"none at all", "*;q=0", NULL, ALL, NONE},
    {"none at all, nothing there", "*;q=0", NULL, PLAIN, NONE},
    {"none, with decimals", "*;q=0.0", NULL, ALL, NONE},

    {"identity refused", "identity;q=0", NULL, PLAIN, NONE},
    {"identity refused and nothing named", "identity;q=0", NULL, ALL, NONE},
    {"identity refused, gzip there", "gzip, identity;q=0", NULL, FILE_GZ, GZIP},
    {"identity refused, br there only", "gzip, identity;q=0", NULL, FILE_BR, NONE},
    {"identity refused, any", "identity;q=0, *", NULL, ALL, BR},
    {"identity refused, any, nothing there", "identity;q=0, *", NULL, PLAIN, NONE},
    {"identity refused, gzip at the least", "gzip;q=0.001, identity;q=0", NULL, ALL, GZIP},
    {"all refused by name", "br;q=0, zstd;q=0, gzip;q=0, identity;q=0", NULL, ALL, NONE},
    {"IDENTITY in capitals", "gzip;q=0, IDENTITY;q=0", NULL, PLAIN, NONE},

    {"two lines are one list", "gzip;q=0.5", "br", ALL, BR},
    {"the second refuses", "gzip, br", "identity;q=0", PLAIN, NONE},
    {"an empty second line", "gzip", "", ALL, GZIP},
    {"an empty first line", "", "gzip", ALL, GZIP},
    {"any in the second", "br;q=0", "*", ALL, ZSTD},

    {"named twice: the lower", "gzip;q=1, gzip;q=0", NULL, ALL, IDENTITY},
    {"named twice, the other way", "gzip;q=0, gzip;q=1", NULL, ALL, IDENTITY},
    {"x-gzip and gzip are one", "gzip, x-gzip;q=0", NULL, ALL, IDENTITY},
    {"any named twice", "*, *;q=0", NULL, ALL, NONE},

    {"a weight above one", "gzip;q=2", NULL, ALL, IDENTITY},
    {"a weight just above one", "gzip;q=1.001", NULL, ALL, IDENTITY},
    {"four decimals", "gzip;q=0.1234", NULL, ALL, IDENTITY},
    {"a negative weight", "gzip;q=-1", NULL, ALL, IDENTITY},
    {"a signed weight", "gzip;q=+1", NULL, ALL, IDENTITY},
    {"no number", "gzip;q=high", NULL, ALL, IDENTITY},
    {"a decimal without its nought", "gzip;q=.5", NULL, ALL, IDENTITY},
    {"a decimal comma cuts the member", "gzip;q=0,5", NULL, ALL, IDENTITY},
    {"letters behind the point", "gzip;q=0.x", NULL, ALL, IDENTITY},
    {"a leading nought", "gzip;q=00.5", NULL, ALL, IDENTITY},
    {"an empty weight", "gzip;q=", NULL, ALL, IDENTITY},
    {"an empty parameter", "gzip;", NULL, ALL, IDENTITY},
    {"another parameter", "gzip;level=9", NULL, ALL, IDENTITY},
    {"a parameter behind the weight", "gzip;q=1;level=9", NULL, ALL, IDENTITY},
    {"a blank inside the weight", "gzip;q= 1", NULL, ALL, IDENTITY},
    {"a quoted weight", "gzip;q=\"1\"", NULL, ALL, IDENTITY},
    {"a bad one among good ones", "br;q=x, gzip;q=0.5", NULL, ALL, GZIP},
    {"a bad refusal refuses nothing", "identity;q=00", NULL, PLAIN, IDENTITY},
    {"no name", ";q=1", NULL, ALL, IDENTITY},
    {"two words", "gzip br", NULL, ALL, IDENTITY},
    {"empty members between", ", gzip ,, br;q=0.1 ,", NULL, ALL, GZIP},
    {"noise before", "\x01\xff, gzip", NULL, ALL, GZIP},
};

static const struct {
    const char *type;
    bool want;
} types[] = {
    {"text/html", true},
    {"text/html; charset=utf-8", true},
    {"TEXT/CSS", true},
    {"text/plain;charset=x", true},
    {"application/javascript", true},
    {"application/json", true},
    {"application/ld+json", true},
    {"application/rss+xml; charset=utf-8", true},
    {"image/svg+xml", true},
    {"application/wasm", true},
    {"font/ttf", true},
    {"Application/JSON ; a=b", true},
    {"image/png", false},
    {"image/jpeg", false},
    {"video/mp4", false},
    {"application/zip", false},
    {"application/octet-stream", false},
    {"font/woff2", false},
    {"", false},
    {"text", false},
    {"+json", true},
    {"x/y+jsonx", false},
    {"application/jsonp", false},
    {"; text/html", false},
};

static const struct {
    const char *why;
    unsigned status;
    uint64_t length;
    const char *name, *value;
    bool want;
} allowed[] = {
    {"a page", 200, RESPONSE_LENGTH_UNKNOWN, NULL, NULL, true},
    {"long enough", 200, 1000, NULL, NULL, true},
    {"too short", 200, 999, NULL, NULL, false},
    {"nothing", 200, 0, NULL, NULL, false},
    {"an error page", 404, 5000, NULL, NULL, true},
    {"no content", 204, RESPONSE_LENGTH_UNKNOWN, NULL, NULL, false},
    {"a part", 206, 5000, NULL, NULL, false},
    {"not modified", 304, 5000, NULL, NULL, false},
    {"coded already", 200, 5000, "Content-Encoding", "gzip", false},
    {"identity is said: leave it", 200, 5000, "Content-Encoding", "identity", false},
    {"a part, by its range", 200, 5000, "Content-Range", "bytes 0-9/20", false},
    {"not to be changed", 200, 5000, "Cache-Control", "public, No-Transform", false},
    {"no such word", 200, 5000, "Cache-Control", "no-transformer", true},
    {"its digest is said", 200, 5000, "Content-Digest", "sha-256=:a:", false},
    {"its other digest is said", 200, 5000, "Content-MD5", "x", false},
};

static const struct {
    const char *why, *vary, *vary_want, *etag, *etag_want;
} said[] = {
    {"neither", NULL, "Accept-Encoding", NULL, NULL},
    {"a strong tag", "", "Accept-Encoding", "\"a\"", "W/\"a\""},
    {"a weak one", "Cookie", "Cookie, Accept-Encoding", "W/\"a\"", "W/\"a\""},
    {"there already", "Cookie, accept-encoding", "Cookie, accept-encoding", NULL, NULL},
    {"everything", "*", "*", "\"\"", "W/\"\""},
};
/* clang-format on */

static void
test_choose(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *values[] = {rows[i].first, rows[i].second};
        struct field fields[4] = {{SPAN("accept"), SPAN("gzip")}};
        struct request r = {.fields = fields, .nfields = 1};
        struct encoding_wish w;

        print_message("%s\n", rows[i].why);
        for (size_t k = 0; k < 2; k++)
            if (values[k])
                fields[r.nfields++] =
                    (struct field){SPAN("Accept-ENCODING"), copied(span_str(values[k]))};
        encoding_wish(&r, &w);
        assert_int_equal(encoding_choose(&w, rows[i].available), rows[i].want);
        while (r.nfields > 1)
            copied_done(fields[--r.nfields].value);
    }
}

static void
test_names(void **state)
{
    (void)state;
    assert_string_equal(encoding_name(BR).p, "br");
    assert_string_equal(encoding_suffix(ZSTD).p, ".zst");
    assert_string_equal(encoding_name(GZIP).p, "gzip");
    assert_int_equal(encoding_name(IDENTITY).n, 0);
    assert_int_equal(encoding_suffix(IDENTITY).n, 0);
}

static void
test_pays(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct span type = copied(span_str(types[i].type));

        print_message("%s\n", types[i].type);
        assert_int_equal(encoding_pays(type), types[i].want);
        copied_done(type);
    }
}

static void
test_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        struct response r = {.status = allowed[i].status, .length = allowed[i].length};

        print_message("%s\n", allowed[i].why);
        response_add(&r, SPAN("content-type"), SPAN("text/html; charset=utf-8"));
        if (allowed[i].name)
            response_add(&r, span_str(allowed[i].name), span_str(allowed[i].value));
        assert_int_equal(encoding_allowed(&r, 1000), allowed[i].want);
    }
}

static void
test_event_stream(void **state)
{
    struct response r = {.status = 200, .length = RESPONSE_LENGTH_UNKNOWN};

    (void)state;
    response_add(&r, SPAN("content-type"), SPAN("text/html"));
    assert_true(encoding_allowed(&r, 1000));
    r.unbuffered = true;
    assert_false(encoding_allowed(&r, 1000));
    r = (struct response){.status = 200, .length = RESPONSE_LENGTH_UNKNOWN};
    assert_false(encoding_allowed(&r, 0)); /* no type at all */
    response_add(&r, SPAN("Content-Type"), SPAN("text/event-stream; charset=utf-8"));
    assert_false(encoding_allowed(&r, 0));
}

static struct span
value_of(const struct response *r, const char *name, unsigned *n)
{
    struct span value = {NULL, 0};

    *n = 0;
    for (unsigned i = 0; i < r->nfields; i++)
        if (span_ieq(r->fields[i].name, span_str(name))) {
            value = r->fields[i].value;
            (*n)++;
        }
    return value;
}

static void
test_apply(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        struct response r = {.status = 200, .length = 5000};
        struct encoding_room room;
        unsigned n;

        print_message("%s\n", said[i].why);
        response_add(&r, SPAN("Accept-Ranges"), SPAN("bytes"));
        if (said[i].vary && said[i].vary[0])
            response_add(&r, SPAN("VARY"), span_str(said[i].vary));
        if (said[i].etag)
            response_add(&r, SPAN("ETag"), span_str(said[i].etag));
        encoding_apply(&r, GZIP, &room);
        assert_true(r.length == RESPONSE_LENGTH_UNKNOWN);
        assert_true(span_eq(value_of(&r, "vary", &n), span_str(said[i].vary_want)));
        assert_int_equal(n, 1);
        assert_true(span_eq(value_of(&r, "etag", &n), span_str(said[i].etag_want)));
        assert_int_equal(n, said[i].etag != NULL);
        assert_true(span_eq(value_of(&r, "content-encoding", &n), SPAN("gzip")));
        (void)value_of(&r, "accept-ranges", &n);
        assert_int_equal(n, 0);
    }
}

/* What does not fit the room: Vary gets a second line, a tag goes. */
static void
test_too_long(void **state)
{
    struct response r = {.status = 200, .length = 5000};
    struct encoding_room room;
    char text[300];
    unsigned n;

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t size = 235; size <= sizeof(text); size++) {
        r.nfields = 0;
        response_add(&r, SPAN("Vary"), span_of(text, size));
        response_add(&r, SPAN("ETag"), span_of(text, size));
        encoding_apply(&r, BR, &room);
        (void)value_of(&r, "vary", &n);
        assert_int_equal(n, size + 17 < sizeof(room.vary) ? 1 : 2);
        (void)value_of(&r, "etag", &n);
        assert_int_equal(n, size + 2 < sizeof(room.etag) ? 1 : 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choose),       cmocka_unit_test(test_names),
        cmocka_unit_test(test_pays),         cmocka_unit_test(test_allowed),
        cmocka_unit_test(test_event_stream), cmocka_unit_test(test_apply),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
