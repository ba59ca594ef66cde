/*
 * What a process counts: one page of fixed integers that it alone writes, and that the
 * supervisor maps read-only for `hostel status`. Counting is one addition in memory; nobody
 * with privilege reads more than numbers of it, and takes none of them for true. Floor 0.
 */
#ifndef HOSTEL_BASE_COUNTERS_H
#define HOSTEL_BASE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

/* clang-format off
 *  name          as it is shown   a level, not a count */
#define COUNTER_TABLE(X)                                                     \
  /* workers */                                                              \
  X(CONNECTIONS,  "connections",   true)   /* open now */                    \
  X(ADOPTED,      "adopted",       false)  /* connections taken on */        \
  X(REQUESTS,     "requests",      false)  /* answered, however */           \
  X(BYTES,        "bytes",         false)  /* of bodies, sent */             \
  X(TIME_US,      "time_us",       false)  /* that all answers took */       \
  X(ANSWERS_1XX,  "1xx",           false)                                    \
  X(ANSWERS_2XX,  "2xx",           false)                                    \
  X(ANSWERS_3XX,  "3xx",           false)                                    \
  X(ANSWERS_4XX,  "4xx",           false)                                    \
  X(ANSWERS_5XX,  "5xx",           false)                                    \
  X(LIMITED,      "limited",       false)  /* refused: a bound was reached */ \
  X(LIMITED_REQUESTS, "limited_requests", false)  /* of them: requests_per_second */ \
  X(LIMITED_SITE, "limited_site", false)  /* connections of a vhost */       \
  X(LIMITED_ADDRESS, "limited_address", false)  /* connections_per_address */ \
  X(LIMITED_CONNECTIONS, "limited_connections", false)  /* of user, worker */ \
  X(HANDED_BACK,  "handed_back",   false)  /* another user's host */         \
  X(PHP_SLOW,     "php_slow",      false)  /* scripts over their time */     \
  X(PHP_RUNNING,  "php_running",   true)                                     \
  X(PHP_QUEUED,   "php_queued",    true)                                     \
  /* acceptors */                                                            \
  X(WAITING,      "waiting",       true)   /* for the name they ask for */   \
  X(ROUTED,       "routed",        false)  /* connections */                 \
  X(REFUSED,      "refused",       false)  /* answered by the acceptor */
/* clang-format on */

#define COUNTER_ID(name, shown, level) COUNT_##name,
enum counter { COUNTER_TABLE(COUNTER_ID) COUNTERS };
#undef COUNTER_ID

/* Times of answers: four classes an octave, from 16 us to a minute and more. */
#define COUNTERS_CLASSES 92

struct counters {
    uint64_t value[COUNTERS];
    uint64_t time[COUNTERS_CLASSES];
};

#define COUNTERS_BYTES 4096
_Static_assert(sizeof(struct counters) <= COUNTERS_BYTES, "one page");

/* This process's; never NULL: before counters_use() they are seen by nobody. */
extern struct counters *counters;

static inline void
count(enum counter c, uint64_t n)
{
    counters->value[c] += n;
}

static inline void
count_level(enum counter c, int64_t change)
{
    counters->value[c] += (uint64_t)change;
}

/* An answer has taken so long. */
void count_time(uint64_t ns);

/*
 * Count in this page from now on.
 *
 * in   fd  a memfd of COUNTERS_BYTES, lent
 * ret  0 or -errno
 */
int counters_use(int fd);

/* --- the supervisor's side --- */

/*
 * Make a page.
 *
 * out  fd    for the process that counts; owned by the caller
 * out  page  mapped read-only, counters_unmap()
 * ret  0 or -errno
 */
int counters_make(int *fd, const struct counters **page);
/* Leaves NULL. */
void counters_unmap(const struct counters **page);

/* Add what a page holds now, level by level and count by count; page may be NULL. */
void counters_add(struct counters *sum, const struct counters *page);
/* The same for a process that is gone: levels are not added. */
void counters_add_past(struct counters *sum, const struct counters *page);

/*
 * ret  answers that took this long at the most; exact where a class ends at it: at a power of
 *      two of us from 16 on
 */
uint64_t counters_within_us(const struct counters *c, uint64_t us);

const char *counter_name(enum counter c);
bool counter_is_level(enum counter c);

/*
 * ret  the time that this share of the answers took at the most, in us (a class's upper end);
 *      0: there were none
 */
uint64_t counters_time_us(const struct counters *c, unsigned percent);

#endif
