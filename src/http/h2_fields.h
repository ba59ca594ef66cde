/*
 * The fields of one request as they come out of HPACK, and the request that they make. The
 * same strictness as HTTP/1's: peek/head.h judges both. Floor 4; worker.
 */
#ifndef HTTP_H2_FIELDS_H
#define HTTP_H2_FIELDS_H

#include "hostel/http/h2.h"
#include "hostel/peek/head.h"

#define H2_COOKIE SPAN("cookie")

enum h2_pseudo { H2_METHOD, H2_SCHEME, H2_AUTHORITY, H2_PATH, H2_PSEUDOS };

struct h2_fields {
    struct head head; /* its fields as they come */
    struct span pseudo[H2_PSEUDOS];
    size_t list_bytes; /* RFC 9113 6.5.2: names, values, 32 for each */
    size_t used;       /* of bytes */
    size_t cookie_n;   /* of cookie */
    bool overflow;     /* more than there may be: it is 431 */
    bool malformed;    /* it is no request: the stream is reset */
    bool priority;     /* it says how urgent it is: */
    uint8_t urgency;
    bool shares;
    char bytes[H2_LIST_MAX];
    char cookie[H2_LIST_MAX]; /* the crumbs, joined. RFC 9113 8.2.3 */
};

void h2_fields_start(struct h2_fields *f);

/*
 * One more field, in the order they came.
 *
 * in   name, value  copied
 * ret  0; -E2BIG: the block unpacks to more than anybody should send
 */
int h2_fields_add(struct h2_fields *f, struct span name, struct span value);

/*
 * All of them are there.
 *
 * in   ended  no DATA follows
 * out  r      lent from f; where the verdict is not 0 only what could be read
 * ret  0; -EBADMSG: malformed, the stream is to be reset
 * src  RFC 9113 8.1-8.3
 */
int h2_fields_request(struct h2_fields *f, bool ended, struct request *r, struct h2_head *head);

/*
 * What a Priority field says; what cannot be read says nothing.
 *
 * out  urgency  0-7, 3 unless it is said
 * out  shares   it is "incremental"
 * src  RFC 9218 4, RFC 8941
 */
void h2_priority(struct span value, uint8_t *urgency, bool *shares);

/*
 * May this field stand in a trailer section?
 *
 * src  RFC 9113 8.1, 8.2
 */
bool h2_fields_trailer(struct span name, struct span value);

#endif
