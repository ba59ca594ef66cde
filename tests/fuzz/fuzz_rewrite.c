/* Where rewrites lead: a path as any request's, whatever the visitor wrote. */
#include "fuzz.h"
#include "rewrite.h"

#include "hostel/http/path.h"

/* in  data  from, to, path and query, parted by line ends */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of((const char *)data, size), part[4];
    char from[256] = "", to[256] = "", path[4096];
    struct rewrite_rule rule = {from, to};
    struct request req = {.has_query = true};
    struct rewrite r;
    ssize_t n;

    for (int i = 0; i < 4; i++) {
        size_t end = span_find(rest, '\n');

        part[i] = span_of(rest.p, end);
        rest = span_skip(rest, end + 1);
    }
    if (part[0].n >= sizeof(from) || part[1].n >= sizeof(to))
        return 0;
    memcpy(from, part[0].p, part[0].n);
    memcpy(to, part[1].p, part[1].n);
    n = path_decode(part[2], path, sizeof(path));
    if (n < 0)
        return 0;
    req.query = part[3];
    if (!rewrite_fits(&rule, &req, span_of(path, (size_t)n), &r))
        return 0;
    must(r.path_n >= 1 && r.path[0] == '/' && r.path[r.path_n] == '\0');
    must(!strstr(r.path, "//") && !strstr(r.path, "/../") && !strstr(r.path, "/./"));
    must(strlen(r.path) == r.path_n);
    for (size_t i = 0; i < r.path_n; i++)
        must((unsigned char)r.path[i] >= 0x20 && r.path[i] != 0x7f);
    rewrite_done(&r);
    return 0;
}
