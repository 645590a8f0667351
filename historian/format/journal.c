/* historian/format/journal.c -- encode and decode journal rows; every sample is told apart from the one before it. */
#include "historian/format/bits.h"

#include <stdlib.h>
#include <zstd.h>

enum {
    MAGIC = 0xa7,
    PACKED = 0xa8,
    VERSION = 1,
    WITH_LINES = 2,
    PACKED_VERSION = 1,
    ZSTD_LEVEL = 1,
    PACKED_MAX = 32 << 20,
    VALUE_MASK = 15,
    VALUE_BYTES = 9,
    NEW_KIND = 16,
    TIME_SHIFT = 5
};
enum { TIME_SAME, TIME_8, TIME_16, TIME_32, TIME_64 };
enum { RECORD_MAX = 1 + 3 + 8 + 5 + 8 + 8 }; /* control, kind, time, tag, value, slack of the 8-byte stores */

static inline uint32_t kind_of(const hist_sample *s)
{
    return (uint32_t)s->type << 16 | (uint32_t)s->quality << 8 | s->flags;
}

/* The value's bytes: integers lose high zero bytes after zigzag, floats low ones. */
static inline unsigned shorten(hist__family family, uint64_t word, uint64_t *out)
{
    if (family == HIST__INT) {
        *out = hist__zigzag(word);
        return (hist__bit_length(*out) + 7) / 8;
    }
    unsigned width = family == HIST__F64 ? 8 : 4;
    if (word == 0) {
        *out = 0;
        return 0;
    }
    unsigned zeros = (unsigned)__builtin_ctzll(word) / 8;
    *out = word >> (8 * zeros);
    return width - zeros;
}

static inline bool lengthen(hist__family family, unsigned len, uint64_t bytes, uint64_t *word)
{
    if (family == HIST__INT) {
        *word = hist__unzigzag(bytes);
        return true;
    }
    unsigned width = family == HIST__F64 ? 8 : 4;
    if (len > width) return false;
    *word = len ? bytes << (8 * (width - len)) : 0;
    return true;
}

/* 2 has rows with HIST_THINNED, which an import brought. */
static uint8_t version_of(const hist_sample *s, size_t n)
{
    uint8_t flags = 0;
    for (size_t i = 0; i < n; i++)
        flags |= s[i].flags;
    return flags & HIST_THINNED ? WITH_LINES : VERSION;
}

pt_status hist__journal_encode(const hist_sample *s, size_t n, pt_buf *out)
{
    size_t start = out->len;
    pt_status st = pt_buf_reserve(out, 2 + PT_VARINT_MAX + n * RECORD_MAX + 4);
    if (st != PT_OK) return st;
    uint8_t *p = (uint8_t *)out->ptr + out->len;
    *p++ = MAGIC;
    *p++ = version_of(s, n);
    p = pt_varint_put(p, n);
    uint32_t kind = 0, tag = 0;
    int64_t time_ms = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t *control = p++;
        unsigned c = 0;
        uint32_t k = kind_of(&s[i]);
        if (k != kind) {
            c |= NEW_KIND;
            p[0] = (uint8_t)(k >> 16);
            p[1] = (uint8_t)(k >> 8);
            p[2] = (uint8_t)k;
            p += 3;
            kind = k;
        }
        if (s[i].time_ms != time_ms) {
            uint64_t dt = (uint64_t)s[i].time_ms - (uint64_t)time_ms, zz = hist__zigzag(dt);
            hist__store64(p, zz);
            unsigned code = zz < 1u << 8 ? TIME_8 : zz < 1u << 16 ? TIME_16 : zz < UINT64_C(1) << 32 ? TIME_32 : TIME_64;
            p += 1u << (code - 1);
            c |= code << TIME_SHIFT;
            time_ms = s[i].time_ms;
        }
        p = pt_varint_put(p, hist__zigzag((uint64_t)s[i].tag_id - tag));
        tag = s[i].tag_id;
        if (hist__has_value(&s[i])) {
            hist__family family = hist__family_of_type(s[i].type);
            if (family == HIST__BYTES) {
                c |= VALUE_BYTES;
                p = pt_varint_put(p, s[i].len);
                out->len = (size_t)(p - (uint8_t *)out->ptr);
                size_t at = (size_t)(control - (uint8_t *)out->ptr);
                if ((st = pt_buf_reserve(out, s[i].len + (n - i) * RECORD_MAX + 4)) != PT_OK) return st;
                control = (uint8_t *)out->ptr + at;
                p = (uint8_t *)out->ptr + out->len;
                if (s[i].len) memcpy(p, s[i].as.ptr, s[i].len);
                p += s[i].len;
            } else {
                uint64_t bytes;
                unsigned len = shorten(family, s[i].as.u64, &bytes);
                hist__store64(p, bytes);
                p += len;
                c |= len;
            }
        }
        *control = (uint8_t)c;
    }
    out->len = (size_t)(p - (uint8_t *)out->ptr);
    uint8_t sum[4];
    hist__store32(sum, hist__checksum(out->ptr + start, out->len - start));
    return pt_buf_add(out, sum, sizeof sum);
}

static uint64_t get_low(hist__reader *r, size_t len)
{
    const uint8_t *p = hist__get_bytes(r, len);
    uint64_t v = 0;
    if (p) memcpy(&v, p, len);
    return v;
}

static pt_status decode(hist__reader *r, size_t n, uint8_t flags, hist__rows *out, const char **fault)
{
    uint32_t kind = 0, tag = 0;
    int64_t time_ms = 0;
    for (size_t i = 0; i < n; i++) {
        hist_sample *s = &out->s[out->n + i];
        *s = (hist_sample){ 0 };
        unsigned c = hist__get_u8(r);
        if (c & NEW_KIND) {
            uint32_t high = hist__get_u8(r), middle = hist__get_u8(r);
            kind = high << 16 | middle << 8 | hist__get_u8(r);
        }
        unsigned time_code = c >> TIME_SHIFT;
        if (time_code > TIME_64) *fault = "time code";
        else if (time_code) time_ms = (int64_t)((uint64_t)time_ms + hist__unzigzag(get_low(r, (size_t)1 << (time_code - 1))));
        uint64_t next = tag + hist__unzigzag(hist__get_varint(r));
        if (next > UINT32_MAX || next == 0) *fault = "tag";
        if (*fault || !r->ok) return PT_ECORRUPT;
        tag = (uint32_t)next;
        s->time_ms = time_ms;
        s->tag_id = tag;
        s->type = (uint8_t)(kind >> 16);
        s->quality = (uint8_t)(kind >> 8);
        s->flags = (uint8_t)kind;
        if (s->type >= SPB_DATATYPE_COUNT || s->quality > SPB_STALE || (s->flags & ~flags)) *fault = "kind";
        hist__family family = hist__has_value(s) ? hist__family_of_type(s->type) : HIST__NO_VALUES;
        unsigned len = c & VALUE_MASK;
        if (!hist__has_value(s)) {
            if (len) *fault = "a value where none can be";
        } else if (family == HIST__BYTES) {
            uint64_t bytes = hist__get_varint(r);
            const uint8_t *p = len == VALUE_BYTES && bytes <= HIST__VALUE_BYTES_MAX ? hist__get_bytes(r, (size_t)bytes) : NULL;
            if (!p) {
                *fault = "bytes";
                return PT_ECORRUPT;
            }
            pt_slice copy = pt_arena_dup(&out->bytes, pt_slice_of(p, (size_t)bytes));
            if (!copy.ptr) return PT_ENOMEM;
            s->as.ptr = copy.ptr;
            s->len = (uint32_t)bytes;
        } else if (family == HIST__NO_VALUES || len > 8 || !lengthen(family, len, get_low(r, len), &s->as.u64)) {
            *fault = "value";
        } else if (s->type == SPB_BOOLEAN && s->as.u64 > 1) {
            *fault = "Boolean";
        }
        if (*fault || !r->ok) return PT_ECORRUPT;
    }
    return PT_OK;
}

static pt_status decode_row(const void *bytes, size_t len, hist__rows *out, pt_error *err)
{
    hist__reader r = { .p = bytes, .end = (const uint8_t *)bytes + len, .ok = true };
    if (len < 7 || hist__get_u8(&r) != MAGIC) return pt_fail(err, PT_ECORRUPT, "damaged journal row: not one");
    uint8_t version = hist__get_u8(&r);
    if (hist__load32((const uint8_t *)bytes + len - 4) != hist__checksum(bytes, len - 4))
        return pt_fail(err, PT_ECORRUPT, "damaged journal row: checksum");
    if (version != VERSION && version != WITH_LINES) return pt_fail(err, PT_EUNSUPPORTED, "journal row version %u", version);
    r.end -= 4;
    uint64_t n = hist__get_varint(&r);
    if (!r.ok || n > hist__left(&r) / 2) return pt_fail(err, PT_ECORRUPT, "damaged journal row: count");
    pt_status st = hist__rows_reserve(out, (size_t)n);
    const char *fault = NULL;
    if (st == PT_OK)
        st = decode(&r, (size_t)n, HIST_NULL | HIST_HISTORICAL | HIST_STATE | (version == WITH_LINES ? HIST_THINNED : 0), out, &fault);
    if (st == PT_OK && r.p != r.end) {
        fault = "bytes left over";
        st = PT_ECORRUPT;
    }
    if (st != PT_OK) return st == PT_ECORRUPT ? pt_fail(err, st, "damaged journal row: %s", fault ? fault : "too short") : st;
    out->n += (size_t)n;
    return PT_OK;
}

bool hist__journal_is_packed(const void *bytes, size_t len)
{
    return len > 2 && *(const uint8_t *)bytes == PACKED;
}

pt_status hist__journal_pack(const pt_buf *rows, uint64_t samples, pt_buf *out)
{
    size_t bound = ZSTD_compressBound(rows->len);
    if (rows->len > PACKED_MAX) return PT_ETOOBIG;
    pt_buf_reset(out);
    uint8_t head[2 + 2 * PT_VARINT_MAX] = { PACKED, PACKED_VERSION };
    uint8_t *p = pt_varint_put(pt_varint_put(head + 2, samples), rows->len);
    pt_status st = pt_buf_add(out, head, (size_t)(p - head));
    if (st == PT_OK) st = pt_buf_reserve(out, bound + 4);
    if (st != PT_OK) return st;
    size_t len = ZSTD_compress(out->ptr + out->len, bound, rows->ptr, rows->len, ZSTD_LEVEL);
    if (ZSTD_isError(len)) return PT_ENOMEM;
    out->len += len;
    uint8_t sum[4];
    hist__store32(sum, hist__checksum(out->ptr, out->len));
    return pt_buf_add(out, sum, sizeof sum);
}

static pt_status decode_all(const uint8_t *bytes, size_t len, hist__rows *out, pt_error *err)
{
    hist__reader r = { .p = bytes, .end = bytes + len, .ok = true };
    pt_status st = PT_OK;
    while (st == PT_OK && r.p < r.end) {
        uint64_t size = hist__get_varint(&r);
        const uint8_t *row = size <= hist__left(&r) ? hist__get_bytes(&r, (size_t)size) : NULL;
        st = row ? decode_row(row, (size_t)size, out, err) : pt_fail(err, PT_ECORRUPT, "damaged journal row: lengths");
    }
    return st;
}

static pt_status decode_packed(const void *bytes, size_t len, hist__rows *out, pt_error *err)
{
    hist__reader r = { .p = (const uint8_t *)bytes + 1, .end = (const uint8_t *)bytes + len - 4, .ok = true };
    if (len < 8 || hist__load32((const uint8_t *)bytes + len - 4) != hist__checksum(bytes, len - 4))
        return pt_fail(err, PT_ECORRUPT, "damaged journal row: checksum");
    uint8_t version = hist__get_u8(&r);
    if (version != PACKED_VERSION) return pt_fail(err, PT_EUNSUPPORTED, "packed journal row version %u", version);
    uint64_t n = hist__get_varint(&r), size = hist__get_varint(&r);
    if (!r.ok || size > PACKED_MAX) return pt_fail(err, PT_ECORRUPT, "damaged journal row: size");
    uint8_t *plain = malloc((size_t)size + 1);
    if (!plain) return PT_ENOMEM;
    size_t before = out->n;
    pt_status st = ZSTD_decompress(plain, (size_t)size, r.p, hist__left(&r)) == size
                       ? decode_all(plain, (size_t)size, out, err)
                       : pt_fail(err, PT_ECORRUPT, "damaged journal row: zstd");
    free(plain);
    if (st == PT_OK && out->n - before != n) st = pt_fail(err, PT_ECORRUPT, "damaged journal row: count");
    if (st != PT_OK) out->n = before;
    return st;
}

pt_status hist__journal_decode(const void *bytes, size_t len, hist__rows *out, pt_error *err)
{
    return hist__journal_is_packed(bytes, len) ? decode_packed(bytes, len, out, err) : decode_row(bytes, len, out, err);
}
