/*
 * One password against one hash. Pure; takes its time, on purpose. Floor 5; worker.
 *
 * Taken are bcrypt, yescrypt, gost-yescrypt, scrypt, sha256-crypt, sha512-crypt and md5-crypt
 * (libcrypt), and Apache's variant of the last, $apr1$. Not taken, because they protect nobody:
 * plain text, {SHA} and the 13 characters of crypt(3)'s beginnings.
 */
#ifndef SERVE_PWHASH_H
#define SERVE_PWHASH_H

#include "hostel/base/span.h"

#include <crypt.h>

#define PWHASH_MAX       256 /* bytes of a hash that is taken */
#define PWHASH_APR1_ROOM 40  /* "$apr1$", 8 of salt, "$", 22 of hash, NUL */

bool pwhash_is_taken(struct span hash);

/*
 * Does the password fit? The comparison takes the same time wherever the difference is.
 *
 * in   hash  pwhash_is_taken()
 * in   room  scratch, wiped on return
 */
bool pwhash_fits(const char *password, const char *hash, struct crypt_data *room);

/*
 * in   setting  "$apr1$salt", whatever comes behind the salt
 * out  text     the whole hash, NUL-ended
 */
void pwhash_apr1(const char *password, const char *setting, char text[static PWHASH_APR1_ROOM]);

#endif
