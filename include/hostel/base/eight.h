/*
 * Eight bytes of a text looked at at once, in one register: which of them may be worth a look
 * one by one. Each of these answers in the top bits of its eight places (SWAR): EIGHT_TOPS is
 * the mask. A place behind the first that is hit may be wrong, one before it never is.
 * Floor 0, every process.
 */
#ifndef HOSTEL_BASE_EIGHT_H
#define HOSTEL_BASE_EIGHT_H

#include <stdint.h>
#include <string.h>

#define EIGHT(byte) (UINT64_MAX / 0xff * (byte)) /* in all eight places */
#define EIGHT_TOPS  EIGHT(0x80)

/* in  p  eight bytes, wherever they lie */
static inline uint64_t
eight_at(const char *p)
{
    uint64_t eight;

    memcpy(&eight, p, sizeof(eight));
    return eight;
}

/* Where are bytes less than this one? in  byte  <= 0x80 */
static inline uint64_t
eight_below(uint64_t eight, uint64_t byte)
{
    return (eight - EIGHT(byte)) & ~eight;
}

/* Where is this byte? */
static inline uint64_t
eight_is(uint64_t eight, uint64_t byte)
{
    return eight_below(eight ^ EIGHT(byte), 1);
}

#endif
