/*
 * Passwords are checked beside the event loop: one thread, started with the first check, so
 * that a hash which takes a second on purpose holds no other visitor up. One thread is enough
 * and a bound at once: who guesses passwords costs one core. Floor 5; worker.
 */
#ifndef SERVE_HASHER_H
#define SERVE_HASHER_H

#include "hostel/base/span.h"

#include <uv.h>

#define HASHER_WAITING_MAX  128 /* checks at once, the running one included */
#define HASHER_PASSWORD_MAX 512 /* bytes, NUL included */

struct hasher;
struct hasher_job;

typedef void (*hasher_done_fn)(void *data, bool fits);

/* ret  owned by the caller, hasher_free(); the loop is lent and not yet used */
struct hasher *hasher_new(uv_loop_t *loop);

/* Nobody is told anything any more. The loop has to turn once more. NULL is fine. */
void hasher_free(struct hasher **h);

/*
 * Start a check.
 *
 * in   password  without NUL, shorter than HASHER_PASSWORD_MAX; copied
 * in   hash      pwhash_is_taken(); copied
 * in   done      called once from the loop, never from within this call
 * out  job       for hasher_forget(), until done is called
 * ret  0; -EBUSY too many wait; -EINVAL too long; or why there is no thread
 */
int hasher_check(struct hasher *h, struct span password, struct span hash, hasher_done_fn done,
                 void *data, struct hasher_job **job);

/* Its result is not wanted any more; leaves NULL. */
void hasher_forget(struct hasher_job **job);

#endif
