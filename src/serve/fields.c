/* Header fields, copied. Floor 5; worker. */
#include "fields.h"
#include "hostel/base/mem.h"

static struct span
put(char **at, struct span s)
{
    char *p = *at;

    if (s.n)
        memcpy(p, s.p, s.n);
    *at += s.n;
    return span_of(p, s.n);
}

struct field *
fields_copy(const struct field *fields, unsigned n)
{
    size_t bytes = n * sizeof(*fields);
    struct field *copy;
    char *at;

    for (unsigned i = 0; i < n; i++)
        bytes += fields[i].name.n + fields[i].value.n;
    copy = mem_new(bytes + 1);
    at = (char *)(copy + n);
    for (unsigned i = 0; i < n; i++) {
        copy[i].name = put(&at, fields[i].name);
        copy[i].value = put(&at, fields[i].value);
    }
    return copy;
}
