/* Small text jobs that several rooms need. Floor 0, every process. */
#ifndef HOSTEL_BASE_TEXT_H
#define HOSTEL_BASE_TEXT_H

#include "hostel/base/span.h"

#include <stdint.h>

/*
 * A time with its unit: "250ms", "10s", "5m", "1h", "2d"; a bare number is seconds.
 *
 * out  ms   milliseconds
 * ret  0; -EINVAL not a time; -ERANGE does not fit
 */
int text_time(struct span s, uint64_t *ms);

/*
 * A size with its unit (powers of 1024, either case): "512", "64k", "128m", "2g".
 *
 * ret  0; -EINVAL not a size; -ERANGE does not fit
 */
int text_size(struct span s, uint64_t *bytes);

#define TEXT_DIGITS_MAX 20 /* of any number */

/*
 * A number in decimal, without printf(): heads, variables and log lines are full of them.
 *
 * ret  the digits, at the end of text; lent
 */
struct span text_digits(uint64_t v, char text[static TEXT_DIGITS_MAX]);

/*
 * The candidate that is nearest to a misspelt word.
 *
 * in   names  NULL-ended list, lent
 * ret  one of names, or NULL when nothing is within a third of its length
 */
const char *text_nearest(const char *word, const char *const *names);

#endif
