/* Networks of addresses. Floor 0; all. */
#include "hostel/base/nets.h"

#include <string.h>

bool
net_has(const struct net *net, const uint8_t addr[static 16])
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;

    if (net->bits > 128 || memcmp(net->addr, addr, whole) != 0)
        return false;
    return rest == 0 || (net->addr[whole] ^ addr[whole]) >> (8 - rest) == 0;
}

bool
nets_have(const struct nets *nets, const uint8_t addr[static 16])
{
    for (size_t i = 0; i < nets->n; i++)
        if (net_has(&nets->v[i], addr))
            return true;
    return false;
}
