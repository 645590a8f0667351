/* tests/historian/format_decoder.c */
#include "tests/historian/format_decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* ---- bytes --------------------------------------------------------------------------------------------------- */

typedef struct in {
    const uint8_t *p, *end;
    const char *fault;
} in;

static uint8_t u8(in *s)
{
    if (s->p < s->end) return *s->p++;
    s->fault = "too short";
    return 0;
}

static uint64_t little(in *s, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)u8(s) << (8 * i);
    return v;
}

static uint64_t varint(in *s)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = u8(s);
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128) return v;
    }
    s->fault = "varint";
    return 0;
}

static uint64_t zigzag(in *s)
{
    uint64_t v = varint(s);
    return (v >> 1) ^ (v & 1 ? UINT64_MAX : 0);
}

/* XXH64, seed 0: from the algorithm's public description. */
static uint64_t rot(uint64_t v, int r)
{
    return v << r | v >> (64 - r);
}
static uint64_t word(const uint8_t *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}
static uint64_t xxh64(const uint8_t *p, size_t n)
{
    const uint64_t A = 11400714785074694791u, B = 14029467366897019727u, C = 1609587929392839161u, D = 9650029242287828579u,
                   E = 2870177450012600261u;
    uint64_t acc[4] = { A + B, B, 0, 0 - A }, h = E;
    size_t at = 0;
    if (n >= 32) {
        for (; n - at >= 32; at += 32) {
            for (int i = 0; i < 4; i++)
                acc[i] = rot(acc[i] + word(p + at + 8 * i, 8) * B, 31) * A;
        }
        h = rot(acc[0], 1) + rot(acc[1], 7) + rot(acc[2], 12) + rot(acc[3], 18);
        for (int i = 0; i < 4; i++)
            h = (h ^ (rot(acc[i] * B, 31) * A)) * A + D;
    }
    h += n;
    for (; n - at >= 8; at += 8)
        h = rot(h ^ (rot(word(p + at, 8) * B, 31) * A), 27) * A + D;
    if (n - at >= 4) {
        h = rot(h ^ word(p + at, 4) * A, 23) * B + C;
        at += 4;
    }
    for (; at < n; at++)
        h = rot(h ^ p[at] * E, 11) * A;
    h = (h ^ h >> 33) * B;
    h = (h ^ h >> 29) * C;
    return h ^ h >> 32;
}

/* ---- families: "All values of a block are of one family" ------------------------------------------------------- */

typedef enum family { NONE, INTEGER, DOUBLE, FLOAT, STRING } family;
static family family_of(uint8_t type)
{
    if ((type >= 1 && type <= 8) || type == 11 || type == 13) return INTEGER; /* Int8..UInt64, Boolean, DateTime */
    if (type == 9) return FLOAT;
    if (type == 10) return DOUBLE;
    if (type == 12 || (type >= 14 && type <= 19) || (type >= 22 && type <= 34)) return STRING;
    return NONE;
}

/* ---- 3: number columns ----------------------------------------------------------------------------------------- */

static void packed(in *s, size_t n, uint64_t *out)
{
    unsigned w = u8(s);
    uint64_t e = varint(s);
    if (s->fault || (w > 57 && w != 64) || (size_t)(s->end - s->p) < (n * w + 7) / 8) {
        s->fault = "packed";
        return;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (unsigned b = 0; b < w; b++) {
            size_t bit = i * w + b;
            out[i] |= (uint64_t)(s->p[bit / 8] >> (bit % 8) & 1) << b;
        }
    }
    s->p += (n * w + 7) / 8;
    size_t at = 0;
    for (uint64_t i = 0; i < e && !s->fault; i++) {
        uint64_t gap = varint(s), high = varint(s);
        at += gap;
        if (at >= n || w == 64) s->fault = "exception";
        else out[at++] |= high << w;
    }
}

static void column(in *s, size_t n, uint64_t *out, bool only_for)
{
    uint64_t first, base, slope;
    uint8_t transform = u8(s);
    if (only_for && transform != 0) {
        s->fault = "a column of runs";
        return;
    }
    switch (transform) {
    case 0:
        base = zigzag(s);
        packed(s, n, out);
        for (size_t i = 0; i < n; i++)
            out[i] += base;
        return;
    case 1:
        first = zigzag(s);
        base = zigzag(s);
        if (n == 0) return;
        packed(s, n - 1, out + 1);
        out[0] = first;
        for (size_t i = 1; i < n; i++)
            out[i] += out[i - 1] + base;
        return;
    case 2:
        first = zigzag(s);
        slope = varint(s);
        base = zigzag(s);
        packed(s, n, out);
        for (size_t i = 0; i < n; i++)
            out[i] += first + (i * slope >> 32) + base;
        return;
    case 3: {
        uint64_t runs = varint(s);
        if (runs < 1 || runs > 2048) {
            s->fault = "runs";
            return;
        }
        uint64_t values[2048], lengths[2048];
        column(s, (size_t)runs, values, true);
        column(s, (size_t)runs, lengths, true);
        size_t at = 0;
        for (uint64_t r = 0; r < runs && !s->fault; r++) {
            for (uint64_t k = 0; k <= lengths[r]; k++) {
                if (at == n) {
                    s->fault = "run lengths";
                    return;
                }
                out[at++] = values[r];
            }
        }
        if (at != n) s->fault = "run lengths";
        return;
    }
    default: s->fault = "transform";
    }
}

/* ---- 3: values ------------------------------------------------------------------------------------------------- */

static uint64_t bits_of_double(double v)
{
    uint64_t w;
    memcpy(&w, &v, 8);
    return w;
}
static uint64_t bits_of_float(float v)
{
    uint32_t w;
    memcpy(&w, &v, 4);
    return w;
}

static void decimals(in *s, size_t n, uint64_t *out, bool is_float)
{
    unsigned e = u8(s);
    double power = 1;
    for (unsigned i = 0; i < e; i++)
        power *= 10;
    column(s, n, out, false);
    for (size_t i = 0; i < n; i++) {
        double v = (double)(int64_t)out[i] / power;
        out[i] = is_float ? bits_of_float((float)v) : bits_of_double(v);
    }
    uint64_t x = varint(s);
    size_t at = 0;
    for (uint64_t i = 0; i < x && !s->fault; i++) {
        at += varint(s);
        uint64_t w = little(s, is_float ? 4 : 8);
        if (at >= n) s->fault = "exception";
        else out[at++] = w;
    }
}

static void planes(in *s, size_t n, uint64_t *out, unsigned width)
{
    uint8_t flags = u8(s);
    uint64_t len = varint(s);
    uint8_t *raw = calloc(n + 1, width);
    if (s->fault || !raw || len > (uint64_t)(s->end - s->p) || ZSTD_decompress(raw, n * width, s->p, (size_t)len) != n * width)
        s->fault = "planes";
    else s->p += len;
    for (size_t i = 0; i < n && !s->fault; i++) {
        out[i] = 0;
        for (unsigned b = 0; b < width; b++)
            out[i] |= (uint64_t)raw[b * n + i] << (8 * b);
        if ((flags & 1) && i) out[i] ^= out[i - 1];
    }
    free(raw);
}

static void strings(in *s, size_t n, fd_result *out, const size_t *place)
{
    uint64_t d = varint(s);
    if (d > 65536) s->fault = "dictionary";
    uint64_t *lengths = calloc((size_t)(s->fault ? 0 : d) + 1, 8), *index = calloc(n + 1, 8),
             *start = calloc((size_t)(s->fault ? 0 : d) + 1, 8);
    if (!s->fault) column(s, (size_t)d, lengths, false);
    if (!s->fault) column(s, n, index, false);
    uint64_t total = varint(s), stored = varint(s), sum = 0;
    for (uint64_t i = 0; i < d && !s->fault; i++) {
        start[i] = sum;
        sum += lengths[i];
    }
    if (!s->fault && (sum != total || stored > (uint64_t)(s->end - s->p) || total > 256u << 20)) s->fault = "dictionary";
    if (!s->fault) {
        out->heap = malloc((size_t)total + 1);
        if (stored < total) {
            if (ZSTD_decompress(out->heap, (size_t)total, s->p, (size_t)stored) != total) s->fault = "dictionary frame";
        } else {
            memcpy(out->heap, s->p, (size_t)total);
        }
        s->p += stored;
    }
    for (size_t i = 0; i < n && !s->fault; i++) {
        if (index[i] >= d) {
            s->fault = "dictionary index";
            break;
        }
        out->rows[place[i]].bytes = out->heap + start[index[i]];
        out->rows[place[i]].len = (size_t)lengths[index[i]];
    }
    free(lengths);
    free(index);
    free(start);
}

static bool whole(const uint8_t *bytes, size_t len, uint8_t magic, fd_result *out)
{
    *out = (fd_result){ 0 };
    if (len < 6 || bytes[0] != magic || (bytes[1] != 1 && !(magic != 0xa8 && bytes[1] == 2))) out->fault = "magic or version";
    else if ((uint32_t)xxh64(bytes, len - 4) != word(bytes + len - 4, 4)) out->fault = "checksum";
    return out->fault == NULL;
}

/* ---- 3: a block ------------------------------------------------------------------------------------------------ */

void fd_block(const uint8_t *bytes, size_t len, fd_result *out)
{
    if (!whole(bytes, len, 0xb7, out)) return;
    in s = { bytes + 2, bytes + len - 4, NULL };
    if (bytes[1] == 2) {
        uint64_t bits = little(&s, 8);
        memcpy(&out->deviation, &bits, 8);
    }
    uint32_t tag = (uint32_t)varint(&s);
    uint64_t n = varint(&s);
    if (n < 1 || n > 16384) s.fault = "rows";
    if (s.fault) {
        out->fault = s.fault;
        return;
    }
    uint8_t kinds[255][3];
    unsigned count = u8(&s);
    for (unsigned k = 0; k < count; k++) {
        for (int i = 0; i < 3; i++)
            kinds[k][i] = u8(&s);
    }
    uint64_t *numbers = calloc((size_t)n, 8);
    size_t *place = calloc((size_t)n, sizeof *place), values = 0;
    out->rows = calloc((size_t)n, sizeof *out->rows);
    out->n = (size_t)n;
    if (count > 1) column(&s, (size_t)n, numbers, false);
    family all = NONE;
    for (size_t i = 0; i < n && !s.fault; i++) {
        if (numbers[i] >= count) {
            s.fault = "kind index";
            break;
        }
        fd_row *r = &out->rows[i];
        r->tag_id = tag;
        r->type = kinds[numbers[i]][0];
        r->quality = kinds[numbers[i]][1];
        r->flags = kinds[numbers[i]][2];
        if (r->flags & (1 | 4)) continue; /* NULL, STATE: no value */
        family f = family_of(r->type);
        if (f == NONE || (all != NONE && f != all)) s.fault = "families";
        all = f;
        place[values++] = i;
    }
    if (!s.fault) column(&s, (size_t)n, numbers, false);
    for (size_t i = 0; i < n && !s.fault; i++)
        out->rows[i].time_ms = (int64_t)numbers[i];
    out->encoding = u8(&s);
    if (!s.fault) {
        static const family of[] = { NONE, INTEGER, DOUBLE, DOUBLE, DOUBLE, FLOAT, FLOAT, FLOAT, STRING };
        if (out->encoding > 8 || of[out->encoding] != all) s.fault = "encoding";
    }
    if (!s.fault) {
        switch (out->encoding) {
        case 0: break;
        case 1:
        case 3:
        case 6: column(&s, values, numbers, false); break;
        case 2: decimals(&s, values, numbers, false); break;
        case 5: decimals(&s, values, numbers, true); break;
        case 4: planes(&s, values, numbers, 8); break;
        case 7: planes(&s, values, numbers, 4); break;
        default: strings(&s, values, out, place); break;
        }
    }
    for (size_t i = 0; i < values && !s.fault && out->encoding && out->encoding != 8; i++)
        out->rows[place[i]].word = numbers[i];
    if (!s.fault && s.p != s.end) s.fault = "bytes left over";
    out->fault = s.fault;
    free(numbers);
    free(place);
}

/* ---- 4: a journal row ------------------------------------------------------------------------------------------ */

/* Rows in one, each with its length before it; those with bytes of their own are not kept apart here. */
static void packed_rows(const uint8_t *bytes, size_t len, fd_result *out)
{
    if (!whole(bytes, len, 0xa8, out)) return;
    in s = { bytes + 2, bytes + len - 4, NULL };
    uint64_t n = varint(&s), size = varint(&s);
    if (s.fault || size > 1u << 26) {
        out->fault = "packed size";
        return;
    }
    out->heap = malloc((size_t)size + 1);
    out->rows = calloc((size_t)n + 1, sizeof *out->rows);
    if (ZSTD_decompress(out->heap, (size_t)size, s.p, (size_t)(s.end - s.p)) != size) out->fault = "zstd";
    in all = { out->heap, out->heap + size, NULL };
    while (!out->fault && all.p < all.end) {
        size_t one = (size_t)varint(&all);
        fd_result r = { .fault = "length" };
        if (!all.fault && one <= (size_t)(all.end - all.p)) fd_journal_row(all.p, one, &r);
        if (!r.fault && out->n + r.n > n) r.fault = "count";
        if (!r.fault) memcpy(out->rows + out->n, r.rows, r.n * sizeof *r.rows);
        for (size_t i = 0; !r.fault && i < r.n; i++) {
            if (out->rows[out->n + i].bytes) out->rows[out->n + i].bytes = NULL;
        }
        if (r.fault) out->fault = r.fault;
        else out->n += r.n;
        fd_free(&r);
        all.p += one;
    }
    if (!out->fault && out->n != n) out->fault = "count";
}

void fd_journal_row(const uint8_t *bytes, size_t len, fd_result *out)
{
    if (len && bytes[0] == 0xa8) {
        packed_rows(bytes, len, out);
        return;
    }
    if (!whole(bytes, len, 0xa7, out)) return;
    in s = { bytes + 2, bytes + len - 4, NULL };
    uint64_t n = varint(&s);
    if (n > len) s.fault = "count";
    if (s.fault) {
        out->fault = s.fault;
        return;
    }
    out->rows = calloc((size_t)n + 1, sizeof *out->rows);
    out->heap = malloc(len);
    size_t used = 0;
    uint8_t kind[3] = { 0 };
    uint64_t time = 0, tag = 0;
    for (; out->n < n && !s.fault; out->n++) {
        fd_row *r = &out->rows[out->n];
        unsigned control = u8(&s), value = control & 15, clock = control >> 5;
        if (control & 16) {
            for (int i = 0; i < 3; i++)
                kind[i] = u8(&s);
        }
        if (clock > 4) s.fault = "time";
        else if (clock) {
            uint64_t d = little(&s, 1u << (clock - 1));
            time += (d >> 1) ^ (d & 1 ? UINT64_MAX : 0);
        }
        tag += zigzag(&s);
        *r = (fd_row){ .tag_id = (uint32_t)tag, .time_ms = (int64_t)time, .type = kind[0], .quality = kind[1], .flags = kind[2] };
        if (r->flags & (1 | 4)) continue;
        family f = family_of(r->type);
        if (value == 9) {
            r->len = (size_t)varint(&s);
            if (s.fault || f != STRING || r->len > (size_t)(s.end - s.p)) {
                s.fault = "bytes";
                break;
            }
            memcpy(out->heap + used, s.p, r->len);
            r->bytes = out->heap + used;
            used += r->len;
            s.p += r->len;
            continue;
        }
        uint64_t v = little(&s, value > 8 ? 0 : value);
        if (f == INTEGER) r->word = (v >> 1) ^ (v & 1 ? UINT64_MAX : 0);
        else if (f == DOUBLE && value <= 8) r->word = value ? v << 8 * (8 - value) : 0;
        else if (f == FLOAT && value <= 4) r->word = value ? v << 8 * (4 - value) : 0;
        else s.fault = "value";
    }
    if (!s.fault && s.p != s.end) s.fault = "bytes left over";
    out->fault = s.fault;
}

void fd_free(fd_result *r)
{
    free(r->rows);
    free(r->heap);
    *r = (fd_result){ 0 };
}
