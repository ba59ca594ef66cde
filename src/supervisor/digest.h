/*
 * FNV-1a: a digest of an administrator's files, which nobody makes to collide. Floor 6, hostel.
 */
#ifndef SUPERVISOR_DIGEST_H
#define SUPERVISOR_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGEST_START 14695981039346656037ULL

static inline uint64_t
digest_add(uint64_t d, const void *p, size_t n)
{
    const unsigned char *bytes = p;

    for (size_t i = 0; i < n; i++)
        d = (d ^ bytes[i]) * 1099511628211ULL;
    return d;
}

/* With its end, so that two strings are not one. */
static inline uint64_t
digest_str(uint64_t d, const char *s)
{
    return digest_add(d, s, strlen(s) + 1);
}

#endif
