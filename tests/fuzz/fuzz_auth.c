/* Basic credentials: what is taken has no NUL, and no control byte or colon in the user. */
#include "auth.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct credentials c;
    struct span value = input(data, size);

    if (auth_parse(value, &c) < 0)
        return 0;
    must(c.user.n + 1 + c.password.n <= AUTH_CREDENTIALS_MAX);
    must(c.user.p >= c.text && c.password.p + c.password.n <= c.text + sizeof(c.text));
    must(span_find(c.user, ':') == c.user.n);
    for (size_t i = 0; i < c.user.n; i++)
        must((unsigned char)c.user.p[i] >= 0x20 && c.user.p[i] != 0x7f);
    must(span_find(c.password, '\0') == c.password.n);
    return 0;
}
