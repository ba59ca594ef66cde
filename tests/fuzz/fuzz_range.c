/* Range fields: whatever comes out lies in the file. The first 8 bytes are the file's size. */
#include "fuzz.h"
#include "hostel/http/range.h"

#include <errno.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct range r[RANGE_MAX];
    uint64_t file = 0;
    struct span value;
    int n;

    if (size < 8)
        return 0;
    memcpy(&file, data, 8);
    value = size > 8 ? span_of(data + 8, size - 8) : span_of("", 0);
    n = range_parse(value, file, r);
    must(n == -ERANGE || (n >= 0 && n <= RANGE_MAX));
    for (int i = 0; i < n; i++)
        must(r[i].first <= r[i].last && r[i].last < file);
    return 0;
}
