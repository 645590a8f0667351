/* historian/format/ints.c -- plan first (two or three passes that only count), then write the cheapest plan once. */
#include "historian/format/ints.h"

#include <stdlib.h>

enum { FOR, DELTA, LINE, RLE };

/* How a run of numbers would be packed. */
typedef struct plan {
    uint64_t base;
    unsigned width;
    size_t exceptions;
    size_t bytes; /* of the packed part, estimated from above */
} plan;

pt_status hist__ints_work_reserve(hist__ints_work *w, size_t n)
{
    if (n <= w->cap) return PT_OK;
    uint64_t *all = realloc(w->delta, n * 4 * sizeof *all);
    if (!all) return PT_ENOMEM;
    *w = (hist__ints_work){ .delta = all, .line = all + n, .values = all + 2 * n, .lengths = all + 3 * n, .cap = n };
    return PT_OK;
}

void hist__ints_work_fini(hist__ints_work *w)
{
    free(w->delta);
    *w = (hist__ints_work){ 0 };
}

/* ---- planning ----------------------------------------------------------------------------------------------- */

static unsigned storable(unsigned width) /* what an unaligned 64-bit load can serve */
{
    return width > 57 ? 64 : width;
}

/* The best width over `base`, from the distribution of bit lengths. */
static void plan_widths(const uint64_t *v, size_t n, uint64_t base, plan *best)
{
    size_t count[65] = { 0 };
    for (size_t i = 0; i < n; i++)
        count[hist__bit_length(v[i] - base)]++;
    size_t above = 0;      /* numbers longer than the width looked at */
    size_t high_bytes[65]; /* varint bytes of the bits above, per bit length beyond the width */
    for (unsigned w = 65; w-- > 0;) {
        unsigned stored = storable(w);
        if (stored != w) {
            above += count[w];
            continue;
        }
        size_t bytes = (n * w + 7) / 8 + above * 2;
        if (above) {
            for (unsigned len = w + 1; len <= 64; len++) {
                high_bytes[len] = (len - w + 6) / 7;
                bytes += count[len] * high_bytes[len];
            }
        }
        if (bytes < best->bytes) *best = (plan){ .base = base, .width = w, .exceptions = above, .bytes = bytes };
        above += count[w];
    }
    if (n * 8 < best->bytes) *best = (plan){ .base = base, .width = 64, .exceptions = 0, .bytes = n * 8 };
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static plan plan_pack(const uint64_t *v, size_t n)
{
    plan best = { .bytes = 0 };
    if (n == 0) return best;
    int64_t min = (int64_t)v[0], max = min;
    for (size_t i = 1; i < n; i++) {
        int64_t x = (int64_t)v[i];
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    unsigned width = storable(hist__bit_length((uint64_t)max - (uint64_t)min));
    best = (plan){ .base = (uint64_t)min, .width = width, .exceptions = 0, .bytes = (n * width + 7) / 8 };
    if (width <= 4) return best;
    plan_widths(v, n, (uint64_t)min, &best);

    /* A single low outlier makes every residual over the minimum long: look where most of the numbers are. */
    if (n >= 16 && best.width > 8) {
        enum { PROBES = 32 };
        int64_t probe[PROBES];
        size_t probes = n < PROBES ? n : PROBES;
        for (size_t i = 0; i < probes; i++)
            probe[i] = (int64_t)v[i * n / probes];
        qsort(probe, probes, sizeof probe[0], by_value);
        uint64_t low = (uint64_t)probe[probes / 8], spread = (uint64_t)probe[probes - 1 - probes / 8] - low;
        if (hist__bit_length(spread) + 4 < best.width) plan_widths(v, n, low - spread - 1, &best);
    }
    return best;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static uint8_t *pack(const uint64_t *v, size_t n, const plan *pl, uint8_t *p)
{
    unsigned w = pl->width;
    *p++ = (uint8_t)w;
    p = pt_varint_put(p, pl->exceptions);
    if (w == 64) {
        for (size_t i = 0; i < n; i++, p += 8)
            hist__store64(p, v[i] - pl->base);
    } else if (w > 0) {
        const uint64_t mask = (UINT64_C(1) << w) - 1;
        uint64_t acc = 0;
        unsigned fill = 0;
        for (size_t i = 0; i < n; i++) {
            uint64_t x = (v[i] - pl->base) & mask;
            acc |= x << fill;
            fill += w;
            if (fill >= 64) {
                hist__store64(p, acc);
                p += 8;
                fill -= 64;
                acc = fill ? x >> (w - fill) : 0;
            }
        }
        for (; fill > 0; fill = fill > 8 ? fill - 8 : 0) {
            *p++ = (uint8_t)acc;
            acc >>= 8;
        }
    }
    if (pl->exceptions) {
        size_t next = 0;
        for (size_t i = 0; i < n; i++) {
            uint64_t high = (v[i] - pl->base) >> w;
            if (!high) continue;
            p = pt_varint_put(p, i - next);
            p = pt_varint_put(p, high);
            next = i + 1;
        }
    }
    return p;
}

size_t hist__ints_encode(hist__ints_work *w, const uint64_t *v, size_t n, bool line, uint8_t *out)
{
    uint8_t *p = out;
    plan with_for = plan_pack(v, n), with_delta = { .bytes = SIZE_MAX / 2 }, with_line = { .bytes = SIZE_MAX / 2 };
    uint64_t slope = 0;
    size_t runs = n ? 1 : 0;
    if (n >= 3 && with_for.bytes > 0) {
        for (size_t i = 1; i < n; i++) {
            w->delta[i - 1] = v[i] - v[i - 1];
            runs += v[i] != v[i - 1];
        }
        with_delta = plan_pack(w->delta, n - 1);
        uint64_t span = v[n - 1] - v[0];
        if (line && span < UINT64_C(1) << 32 && with_delta.bytes > 0) {
            slope = (span << 32) / (n - 1);
            for (size_t i = 0; i < n; i++)
                w->line[i] = v[i] - v[0] - (i * slope >> 32);
            with_line = plan_pack(w->line, n);
        }
    }
    size_t best = with_for.bytes;
    if (with_delta.bytes < best) best = with_delta.bytes;
    if (with_line.bytes + 4 < best) best = with_line.bytes + 4;

    if (runs < n / 3 && runs <= HIST__RUNS_MAX && best > 8) {
        size_t r = 0, begin = 0;
        for (size_t i = 1; i <= n; i++) {
            if (i < n && v[i] == v[begin]) continue;
            w->values[r] = v[begin];
            w->lengths[r++] = i - begin - 1;
            begin = i;
        }
        plan values = plan_pack(w->values, runs), lengths = plan_pack(w->lengths, runs);
        if (values.bytes + lengths.bytes + 10 < best) {
            *p++ = RLE;
            p = pt_varint_put(p, runs);
            *p++ = FOR;
            p = pt_varint_put(p, hist__zigzag(values.base));
            p = pack(w->values, runs, &values, p);
            *p++ = FOR;
            p = pt_varint_put(p, hist__zigzag(lengths.base));
            p = pack(w->lengths, runs, &lengths, p);
            return (size_t)(p - out);
        }
    }
    if (with_line.bytes + 4 == best) {
        *p++ = LINE;
        p = pt_varint_put(p, hist__zigzag(v[0]));
        p = pt_varint_put(p, slope);
        p = pt_varint_put(p, hist__zigzag(with_line.base));
        p = pack(w->line, n, &with_line, p);
    } else if (with_delta.bytes == best && with_delta.bytes < with_for.bytes) {
        *p++ = DELTA;
        p = pt_varint_put(p, hist__zigzag(v[0]));
        p = pt_varint_put(p, hist__zigzag(with_delta.base));
        p = pack(w->delta, n - 1, &with_delta, p);
    } else {
        *p++ = FOR;
        p = pt_varint_put(p, hist__zigzag(with_for.base));
        p = pack(v, n, &with_for, p);
    }
    return (size_t)(p - out);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* Eight numbers of W bits start on a byte boundary every W bytes; with W constant each shift is one. */
#define UNPACK8(W)                                                          \
    case W:                                                                 \
        for (; i + 8 <= n && at + 7 * W / 8 + 8 <= size; i += 8, at += W) { \
            const uint8_t *q = p + at;                                      \
            out[i] = hist__load64(q) & mask;                                \
            out[i + 1] = hist__load64(q + W / 8) >> (W % 8) & mask;         \
            out[i + 2] = hist__load64(q + 2 * W / 8) >> (2 * W % 8) & mask; \
            out[i + 3] = hist__load64(q + 3 * W / 8) >> (3 * W % 8) & mask; \
            out[i + 4] = hist__load64(q + 4 * W / 8) >> (4 * W % 8) & mask; \
            out[i + 5] = hist__load64(q + 5 * W / 8) >> (5 * W % 8) & mask; \
            out[i + 6] = hist__load64(q + 6 * W / 8) >> (6 * W % 8) & mask; \
            out[i + 7] = hist__load64(q + 7 * W / 8) >> (7 * W % 8) & mask; \
        }                                                                   \
        break;

static void unpack_bits(const uint8_t *p, size_t size, unsigned w, uint64_t *out, size_t n)
{
    const uint64_t mask = (UINT64_C(1) << w) - 1;
    size_t i = 0, at = 0;
    /* clang-format off */
    switch (w) { /*OPTIMIZATION-IF-TRUE: the loop below does all widths */
        UNPACK8(1) UNPACK8(2) UNPACK8(3) UNPACK8(4) UNPACK8(5) UNPACK8(6) UNPACK8(7) UNPACK8(8) UNPACK8(9) UNPACK8(10) UNPACK8(11)
        UNPACK8(12) UNPACK8(13) UNPACK8(14) UNPACK8(15) UNPACK8(16) UNPACK8(17) UNPACK8(18) UNPACK8(19) UNPACK8(20) UNPACK8(24) UNPACK8(32)
        default: break;
    }
    /* clang-format on */
    for (; i < n; i++) {
        size_t bit = i * w, byte = bit / 8;
        uint64_t word = 0;
        if (byte + 8 <= size) word = hist__load64(p + byte);
        else memcpy(&word, p + byte, size - byte);
        out[i] = word >> (bit % 8) & mask;
    }
}

static bool unpack(hist__reader *r, uint64_t *out, size_t n)
{
    unsigned w = hist__get_u8(r);
    uint64_t exceptions = hist__get_varint(r);
    if ((w > 57 && w != 64) || exceptions > n) return r->ok = false;
    size_t size = (n * w + 7) / 8;
    const uint8_t *p = hist__get_bytes(r, size);
    if (!p) return false;
    if (w == 0) memset(out, 0, n * sizeof *out);
    else if (w == 64) memcpy(out, p, size);
    else unpack_bits(p, size, w, out, n);

    uint64_t next = 0;
    for (uint64_t e = 0; e < exceptions; e++) {
        uint64_t gap = hist__get_varint(r), high = hist__get_varint(r);
        if (!r->ok || gap >= n - next || w == 64) return r->ok = false;
        next += gap;
        out[next++] |= high << w;
        if (next >= n && e + 1 < exceptions) return r->ok = false;
    }
    return r->ok;
}

static bool decode_for(hist__reader *r, uint64_t *out, size_t n)
{
    uint64_t base = hist__unzigzag(hist__get_varint(r));
    if (!unpack(r, out, n)) return false;
    for (size_t i = 0; i < n; i++)
        out[i] += base;
    return true;
}

static bool decode_rle(hist__reader *r, uint64_t *out, size_t n)
{
    uint64_t runs = hist__get_varint(r);
    if (!r->ok || runs == 0 || runs > n || runs > HIST__RUNS_MAX) return r->ok = false;
    uint64_t values[HIST__RUNS_MAX], lengths[HIST__RUNS_MAX];
    bool ok =
        hist__get_u8(r) == FOR && decode_for(r, values, (size_t)runs) && hist__get_u8(r) == FOR && decode_for(r, lengths, (size_t)runs);
    size_t at = 0;
    for (size_t k = 0; ok && k < runs; k++) {
        if (lengths[k] >= n - at) ok = false;
        for (size_t i = 0; ok && i <= lengths[k]; i++)
            out[at + i] = values[k];
        at += ok ? (size_t)lengths[k] + 1 : 0;
        if (at == n && k + 1 < runs) ok = false;
    }
    if (!ok || at != n) return r->ok = false;
    return true;
}

bool hist__ints_decode(hist__reader *r, uint64_t *out, size_t n)
{
    if (n > HIST__INTS_MAX) return r->ok = false;
    switch (hist__get_u8(r)) {
    case FOR: return r->ok && decode_for(r, out, n);
    case DELTA: {
        uint64_t at = hist__unzigzag(hist__get_varint(r)), base = hist__unzigzag(hist__get_varint(r));
        if (n == 0 || !unpack(r, out + 1, n - 1)) return r->ok = false;
        out[0] = at;
        for (size_t i = 1; i < n; i++)
            out[i] = at += out[i] + base;
        return true;
    }
    case LINE: {
        uint64_t first = hist__unzigzag(hist__get_varint(r)), slope = hist__get_varint(r);
        first += hist__unzigzag(hist__get_varint(r));
        if (!unpack(r, out, n)) return false;
        for (size_t i = 0; i < n; i++)
            out[i] += first + (i * slope >> 32);
        return true;
    }
    case RLE: return decode_rle(r, out, n);
    default: return r->ok = false;
    }
}
