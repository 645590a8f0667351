/* sparkplug/payload_reader.h -- what the files of the zero-copy reader share (payload_read.c, payload_read_dataset.c); for them only. */
#ifndef SPB_PAYLOAD_READER_H
#define SPB_PAYLOAD_READER_H
#include "base/utf8.h"
#include "sparkplug/payload.h"
#include "sparkplug/wire.h"

typedef struct reader {
    const spb__byte *start; /* of the payload, for error offsets */
    const spb_limits *limits;
    pt_arena *arena;
    pt_error *err;
    uint32_t metrics; /* counted so far, template members included */
} reader;

#define V(field)   SPB__TAG(field, SPB__VARINT)
#define L(field)   SPB__TAG(field, SPB__LEN)
#define F32(field) SPB__TAG(field, SPB__FIXED32)
#define F64(field) SPB__TAG(field, SPB__FIXED64)

static __attribute__((cold, noinline, unused)) pt_status bad(const reader *r, const spb__byte *p, const char *what)
{
    return pt_fail_at(r->err, PT_EMALFORMED, (size_t)(p - r->start), "%s", what);
}

static __attribute__((cold, noinline, unused)) pt_status too_many(const reader *r, const spb__byte *p, const char *what)
{
    return pt_fail_at(r->err, PT_ETOOBIG, (size_t)(p - r->start), "%s", what);
}

static __attribute__((cold, noinline, unused)) pt_status no_memory(const reader *r)
{
    return pt_fail(r->err, PT_ENOMEM, "the payload needs more memory than its arena allows");
}

static inline const spb__byte *begin(pt_slice s)
{
    return (const spb__byte *)s.ptr;
}
static inline const spb__byte *finish(pt_slice s)
{
    return (const spb__byte *)s.ptr + s.len;
}

/* A field that none of a message's cases took. `last` is the message's highest field number. */
static inline const spb__byte *other_field(uint64_t tag, uint64_t last, const spb__byte *p, const spb__byte *end)
{
    return tag >> 3 <= last ? NULL : spb__skip(tag, p, end);
}

/* Count the fields with `tag` in the message; false when its fields cannot be walked. */
static inline bool count_fields(pt_slice s, uint64_t tag, uint32_t *n)
{
    const spb__byte *p = begin(s), *end = finish(s);
    uint32_t count = 0;
    uint64_t t;
    while (p < end) {
        if (!(p = spb__tag(p, end, &t)) || !(p = spb__skip(t, p, end))) return false;
        count += t == tag;
    }
    *n = count;
    return true;
}

static inline bool is_ascii(pt_slice s)
{
    uint64_t a = 0, b;
    if (s.len < 8) {
        for (size_t i = 0; i < s.len; i++)
            a |= (spb__byte)s.ptr[i];
        return a < 0x80;
    }
    for (size_t i = 0; i + 8 < s.len; i += 8) {
        memcpy(&b, s.ptr + i, 8);
        a |= b;
    }
    memcpy(&b, s.ptr + s.len - 8, 8);
    return ((a | b) & 0x8080808080808080u) == 0;
}

static inline bool is_utf8(pt_slice s)
{
    return is_ascii(s) || pt_utf8_valid(s);
}

/* payload_read_dataset.c: one field of a cell (a DataSetValue, or a template parameter's value), when it is one: see there. */
PT_MUST_CHECK pt_status spb__read_cell_field(reader *r, uint64_t field, uint64_t tag, const spb__byte **at, const spb__byte *end,
                                             spb_cell *cell);
PT_MUST_CHECK pt_status spb__read_dataset(reader *r, pt_slice msg, spb_dataset *out);
#endif
