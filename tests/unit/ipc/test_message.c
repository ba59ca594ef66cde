/* Every payload: there and back; cut at every byte; with a byte too many; out of bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hostel/base/commons.h"
#include "hostel/ipc/message.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#define NET "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1" /* ::ffff:192.0.2.1 */

static char bytes[65536];
static char big[MSG_PREFIX_MAX + 1];

static struct buf
fresh(void)
{
    return (struct buf){.data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
}

/* in  get  parses into scratch memory; ret  0 when all of n bytes were one payload */
typedef int get_fn(struct reader *r);

#define GETTER(type)                                                                           \
    static int type##_ok(struct reader *r)                                                     \
    {                                                                                          \
        struct type m;                                                                         \
                                                                                               \
        return type##_get(r, &m);                                                              \
    }
GETTER(msg_hello)
GETTER(msg_listener)
GETTER(msg_start)
GETTER(msg_user)
GETTER(msg_channel)
GETTER(msg_stop)
GETTER(msg_worker_init)
GETTER(msg_log)
GETTER(msg_log_level)
GETTER(msg_sync)
GETTER(msg_pool)
GETTER(msg_commons)
GETTER(msg_vhost)
GETTER(msg_tls)
GETTER(msg_tickets)
GETTER(msg_rule)
GETTER(msg_pool_state)
GETTER(msg_pool_stuck)
GETTER(msg_conn_prefix)
GETTER(msg_conn_back)

/* Whole it parses; shorter or longer by any number of bytes it does not. */
static void
exact(const char *what, struct buf *b, get_fn *get)
{
    size_t n = b->len;

    for (size_t cut = 0; cut <= n + 1; cut++) {
        char *copy = malloc(cut + 1); /* of its own size: a sanitizer sees a read past it */
        struct reader r = {{copy, cut}, 0};
        int rc;

        memset(copy, 0, cut + 1);
        memcpy(copy, b->data, cut < n ? cut : n);
        rc = get(&r);
        free(copy);
        if ((rc == 0) != (cut == n))
            fail_msg("%s: %zu of %zu bytes gave %d", what, cut, n, rc);
    }
}

#define EXACT(type, ...)                                                                       \
    do {                                                                                       \
        struct buf b = fresh();                                                                \
        struct writer w = {&b, 0};                                                             \
        struct type m = __VA_ARGS__;                                                           \
                                                                                               \
        type##_put(&w, &m);                                                                    \
        assert_int_equal(w.error, 0);                                                          \
        exact(#type, &b, type##_ok);                                                           \
    } while (0)

static const char ticket_keys[4 * MSG_TICKET_BYTES];

static void
every_payload_is_exact(void **state)
{
    (void)state;
    EXACT(msg_hello, {7});
    EXACT(msg_listener, {.id = 3, .tls = 1});
    EXACT(msg_start, {.head_timeout_ms = 1000, .conns_per_addr = 2, .conns_max = 3});
    EXACT(msg_start, {1000, 2, 3, {4, UINT64_MAX}, {.v = {{NET, 128}, {NET, 0}}, .n = 2}, 1});
    EXACT(msg_log_level, {3});
    EXACT(msg_sync, {UINT32_MAX});
    EXACT(msg_user, {5, 0, 7});
    EXACT(msg_channel, {5, 7, 2});
    EXACT(msg_stop, {0, MSG_STOP_SOON});
    EXACT(msg_stop, {UINT32_MAX, MSG_STOP_REPLACED});
    EXACT(msg_listener, {MSG_LISTENERS_MAX - 1, 0, {.v = {{NET, 104}}, .n = 1}});
    EXACT(msg_listener, {.proxies = {.n = NETS_MAX}});
    EXACT(msg_worker_init, {.user = SPAN("alice"),
                            .home = SPAN("/home/alice"),
                            .body_max = 1,
                            .conns_max = 1,
                            .conns_per_addr = 1,
                            .trusted = {.v = {{NET, 128}}, .n = 1},
                            .trusted_close = 1});
    EXACT(msg_log, {4095});
    EXACT(msg_pool, {.id = 255, .slots = 1, .keep = 1, .restart_on = SPAN("a\n/b")});
    EXACT(msg_pool_stuck, {255, 1, UINT64_MAX});
    EXACT(msg_commons, {.place = COMMONS_PLACES - 1, .conns_max = 7});
    EXACT(msg_vhost, {.names = SPAN("a.example\nb.example"), .root = SPAN("/srv/a")});
    EXACT(msg_vhost, {.names = SPAN("a"),
                      .root = SPAN("/"),
                      .autoindex = 1,
                      .compress = 1,
                      .symlinks = MSG_SYMLINKS_OFF,
                      .compress_min = UINT64_MAX,
                      .fallback = SPAN("/index.php"),
                      .conns_max = UINT32_MAX});
    EXACT(msg_tls, {7, 13});
    EXACT(msg_tickets, {1, span_of(ticket_keys, 2 * MSG_TICKET_BYTES)});
    EXACT(msg_rule, {RULE_HEADER, MSG_HEADER_SET, 100, 599, SPAN("/a*"), SPAN("X"), SPAN("y")});
    EXACT(msg_rule, {RULE_HEADER, MSG_HEADER_ADD, 404, 404, SPAN(""), SPAN("X"), SPAN("")});
    EXACT(msg_rule, {RULE_HEADER, MSG_HEADER_REMOVE, 100, 599, SPAN(""), SPAN("X"), SPAN("")});
    EXACT(msg_rule, {.kind = RULE_EXPIRES, .a = 0, .match = SPAN("image/*")});
    EXACT(msg_rule,
          {.kind = RULE_REDIRECT, .a = 308, .match = SPAN("*"), .value = SPAN("/$1")});
    EXACT(msg_rule, {.kind = RULE_ERROR_PAGE, .a = 400, .b = 499, .value = SPAN("/e.html")});
    EXACT(msg_rule, {.kind = RULE_AUTH, .name = SPAN("Realm"), .value = SPAN("/h")});
    EXACT(msg_rule, {.kind = RULE_ACCESS, .op = 1, .a = 128, .match = SPAN(NET)});
    EXACT(msg_rule, {.kind = RULE_PATH, .op = MSG_SERVE_FORBIDDEN, .match = SPAN("/a*")});
    EXACT(msg_rule, {.kind = RULE_PATH, .op = MSG_SERVE_STATIC, .a = 1, .match = SPAN("*.x")});
    EXACT(msg_rule, {.kind = RULE_PATH,
                     .op = MSG_SERVE_INTERNAL,
                     .match = SPAN("/a/*"),
                     .value = SPAN("/srv")});
    EXACT(msg_rule, {.kind = RULE_REWRITE, .match = SPAN("/a/*"), .value = SPAN("/b?c=$1")});
    EXACT(msg_rule, {.kind = RULE_PARAM, .name = SPAN("KEY"), .value = SPAN("")});
    EXACT(msg_rule, {.kind = RULE_ROOT, .op = 1, .value = SPAN("/srv")});
    EXACT(msg_rule,
          {.kind = RULE_FASTCGI, .a = 1, .b = 9, .match = SPAN("/a/*"), .value = SPAN("/s")});
    EXACT(msg_rule, {.kind = RULE_ACCESS, .op = 0, .a = 0, .match = SPAN(NET)});
    EXACT(msg_pool_state, {.pool = 1, .generation = 2, .socket = SPAN("0-1000.0.2.sock")});
    EXACT(msg_conn_prefix,
          {{.flags = CONN_RETURNED, .ip = NET, .port = 80}, SPAN("GET / HTTP/1.1\r\n")});
    EXACT(msg_conn_prefix, {{CONN_PROXIED, NET, 80, NET, 443, 7}, SPAN("GET / HTTP/1.1\r\n")});
    EXACT(msg_conn_back, {.prefix = SPAN("GET / HTTP/1.1\r\n")});
    EXACT(msg_conn_back,
          {.visitor = {.flags = CONN_ALONE}, .prefix = SPAN("GET / HTTP/1.1\r\n")});
    EXACT(msg_conn_back, {.visitor = {CONN_PROXIED | CONN_SECURE, NET, 80, NET, 443, 7}});
}

/* A payload that only a liar sends: each row would pass but for one thing. */
#define REFUSED(type, ...)                                                                     \
    do {                                                                                       \
        struct buf b = fresh();                                                                \
        struct writer w = {&b, 0};                                                             \
        struct type m = __VA_ARGS__, out;                                                      \
        struct reader r;                                                                       \
                                                                                               \
        type##_put(&w, &m);                                                                    \
        r = (struct reader){buf_span(&b), 0};                                                  \
        assert_true(type##_get(&r, &out) < 0);                                                 \
    } while (0)

/* As many as there are rows: cut between two rows it is a shorter one. */
static void
visitors_of_a_batch(void **state)
{
    struct msg_conn m = {.n = IPC_FDS_MAX}, out;
    struct buf b = fresh();
    struct writer w = {&b, 0};
    struct reader r;
    size_t row;

    (void)state;
    for (unsigned i = 0; i < m.n; i++)
        m.visitors[i] = (struct msg_visitor){
            .flags = (uint8_t)(i % 4), .ip = NET, .port = (uint16_t)(1000 + i)};
    msg_conn_put(&w, &m);
    assert_int_equal(w.error, 0);
    row = b.len / IPC_FDS_MAX;
    for (size_t cut = 0; cut <= b.len; cut++) {
        r = (struct reader){span_of(b.data, cut), 0};
        assert_int_equal(msg_conn_get(&r, &out) == 0, cut > 0 && cut % row == 0);
        if (cut == 0 || cut % row)
            continue;
        assert_int_equal(out.n, cut / row);
        for (unsigned i = 0; i < out.n; i++) {
            assert_int_equal(out.visitors[i].flags, i % 4);
            assert_memory_equal(out.visitors[i].ip, NET, MSG_NET_BYTES);
            assert_int_equal(out.visitors[i].port, 1000 + i);
        }
    }
    memset(b.data + b.len, 0, row);
    r = (struct reader){span_of(b.data, b.len + row), 0};
    assert_true(msg_conn_get(&r, &out) < 0); /* one too many */
}

static void
visitors_addresses(void **state)
{
    struct sockaddr_storage in = {0}, out;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(8080)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(81)}, got;
    struct msg_visitor v;

    (void)state;
    inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
    memcpy(&in, &v4, sizeof(v4));
    msg_visitor_from(&v, &in);
    assert_memory_equal(v.ip, NET, MSG_NET_BYTES);
    assert_int_equal(v.port, 8080);
    inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
    memcpy(&in, &v6, sizeof(v6));
    msg_visitor_from(&v, &in);
    msg_visitor_to(&v, &out);
    memcpy(&got, &out, sizeof(got));
    assert_int_equal(got.sin6_family, AF_INET6);
    assert_memory_equal(&got.sin6_addr, &v6.sin6_addr, 16);
    assert_int_equal(got.sin6_port, htons(81));
    in.ss_family = AF_UNIX; /* not one of the internet's: nobody */
    msg_visitor_from(&v, &in);
    assert_memory_equal(v.ip, (uint8_t[16]){0}, 16);
    assert_int_equal(v.port, 0);
}

static void
bounds_are_kept(void **state)
{
    (void)state;
    REFUSED(msg_listener, {0, 2, {.n = 0}});
    REFUSED(msg_listener, {.proxies = {.v = {{NET, 129}}, .n = 1}});
    REFUSED(msg_tls, {0, 11});
    REFUSED(msg_tls, {0, 14});
    REFUSED(msg_tickets, {2, span_of(ticket_keys, MSG_TICKET_BYTES)});
    REFUSED(msg_tickets, {0, {NULL, 0}});
    REFUSED(msg_tickets, {0, span_of(ticket_keys, MSG_TICKET_BYTES - 1)});
    REFUSED(msg_tickets, {0, span_of(ticket_keys, sizeof(ticket_keys))});
    REFUSED(msg_start, {.conns_per_addr = 1, .conns_max = 1});
    REFUSED(msg_start, {1, 1, 1, {0, 0}, {.v = {{NET, 255}}, .n = 1}, 0});
    REFUSED(msg_stop, {1, MSG_STOP_HOWS});
    REFUSED(msg_listener, {.id = MSG_LISTENERS_MAX});
    REFUSED(msg_user, {MSG_NONE, 0, 0});
    REFUSED(msg_channel, {MSG_NONE, 1, 1});
    REFUSED(msg_channel, {5, 1, 0});
    REFUSED(msg_log, {MSG_LOGS_MAX});
    REFUSED(msg_log_level, {4});
    REFUSED(msg_sync, {0});
    REFUSED(msg_start,
            {.head_timeout_ms = 1, .conns_per_addr = 1, .conns_max = 1, .log_level = 4});
    REFUSED(msg_pool, {.id = MSG_POOLS_MAX, .slots = 1});
    REFUSED(msg_pool, {.slots = 0});
    REFUSED(msg_pool, {.slots = 1, .keep = 2});
    REFUSED(msg_pool, {.slots = 1, .restart_on = {big, MSG_RESTART_MAX + 1}});
    REFUSED(msg_pool_stuck, {.pool = MSG_POOLS_MAX});
    REFUSED(msg_worker_init, {.user = {NULL, 0}, .conns_max = 1, .conns_per_addr = 1});
    REFUSED(msg_worker_init,
            {.user = {big, MSG_HOST_MAX + 1}, .conns_max = 1, .conns_per_addr = 1});
    REFUSED(msg_worker_init, {.user = SPAN("a"), .conns_max = 0, .conns_per_addr = 1});
    REFUSED(msg_worker_init, {.user = SPAN("a"), .conns_max = 1, .conns_per_addr = 0});
    REFUSED(msg_vhost, {.names = {NULL, 0}, .root = SPAN("/")});
    REFUSED(msg_vhost, {.names = SPAN("a"), .root = SPAN("srv")});
    REFUSED(msg_vhost, {.names = SPAN("a"), .root = SPAN("/"), .by_default = 2});
    REFUSED(msg_vhost, {.names = {big, MSG_NAMES_MAX + 1}, .root = SPAN("/")});
    REFUSED(msg_pool_state, {.pool = MSG_POOLS_MAX});
    REFUSED(msg_pool_state, {.socket = {big, MSG_SOCKET_MAX + 1}});
    REFUSED(msg_conn, {.n = 0});
    REFUSED(msg_conn, {.n = 1, .visitors = {{.flags = 64, .ip = NET}}});
    REFUSED(msg_conn, {.n = 1, .visitors = {{.flags = CONN_SECURE, .ip = NET}}});
    REFUSED(msg_conn_prefix, {{.ip = NET}, {NULL, 0}});
    REFUSED(msg_conn_prefix, {{.ip = NET}, {big, MSG_PREFIX_MAX + 1}});
    REFUSED(msg_conn_prefix, {{.flags = 64, .ip = NET}, SPAN("GET")});
    REFUSED(msg_conn_back, {.visitor = {.flags = CONN_RETURNED}});
    REFUSED(msg_conn_back, {.prefix = {big, MSG_PREFIX_MAX + 1}});
}

/* No sender has so many: by hand. */
static void
nets_are_counted(void **state)
{
    char payload[4 + 1 + 1 + 255 * 17] = {0};
    struct msg_listener m;

    (void)state;
    for (unsigned n = 0; n <= 255; n++) {
        struct reader r = {span_of(payload, 4 + 1 + 1 + n * 17), 0};

        payload[4 + 1] = (char)n;
        assert_int_equal(msg_listener_get(&r, &m) == 0, n <= NETS_MAX);
    }
}

static void
bounds_of_vhosts_are_kept(void **state)
{
    (void)state;
    REFUSED(msg_vhost, {.names = SPAN("a"), .root = SPAN("/"), .autoindex = 2});
    REFUSED(msg_vhost, {.names = SPAN("a"), .root = SPAN("/"), .rate = 1});
    REFUSED(msg_vhost, {.names = SPAN("a"), .root = SPAN("/"), .burst = 1});
    REFUSED(msg_vhost,
            {.names = SPAN("a"), .root = SPAN("/"), .rate = MSG_RATE_MAX + 1, .burst = 1});
    REFUSED(msg_vhost,
            {.names = SPAN("a"), .root = SPAN("/"), .bandwidth = MSG_BANDWIDTH_MAX + 1});
    REFUSED(msg_commons, {.place = COMMONS_PLACES});
    REFUSED(msg_vhost, {.names = SPAN("a"), .root = SPAN("/"), .compress = 2});
    REFUSED(msg_vhost, {.names = SPAN("a"), .root = SPAN("/"), .symlinks = 3});
    REFUSED(msg_vhost, {.names = SPAN("a"), .root = SPAN("/"), .fallback = SPAN("x")});
    REFUSED(msg_vhost,
            {.names = SPAN("a"), .root = SPAN("/"), .fallback = {big, MSG_PATH_MAX + 1}});
}

static void
bounds_of_rules_are_kept(void **state)
{
    (void)state;
    REFUSED(msg_rule, {.kind = RULE_KINDS, .match = SPAN("x")});
    /* headers */
    REFUSED(msg_rule, {RULE_HEADER, 3, 100, 599, SPAN(""), SPAN("X"), SPAN("")});
    REFUSED(msg_rule, {RULE_HEADER, 0, 99, 599, SPAN(""), SPAN("X"), SPAN("")});
    REFUSED(msg_rule, {RULE_HEADER, 0, 100, 600, SPAN(""), SPAN("X"), SPAN("")});
    REFUSED(msg_rule, {RULE_HEADER, 0, 300, 200, SPAN(""), SPAN("X"), SPAN("")});
    REFUSED(msg_rule, {RULE_HEADER, 0, 100, 599, SPAN(""), SPAN(""), SPAN("y")});
    REFUSED(msg_rule, {RULE_HEADER, 2, 100, 599, SPAN(""), SPAN("X"), SPAN("y")});
    REFUSED(msg_rule, {RULE_HEADER, 0, 100, 599, SPAN("a\0b"), SPAN("X"), SPAN("y")});
    REFUSED(msg_rule, {RULE_HEADER, 0, 100, 599, SPAN(""), SPAN("X\0"), SPAN("y")});
    REFUSED(msg_rule, {RULE_HEADER, 0, 100, 599, SPAN(""), SPAN("X"), SPAN("\0")});
    REFUSED(msg_rule,
            {RULE_HEADER, 0, 100, 599, {big, MSG_PATH_MAX + 1}, SPAN("X"), SPAN("y")});
    REFUSED(msg_rule, {RULE_HEADER, 0, 100, 599, SPAN(""), {big, MSG_NAME_MAX + 1}, SPAN("y")});
    REFUSED(msg_rule,
            {RULE_HEADER, 0, 100, 599, SPAN(""), SPAN("X"), {big, MSG_VALUE_MAX + 1}});
    /* expires */
    REFUSED(msg_rule, {.kind = RULE_EXPIRES, .match = SPAN("")});
    REFUSED(msg_rule, {.kind = RULE_EXPIRES, .match = SPAN("*"), .name = SPAN("x")});
    REFUSED(msg_rule, {.kind = RULE_EXPIRES, .match = SPAN("*"), .b = 1});
    /* redirects */
    REFUSED(msg_rule,
            {.kind = RULE_REDIRECT, .a = 299, .match = SPAN("*"), .value = SPAN("/")});
    REFUSED(msg_rule,
            {.kind = RULE_REDIRECT, .a = 400, .match = SPAN("*"), .value = SPAN("/")});
    REFUSED(msg_rule, {.kind = RULE_REDIRECT, .a = 301, .match = SPAN(""), .value = SPAN("/")});
    REFUSED(msg_rule, {.kind = RULE_REDIRECT, .a = 301, .match = SPAN("*"), .value = SPAN("")});
    /* error pages */
    REFUSED(msg_rule, {.kind = RULE_ERROR_PAGE, .a = 399, .b = 404, .value = SPAN("/e")});
    REFUSED(msg_rule, {.kind = RULE_ERROR_PAGE, .a = 404, .b = 403, .value = SPAN("/e")});
    REFUSED(msg_rule, {.kind = RULE_ERROR_PAGE, .a = 404, .b = 404, .value = SPAN("e")});
    REFUSED(msg_rule, {.kind = RULE_ERROR_PAGE, .a = 404, .b = 404, .value = SPAN("")});
    /* passwords */
    REFUSED(msg_rule, {.kind = RULE_AUTH, .name = SPAN(""), .value = SPAN("/h")});
    REFUSED(msg_rule, {.kind = RULE_AUTH, .name = SPAN("R"), .value = SPAN("h")});
    REFUSED(msg_rule, {.kind = RULE_AUTH, .name = SPAN("R"), .value = SPAN("")});
    /* addresses */
    REFUSED(msg_rule, {.kind = RULE_ACCESS, .op = 2, .a = 128, .match = SPAN(NET)});
    REFUSED(msg_rule, {.kind = RULE_PATH, .op = 5, .match = SPAN("/a")});
    REFUSED(msg_rule, {.kind = RULE_PATH, .op = 0, .match = SPAN("")});
    REFUSED(msg_rule, {.kind = RULE_PATH, .op = 0, .a = 2, .match = SPAN("/a")});
    REFUSED(msg_rule, {.kind = RULE_PATH, .op = 1, .match = SPAN("/a"), .value = SPAN("/b")});
    REFUSED(msg_rule, {.kind = RULE_PATH, .op = 2, .match = SPAN("/a"), .value = SPAN("b")});
    REFUSED(msg_rule,
            {.kind = RULE_PATH, .op = 2, .a = 1, .match = SPAN("/a"), .value = SPAN("/b")});
    REFUSED(msg_rule, {.kind = RULE_REWRITE, .match = SPAN(""), .value = SPAN("/b")});
    REFUSED(msg_rule, {.kind = RULE_REWRITE, .match = SPAN("/a"), .value = SPAN("b")});
    REFUSED(msg_rule, {.kind = RULE_PARAM, .name = SPAN(""), .value = SPAN("b")});
    REFUSED(msg_rule, {.kind = RULE_ROOT, .op = 2, .value = SPAN("/srv")});
    REFUSED(msg_rule, {.kind = RULE_FASTCGI, .a = 1, .b = 0, .value = SPAN("/s")});
    REFUSED(msg_rule, {.kind = RULE_FASTCGI, .a = 0, .b = 9, .value = SPAN("/s")});
    REFUSED(msg_rule, {.kind = RULE_FASTCGI, .a = 1, .b = 9, .value = SPAN("s")});
    REFUSED(msg_rule,
            {.kind = RULE_FASTCGI, .a = 1, .b = 9, .value = {big, MSG_SOCKET_PATH_MAX + 1}});
    REFUSED(msg_rule, {.kind = RULE_ROOT, .op = 0, .value = SPAN("srv")});
    REFUSED(msg_rule, {.kind = RULE_ROOT, .op = 0, .value = SPAN("")});
    REFUSED(msg_rule, {.kind = RULE_ROOT, .match = SPAN("/a"), .value = SPAN("/srv")});
    REFUSED(msg_rule, {.kind = RULE_PARAM, .op = 1, .name = SPAN("A"), .value = SPAN("b")});
    REFUSED(msg_rule, {.kind = RULE_ACCESS, .op = 1, .a = 129, .match = SPAN(NET)});
    REFUSED(msg_rule, {.kind = RULE_ACCESS, .op = 1, .a = 128, .match = SPAN("\1\2\3\4")});
    REFUSED(msg_rule, {.kind = RULE_ACCESS, .op = 1, .a = 128, .match = SPAN(NET "x")});
}

static void
a_count_larger_than_the_message(void **state)
{
    static const char lie[] = "\xff\xff\xff\xff"
                              "x";
    struct reader r = {span_of(lie, 5), 0};

    (void)state;
    assert_int_equal(get_span(&r, SIZE_MAX).n, 0);
    assert_true(reader_end(&r) < 0);
    assert_int_equal(get_u8(&r), 0); /* sticky: nothing more comes out */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_payload_is_exact),
        cmocka_unit_test(visitors_of_a_batch),
        cmocka_unit_test(visitors_addresses),
        cmocka_unit_test(bounds_are_kept),
        cmocka_unit_test(nets_are_counted),
        cmocka_unit_test(bounds_of_vhosts_are_kept),
        cmocka_unit_test(bounds_of_rules_are_kept),
        cmocka_unit_test(a_count_larger_than_the_message),
    };

    memset(big, '/', sizeof(big));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
