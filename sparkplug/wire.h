/* sparkplug/wire.h -- the protobuf wire format as inline cursor steps; for payload_*.c only.
 *
 * A step takes the position and the end of the enclosing message and gives the position behind what it read, or NULL
 * when the bytes there are not it. It never reads at or past `end`. */
#ifndef SPB_WIRE_FORMAT_H
#define SPB_WIRE_FORMAT_H
#include "base/slice.h"
#include "base/varint.h"

#include <endian.h>

enum { SPB__VARINT = 0, SPB__FIXED64 = 1, SPB__LEN = 2, SPB__FIXED32 = 5 };
#define SPB__TAG(field, type) ((uint64_t)(field) << 3 | (type))

typedef unsigned char spb__byte;

/* Any varint of 1..10 bytes; bits beyond 64 are dropped. */
static inline const spb__byte *spb__varint(const spb__byte *p, const spb__byte *end, uint64_t *out)
{
    return pt_varint_get(p, end, out);
}

/* Field number << 3 | wire type; at most 5 bytes, number not 0. */
static inline const spb__byte *spb__tag(const spb__byte *p, const spb__byte *end, uint64_t *tag)
{
    const spb__byte *q = spb__varint(p, end, tag);
    return q && q - p <= 5 && *tag >= 8 ? q : NULL;
}

/* A length prefix of at most 5 bytes and the bytes behind it, all inside the enclosing message. */
static inline const spb__byte *spb__len(const spb__byte *p, const spb__byte *end, pt_slice *out)
{
    uint64_t n;
    const spb__byte *q = spb__varint(p, end, &n);
    if (!q || q - p > 5 || n > (uint64_t)(end - q)) return NULL;
    *out = pt_slice_of(q, (size_t)n);
    return q + n;
}

static inline const spb__byte *spb__fixed32(const spb__byte *p, const spb__byte *end, uint32_t *out)
{
    if (end - p < 4) return NULL;
    memcpy(out, p, 4);
    *out = le32toh(*out);
    return p + 4;
}

static inline const spb__byte *spb__fixed64(const spb__byte *p, const spb__byte *end, uint64_t *out)
{
    if (end - p < 8) return NULL;
    memcpy(out, p, 8);
    *out = le64toh(*out);
    return p + 8;
}

/* Past the value of a field with this tag; groups are refused. */
static inline const spb__byte *spb__skip(uint64_t tag, const spb__byte *p, const spb__byte *end)
{
    uint64_t v;
    pt_slice s;
    switch (tag & 7) {
    case SPB__VARINT: return spb__varint(p, end, &v);
    case SPB__FIXED64: return end - p < 8 ? NULL : p + 8;
    case SPB__LEN: return spb__len(p, end, &s);
    case SPB__FIXED32: return end - p < 4 ? NULL : p + 4;
    default: return NULL;
    }
}
#endif
