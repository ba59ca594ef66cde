/*
 * What a request is called in logs and by scripts: 16 bytes in hex. The first half is this
 * process's, drawn at random; the second half a count, mixed with secrets so that one name
 * does not tell the next. Nothing is computed for a request that nobody asks the name of. Floor
 * 5; worker.
 */
#include "hostel/serve/exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static struct {
    struct {
        uint64_t process, secrets[3];
    } drawn;
    uint64_t count;
} ids;

/* One to one, so no two counts meet: the finalizer of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t
mixed(uint64_t n)
{
    n += 0x9e3779b97f4a7c15;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
    n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
    return n ^ (n >> 31);
}

/* Anybody can go back through mixed(): so secrets stand on both sides of it, and between. */
static uint64_t
hidden(uint64_t n)
{
    const uint64_t *s = ids.drawn.secrets;

    return mixed(mixed(n ^ s[0]) ^ s[1]) ^ s[2];
}

uint64_t
exchange_name(struct exchange *x)
{
    if (ids.count == 0 && getrandom(&ids.drawn, sizeof(ids.drawn), 0) != sizeof(ids.drawn))
        abort();
    if (x->id == 0)
        x->id = ++ids.count;
    return x->id;
}

void
request_id_text(uint64_t id, char text[static REQUEST_ID_TEXT])
{
    snprintf(text, REQUEST_ID_TEXT, "%016" PRIx64 "%016" PRIx64, ids.drawn.process, hidden(id));
}

void
exchange_id(struct exchange *x, char text[static REQUEST_ID_TEXT])
{
    request_id_text(exchange_name(x), text);
}
