/* What goes wrong with a request, in its site's error log. Floor 5; worker. */
#include "hostel/serve/exchange.h"

void
exchange_error(struct exchange *x, struct span text)
{
    const struct site_client who = {x->visitor->addr, exchange_name(x)};

    site_say(x->site, LOG_LEVEL_ERROR, &who, text);
}
