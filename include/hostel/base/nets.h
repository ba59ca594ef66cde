/*
 * Networks of addresses, IPv4 as ::ffff:a.b.c.d: whose word counts. Floor 0; all.
 */
#ifndef HOSTEL_BASE_NETS_H
#define HOSTEL_BASE_NETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETS_MAX 64 /* in one list */

struct net {
    uint8_t addr[16];
    uint8_t bits; /* 0..128 */
};

struct nets {
    struct net v[NETS_MAX];
    size_t n;
};

bool net_has(const struct net *net, const uint8_t addr[static 16]);

/* ret  false of an empty list */
bool nets_have(const struct nets *nets, const uint8_t addr[static 16]);

#endif
