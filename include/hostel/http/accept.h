/* The Accept field. Pure. Floor 4; worker. */
#ifndef HOSTEL_HTTP_ACCEPT_H
#define HOSTEL_HTTP_ACCEPT_H

#include "hostel/http/request.h"

#define ACCEPT_WEIGHT_MAX 1000 /* "q=1", also where no weight is given */

/*
 * How much a visitor wants one media type that he names himself: ranges with a star do not
 * count, since every browser and every tool sends one.
 *
 * in   type  "application/json"
 * ret  0..ACCEPT_WEIGHT_MAX, the weight times thousand; 0 = not named, refused, or its weight
 *      is none
 * src  RFC 9110 12.4.2, 12.5.1
 */
unsigned accept_weight(const struct request *r, struct span type);

#endif
