/* historian/format/bits.h -- bytes of the file formats: little-endian loads and stores, varints, the checksum.
 *
 * Everything on disk is little-endian. A hist_sample's union is read and written as one 64-bit word (a Float in the low four bytes, a
 * Boolean as 0 or 1), which the assertion below makes right. Readers are cursors with an end: they fail without moving past it. */
#ifndef HIST_BITS_H
#define HIST_BITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "samples keep their value word in memory as on disk");

static inline uint32_t hist__load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t hist__load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void hist__store32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}
static inline void hist__store64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

/* Two at once: every 64-bit processor this runs on has registers of 16 bytes, and the compiler makes do where one has not. */
typedef uint64_t hist__words2 __attribute__((vector_size(16)));
typedef int64_t hist__ints2 __attribute__((vector_size(16)));
typedef double hist__doubles2 __attribute__((vector_size(16)));

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

enum { HIST__VARINT_MAX = 10 };
/* LEB128, at most 10 bytes; returns behind the last byte written. */
static inline uint8_t *hist__put_varint(uint8_t *p, uint64_t v)
{
    while (v >= 0x80u) {
        *p++ = (uint8_t)(v | 0x80u);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}
static inline size_t hist__varint_size(uint64_t v)
{
    unsigned bits = hist__bit_length(v);
    return bits ? (bits + 6u) / 7u : 1u;
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
static inline uint64_t hist__get_varint(hist__reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (r->p >= r->end) break;
        uint8_t b = *r->p++;
        if (shift == 63 && b > 1) break; /* more than 64 bits */
        v |= (uint64_t)(b & 0x7fu) << shift;
        if (!(b & 0x80u)) return v;
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

/* XXH64 (xxHash, 64 bit) of the bytes with the given seed. */
uint64_t hist__xxh64(const void *bytes, size_t n, uint64_t seed);
/* What blocks and journal rows end with: the low 32 bits of XXH64 with seed 0. */
static inline uint32_t hist__checksum(const void *bytes, size_t n)
{
    return (uint32_t)hist__xxh64(bytes, n, 0);
}
#endif
