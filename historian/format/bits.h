/* historian/format/bits.h -- reading the bytes of the file formats: a cursor with an end, which fails without moving past it. */
#ifndef HIST_BITS_H
#define HIST_BITS_H
#include "base/varint.h"
#include "historian/format/format.h"

static inline uint64_t hist__zigzag(uint64_t v) /* of a two's complement number: small magnitudes become small */
{
    return (v << 1) ^ (0u - (v >> 63));
}
static inline uint64_t hist__unzigzag(uint64_t v)
{
    return (v >> 1) ^ (0u - (v & 1u));
}
static inline unsigned hist__bit_length(uint64_t v) /* 0 for 0, else index of the top bit + 1 */
{
    return v ? 64u - (unsigned)__builtin_clzll(v) : 0u;
}

/* A reading position; `ok` turns false at the first fault and stays so, everything read afterwards is 0. */
typedef struct hist__reader {
    const uint8_t *p, *end;
    bool ok;
} hist__reader;

static inline size_t hist__left(const hist__reader *r)
{
    return (size_t)(r->end - r->p);
}
/* More than 64 bits are a fault. */
static inline uint64_t hist__get_varint(hist__reader *r)
{
    uint64_t v = 0;
    const uint8_t *behind = pt_varint_get(r->p, r->end, &v);
    if (behind && (behind - r->p < PT_VARINT_MAX || behind[-1] <= 1)) {
        r->p = behind;
        return v;
    }
    r->ok = false;
    r->p = r->end;
    return 0;
}
static inline uint8_t hist__get_u8(hist__reader *r)
{
    if (r->p < r->end) return *r->p++;
    r->ok = false;
    return 0;
}
/* `n` bytes in place, NULL (and not ok) when fewer are left. */
static inline const uint8_t *hist__get_bytes(hist__reader *r, size_t n)
{
    if (!r->ok || hist__left(r) < n) {
        r->ok = false;
        r->p = r->end;
        return NULL;
    }
    const uint8_t *at = r->p;
    r->p += n;
    return at;
}
#endif
