/* edge-node/ring.h -- inside the edge library: a byte ring of samples waiting to be sent, oldest first. No heap, no lock.
 *
 * Records are 8-aligned and contiguous; when one does not fit before the end of the block, the rest is skipped (size 0 marks it).
 * `at` positions are virtual (they only grow), so that "everything before the birth" is one number. */
#ifndef EDGE_RING_H
#define EDGE_RING_H
#include "base/assert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct edge__record {
    uint32_t size; /* of the whole record, rounded up; 0: skip to the start of the block */
    uint32_t metric;
    int64_t ts;
    uint32_t len; /* bytes of the value behind the header */
    uint8_t quality;
    bool null;
    uint8_t value[]; /* len bytes: 8 for scalars (the bits), text or bytes for the others; at offset 22, read with memcpy */
} edge__record;
#define EDGE__RECORD_HEAD offsetof(edge__record, value)

typedef struct edge__ring {
    char *block;
    uint64_t cap;        /* multiple of 8 */
    uint64_t head, tail; /* virtual positions: oldest record, next free byte */
    uint64_t historical; /* records before this were there at the last birth: they are history now */
    uint32_t count;
} edge__ring;

static inline uint32_t edge__record_size(uint32_t len)
{
    return (uint32_t)((EDGE__RECORD_HEAD + (size_t)len + 7u) & ~(size_t)7u);
}

/* Room for a value of `len` bytes, or NULL when the ring is full. Fill it in, nothing else to do. */
static inline edge__record *edge__ring_push(edge__ring *r, uint32_t len)
{
    uint64_t size = edge__record_size(len), at = r->tail % (r->cap ? r->cap : 1), pad = 0;
    if (size > r->cap) return NULL;
    if (at + size > r->cap) pad = r->cap - at;
    if (r->tail + pad + size - r->head > r->cap) return NULL;
    if (pad) {
        memset(r->block + at, 0, 4);
        r->tail += pad;
        at = 0;
    }
    edge__record *rec = (edge__record *)(void *)(r->block + at);
    rec->size = (uint32_t)size;
    rec->len = len;
    r->tail += size;
    r->count++;
    pt_assert(r->tail - r->head <= r->cap);
    return rec;
}

/* The record at position *at (start with r->head), moving *at behind it; NULL at the end. */
static inline const edge__record *edge__ring_next(const edge__ring *r, uint64_t *at)
{
    if (*at >= r->tail) return NULL;
    uint64_t off = *at % r->cap;
    const edge__record *rec = (const edge__record *)(const void *)(r->block + off);
    if (rec->size == 0) {
        *at += r->cap - off;
        if (*at >= r->tail) return NULL;
        rec = (const edge__record *)(const void *)r->block;
    }
    *at += rec->size;
    return rec;
}

/* Forget `count` records up to position `at`, which came from edge__ring_next. */
static inline void edge__ring_drop(edge__ring *r, uint64_t at, uint32_t count)
{
    pt_assert(r->head <= at && at <= r->tail && count <= r->count);
    r->head = at;
    r->count -= count;
    if (r->count == 0) r->head = r->tail;
}
static inline void edge__ring_clear(edge__ring *r)
{
    r->head = r->tail;
    r->count = 0;
}
#endif
