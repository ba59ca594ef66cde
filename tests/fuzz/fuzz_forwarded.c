/*
 * Forwarded and X-Forwarded-For: whatever a visitor puts before it, the entry that a trusted
 * proxy adds at the end is the one that counts. The first byte says which field.
 */
#include "fuzz.h"
#include "hostel/http/forwarded.h"

#include <stdio.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nets trusted = {.v = {{{[10] = 0xff, [11] = 0xff, [12] = 10}, 104}},
                                        .n = 1};
    static const uint8_t visitor[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};
    bool standard = size && data[0] & 1;
    struct span name = standard ? SPAN("Forwarded") : SPAN("X-Forwarded-For");
    struct span said = input(data, size),
                added = standard ? SPAN(", for=192.0.2.1;proto=https, for=10.0.0.1")
                                 : SPAN(", 192.0.2.1, 10.0.0.1");
    struct field fields[2] = {{name, said}, {name, span_skip(added, 2)}};
    struct forwarded f;
    char *both;

    (void)forwarded_find(fields, 1, &trusted, &f);
    must(forwarded_find(fields, 2, &trusted, &f) == 0);
    must(f.found && memcmp(f.ip, visitor, sizeof(visitor)) == 0);
    both = malloc(said.n + added.n);
    memcpy(both, said.p, said.n);
    memcpy(both + said.n, added.p, added.n);
    fields[0].value = span_of(both, said.n + added.n);
    must(forwarded_find(fields, 1, &trusted, &f) == 0);
    must(f.found && memcmp(f.ip, visitor, sizeof(visitor)) == 0);
    must(!standard || f.scheme == FORWARDED_HTTPS);
    free(both);
    return 0;
}
