/*
 * SipHash-2-4: a keyed checksum of a few bytes that who has not the key cannot make. The C
 * library has none, and a library of ciphers is much to have beside what strangers send; this
 * is a page, held to the vectors of its authors. Floor 0; acceptor.
 */
#ifndef HOSTEL_BASE_SIPHASH_H
#define HOSTEL_BASE_SIPHASH_H

#include "hostel/base/span.h"

#include <stdint.h>

/*
 * src  Aumasson, Bernstein: SipHash: a fast short-input PRF, 2012
 */
uint64_t siphash(const uint64_t key[static 2], struct span bytes);

#endif
