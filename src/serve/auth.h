/*
 * Who is asking? HTTP Basic authentication against password files. Floor 5; worker.
 * Source: RFC 9110 11, RFC 7617.
 */
#ifndef SERVE_AUTH_H
#define SERVE_AUTH_H

#include "hostel/serve/exchange.h"

#define AUTH_CREDENTIALS_MAX 512 /* bytes of "user:password" */

struct credentials {
    char text[AUTH_CREDENTIALS_MAX + 1]; /* wiped by who has filled it */
    struct span user, password;
};

/*
 * The value of an Authorization field. Refused are other schemes, base64 that is not exactly
 * as RFC 4648 4 writes it, no colon, control characters in the user, a NUL anywhere.
 *
 * ret  0; -EINVAL: ask for better ones; text is scratch
 */
int auth_parse(struct span value, struct credentials *c);

/*
 * Does a path need a password, and has the visitor given it? First asked, the answer may take
 * its time: then x has an answerer, and exchange_answer() begins anew when the password fits.
 *
 * in   path  decoded
 * ret  true: go on, x->remote_user is set if there was a need; false: x is answered (401, 500,
 *      503) or waits, and is not to be touched
 */
bool auth_passed(struct exchange *x, struct span path);

#endif
