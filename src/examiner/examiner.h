/*
 * The examiner: an unprivileged process in an empty root directory that looks at certificates
 * and keys for `hostel check`, and makes some to try things out: so that root never parses one.
 * Runs as the acceptor_user. Floor 6.
 */
#ifndef EXAMINER_EXAMINER_H
#define EXAMINER_EXAMINER_H

#include "hostel/base/buf.h"

#include <stdint.h>
#include <time.h>

/* How bad is it? The first byte of a line. */
#define FOUND_WARNING 'W'
#define FOUND_WRONG   'E' /* visitors will not like it */
#define FOUND_USELESS 'R' /* it cannot be served */

#define NEARLY_OVER_S (14 * 24 * 3600)

/*
 * in   chain, key  PEM
 * in   names       '\n'-separated host names that the certificate has to cover
 * out  found       a line for each thing that is wrong, parted by '\n'; capped
 * out  covered     the DNS names of the certificate, parted by '\n'; capped
 * ret  its end, seconds of the epoch; 0: there is none to be read
 */
uint64_t look_at_pair(struct span chain, struct span key, struct span names, time_t now,
                      struct buf *found, struct buf *covered);

/*
 * A self-signed certificate for some names, P-256.
 *
 * in   names  '\n'-separated, 1 or more
 * out  chain, key  PEM
 * ret  0 or -EINVAL
 */
int make_pair(struct span names, unsigned days, struct buf *chain, struct buf *key);

#endif
