/* The values that rules of a vhost are made of. Pure. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_VALUE_RULES_H
#define HOSTEL_CONF_VALUE_RULES_H

#include "rows.h"

/* As much as the message that carries a rule to its worker takes. */
#define VALUE_HEADER_NAME_MAX  255
#define VALUE_HEADER_VALUE_MAX 8192
#define VALUE_STARS_MAX        9 /* of a pattern: a redirect names them $1 to $9 */

/*
 * in   text  without control characters
 * ret  NULL, or what a value of this type must be: static text
 */
const char *value_rule_wrong(enum value_type type, struct span text);

/*
 * "Name: value".
 *
 * out  name   a token, lent
 * out  value  trimmed, maybe empty, lent
 * ret  false: neither is touched
 */
bool value_header(struct span text, struct span *name, struct span *value);

/*
 * "404", "4xx" or "200-299".
 *
 * ret  0; -EINVAL not within 100..599, or nothing of the kind
 */
int value_statuses(struct span text, uint32_t *min, uint32_t *max);

/*
 * An address, ADDRESS/BITS or "all".
 *
 * out  net   16 bytes, IPv4 as ::ffff:a.b.c.d; a network's is without bits behind its prefix
 * out  bits  0..128
 * ret  0; -EINVAL; -ERANGE bits behind the prefix are set
 */
int value_net(struct span text, uint8_t net[static 16], uint32_t *bits);

/* The highest n of all $n in a redirect's target, 0 for none. */
unsigned value_captures(struct span target);

/* How many stars a pattern has. */
unsigned value_stars(struct span pattern);

#endif
