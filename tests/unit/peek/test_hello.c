/* The server name in a ClientHello: fields, records, what is refused and with which alert. */
#include "rows.h"

#include "hostel/base/buf.h"
#include "hostel/peek/hello.h"

#define GREASE   "\x0a\x0a\x00\x00"
#define VERSIONS "\x00\x2b\x00\x03\x02\x03\x04"
#define SNI_A                                                                                  \
    "\x00\x00\x00\x0b\x00\x09\x00\x00\x06"                                                     \
    "a.test"
#define ECH           "\xfe\x0d\x00\x05\x00\x01\x02\x03\x04"
#define NO_EXTENSIONS "\xff" /* a mark for the builder: not even their length */

static char scratch[HELLO_BYTES_MAX];

static void
put(struct buf *b, size_t n, unsigned bytes)
{
    while (bytes-- > 0) {
        char c = (char)(n >> (8 * bytes));

        assert_int_equal(buf_add(b, &c, 1), 0);
    }
}

/* The message alone, with its head. */
static void
message(struct buf *b, struct span extensions)
{
    bool none = span_eq(extensions, SPAN(NO_EXTENSIONS));
    size_t body = 2 + 32 + 1 + 32 + 2 + 4 + 2 + (none ? 0 : 2 + extensions.n);

    buf_init(b, 1 << 20);
    put(b, 1, 1);
    put(b, body, 3);
    put(b, 0x0303, 2);
    for (int i = 0; i < 32; i++)
        put(b, 0x55, 1);
    put(b, 32, 1);
    for (int i = 0; i < 32; i++)
        put(b, 0xaa, 1);
    put(b, 4, 2);
    put(b, 0x1a1a1301, 4); /* a GREASE suite, and one that is */
    put(b, 0x0100, 2);
    if (none)
        return;
    put(b, extensions.n, 2);
    assert_int_equal(buf_add_span(b, extensions), 0);
}

/* A message in records of so many bytes. */
static void
records(struct buf *b, struct span m, size_t each)
{
    buf_init(b, 1 << 20);
    while (m.n > 0) {
        size_t n = m.n < each ? m.n : each;

        put(b, 0x160301, 3);
        put(b, n, 2);
        assert_int_equal(buf_add(b, m.p, n), 0);
        m = span_skip(m, n);
    }
}

static const struct {
    const char *why;
    struct span extensions;
    unsigned verdict;
    bool named;
    const char *name;
} rows[] = {
    {"a name", S(SNI_A), HELLO_OK, true, "a.test"},
    {"behind GREASE", S(GREASE SNI_A), HELLO_OK, true, "a.test"},
    {"before GREASE and others", S(SNI_A VERSIONS GREASE), HELLO_OK, true, "a.test"},
    {"ECH: the outer name", S(ECH SNI_A), HELLO_OK, true, "a.test"},
    {"ECH and no outer name", S(ECH VERSIONS), HELLO_OK, false, ""},
    {"no name", S(VERSIONS), HELLO_OK, false, ""},
    {"an empty list of extensions", S(""), HELLO_OK, false, ""},
    {"no extensions at all: TLS 1.2", S(NO_EXTENSIONS), HELLO_OK, false, ""},
    {"upper case",
     S("\0\0\0\x0b\0\x09\0\0\x06"
       "A.TesT"),
     HELLO_OK, true, "a.test"},
    {"a dot at the end",
     S("\0\0\0\x0c\0\x0a\0\0\x07"
       "a.test."),
     HELLO_OK, true, "a.test"},
    {"an underscore",
     S("\0\0\0\x0b\0\x09\0\0\x06"
       "_.test"),
     HELLO_OK, true, "_.test"},
    {"an address is no name to find",
     S("\0\0\0\x0d\0\x0b\0\0\x08"
       "[::1]:80"),
     HELLO_OK, true, ""},
    {"a port",
     S("\0\0\0\x09\0\x07\0\0\x04"
       "a:80"),
     HELLO_OK, true, ""},
    {"a wildcard as text",
     S("\0\0\0\x0b\0\x09\0\0\x06"
       "*.test"),
     HELLO_OK, true, ""},
    {"a suffix as text",
     S("\0\0\0\x0a\0\x08\0\0\x05"
       ".test"),
     HELLO_OK, true, ""},
    {"a NUL inside",
     S("\0\0\0\x0b\0\x09\0\0\x06"
       "a\0test"),
     HELLO_OK, true, ""},
    {"a byte above ASCII",
     S("\0\0\0\x0b\0\x09\0\0\x06"
       "\xc3\xa4test"),
     HELLO_OK, true, ""},
    {"a slash",
     S("\0\0\0\x0b\0\x09\0\0\x06"
       "a/test"),
     HELLO_OK, true, ""},
    {"a kind of name that nobody knows, before",
     S("\0\0\0\x0f\0\x0d\x07\0\x01x\0\0\x06"
       "a.test"),
     HELLO_OK, true, "a.test"},
    {"only a kind that nobody knows",
     S("\0\0\0\x06\0\x04\x07\0\x01x"),
     HELLO_OK,
     false,
     ""},
    {"an IPv4 address is none",
     S("\0\0\0\x0e\0\x0c\0\0\x09"
       "127.0.0.1"),
     HELLO_OK,
     false,
     ""},
    {"nor is an IPv6 address",
     S("\0\0\0\x08\0\x06\0\0\x03"
       "::1"),
     HELLO_OK,
     false,
     ""},
    {"two host names",
     S("\0\0\0\x0a\0\x08\0\0\x01"
       "a\0\0\x01"
       "b"),
     ALERT_ILLEGAL_PARAMETER, false, NULL},
    {"the extension twice", S(SNI_A SNI_A), ALERT_ILLEGAL_PARAMETER, false, NULL},
    {"an empty name", S("\0\0\0\x05\0\x03\0\0\0"), ALERT_DECODE_ERROR, false, NULL},
    {"an empty list", S("\0\0\0\x02\0\0"), ALERT_DECODE_ERROR, false, NULL},
    {"an empty extension", S("\0\0\0\0"), ALERT_DECODE_ERROR, false, NULL},
    {"a list longer than its extension",
     S("\0\0\0\x0b\0\x0a\0\0\x06"
       "a.test"),
     ALERT_DECODE_ERROR, false, NULL},
    {"a list shorter than its extension",
     S("\0\0\0\x0b\0\x08\0\0\x06"
       "a.test"),
     ALERT_DECODE_ERROR, false, NULL},
    {"a name longer than its list",
     S("\0\0\0\x0b\0\x09\0\0\x07"
       "a.test"),
     ALERT_DECODE_ERROR, false, NULL},
    {"an extension longer than all of them",
     S("\0\0\0\x0c\0\x09\0\0\x06"
       "a.test"),
     ALERT_DECODE_ERROR, false, NULL},
    {"half an extension's head", S(SNI_A "\0"), ALERT_DECODE_ERROR, false, NULL},
};

static unsigned
find(struct span bytes, struct hello *h)
{
    struct span copy = copied(bytes);
    unsigned verdict = hello_find(copy, scratch, h);

    copied_done(copy);
    return verdict;
}

/* Cut into records of any size, and seen up to any byte: nothing before its end, then the same.
 */
static void
extensions_are_read(void **state)
{
    static const size_t sizes[] = {16384, 100, 7, 3, 1};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf m, wire;

        print_message("%s\n", rows[i].why);
        message(&m, rows[i].extensions);
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            struct hello h = {true, "x"};

            records(&wire, buf_span(&m), sizes[k]);
            for (size_t n = 0; n < wire.len; n++)
                assert_int_equal(find(span_of(wire.data, n), &h), HELLO_MORE);
            assert_int_equal(find(buf_span(&wire), &h), rows[i].verdict);
            if (rows[i].verdict == HELLO_OK) {
                assert_int_equal(h.named, rows[i].named);
                assert_string_equal(h.name, rows[i].name);
            }
            buf_done(&wire);
        }
        buf_done(&m);
    }
}

static const struct {
    const char *why;
    struct span bytes;
    unsigned verdict;
} wires[] = {
    {"nothing", S(""), HELLO_MORE},
    {"a record's first byte", S("\x16"), HELLO_MORE},
    {"HTTP", S("G"), HELLO_PLAIN},
    {"HTTP, whole", S("GET / HTTP/1.1\r\n\r\n"), HELLO_PLAIN},
    {"an alert", S("\x15\x03\x01\x00\x02\x02\x00"), ALERT_UNEXPECTED_MESSAGE},
    {"application data", S("\x17\x03\x03\x00\x01x"), ALERT_UNEXPECTED_MESSAGE},
    {"SSL 2", S("\x80\x2e\x01\x00\x02"), ALERT_UNEXPECTED_MESSAGE},
    {"another major version, early", S("\x16\x02"), ALERT_PROTOCOL_VERSION},
    {"another major version", S("\x16\x02\x00\x00\x05\x01"), ALERT_PROTOCOL_VERSION},
    {"an empty record", S("\x16\x03\x01\x00\x00"), ALERT_UNEXPECTED_MESSAGE},
    {"a record that is too long", S("\x16\x03\x01\x40\x01"), ALERT_RECORD_OVERFLOW},
    {"another message", S("\x16\x03\x01\x00\x04\x02\x00\x00\x01"), ALERT_UNEXPECTED_MESSAGE},
    {"a message that is too long", S("\x16\x03\x01\x00\x04\x01\x00\x40\x00"),
     ALERT_DECODE_ERROR},
    {"of 16 MiB", S("\x16\x03\x01\x00\x04\x01\xff\xff\xff"), ALERT_DECODE_ERROR},
    {"an empty message", S("\x16\x03\x01\x00\x04\x01\x00\x00\x00"), ALERT_DECODE_ERROR},
    {"more behind the message", S("\x16\x03\x01\x00\x05\x01\x00\x00\x00x"),
     ALERT_UNEXPECTED_MESSAGE},
    {"the second record is another kind",
     S("\x16\x03\x01\x00\x04\x01\x00\x00\x05\x17\x03\x03\x00\x05"
       "abcde"),
     ALERT_UNEXPECTED_MESSAGE},
    {"the second record is HTTP", S("\x16\x03\x01\x00\x04\x01\x00\x00\x05GET / HTTP/1.1\r\n"),
     ALERT_UNEXPECTED_MESSAGE},
};

static void
records_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wires) / sizeof(wires[0]); i++) {
        struct hello h;

        print_message("%s\n", wires[i].why);
        assert_int_equal(find(wires[i].bytes, &h), wires[i].verdict);
    }
}

/* As long as it may be, and a byte longer; in records that never come to an end. */
static void
bounds_are_kept(void **state)
{
    static char pad[HELLO_BYTES_MAX];
    struct buf ext, m, wire;
    struct hello h;
    size_t room = HELLO_BYTES_MAX - 4 - (2 + 32 + 33 + 6 + 2 + 2) - (sizeof(SNI_A) - 1) - 4;

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        buf_init(&ext, 1 << 20);
        put(&ext, 0x0015, 2);
        put(&ext, room + more, 2);
        assert_int_equal(buf_add(&ext, pad, room + more), 0);
        assert_int_equal(buf_add_span(&ext, SPAN(SNI_A)), 0);
        message(&m, buf_span(&ext));
        assert_int_equal(m.len, HELLO_BYTES_MAX + more);
        for (size_t each = 50; each < 16384; each += 4000) {
            records(&wire, buf_span(&m), each);
            assert_int_equal(find(buf_span(&wire), &h), more ? ALERT_DECODE_ERROR : HELLO_OK);
            if (!more)
                assert_string_equal(h.name, "a.test");
            buf_done(&wire);
        }
        buf_done(&m);
        buf_done(&ext);
    }
    buf_init(&ext, 1 << 20);
    message(&m, SPAN(NO_EXTENSIONS));
    m.data[2] = 0x3f; /* a long one, in records of a byte */
    for (size_t i = 0; i < 8000; i++)
        put(&m, 0, 1);
    records(&wire, buf_span(&m), 1);
    assert_true(wire.len > HELLO_WIRE_MAX);
    assert_int_equal(find(span_of(wire.data, HELLO_WIRE_MAX - 1), &h), HELLO_MORE);
    assert_int_equal(find(span_of(wire.data, HELLO_WIRE_MAX), &h), ALERT_RECORD_OVERFLOW);
    buf_done(&wire);
    buf_done(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extensions_are_read),
        cmocka_unit_test(records_are_judged),
        cmocka_unit_test(bounds_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
