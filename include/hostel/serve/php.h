/*
 * PHP through FastCGI: one request to the user's own pool. Floor 5; worker.
 * Wire: fastcgi.h of the FastCGI devkit; CGI: RFC 3875.
 */
#ifndef HOSTEL_SERVE_PHP_H
#define HOSTEL_SERVE_PHP_H

#include "hostel/serve/exchange.h"

#include <uv.h>

/* What the static side found: the longest existing script of the path (FACTS: F10, F11). */
struct php_script {
    struct span filename;  /* SCRIPT_FILENAME, absolute; copied */
    struct span name;      /* SCRIPT_NAME, decoded, begins with '/'; copied */
    struct span path_info; /* decoded, begins with '/', or empty: not sent; copied */
    bool rewritten;        /* query instead of the request's own */
    struct span query;     /* QUERY_STRING, still encoded; copied */
};

/*
 * How a pool reaches the supervisor; implemented by the worker over its channel. want,
 * broken and renew are each answered by php_pool_ready() or php_pool_failed(), which may come
 * at any other time too.
 */
struct php_pool_ops {
    void (*want)(void *data, uint32_t pool);
    /*
     * No connection of ours is left at this generation and none will be made: another one is
     * ready, or it was unused for idle_release_ms; then none before the next php_pool_ready().
     */
    void (*release)(void *data, uint32_t pool, uint32_t generation);
    /* Nobody listens on this generation's socket; requests wait for another. */
    void (*broken)(void *data, uint32_t pool, uint32_t generation);
    /* It is out of date: requests wait for another one. */
    void (*renew)(void *data, uint32_t pool, uint32_t generation);
    /*
     * The script at the other end of a connection has run for too long and is to be ended.
     * inode: of our end's socket, which stays open for a while yet.
     */
    void (*stuck)(void *data, uint32_t pool, uint32_t generation, uint64_t inode);
};

struct php_limits {
    uint64_t body_max;             /* over it 413 */
    uint64_t request_timeout_ms;   /* without a byte from PHP: 504 */
    uint32_t queue_max;            /* requests that wait for a process: over it 503 */
    uint64_t queue_timeout_ms;     /* longest wait for a process or a pool: then 503 */
    const char *const *spool_dirs; /* NULL-ended, tried in order for O_TMPFILE; lent */
};

/*
 * in   slots  requests this worker may run in the pool at once (>= 1)
 * in   keep   connections may be kept for the next request: only where the slots of all workers
 *             together are no more than the processes
 * ret  owned by the caller, php_pool_free()
 */
struct php_pool *
php_pool_new(uv_loop_t *loop, uint32_t id, uint32_t slots, bool keep, uint64_t idle_release_ms,
             const struct php_limits *limits, const struct php_pool_ops *ops, void *data);

/*
 * Answer everybody who is still there with 503, or cut, and close. The loop has to turn once
 * more. NULL is fine, leaves NULL.
 */
void php_pool_free(struct php_pool **p);

/* The supervisor's answers. socket: file name in the working directory, copied. */
void php_pool_ready(struct php_pool *p, uint32_t generation, struct span socket);
void php_pool_failed(struct php_pool *p, uint32_t retry_ms);

/*
 * Start PHP anew when one of these files changes.
 *
 * in  root   where names that are not absolute begin; copied
 * in  names  '\n'-separated; copied
 */
void php_pool_watch(struct php_pool *p, const char *root, struct span names);

/* Keep connections from now on, or close those that are kept: this worker is leaving. */
void php_pool_keep(struct php_pool *p, bool keep);

/* Requests waiting or running: a worker with any does not retire. */
size_t php_pool_busy(const struct php_pool *p);

/*
 * Take an exchange on: sets its answerer. The body is fed through body_ops; the answer goes to
 * its sink, or an error page (413, 431, 500, 502, 503, 504). An error may be answered before
 * this returns; x is not to be touched then, as after any answer.
 */
void php_answer(struct exchange *x, struct php_pool *p, const struct php_script *script);

#endif
