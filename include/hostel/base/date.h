/*
 * HTTP dates and the loop's clock. Floor 0, every process.
 * Source: RFC 9110 5.6.7.
 */
#ifndef HOSTEL_BASE_DATE_H
#define HOSTEL_BASE_DATE_H

#include "hostel/base/span.h"

#include <stdint.h>
#include <time.h>

#define DATE_LEN 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* out  text  DATE_LEN bytes and a NUL, IMF-fixdate */
void date_format(time_t t, char text[static DATE_LEN + 1]);

/*
 * Parse an HTTP date in any of the three formats a recipient must accept
 * (IMF-fixdate, RFC 850, asctime).
 *
 * in   now  for the century of a two-digit year
 * ret  0; -EINVAL when it is none of them: the caller ignores the field
 */
int date_parse(struct span s, time_t now, time_t *out);

/* The Date field's value for now, formatted once a second; lent, static. */
struct span date_now(void);

/* Milliseconds of a clock that never steps. */
uint64_t date_mono_ms(void);

/* The same as of the kernel's last tick, up to 10 ms ago: for every request, as it costs less. */
uint64_t date_tick_ms(void);

#endif
