/* Accept-Encoding, a line a field: what is chosen is there and wanted. */
#include "fuzz.h"
#include "hostel/http/encoding.h"

#define FIELDS 8

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct field fields[FIELDS];
    struct request r = {.method = METHOD_GET, .fields = fields};
    struct span rest = input(data, size), line;
    struct encoding_wish w;

    while (r.nfields < FIELDS && span_cut(&rest, '\n', &line))
        fields[r.nfields++] = (struct field){SPAN("Accept-Encoding"), line};
    encoding_wish(&r, &w);
    for (unsigned there = 0; there < 1U << CODINGS; there++) {
        enum coding c = encoding_choose(&w, there);

        must(c <= CODINGS);
        if (c == CODINGS)
            continue;
        must(there & CODING_BIT(c) && w.weight[c] > 0 && w.weight[c] <= 1000);
        for (unsigned i = 0; i < CODINGS; i++)
            must(!(there & CODING_BIT(i)) || w.weight[i] <= w.weight[c]);
    }
    (void)encoding_pays(rest);
    if (r.nfields)
        (void)encoding_pays(fields[0].value);
    return 0;
}
