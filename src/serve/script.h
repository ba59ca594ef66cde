/* Which file names are PHP: what may run, and what must never be sent. Floor 5; worker. */
#ifndef SERVE_SCRIPT_H
#define SERVE_SCRIPT_H

#include "hostel/base/span.h"

enum script_kind {
    SCRIPT_NONE,  /* an ordinary file */
    SCRIPT_RUN,   /* .php .phtml .phar .php0-.php9, in any case */
    SCRIPT_NEVER, /* a copy of one, by what stands behind ("~", ".bak", ".save.1", ...), or
                     .phps, .pht: neither run nor sent */
};

/* in  name  a file name or a path; the last segment counts */
enum script_kind script_kind(struct span name);

#endif
