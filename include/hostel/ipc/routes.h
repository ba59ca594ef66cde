/*
 * The routing table: which user serves which host name. Built once by the supervisor in a
 * sealed memfd, mapped read-only by every acceptor, never changed after. Floor 2.
 */
#ifndef HOSTEL_IPC_ROUTES_H
#define HOSTEL_IPC_ROUTES_H

#include "hostel/base/span.h"

#include <stdint.h>

struct route {
    struct span name; /* lower case; "*.example.org" for every name below example.org */
    uint32_t user;    /* index of the user that serves it */
    bool tls;         /* it has a certificate */
};

#define ROUTES_NO_USER UINT32_MAX

/*
 * in   routes   n of them, lent; a name may appear once
 * in   unknown  user that answers unknown names, or ROUTES_NO_USER
 * in   nameless user whose certificate answers who says no name, or ROUTES_NO_USER
 * in   acme     user that answers ACME's challenges for every name, or ROUTES_NO_USER
 * out  memfd    sealed against every change; owned by the caller
 * ret  0; -EEXIST a name is there twice; or -errno
 */
int routes_build(const struct route *routes, size_t n, uint32_t users, uint32_t unknown,
                 uint32_t nameless, uint32_t acme, int *memfd);

struct routes; /* a mapped table */

/*
 * Map a table and check that it is sealed and consistent.
 *
 * in   memfd  lent
 * ret  0; -EBADMSG; or -errno
 */
int routes_open(int memfd, struct routes **out);
void routes_free(struct routes **r);

uint32_t routes_users(const struct routes *r);

/*
 * in   host        lower case, without port and trailing dot; empty = none was given
 * out  by_default  true when the name is in no vhost
 * ret  the user, or ROUTES_NO_USER
 */
uint32_t routes_find(const struct routes *r, struct span host, bool *by_default);

/*
 * The same for a connection that begins with TLS: only names that have a certificate.
 *
 * in   host  empty = the client says none
 */
uint32_t routes_find_tls(const struct routes *r, struct span host);

/* ret  the user that answers ACME's challenges, or ROUTES_NO_USER */
uint32_t routes_acme(const struct routes *r);

#endif
