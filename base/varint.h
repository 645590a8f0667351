/* base/varint.h -- LEB128 varints, as protobuf, the historian's files and the edge's spool write numbers: seven bits a byte, lowest first,
 * the top bit says that more follow.
 *
 * No state, no allocation; any thread. */
#ifndef PT_VARINT_H
#define PT_VARINT_H
#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PT_VARINT_MAX = 10 }; /* bytes that are enough for any */

/* Returns the position behind the last byte written. `p` has room for PT_VARINT_MAX bytes. */
static inline uint8_t *pt_varint_put(uint8_t *p, uint64_t v)
{
    while (v >= 0x80u) {
        *p++ = (uint8_t)(v | 0x80u);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

/* pt_varint_get, byte by byte: near the end of the bytes, and for numbers that need more than eight of them. */
static inline const uint8_t *pt_varint_get_slow(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; p < end && shift < 70; shift += 7) {
        uint8_t b = *p++;
        v |= (uint64_t)(b & 0x7f) << (shift < 64 ? shift : 63);
        if (b < 0x80) {
            *out = v;
            return p;
        }
    }
    return NULL;
}

/* Returns the position behind it; NULL, with *out as it was, when no varint of 1..10 bytes ends before `end`. Bits beyond 64 are dropped,
 * as protobuf wants it; needless zero groups are taken. */
static inline const uint8_t *pt_varint_get(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
    uint64_t w;
    if (p == end) return NULL;
    if (*p < 0x80) {
        *out = *p;
        return p + 1;
    }
    if (end - p < 8) return pt_varint_get_slow(p, end, out);
    memcpy(&w, p, 8);
    w = le64toh(w);
    uint64_t stops = ~w & 0x8080808080808080u;
    if (!stops) return pt_varint_get_slow(p, end, out);
    w &= (stops ^ (stops - 1)) & 0x7f7f7f7f7f7f7f7fu; /* up to the first byte without the top bit */
    w = (w & 0x7f007f007f007f00u) >> 1 | (w & 0x007f007f007f007fu);
    w = (w & 0x3fff00003fff0000u) >> 2 | (w & 0x00003fff00003fffu);
    w = (w & 0x0fffffff00000000u) >> 4 | (w & 0x000000000fffffffu);
    *out = w;
    return p + (__builtin_ctzll(stops) >> 3) + 1;
}
#endif
