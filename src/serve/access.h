/* Who may visit, by address. Floor 5; worker. */
#ifndef SERVE_ACCESS_H
#define SERVE_ACCESS_H

#include "hostel/serve/exchange.h"

/* An address that cannot be read is let in only where there are no rules. */
bool access_allowed(const struct exchange *x);

#endif
