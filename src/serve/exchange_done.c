/*
 * The end of an exchange, apart from its life: whoever only ends one links nothing more.
 * Floor 5; worker.
 */
#include "hostel/serve/exchange.h"

#include <stdlib.h>

void
exchange_done(struct exchange *x)
{
    request_done(&x->req);
    free(x->remote_user);
    free(x->error_fields);
    free(x->kept_fields);
    free(x->logged_fields);
    x->remote_user = NULL;
    x->error_fields = NULL;
    x->nerror_fields = 0;
    x->kept_fields = NULL;
    x->nkept_fields = 0;
    x->logged_fields = NULL;
    x->nlogged_fields = 0;
}
