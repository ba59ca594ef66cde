/* A visitor at the other end of a socket pair, and the worker's side of it. */
#ifndef TEST_TALK_H
#define TEST_TALK_H

#include "conn.h"
#include "hostel/base/mem.h"
#include "hostel/ipc/message.h"
#include "hostel/worker/run.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define TALK_MAX (1 << 20)

static uv_loop_t loop;
static struct sites *sites;
static struct conns conns;

/* What was handed back. */
static struct {
    int refuse; /* errno to refuse with */
    int count;
    int fd;
    char prefix[CONN_INPUT_MAX + 1];
    size_t n;
    uint64_t seal; /* of what it came with */
} back;

static char heard[TALK_MAX + 1];
static size_t heard_n;
static bool heard_end;

static inline int
on_back(void *data, int *fd, const struct msg_visitor *origin, struct span prefix)
{
    (void)data;
    back.seal = origin ? origin->seal : 0;
    if (back.refuse)
        return -back.refuse;
    back.count++;
    back.fd = *fd;
    *fd = -1;
    memcpy(back.prefix, prefix.p, prefix.n);
    back.prefix[prefix.n] = '\0';
    back.n = prefix.n;
    return 0;
}

static inline void
on_left(void *data)
{
    (void)data;
}

static const struct conns_ops talk_ops = {on_back, on_left};

/* in  names  of one site, NULL-ended; lent strings */
static inline struct site *
talk_site(const char *root, const char *const *names, bool by_default)
{
    struct site *site = mem_new(sizeof(*site));
    size_t n = 0;

    site->names = mem_new_array(8, sizeof(char *));
    for (; names[n]; n++)
        site->names[n] = mem_str(names[n]);
    site->index = mem_new_array(2, sizeof(char *));
    site->index[0] = mem_str("index.html");
    site->root = mem_str(root);
    site->dir = site_dir_new(site->root);
    site->by_default = by_default;
    sites_add(sites, site);
    return site;
}

static inline void
talk_init(uint64_t deadline_ms)
{
    struct conns_settings settings = {
        .http2 = &worker_http2,
        .head_ms = deadline_ms,
        .keepalive_ms = deadline_ms,
        .body_ms = deadline_ms,
        .send_ms = deadline_ms,
        .conns_max = 1000,
        .conns_per_addr = 1000,
    };

    uv_loop_init(&loop);
    turns_start(&loop);
    sites = sites_new();
    assert_int_equal(conns_init(&conns, &loop, sites, &settings, &talk_ops, NULL), 0);
    memset(&back, 0, sizeof(back));
}

static inline int
talk_done(void)
{
    conns_done(&conns);
    turns_stop();
    uv_run(&loop, UV_RUN_DEFAULT);
    sites_free(&sites);
    return uv_loop_close(&loop);
}

static inline void
talk_hear(int fd)
{
    ssize_t n;

    while ((n = recv(fd, heard + heard_n, TALK_MAX - heard_n, MSG_DONTWAIT)) > 0)
        heard_n += (size_t)n;
    heard[heard_n] = '\0';
    heard_end = heard_end || n == 0 || (n < 0 && errno != EAGAIN);
}

/*
 * Let the worker's side run, and hear what it says. On a busy machine a connection's turn may
 * be over before it has done much, so some more than asked for.
 */
static inline void
talk_run(int fd, int turns)
{
    for (int i = 0; i < turns + 10; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        talk_hear(fd);
    }
}

/* ret  the visitor's end; what was sent before the worker took it on is said */
static inline int
talk_begin(unsigned flags, struct span said, struct span prefix)
{
    const struct msg_visitor visitor = {
        .to_port = 443,
        .seal = 4711,
        .flags = (uint8_t)(flags & CONN_FLAGS),
        .ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 1}};
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    heard_n = 0;
    heard_end = false;
    if (said.n)
        assert_int_equal(send(pair[1], said.p, said.n, 0), said.n);
    conn_adopt(&conns, pair[0], &visitor, flags & CONN_OWN, prefix);
    talk_hear(pair[1]);
    return pair[1];
}

static inline void
talk_say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    talk_run(fd, 3);
}

/* Statuses of the answers heard, as "200 404". */
static inline const char *
talk_statuses(void)
{
    static char text[256];
    size_t at = 0;

    text[0] = '\0';
    for (const char *p = heard; (p = strstr(p, "HTTP/1.1 ")) && at < sizeof(text) - 8; p += 9)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.3s", at ? " " : "", p + 9);
    return text;
}

#endif
