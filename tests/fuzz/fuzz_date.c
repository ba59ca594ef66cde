/* Dates: what is read and written is read as the same. */
#include "fuzz.h"
#include "hostel/base/date.h"

#include <errno.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[DATE_LEN + 1];
    time_t t, again;
    int rc;

    rc = date_parse(input(data, size), 1700000000, &t);
    must(rc == 0 || rc == -EINVAL);
    if (rc < 0)
        return 0;
    date_format(t, text);
    must(strlen(text) == DATE_LEN);
    must(date_parse(span_of(text, DATE_LEN), 1700000000, &again) == 0 && again == t);
    return 0;
}
