/*
 * What a request is called in logs and by scripts: 16 bytes in hex. The first half is this
 * process's, drawn at random; the second half a count, mixed with a secret so that one name
 * does not tell the next. Nothing is computed for a request that nobody asks the name of. Floor
 * 5; worker.
 */
#include "hostel/serve/exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static struct {
    uint64_t process, secret;
    uint64_t count;
} ids;

/* One to one, so no two counts meet: the finalizer of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t
mixed(uint64_t n)
{
    n = (n ^ ids.secret) + 0x9e3779b97f4a7c15;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
    n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
    return n ^ (n >> 31);
}

uint64_t
exchange_name(struct exchange *x)
{
    if (ids.count == 0 && getrandom(&ids, 2 * sizeof(uint64_t), 0) != 2 * sizeof(uint64_t))
        abort();
    if (x->id == 0)
        x->id = ++ids.count;
    return x->id;
}

void
request_id_text(uint64_t id, char text[static REQUEST_ID_TEXT])
{
    snprintf(text, REQUEST_ID_TEXT, "%016" PRIx64 "%016" PRIx64, ids.process, mixed(id));
}

void
exchange_id(struct exchange *x, char text[static REQUEST_ID_TEXT])
{
    request_id_text(exchange_name(x), text);
}
