/*
 * ClientHellos: read whole or in pieces they read the same, a verdict does not change when more
 * comes, and a name that was found is one that a route could have.
 */
#include "fuzz.h"
#include "hostel/peek/head.h"
#include "hostel/peek/hello.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char scratch[HELLO_BYTES_MAX];
    struct span bytes = input(data, size);
    struct hello whole, pieces;
    char name[256], again[256];
    unsigned v = hello_find(bytes, scratch, &whole), w;
    bool named;
    size_t n = 0;

    do {
        n = piece_end(data, size, n, bytes.n);
        w = hello_find(span_of(bytes.p, n), scratch, &pieces);
    } while (w == HELLO_MORE && n < bytes.n);
    /* one that is whole before its end has something behind it */
    must(v == w || (w == HELLO_OK && v == ALERT_UNEXPECTED_MESSAGE) ||
         (w > HELLO_PLAIN && v > HELLO_PLAIN));
    if (v == HELLO_OK) {
        must(strlen(whole.name) < 256 && (whole.named || !whole.name[0]));
        must(!whole.name[0] ||
             (head_host_name(span_str(whole.name), again) == 0 && !strcmp(again, whole.name)));
    }
    must(hello_server_name(bytes, &named, name) != HELLO_OK || strlen(name) < 256);
    return 0;
}
