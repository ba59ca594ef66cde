/* One field line of a message, lent. Floor 1; acceptor and worker. */
#ifndef HOSTEL_PEEK_FIELD_H
#define HOSTEL_PEEK_FIELD_H

#include "hostel/base/span.h"

struct field {
    struct span name;  /* as sent; compare with span_ieq() */
    struct span value; /* without surrounding OWS */
};

#endif
