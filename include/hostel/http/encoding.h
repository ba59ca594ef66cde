/*
 * Content codings: which of them a request takes, which a response may get. Pure. Floor 4;
 * worker.
 */
#ifndef HOSTEL_HTTP_ENCODING_H
#define HOSTEL_HTTP_ENCODING_H

#include "hostel/http/sink.h"

/* Where a client weighs them alike: the first one that is there, and identity last. */
enum coding { CODING_IDENTITY, CODING_BR, CODING_ZSTD, CODING_GZIP, CODINGS };

#define CODING_BIT(c) (1u << (c)) /* one member of a set of codings */

/* What a request says of each coding: 0 = not acceptable, else 1 .. 1000 thousandths. */
struct encoding_wish {
    uint16_t weight[CODINGS];
};

/*
 * Read all Accept-Encoding fields of a request as one list.
 *
 * A request without one gets identity: it takes any coding, and who asks for none decodes none.
 * Identity that is not named is acceptable, and wanted less than whatever is. A member that is
 * no coding with a weight says nothing; of a coding that is named twice the lower weight counts.
 *
 * src  RFC 9110 12.5.3, 12.4.2; x-gzip: 8.4.1.3
 */
void encoding_wish(const struct request *r, struct encoding_wish *w);

/*
 * The best of what there is.
 *
 * in   available  CODING_BIT() of each
 * ret  a coding; CODINGS: none of them is acceptable, answer 406
 */
enum coding encoding_choose(const struct encoding_wish *w, unsigned available);

/* ret  what Content-Encoding says; static. Empty for identity */
struct span encoding_name(enum coding c);

/* ret  what a compressed neighbour's name ends in, ".br"; static. Empty for identity */
struct span encoding_suffix(enum coding c);

/*
 * Is a media type text that gets smaller by compressing?
 *
 * in   type  as Content-Type says it, parameters and all
 */
bool encoding_pays(struct span type);

/*
 * What a response that is compressed on its way has to say instead of what it said.
 *
 * May it be compressed at all? Not what is bodiless by status, a part, already coded, no text,
 * shorter than min, told to stay as it is (no-transform), or sent piece by piece as it comes
 * about (text/event-stream, r->unbuffered); nor what names a digest of its bytes.
 *
 * in   min  bytes
 */
bool encoding_allowed(const struct response *r, uint64_t min);

/* Room for the field values that encoding_vary() and encoding_apply() write. */
struct encoding_room {
    char vary[256];
    char etag[256];
};

/* Add Accept-Encoding to Vary, unless it is there. room lives as long as r. */
void encoding_vary(struct response *r, struct encoding_room *room);

/*
 * Say that the body is coded: Content-Encoding and Vary, a weak ETag, no length, no ranges.
 *
 * in   c  not identity
 * src  RFC 9110 8.4, 8.8.1, 12.5.5, 14.3
 */
void encoding_apply(struct response *r, enum coding c, struct encoding_room *room);

#endif
