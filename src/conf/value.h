/* One written value against its row. Pure. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_VALUE_H
#define HOSTEL_CONF_VALUE_H

#include "rows.h"

#include <sys/socket.h>

#define VALUE_PATH_MAX 4095 /* PATH_MAX without its NUL */
#define VALUE_HOST_MAX 253  /* RFC 1035 2.3.4, in text; CONF_HOST_MAX */
#define VALUE_WHY_MAX  256

/*
 * out  why  what is wrong, to be read after the key: "must be 1..64, not `65`"
 * ret  0; -EINVAL and why is filled
 */
int value_check(const struct row *r, struct span text, char why[static VALUE_WHY_MAX]);

/* The number, milliseconds, bytes, 0/1 or place among the words of a text that value_check()
 * accepted. */
uint64_t value_number(const struct row *r, struct span text);

/*
 * Lower case, without a trailing dot; "*." in front is kept. An IPv6 literal keeps its
 * brackets.
 *
 * ret  0; -EINVAL no host name; -EILSEQ not ASCII
 */
int value_host(struct span text, char name[static VALUE_HOST_MAX + 1]);

/*
 * ADDR:PORT, [V6]:PORT; *:PORT is the IPv6 wildcard, meant dual-stack.
 *
 * ret  0 or -EINVAL
 */
int value_address(struct span text, struct sockaddr_storage *addr, socklen_t *len);

#endif
