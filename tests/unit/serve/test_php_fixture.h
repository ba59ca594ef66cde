/*
 * What the PHP tests share: a pool on a loop, exchanges whose sink records, doubles of the
 * error page and the site's error log, and a responder in a child process. Everything lives in
 * a directory of its own; every wait is for a condition and bounded.
 */
#ifndef TEST_PHP_FIXTURE_H
#define TEST_PHP_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fcgi.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/serve/php.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS   20000 /* longest wait for anything */
#define BODY_ROOM (256u << 20)

/* One exchange and all that was said to its sink. */
struct seen {
    struct sink sink;
    struct exchange x;
    unsigned status, heads;
    uint64_t length;
    bool bodiless, ended, failed;
    bool page;         /* an error page, not an answer */
    char retry[16];    /* its Retry-After */
    struct buf fields; /* "Name: value\n"... */
    struct buf body;
    size_t room;    /* bytes until the sink says FULL; SIZE_MAX = never */
    size_t flushes; /* ... and how much had come at the first of them */
    size_t flushed_body;
    bool gone_now;   /* say GONE from now on, and call on_gone from within */
    bool gone_later; /* say GONE from now on; on_gone comes afterwards */
};

static uv_loop_t *loop;
static struct php_pool *pool;
static struct buf error_log;
static struct site site = {.names = (char *[]){"www.example", NULL}, .root = "/srv/www"};
static const struct visitor visitor = {
    .addr = "192.0.2.7", .port = 50123, .local_addr = "192.0.2.1", .local_port = 80};
static unsigned wants, releases, brokens, renews, stucks;
static char dir[] = "/tmp/hostel-test-XXXXXX";

/* --- doubles ----------------------------------------------------------------------------- */

static inline struct seen *
seen_of(struct sink *s)
{
    return (struct seen *)(void *)((char *)s - offsetof(struct seen, sink));
}

void
errorpage_answer(struct exchange *x, unsigned status, const struct field *extra,
                 unsigned nextra)
{
    struct seen *s = seen_of(x->sink);

    assert_false(s->ended || s->failed || s->heads);
    s->status = status;
    s->page = s->ended = true;
    for (unsigned i = 0; i < nextra; i++)
        if (span_ieq(extra[i].name, SPAN("Retry-After")))
            snprintf(s->retry, sizeof(s->retry), "%.*s", (int)extra[i].value.n,
                     extra[i].value.p);
}

void
site_program(const struct site *s, const char *program, const struct site_client *who,
             struct span text)
{
    assert_ptr_equal(s, &site);
    assert_string_equal(who->addr, visitor.addr);
    assert_true(who->id > 0 && program[0]);
    assert_true(text.n <= 2048);
    (void)buf_add_span(&error_log, text);
    (void)buf_add_str(&error_log, "\n");
}

void
site_say(const struct site *s, enum log_level level, const struct site_client *who,
         struct span text)
{
    assert_int_equal(level, LOG_LEVEL_ERROR);
    site_program(s, "error", who, text);
}

static inline bool
logged(const char *text)
{
    struct span log = buf_span(&error_log);

    return log.n && memmem(log.p, log.n, text, strlen(text));
}

static inline enum sink_flow
flow_of(struct seen *s)
{
    if (s->gone_now) {
        const struct answerer_ops *ops = s->x.answerer;

        s->x.answerer = NULL;
        if (ops)
            ops->on_gone(s->x.answerer_data);
        return SINK_GONE;
    }
    if (s->gone_later)
        return SINK_GONE;
    return s->body.len >= s->room ? SINK_FULL : SINK_MORE;
}

static inline enum sink_flow
sink_head(struct sink *sink, const struct response *r)
{
    struct seen *s = seen_of(sink);

    assert_int_equal(s->heads++, 0);
    s->status = r->status;
    s->length = r->length;
    s->bodiless = r->bodiless;
    for (unsigned i = 0; i < r->nfields; i++)
        assert_int_equal(0, buf_addf(&s->fields, "%.*s: %.*s\n", (int)r->fields[i].name.n,
                                     r->fields[i].name.p, (int)r->fields[i].value.n,
                                     r->fields[i].value.p));
    return flow_of(s);
}

static inline enum sink_flow
sink_copy(struct sink *sink, struct span bytes)
{
    struct seen *s = seen_of(sink);

    assert_true(s->heads == 1 && !s->ended && !s->failed && !s->bodiless);
    assert_true(s->body.len < s->room); /* FULL was heeded */
    assert_int_equal(0, buf_add_span(&s->body, bytes));
    return flow_of(s);
}

static inline enum sink_flow
sink_lend(struct sink *sink, const struct piece *p)
{
    enum sink_flow flow = sink_copy(sink, p->bytes);

    p->release(p->owner);
    return flow;
}

static inline void
sink_flush(struct sink *sink)
{
    struct seen *s = seen_of(sink);

    assert_true(!s->ended && !s->failed);
    if (s->flushes++ == 0)
        s->flushed_body = s->body.len;
}

static inline void
sink_end(struct sink *sink)
{
    struct seen *s = seen_of(sink);

    assert_true(s->heads == 1 && !s->ended && !s->failed);
    s->ended = true;
}

static inline void
sink_fail(struct sink *sink)
{
    struct seen *s = seen_of(sink);

    assert_true(s->heads == 1 && !s->ended && !s->failed);
    s->failed = true;
}

static const struct sink_ops recording = {sink_head,  sink_copy, sink_lend,
                                          sink_flush, sink_end,  sink_fail};

/* --- pool and loop ----------------------------------------------------------------------- */

static inline void
on_want(void *data, uint32_t id)
{
    (void)data;
    assert_int_equal(id, 7);
    wants++;
}

static inline void
on_release(void *data, uint32_t id, uint32_t generation)
{
    (void)data, (void)id, (void)generation;
    releases++;
}

static inline void
on_broken(void *data, uint32_t id, uint32_t generation)
{
    (void)data, (void)id, (void)generation;
    brokens++;
}

static inline void
on_stuck(void *data, uint32_t id, uint32_t generation, uint64_t inode)
{
    (void)data, (void)id, (void)generation;
    assert_true(inode > 0);
    stucks++;
}

static inline void
on_renew(void *data, uint32_t id, uint32_t generation)
{
    (void)data, (void)id, (void)generation;
    renews++;
}

static const struct php_pool_ops pool_ops = {on_want, on_release, on_broken, on_renew,
                                             on_stuck};

static const char *const spool_here[] = {"/nonexistent", ".", NULL};

static const struct php_limits usual = {.body_max = 64u << 20,
                                        .request_timeout_ms = 10000,
                                        .queue_max = 10,
                                        .queue_timeout_ms = 10000,
                                        .spool_dirs = spool_here};

static inline void
pool_start(const struct php_limits *limits, uint32_t slots, uint64_t idle_ms)
{
    pool = php_pool_new(loop, 7, slots, true, idle_ms, limits, &pool_ops, NULL);
}

static inline void
on_tick(uv_timer_t *timer)
{
    (void)timer;
}

/* Turn the loop until *flag, or until ms have passed. ret  *flag */
static inline bool
turn(const bool *flag, unsigned ms)
{
    uint64_t end = uv_hrtime() / 1000000 + ms;
    uv_timer_t tick;

    uv_timer_init(loop, &tick);
    uv_timer_start(&tick, on_tick, 5, 5);
    while (!*flag && uv_hrtime() / 1000000 < end)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    return *flag;
}

/* Turn it until ms have passed. */
static inline void
turn_for(unsigned ms)
{
    static const bool never;

    (void)turn(&never, ms);
}

static inline bool
over(struct seen *s)
{
    uint64_t end = uv_hrtime() / 1000000 + WAIT_MS;

    while (!s->ended && !s->failed && uv_hrtime() / 1000000 < end)
        (void)turn(&s->ended, 5);
    return s->ended || s->failed;
}

static inline int
fixture_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    strcpy(dir, "/tmp/hostel-test-XXXXXX");
    if (!mkdtemp(dir) || chdir(dir) < 0)
        return -1;
    loop = uv_default_loop();
    buf_init(&error_log, 1 << 20);
    wants = releases = brokens = renews = stucks = 0;
    return 0;
}

static inline int
fixture_down(void **state)
{
    (void)state;
    php_pool_free(&pool);
    uv_run(loop, UV_RUN_DEFAULT);
    if (uv_loop_close(loop) < 0)
        return -1; /* a handle was left */
    buf_done(&error_log);
    (void)unlink("php.1");
    (void)unlink("php.2");
    (void)unlink("script.php");
    return chdir("/") < 0 || rmdir(dir) < 0 ? -1 : 0;
}

/* --- exchanges --------------------------------------------------------------------------- */

static inline struct seen *
seen_new(const char *method, enum body_framing framing, uint64_t body_bytes)
{
    struct seen *s = mem_new(sizeof(*s));
    struct request *q = &s->x.req;

    s->sink.ops = &recording;
    s->x.sink = &s->sink;
    s->x.site = &site;
    s->x.visitor = &visitor;
    s->room = SIZE_MAX;
    buf_init(&s->fields, 65536);
    buf_init(&s->body, BODY_ROOM);
    q->method_text = span_str(method);
    q->method = !strcmp(method, "GET")    ? METHOD_GET
                : !strcmp(method, "HEAD") ? METHOD_HEAD
                                          : METHOD_POST;
    q->target = SPAN("/script.php?a=1");
    q->path = SPAN("/script.php");
    q->query = SPAN("a=1");
    q->has_query = true;
    q->host = SPAN("www.example");
    q->host_name = SPAN("www.example");
    q->version = 11;
    q->framing = framing;
    q->body_bytes = body_bytes;
    return s;
}

/* Whatever it took the exchange for is told that the visitor is gone, if it still listens. */
static inline void
seen_free(struct seen *s)
{
    if (s->x.answerer && !s->ended && !s->failed)
        s->x.answerer->on_gone(s->x.answerer_data);
    buf_done(&s->fields);
    buf_done(&s->body);
    free(s);
}

static inline void
ask(struct seen *s)
{
    char *file = mem_fmt("%s/script.php", dir);
    const struct php_script script = {.filename = span_str(file), .name = SPAN("/script.php")};

    uv_update_time(loop); /* as in a loop's turn: a test may have worked for long */
    php_answer(&s->x, pool, &script);
    free(file);
}

static inline struct seen *
get(void)
{
    struct seen *s = seen_new("GET", BODY_NONE, 0);

    ask(s);
    return s;
}

/* ret  what the answerer said */
static inline int
feed_body(struct seen *s, const char *p, size_t n)
{
    return s->x.answerer->body.data(s->x.answerer_data, span_of(p, n));
}

static inline void
end_body(struct seen *s)
{
    s->x.answerer->body.end(s->x.answerer_data);
}

static inline void
more_room(struct seen *s, size_t room)
{
    s->room = room;
    if (!s->ended && !s->failed)
        s->x.answerer->on_room(s->x.answerer_data);
}

/* --- the other side ---------------------------------------------------------------------- */

static inline int
listen_at(const char *name, int backlog)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(to.sun_path, sizeof(to.sun_path), "%s", name);
    (void)unlink(name);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&to, sizeof(to)));
    assert_int_equal(0, listen(fd, backlog));
    return fd;
}

static inline void
ready(uint32_t generation)
{
    char name[16];

    snprintf(name, sizeof(name), "php.%u", (unsigned)generation);
    php_pool_ready(pool, generation, span_str(name));
}

/* fork(); the child ends with the test, also with one that fails. */
static inline pid_t
fork_child(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

static inline void
end_child(pid_t pid, int sig)
{
    if (sig)
        (void)kill(pid, sig);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

#endif
