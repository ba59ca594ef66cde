/*
 * Field-by-field codec: little-endian fixed integers and counted bytes, put and got one by
 * one, never a struct copied whole. Both ends are sticky: after a first failure every later
 * call does nothing, and the end tells. Floor 2, every process.
 */
#ifndef HOSTEL_IPC_WIRE_H
#define HOSTEL_IPC_WIRE_H

#include "hostel/base/buf.h"

#include <stdint.h>

struct writer {
    struct buf *b; /* lent */
    int error;     /* 0, or what the first failing put returned */
};

void put_u8(struct writer *w, uint8_t v);
void put_u16(struct writer *w, uint16_t v);
void put_u32(struct writer *w, uint32_t v);
void put_u64(struct writer *w, uint64_t v);
void put_bytes(struct writer *w, const void *p, size_t n); /* as they are: both ends know n */
void put_span(struct writer *w, struct span s);            /* u32 count, then the bytes */

struct reader {
    struct span rest; /* lent */
    int error;
};

uint8_t get_u8(struct reader *r);
uint16_t get_u16(struct reader *r);
uint32_t get_u32(struct reader *r);
uint64_t get_u64(struct reader *r);
void get_bytes(struct reader *r, void *p, size_t n); /* zeros after a failure */

/* ret  lent from the message; empty after a failure or when longer than max */
struct span get_span(struct reader *r, size_t max);

/* ret  0 when every get succeeded and nothing is left over; else -EBADMSG */
int reader_end(const struct reader *r);

#endif
