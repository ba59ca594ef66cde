/*
 * An HTTP/2 session, the server's end, over nghttp2: bytes in, requests out; answers in, bytes
 * out. Pure: no socket, no loop, no clock but the one it is told. Floor 4; worker.
 *
 * nghttp2 frames, compresses, keeps windows and the order of streams (RFC 9218), and resets
 * what is malformed. On top stand the strictness of peek/head.h for what a request means, and
 * bounds that nghttp2 1.52 does not have: the list of fields (431), what a block may unpack to,
 * and a budget for frames that move nothing (http/h2_budget.h).
 */
#ifndef HOSTEL_HTTP_H2_H
#define HOSTEL_HTTP_H2_H

#include "hostel/http/request.h"
#include "hostel/http/sink.h"

#include <sys/types.h>

#define H2_STREAMS_MAX  100               /* at once: SETTINGS_MAX_CONCURRENT_STREAMS */
#define H2_LIST_MAX     32768             /* SETTINGS_MAX_HEADER_LIST_SIZE: over it 431 */
#define H2_UNPACKED_MAX (8 * H2_LIST_MAX) /* of one block: over it the connection ends */
#define H2_TABLE_BYTES  4096              /* of each direction's HPACK table */
#define H2_FRAME_HEAD   9
#define H2_FRAME_BYTES  16384             /* the largest frame, of either side */
#define H2_WINDOW       (1024 * 1024)     /* of a stream: what is taken is consumed at once */
#define H2_WINDOW_ALL   (2 * 1024 * 1024) /* of all of them */

/* RFC 9113 7 */
enum h2_error {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_STREAM_CLOSED = 5,
    H2_REFUSED_STREAM = 7,
    H2_CANCEL = 8,
    H2_ENHANCE_YOUR_CALM = 11,
};

struct h2;

struct h2_stream { /* embedded by who answers it */
    uint32_t id;
    uint8_t urgency; /* 0, the most, to 7. RFC 9218 4.1 */
    bool shares;     /* its body comes in turns with others'. RFC 9218 4.2 */
};

struct h2_head {       /* what a request says beyond struct request */
    unsigned verdict;  /* 0; or the status that it must be refused with: 400, 414, 431, 501 */
    bool expect_other; /* an Expect that is not 100-continue */
    bool has_body;     /* DATA is to come */
};

/* What the owner of a session does. All are called within h2_take() or h2_give(). */
struct h2_ops {
    /*
     * A request's head is whole.
     *
     * in   as  what its stream is to begin with: the owner copies it into one of his own, that
     *          lives until on_closed, and says h2_own() before anything else of it
     * in   r   lent for the call, like all that it lends
     */
    void (*on_request)(void *data, const struct h2_stream *as, struct request *r,
                       const struct h2_head *head);
    /* A piece of its body, lent; h2_used() says that there is no more use for it. */
    void (*on_body)(struct h2_stream *s, struct span bytes);
    void (*on_body_end)(struct h2_stream *s);
    /*
     * How much body of the answer could leave now?
     *
     * in   max   at most this much
     * out  last  nothing follows these bytes
     * ret  bytes; 0 and not last: none just now, until h2_more(); -errno: the stream is reset
     */
    ssize_t (*body_ready)(struct h2_stream *s, size_t max, bool *last);
    /*
     * Put a frame out, behind all that h2_give() gave before.
     *
     * in   frame  its head, lent
     * in   n      and so many bytes of body behind it: what body_ready has just said
     * ret  false: that is enough for now, h2_give() shall return
     */
    bool (*body_out)(struct h2_stream *s, struct span frame, size_t n);
    /* The stream is gone, whatever it was at; its owner is told nothing more. */
    void (*on_closed)(struct h2_stream *s);
    /* The visitor has acknowledged that h2_drain() began. */
    void (*on_drained)(void *data);
};

/*
 * in   ops, data  lent
 * in   now_ms     of a clock that never goes back
 * ret  a session that has its SETTINGS to give; NULL: no memory
 */
struct h2 *h2_new(const struct h2_ops *ops, void *data, uint64_t now_ms);

/* Every stream is closed first; leaves NULL. Not from within its calls. */
void h2_free(struct h2 **h);

/*
 * Take what has arrived, all of it.
 *
 * ret  0; -EPROTO: the session is over, and what it still has to give (GOAWAY) is the last
 */
int h2_take(struct h2 *h, struct span bytes, uint64_t now_ms);

/*
 * The next bytes to put out, in order with those that go to body_out.
 *
 * out  bytes  lent until the next call; may be empty where body_out had them
 * ret  1; 0 there is nothing just now, or body_out had enough; -EPROTO: over
 */
int h2_give(struct h2 *h, struct span *bytes);

/* Nothing more will be taken or given: the connection can be closed. */
bool h2_over(const struct h2 *h);

/* A block of fields has begun and not ended: its deadline is a request head's. */
bool h2_in_head(const struct h2 *h);

/* Streams whose request has come and that are not closed. */
unsigned h2_streams(const struct h2 *h);

/* From now on the session tells s of its stream. In on_request only. */
void h2_own(struct h2 *h, struct h2_stream *s);

/*
 * The head of a stream's answer.
 *
 * in   body  body_ready will be asked; else the stream's side ends with the head
 * ret  0; -EINVAL as response_check(); -ENOMEM
 * src  RFC 9113 8.3.2
 */
int h2_answer(struct h2 *h, struct h2_stream *s, const struct response *r, bool body);

/* 100 (Continue). */
void h2_continue(struct h2 *h, struct h2_stream *s);

/* A stream's body_ready has something to say again. */
void h2_more(struct h2 *h, struct h2_stream *s);

/* n bytes of a stream's body are used: the visitor may send as many more. */
void h2_used(struct h2 *h, struct h2_stream *s, size_t n);

/* They are of no use, nor would more be: only other streams may send as many more. */
void h2_dropped(struct h2 *h, size_t n);

/* RST_STREAM; on_closed follows. */
void h2_reset(struct h2 *h, struct h2_stream *s, enum h2_error code);

/* From now on the stream shares with others of its urgency, whatever it asked for. */
void h2_share(struct h2 *h, struct h2_stream *s);

/* Does the stream, or all of them, wait for the visitor to open his window? */
bool h2_stalled(const struct h2 *h, const struct h2_stream *s);

/*
 * GOAWAY in two steps, so that no request that is on its way gets lost: a notice first; and, on
 * on_drained or when that takes too long, h2_goodbye(). Those that are there go on.
 */
void h2_drain(struct h2 *h);

/* GOAWAY: no new requests. With an error it is the end of those that are there, too. */
void h2_goodbye(struct h2 *h, enum h2_error code);

#endif
