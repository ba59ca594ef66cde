/* Addresses as the rules know them. Floor 5; worker. */
#include "access.h"

#include <arpa/inet.h>

/* IPv4 becomes ::ffff:a.b.c.d, so that one form of rule fits both. RFC 4291 2.5.5.2 */
static bool
address_of(const char *text, uint8_t addr[static 16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (inet_pton(AF_INET6, text, addr) == 1)
        return true;
    memcpy(addr, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, addr + sizeof(mapped)) == 1;
}

bool
access_allowed(const struct exchange *x)
{
    const struct site_rules *rules = &x->site->rules;
    uint8_t addr[16];

    if (rules->naccess == 0)
        return true;
    return address_of(x->visitor->addr, addr) && rules_access_allowed(rules, addr);
}
